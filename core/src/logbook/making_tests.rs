//! Making a book while others do the same, and folders from which a part is gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};

use serde_json::json;

use super::recovery_tests::counted;
use super::safety_tests::count;
use super::tests::{MemoryVault, case, setup};
use super::*;
use crate::error::{LogbookError, MissingPart};
use crate::ids::SystemIds;
use crate::store::key::BookKey;
use crate::store::key_file::KeyFile;
use crate::store::{FileLock, backup};

/// Randomness that differs from one to the next.
fn own_ids(setup: Setup) -> Setup {
    Setup { ids: Arc::new(SystemIds), ..setup }
}

#[test]
fn whoever_comes_at_the_same_time_writes_into_one_book() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let setup = own_ids(setup(&folder.path().join("a/book")));
        let racers = if round % 2 == 0 { 2 } else { 5 };
        let line = Barrier::new(racers);
        let codes: Vec<Option<RecoveryCode>> = std::thread::scope(|scope| {
            let race = || {
                line.wait();
                let (book, code) = Logbook::open_or_create(setup.clone()).unwrap();
                case(&book, json!({"procedure": "picc"}));
                code
            };
            let racers: Vec<_> = (0..racers).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let [code] = &codes.iter().flatten().collect::<Vec<_>>()[..] else {
            panic!("one of them made it: {}", codes.iter().flatten().count());
        };
        let book = Logbook::open(setup.clone()).unwrap();
        assert_eq!(count(&book), racers as u64);
        drop(book);
        let empty = Setup { vault: Arc::new(MemoryVault::default()), ..setup };
        Logbook::recover_key(&empty.place.folder, &empty.vault, code).unwrap();
        assert_eq!(count(&Logbook::open(empty).unwrap()), racers as u64);
    }
}

#[test]
fn one_of_two_who_insist_on_a_new_book_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let setup = own_ids(setup(&folder.path().join("book")));
    let line = Barrier::new(2);
    let both = std::thread::scope(|scope| {
        let race = || {
            line.wait();
            Logbook::create(setup.clone()).map(drop)
        };
        let (one, two) = (scope.spawn(race), scope.spawn(race));
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert!(both.contains(&Ok(())) && both.contains(&Err(LogbookError::BookExists)), "{both:?}");
}

#[test]
fn what_a_killed_beginning_left_is_no_book_and_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, kept) = counted();
    let setup = Setup { vault, ..setup(folder.path()) };
    let preparing = folder.path().join("preparing");
    fs::create_dir(&preparing).unwrap();
    fs::write(preparing.join("book.db"), "half").unwrap();
    let (key, code) = (BookKey::new(&SystemIds), RecoveryCode::new(&SystemIds));
    let key_file = KeyFile::new(&key, &code.identity().unwrap().to_public()).unwrap();
    key_file.write(&preparing).unwrap();
    setup.vault.store(key.name(), key.to_bytes().to_vec()).unwrap();
    fs::write(folder.path().join("book.lock"), "").unwrap();
    assert!(!setup.place.has_book());
    assert_eq!(Logbook::open(setup.clone()).unwrap_err(), LogbookError::NoBook);
    let (book, code) = Logbook::open_or_create(setup).unwrap();
    assert!(code.is_some() && !preparing.exists());
    assert_eq!(count(&book), 0);
    assert_eq!(kept.names(), [book.store.key().name()], "the key of the beginning is gone too");
}

#[test]
fn a_book_in_use_is_said_to_be_where_nobody_can_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    drop(Logbook::create(setup.clone()).unwrap());
    let used = FileLock::own_book(folder.path()).unwrap();
    // It cannot be opened for writing, as on a disk that cannot be written.
    fs::remove_file(folder.path().join("making.lock")).unwrap();
    fs::create_dir(folder.path().join("making.lock")).unwrap();
    assert_eq!(Logbook::open(setup.clone()).unwrap_err(), LogbookError::Busy);
    drop(used);
    assert!(Logbook::open(setup).is_ok());
}

#[test]
fn a_vault_that_keeps_nothing_makes_no_book() {
    struct Full;
    impl KeyVault for Full {
        fn load(&self, _: String) -> Result<Option<Vec<u8>>, crate::store::key::KeyVaultError> {
            Ok(None)
        }
        fn store(&self, _: String, _: Vec<u8>) -> Result<(), crate::store::key::KeyVaultError> {
            Err(crate::store::key::KeyVaultError::Unavailable)
        }
        fn remove(&self, _: String) -> Result<(), crate::store::key::KeyVaultError> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let good = setup(folder.path());
    let full = Setup { vault: Arc::new(Full), ..good.clone() };
    for _ in 0..2 {
        let refused = Logbook::open_or_create(full.clone()).unwrap_err();
        assert_eq!(refused, LogbookError::KeyUnavailable);
        assert!(!good.place.has_book());
    }
    assert!(Logbook::open_or_create(good).unwrap().1.is_some());
}

/// Every file below a folder with its bytes; locks and shared memory say nothing.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !name.ends_with("lock") && !name.ends_with("-shm") {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The parts of a folder whose numbers `chosen` has.
fn subset<'p>(parts: &[&'p str], chosen: usize) -> Vec<&'p str> {
    parts.iter().enumerate().filter(|(n, _)| chosen >> n & 1 == 1).map(|(_, part)| *part).collect()
}

/// A book with one case and an automatic backup of it.
fn backed_up() -> (tempfile::TempDir, Setup, RecoveryCode) {
    let base = tempfile::tempdir().unwrap();
    let setup = setup(&base.path().join("book"));
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    case(&book, json!({"procedure": "picc"}));
    book.automatic_backup_job().unwrap().unwrap().run(|_| ()).unwrap();
    (base, setup, code)
}

#[test]
fn parts_that_are_taken_away_and_returned_leave_everything_as_it_was() {
    let (base, setup, code) = backed_up();
    let (folder, away) = (&setup.place.folder, base.path().join("away"));
    fs::create_dir(&away).unwrap();
    let parts = ["book.db", "book.key", "book.key.copy", "backups"];
    let all = files(folder);
    let mut told = BTreeSet::new();
    // Without any of them there is no trace left to go by; only the shell's own note can tell then.
    for chosen in 1..(1 << parts.len()) - 1 {
        let taken = subset(&parts, chosen);
        for part in &taken {
            fs::rename(folder.join(part), away.join(part)).unwrap();
        }
        let before = files(folder);
        assert!(setup.place.has_book(), "{taken:?}");
        assert!(Logbook::create(setup.clone()).is_err(), "{taken:?}");
        match Logbook::open_or_create(setup.clone()) {
            Ok((book, made)) => assert!(made.is_none() && count(&book) == 1, "{taken:?}"),
            Err(LogbookError::PartMissing { part }) => {
                let database = taken.contains(&"book.db");
                assert_eq!(part == MissingPart::Database, database, "{taken:?}");
                told.insert(format!("{part:?}"));
                assert_eq!(
                    Logbook::open(setup.clone()).map(drop),
                    Err(LogbookError::PartMissing { part })
                );
                assert_eq!(
                    Logbook::change_key_job(&setup).err(),
                    Some(LogbookError::PartMissing { part })
                );
            }
            Err(other) => panic!("{taken:?}: {other:?}"),
        }
        assert_eq!(files(folder), before, "{taken:?}: something was made or changed");
        assert_eq!(backup::found_in(folder).is_empty(), taken.contains(&"backups"));
        for part in &taken {
            fs::rename(away.join(part), folder.join(part)).unwrap();
        }
        assert_eq!(files(folder), all, "{taken:?}");
        assert_eq!(count(&Logbook::open(setup.clone()).unwrap()), 1, "{taken:?}");
    }
    assert_eq!(told.len(), 2);
    let empty = Setup { vault: Arc::new(MemoryVault::default()), ..setup };
    Logbook::recover_key(&empty.place.folder, &empty.vault, &code).unwrap();
    assert_eq!(count(&Logbook::open(empty).unwrap()), 1);
}

#[test]
fn a_backup_in_a_folder_without_its_book_is_offered_and_restored() {
    let (_base, setup, code) = backed_up();
    let folder = &setup.place.folder;
    fs::remove_file(folder.join("book.db")).unwrap();
    // What a program that was killed left of its last session.
    fs::write(folder.join("book.db-wal"), "the newest").unwrap();
    let keys = fs::read(folder.join("book.key")).unwrap();
    let [found] = &backup::found_in(folder)[..] else { panic!("one backup") };
    assert!(found.bytes > 0 && found.day.as_ref().is_some_and(|day| day.starts_with("20")));
    let file = Path::new(&found.file);
    let job = Logbook::restore_job(&setup, file, code.text().to_string().into()).unwrap();
    let kept = PathBuf::from(job.run(|_| ()).unwrap().put_in_place().unwrap().replaced.unwrap());
    assert_eq!(fs::read(kept.join("book.key")).unwrap(), keys, "the old key file is kept");
    assert_eq!(fs::read(kept.join("book.db-wal")).unwrap(), b"the newest", "the old log is kept");
    assert_eq!(count(&Logbook::open(setup).unwrap()), 1);
}
