//! Backup, restore and keys over real files, with a crash between any two steps of a swap.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::tests::{case, setup};
use super::*;
use crate::error::{DamagedPart, LogbookError};
use crate::store::Existing;
use crate::store::backup::{self, Seal};
use crate::store::key::RecoveryCode;

pub(super) fn backup(book: &Logbook, file: &Path, seal: Seal) {
    book.backup_job(file, Existing::Replace, seal).unwrap().run(|_| ()).unwrap();
}

pub(super) fn count(book: &Logbook) -> u64 {
    book.count_cases(&crate::case_log::list::CaseFilter::default()).unwrap()
}

/// A book with one case, its setup, code and a backup of it; then a second case.
pub(super) fn backed_up(folder: &Path) -> (Setup, RecoveryCode, std::path::PathBuf) {
    let setup = setup(&folder.join("book"));
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    case(&book, json!({"procedure": "picc"}));
    let file = folder.join("out.backup");
    backup(&book, &file, Seal::RecoveryCode);
    case(&book, json!({"procedure": "tips", "note": "Ångström café 5F", "tags": ["a", "b"]}));
    (setup, code, file)
}

pub(super) fn restore(setup: &Setup, file: &Path, secret: &str) -> Result<backup::RestoreReport> {
    Logbook::restore_job(setup, file, secret.to_owned().into())?.run(|_| ())?.put_in_place()
}

pub(super) fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_restored_book_is_the_old_one_under_a_new_device_id() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let device = Logbook::open(setup.clone()).unwrap().device();
    let report = restore(&setup, &file, &code.text()).unwrap();
    assert_eq!(report.records, 1);
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(count(&book), 1);
    assert_ne!(book.device(), device);
    let kept = report.replaced.unwrap();
    let replaced = Setup { place: Place::new(&kept), ..setup };
    assert_eq!(count(&Logbook::open(replaced).unwrap()), 2, "the replaced book is kept whole");
}

#[test]
fn nothing_is_replaced_while_the_book_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(restore(&setup, &file, &code.text()), Err(LogbookError::Busy));
    assert_eq!(Logbook::change_key_job(&setup).err(), Some(LogbookError::Busy));
    assert_eq!(count(&book), 2);
}

#[test]
fn a_stopped_or_refused_restore_leaves_the_book() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let before = entries(&setup.place.folder);
    let other = RecoveryCode::new(&crate::ids::SystemIds);
    assert_eq!(restore(&setup, &file, &other.text()), Err(LogbookError::WrongKey));
    assert_eq!(restore(&setup, &file, "a passphrase"), Err(LogbookError::NotACode));
    for steps in 0..4 {
        let job = Logbook::restore_job(&setup, &file, code.text().to_string().into()).unwrap();
        for _ in 0..steps {
            assert!(!job.step().unwrap().finished, "it takes more than {steps} steps");
        }
        job.cancel();
        assert_eq!(job.step().unwrap_err(), LogbookError::Cancelled);
        drop(job);
        assert_eq!(entries(&setup.place.folder), before);
        assert_eq!(count(&Logbook::open(setup.clone()).unwrap()), 2);
    }
}

#[test]
fn a_changed_key_opens_and_the_old_one_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let old = fs::read(setup.place.folder.join("book.key")).unwrap();
    let change = Logbook::change_key_job(&setup).unwrap().run(|_| ()).unwrap();
    let shown = change.recovery_code();
    assert!(!format!("{change:?}").contains(&*shown));
    let new: RecoveryCode = shown.parse().unwrap();
    assert_eq!(fs::read(setup.place.folder.join("book.key")).unwrap(), old, "not in force yet");
    change.put_in_force().unwrap();
    assert_ne!(fs::read(setup.place.folder.join("book.key")).unwrap(), old);
    assert_eq!(count(&Logbook::open(setup.clone()).unwrap()), 2);
    assert!(entries(&setup.place.folder).iter().all(|name| !name.contains("dropped")));
    // Only the new key is in the vault, and only the new code brings it back.
    let empty = Setup { vault: std::sync::Arc::new(super::tests::MemoryVault::default()), ..setup };
    let recover =
        |code: &RecoveryCode| Logbook::recover_key(&empty.place.folder, &empty.vault, code);
    assert_eq!(recover(&code), Err(LogbookError::WrongKey));
    recover(&new).unwrap();
    assert_eq!(count(&Logbook::open(empty.clone()).unwrap()), 2);
    // The backup of before opens with the code of before.
    assert_eq!(restore(&empty, &file, &code.text()).unwrap().records, 1);
    assert_eq!(count(&Logbook::open(empty).unwrap()), 1);
}

/// Copies a folder with everything in it.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Every state of the folder between two renames of a swap, given how it was before and after, as a
/// crash would leave it.
fn interrupted(old: &Path, new: &Path, aside: &str, base: &Path) -> Vec<std::path::PathBuf> {
    let files = ["book.db", "book.db-wal", "book.db-shm", "book.key", "book.key.copy"];
    let mut states = Vec::new();
    for moved in 0..=files.len() {
        let state = base.join(format!("out-{moved}"));
        copy(old, &state);
        copy(new, &state.join(format!("incoming-{aside}")));
        fs::create_dir_all(state.join(aside)).unwrap();
        for name in &files[..moved] {
            let _ = fs::rename(state.join(name), state.join(aside).join(name));
        }
        states.push(state);
    }
    for moved in 0..=files.len() {
        let state = base.join(format!("in-{moved}"));
        fs::create_dir_all(&state).unwrap();
        copy(old, &state.join(aside));
        copy(new, &state.join(format!("arriving-{aside}")));
        for name in files.iter().rev().take(moved) {
            let arriving = state.join(format!("arriving-{aside}"));
            let _ = fs::rename(arriving.join(name), state.join(name));
        }
        states.push(state);
    }
    states
}

#[test]
fn a_crash_anywhere_in_a_swap_leaves_a_book_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let old = folder.path().join("old");
    copy(&setup.place.folder, &old);
    restore(&setup, &file, &code.text()).unwrap();
    let new = folder.path().join("new");
    fs::create_dir(&new).unwrap();
    for name in ["book.db", "book.key", "book.key.copy"] {
        fs::copy(setup.place.folder.join(name), new.join(name)).unwrap();
    }
    let named = |place: &Path| crate::store::key_file::KeyFile::read(place).unwrap().key_name;
    let keys = [&old, &new].map(|place| {
        let name = named(place);
        (name.clone(), setup.vault.load(name).unwrap().unwrap())
    });
    // Each with a vault of its own, as a book and its key leave together.
    let at = |place: &Path| {
        let vault = std::sync::Arc::new(super::tests::MemoryVault::default());
        for (name, key) in &keys {
            vault.store(name.clone(), key.clone()).unwrap();
        }
        Setup { place: Place::new(place), vault, ..setup.clone() }
    };

    // Before the one rename that decides, the old book is the book.
    copy(&old, &folder.path().join("early"));
    copy(&new, &folder.path().join("early/preparing"));
    assert_eq!(count(&Logbook::open(at(&folder.path().join("early"))).unwrap()), 2);

    // After it, the new one is, and the old one is kept or gone as it was meant.
    for (number, aside) in ["replaced-then", "dropped-then"].into_iter().enumerate() {
        let base = folder.path().join(number.to_string());
        for state in interrupted(&old, &new, aside, &base) {
            let place = at(&state);
            assert!(place.place.has_book(), "{}", state.display());
            assert_eq!(Logbook::create(place.clone()).unwrap_err(), LogbookError::BookExists);
            assert_eq!(count(&Logbook::open(place).unwrap()), 1, "{}", state.display());
            let kept = state.join("replaced-then");
            assert_eq!(kept.exists(), aside == "replaced-then");
            assert!(!state.join("dropped-then").exists());
            if kept.exists() {
                assert_eq!(count(&Logbook::open(at(&kept)).unwrap()), 2);
            }
        }
    }
}

#[test]
fn a_verification_repairs_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, ..) = backed_up(folder.path());
    let verify =
        || Logbook::open(setup.clone()).unwrap().verify_job().unwrap().run(|_| ()).unwrap();
    let whole = verify();
    assert!(whole.is_whole() && whole.records == 2 && whole.pages > 10, "{whole:?}");
    fs::write(setup.place.folder.join("book.key.copy"), "?").unwrap();
    assert_eq!(verify().repaired, [DamagedPart::KeyFile]);
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(book.search("tips", None, None).unwrap().hits.len(), 1);
    book.store
        .write(|conn| {
            conn.execute("INSERT INTO search (search) VALUES ('delete-all')", []).unwrap();
            Ok(())
        })
        .unwrap();
    assert_eq!(book.search("tips", None, None).unwrap().hits.len(), 0);
    drop(book);
    assert_eq!(verify().repaired, [DamagedPart::SearchIndex]);
    assert_eq!(verify(), whole);
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(book.search("tips", None, None).unwrap().hits.len(), 1);
    book.store.write(record::sum_up).unwrap();
    drop(book);
    // The sums themselves take pages.
    let summed = VerifyReport { pages: whole.pages, ..verify() };
    assert_eq!(summed, whole, "sums that are right are left alone");
    let book = Logbook::open(setup.clone()).unwrap();
    case(&book, json!({"note": "since then"}));
    book.store
        .write(|conn| {
            conn.execute("UPDATE digest SET sum = randomblob(16)", []).unwrap();
            Ok(())
        })
        .unwrap();
    drop(book);
    assert_eq!(verify().repaired, [DamagedPart::Sums]);
    assert!(verify().repaired.is_empty());
    let book = Logbook::open(setup.clone()).unwrap();
    book.store
        .write(|conn| {
            conn.execute("UPDATE record SET meta = x'00' WHERE k = 1", []).unwrap();
            Ok(())
        })
        .unwrap();
    drop(book);
    let report = verify();
    assert_eq!((report.records, report.bad_records), (2, 1));
    assert_eq!(report.damaged, [DamagedPart::Record]);
}

#[test]
fn a_backup_of_a_former_version_stops_no_verification() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, ..) = backed_up(folder.path());
    let book = Logbook::open(setup.clone()).unwrap();
    book.automatic_backup_job().unwrap().unwrap().run(|_| ()).unwrap();
    let former = setup.place.folder.join("backups/2026-01-01.000000000001.00000000.backup");
    fs::write(former, "seldinger-backup 1\nwhatever it was").unwrap();
    let report = book.verify_job().unwrap().run(|_| ()).unwrap();
    let found: Vec<_> = report.backups.iter().map(|backup| (backup.whole, backup.former)).collect();
    assert!(found.len() == 2 && found.contains(&(true, false)) && found.contains(&(false, true)));
    assert!(report.is_whole(), "the book itself and what can be told of its backups");
}

#[test]
fn automatic_backups_come_when_due_and_open_with_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    case(&book, json!({}));
    let made = book.automatic_backup_job().unwrap().unwrap().run(|_| ()).unwrap();
    assert!(book.automatic_backup_job().unwrap().is_none());
    case(&book, json!({}));
    assert!(book.automatic_backup_job().unwrap().is_none(), "one a day");
    drop(book);
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = Setup { place: Place::new(elsewhere.path().join("a/b")), ..setup };
    let report = restore(&elsewhere, Path::new(&made.file), &code.text()).unwrap();
    assert_eq!((report.records, report.replaced), (1, None));
    assert_eq!(count(&Logbook::open(elsewhere).unwrap()), 1);
}

#[test]
fn an_older_schema_is_backed_up_before_it_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, _) = backed_up(folder.path());
    // There is no older schema yet: a migration is what `before_migration` is called for.
    let book = Logbook::open(setup.clone()).unwrap();
    let store = &book.store;
    backup::before_migration(store.backup_source(book.now()).unwrap(), 1, "now").unwrap();
    drop(book);
    let made = setup.place.folder.join("backups/schema-1.now.backup");
    assert_eq!(restore(&setup, &made, &code.text()).unwrap().records, 2);
}
