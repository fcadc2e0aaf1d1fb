//! Flipped bits, cut-off files, full disks, keys that do not come: found and said, and nothing is lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::error::{DamagedPart, LogbookError};
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::Place;
use seldinger_core::store::key::{KeyVault as _, KeyVaultError};
use serde_json::Value;
use system_tests::{App, MemoryVault, SeededIds, case, raw, setup};

const FLIPS: usize = 200;

/// Files of a book, as they are on disk.
type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() && !name.ends_with("-shm") {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// A new folder with these files.
fn put(base: &Path, number: usize, files: &Files) -> PathBuf {
    let folder = base.join(number.to_string());
    fs::create_dir(&folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    folder
}

fn at(setup: &Setup, folder: &Path) -> Setup {
    Setup { place: Place::new(folder), ..setup.clone() }
}

/// Every case that can be read, by its number; all of them are what was saved.
fn read_all(book: &Logbook) -> Result<BTreeMap<u64, Value>, LogbookError> {
    let (mut found, mut after) = (BTreeMap::new(), None);
    loop {
        let page = book.cases(&CaseFilter::default(), CaseSort::Newest, after.as_deref())?;
        for row in page.rows() {
            let fields = Value::Object(book.record(row.id)?.fields);
            found.insert(fields["number"].as_u64().unwrap(), fields);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn note(number: u64) -> String {
    format!("case {number} ").repeat(30)
}

fn assert_true(read: &BTreeMap<u64, Value>) {
    for (number, fields) in read {
        assert_eq!(*fields, Value::Object(case(*number, &note(*number))), "a wrong value");
    }
}

/// A closed book with `number` cases.
fn closed(folder: &Path, number: u64) -> Setup {
    let setup = setup(&folder.join("book"), 5);
    let book = Logbook::create(setup.clone()).unwrap().0;
    for number in 0..number {
        book.create_case(case(number, &note(number))).unwrap();
    }
    setup
}

#[test]
fn every_flip_in_the_database_is_found_and_no_value_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let setup = closed(folder.path(), 60);
    let whole = files(&setup.place.folder);
    assert!(!whole.contains_key("book.db-wal"), "a clean close empties the log");
    let ids = SeededIds::new(7);
    let mut opened = 0;
    for number in 0..FLIPS {
        let mut flipped = whole.clone();
        let bytes = flipped.get_mut("book.db").unwrap();
        // The header page, and of it the first bytes, more often than chance would.
        let at_byte = match number {
            0..20 => ids.below(100),
            20..40 => ids.below(4096),
            _ => ids.below(bytes.len()),
        };
        bytes[at_byte] ^= 1 << ids.below(8);
        let place = put(folder.path(), number, &flipped);
        let damaged = match Logbook::open(at(&setup, &place)) {
            Err(error) => matches!(error, LogbookError::Damaged { .. }),
            Ok(book) => {
                opened += 1;
                match read_all(&book) {
                    Ok(read) => assert_true(&read),
                    Err(error) => assert!(matches!(error, LogbookError::Damaged { .. })),
                }
                !book.verify_job().unwrap().run(|_| ()).unwrap().is_whole()
            }
        };
        assert!(damaged, "a flip at {at_byte} was not found");
    }
    assert!(opened > FLIPS / 4, "most damage does not keep a book shut: {opened}");
}

#[test]
fn a_flip_in_the_log_never_gives_a_wrong_value() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder.path().join("book"), 5);
    let book = Logbook::create(setup.clone()).unwrap().0;
    let saved = 20;
    for number in 0..saved {
        book.create_case(case(number, &note(number))).unwrap();
    }
    // As a crash leaves them: the book is open, and nobody is writing.
    let whole = files(&setup.place.folder);
    let log = whole["book.db-wal"].len();
    drop(book);
    let ids = SeededIds::new(8);
    let (mut reported, mut last_lost) = (0, 0);
    for number in 0..FLIPS {
        let mut flipped = whole.clone();
        let bytes = flipped.get_mut("book.db-wal").unwrap();
        let at_byte = if number < 20 { ids.below(56) } else { ids.below(log) };
        bytes[at_byte] ^= 1 << ids.below(8);
        let place = put(folder.path(), number, &flipped);
        match Logbook::open(at(&setup, &place)) {
            Err(LogbookError::Damaged { .. }) => {
                reported += 1;
                assert_eq!(files(&place)["book.db-wal"], flipped["book.db-wal"], "left as it is");
            }
            Err(error) => panic!("a flip at {at_byte}: {error:?}"),
            Ok(book) => {
                let read = read_all(&book).unwrap();
                assert_true(&read);
                // Only the last transaction may be missing.
                assert!(read.len() as u64 >= saved - 1, "a flip at {at_byte}: {}", read.len());
                last_lost += u64::from(read.len() as u64 == saved - 1);
            }
        }
    }
    assert!(reported > FLIPS / 2, "{reported} reported, {last_lost} lost the last one");
}

#[test]
fn a_cut_log_opens_on_request_and_is_kept_as_it_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder.path().join("book"), 5);
    let book = Logbook::create(setup.clone()).unwrap().0;
    for number in 0..10 {
        book.create_case(case(number, &note(number))).unwrap();
    }
    let mut cut = files(&setup.place.folder);
    drop(book);
    let log = cut.get_mut("book.db-wal").unwrap();
    let middle = log.len() / 2;
    log[middle] ^= 1;
    let place = put(folder.path(), 0, &cut);
    let mut setup = at(&setup, &place);
    let refused = Logbook::open(setup.clone()).unwrap_err();
    assert_eq!(refused, LogbookError::Damaged { part: DamagedPart::WriteAheadLog });
    setup.place.accept_cut_log = true;
    let read = read_all(&Logbook::open(setup).unwrap()).unwrap();
    assert_true(&read);
    assert!((1..10).contains(&read.len()));
    let aside = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path.is_dir()).collect();
    let [aside] = &aside[..] else { panic!("{aside:?}") };
    assert!(aside.file_name().unwrap().to_string_lossy().starts_with("damaged-"));
    let kept = files(aside);
    for name in ["book.db", "book.db-wal", "book.key", "book.key.copy"] {
        assert_eq!(kept[name], cut[name], "{name}");
    }
}

#[test]
fn a_cut_off_database_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let setup = closed(folder.path(), 40);
    let whole = files(&setup.place.folder);
    let length = whole["book.db"].len();
    for (number, end) in [0, 1, 16, 4_095, 4_096, 8_192, length / 2, length - 4_096, length - 1]
        .into_iter()
        .enumerate()
    {
        let mut cut = whole.clone();
        cut.get_mut("book.db").unwrap().truncate(end);
        let place = put(folder.path(), number, &cut);
        match Logbook::open(at(&setup, &place)) {
            Err(error) => {
                assert!(matches!(error, LogbookError::Damaged { .. }), "{end}: {error:?}");
            }
            Ok(_) => panic!("cut off at {end}, it opened"),
        }
        assert_eq!(files(&place)["book.db"], cut["book.db"], "cut off at {end}, it was touched");
    }
}

#[test]
fn a_key_that_does_not_come_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("book");
    let vault = Arc::new(MemoryVault::default());
    let setup = Setup { vault: vault.clone(), ..setup(&place, 5) };
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    book.create_case(case(1, &note(1))).unwrap();
    drop(book);
    let before = files(&place);
    let refused = |error: LogbookError| {
        assert_eq!(Logbook::open(setup.clone()).unwrap_err(), error);
        assert_eq!(Logbook::change_key_job(&setup).err(), Some(error));
        assert_eq!(files(&place), before);
    };
    for (failure, error) in [
        (KeyVaultError::Locked, LogbookError::KeyLocked),
        (KeyVaultError::Cancelled, LogbookError::KeyCancelled),
        (KeyVaultError::WrongPassphrase, LogbookError::WrongKey),
        (KeyVaultError::Unavailable, LogbookError::KeyUnavailable),
    ] {
        vault.fail(Some(failure));
        refused(error);
    }
    vault.fail(None);
    let name = vault.names().remove(0);
    vault.store(name.clone(), vec![7; 48]).unwrap();
    refused(LogbookError::WrongKey);
    vault.store(name.clone(), vec![7; 5]).unwrap();
    refused(LogbookError::WrongKey);
    vault.remove(name).unwrap();
    refused(LogbookError::KeyMissing);
    Logbook::recover_key(&place, &setup.vault, &code).unwrap();
    assert_true(&read_all(&Logbook::open(setup.clone()).unwrap()).unwrap());
}

#[test]
fn a_newer_schema_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let place = folder.path().join("book");
    let setup = Setup { vault: vault.clone(), ..setup(&place, 5) };
    let book = Logbook::create(setup.clone()).unwrap().0;
    book.create_case(case(1, &note(1))).unwrap();
    drop(book);
    raw(&place, &*vault).execute_batch("PRAGMA user_version = 99").unwrap();
    let before = files(&place);
    let newer = LogbookError::NewerSchema { found: 99, known: seldinger_core::store::SCHEMA };
    assert_eq!(Logbook::open(setup.clone()).unwrap_err(), newer);
    let changed = Logbook::change_key_job(&setup).and_then(|job| job.run(|_| ()));
    assert_eq!(changed.err(), Some(newer));
    assert_eq!(files(&place), before);
}

/// Fills a disk of one mebibyte under a book, on a mount that only this process and its children see.
const FULL_DISK: &str = r#"
set -u
mount -t tmpfs -o size=2m tmpfs "$DISK" || exit 97
"$APP" --data "$DISK/data" jot 'R picc' >/dev/null 2>&1 || exit 98
cat /dev/zero > "$DISK/filler" 2>/dev/null
saved=1
for n in $(seq 1 2000); do
  "$APP" --data "$DISK/data" jot "port $n" >/dev/null 2>"$SAID"
  code=$?
  [ $code -eq 0 ] || break
  saved=$((saved + 1))
done
echo "$code"
"$APP" --data "$DISK/data" backup "$DISK/out.backup" >/dev/null 2>&1
echo "$?"
rm "$DISK/filler"
"$APP" --data "$DISK/data" jot 'tips' >/dev/null 2>&1 || exit 99
saved=$((saved + 1))
echo "$saved"
"$APP" --data "$DISK/data" cases --json --limit 0 | wc -l
"$APP" --data "$DISK/data" verify >/dev/null
echo "$?"
ls -A "$DISK" | tr '\n' ' '
"#;

#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::print_stderr, reason = "whoever runs the tests is to know what was left out")]
fn a_full_disk_is_told_and_what_was_saved_is_kept() {
    let app = App::new();
    let (disk, said) = (app.folder().join("disk"), app.folder().join("said"));
    fs::create_dir(&disk).unwrap();
    let mut unshare = Command::new("unshare");
    // As anybody else than root the mount needs a user namespace too.
    let root = fs::metadata("/proc/self")
        .is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0);
    unshare.args(if root { &["--mount"][..] } else { &["--mount", "--map-root-user"] });
    unshare.args(["sh", "-c", FULL_DISK]);
    let set_up = app.command(&[]);
    system_tests::inherit(&set_up, &mut unshare);
    unshare.env("APP", system_tests::binary()).env("DISK", &disk).env("SAID", &said);
    let output = unshare.output();
    let mounted = output.as_ref().is_ok_and(|output| {
        !matches!(output.status.code(), Some(1 | 97)) || !output.stdout.is_empty()
    });
    if !mounted {
        assert!(std::env::var_os("REQUIRE_SHELLS").is_none(), "no small disk: {output:?}");
        eprintln!("SKIPPED: a small disk cannot be mounted here");
        return;
    }
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    let [jot, backup, saved, listed, verified, left] = &lines[..] else { panic!("{told}") };
    assert_eq!((*jot, *backup), ("6", "6"), "{told}");
    assert!(fs::read_to_string(&said).unwrap().contains("The disk is full"));
    assert_eq!(saved.trim(), listed.trim(), "every saved case is there");
    assert_eq!(*verified, "0");
    assert_eq!(left.trim(), "data", "nothing half-written is left");
}
