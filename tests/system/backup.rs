//! A backup opens with its secret and with nothing else, and every change of it is found.

use std::fs;
use std::path::{Path, PathBuf};

use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::{ImportOptions, ImportSource, Logbook, Setup};
use seldinger_core::store::Existing;
use seldinger_core::store::backup::{RestoreReport, Seal};
use seldinger_core::store::key::RecoveryCode;
use system_tests::{App, SeededIds, case, rotation, setup};

const PASSPHRASE: &str = "correct horse battery staple";
/// BLAKE3 of everything before stands at the end of a backup.
const HASH: usize = 32;

/// A book with the sample rotation, its code, and a backup of it.
fn backed_up(folder: &Path, seal: Seal) -> (Setup, RecoveryCode, PathBuf) {
    let setup = setup(&folder.join("book"), 3);
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    let source = ImportSource::Path(rotation());
    book.import_job(source, ImportOptions::default()).unwrap().run(|_| ()).unwrap();
    let file = folder.join("out.backup");
    let report = book.backup_job(&file, Existing::Refuse, seal).unwrap().run(|_| ()).unwrap();
    assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
    (setup, code, file)
}

fn restore(setup: &Setup, file: &Path, secret: &str) -> Result<RestoreReport, LogbookError> {
    Logbook::restore_job(setup, file, secret.to_owned().into())?.run(|_| ())?.put_in_place()
}

fn cases(setup: &Setup) -> u64 {
    Logbook::open(setup.clone()).unwrap().count_cases(&CaseFilter::default()).unwrap()
}

#[test]
fn a_passphrase_opens_it_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let seal = Seal::Passphrase(PASSPHRASE.to_owned().into());
    assert!(!format!("{seal:?}").contains("horse"));
    let (from, code, file) = backed_up(folder.path(), seal);
    let target = setup(&folder.path().join("elsewhere"), 4);
    for wrong in ["correct horse", "", &*code.text()] {
        assert_eq!(restore(&target, &file, wrong), Err(LogbookError::WrongKey));
        assert!(!target.place.has_book());
    }
    let report = restore(&target, &file, PASSPHRASE).unwrap();
    assert_eq!((report.records, report.replaced), (112, None));
    assert_eq!(cases(&target), cases(&from));
}

#[test]
fn a_backup_shows_one_moment_while_saving_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder.path().join("book"), 3);
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    for number in 0..300 {
        book.create_case(case(number, &"a long story ".repeat(400))).unwrap();
    }
    let file = folder.path().join("out.backup");
    let job = book.backup_job(&file, Existing::Replace, Seal::RecoveryCode).unwrap();
    let mut number = 300;
    let mut done = 0;
    while !job
        .step()
        .map(|progress| {
            assert!(progress.done >= done && progress.done <= progress.total);
            done = progress.done;
            progress.finished
        })
        .unwrap()
    {
        book.create_case(case(number, "later")).unwrap();
        number += 1;
    }
    assert!(number > 303, "it was not made in steps");
    drop(book);
    assert_eq!(restore(&setup, &file, &code.text()).unwrap().records, 300);
}

#[test]
fn a_stopped_backup_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, _, file) = backed_up(folder.path(), Seal::RecoveryCode);
    let whole = fs::read(&file).unwrap();
    let book = Logbook::open(setup).unwrap();
    let refused = book.backup_job(&file, Existing::Refuse, Seal::RecoveryCode);
    assert_eq!(refused.err(), Some(LogbookError::FileExists));
    assert_eq!(fs::read(&file).unwrap(), whole);
    for steps in 0..3 {
        let job = book.backup_job(&file, Existing::Replace, Seal::RecoveryCode).unwrap();
        assert_eq!(
            book.backup_job(&file, Existing::Replace, Seal::RecoveryCode).err(),
            Some(LogbookError::Busy),
            "one at a time"
        );
        for _ in 0..steps {
            job.step().unwrap();
        }
        job.cancel();
        assert_eq!(job.step(), Err(LogbookError::Cancelled));
        drop(job);
        assert_eq!(fs::read(&file).unwrap(), whole, "the one before is still there");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

#[test]
fn every_flip_and_every_cut_is_found_with_and_without_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path(), Seal::RecoveryCode);
    let before = cases(&setup);
    let whole = fs::read(&file).unwrap();
    let name = setup.place.folder.join("backups/2026-10-05.000000000001.00000000.backup");
    let found = |bytes: &[u8], what: &str| {
        fs::write(&file, bytes).unwrap();
        assert_eq!(restore(&setup, &file, &code.text()), Err(LogbookError::BadBackup), "{what}");
    };
    let ids = SeededIds::new(200);
    for flip in 0..200 {
        let mut bytes = whole.clone();
        // The first bytes are looked at more often than chance would.
        let at = if flip < 40 { ids.below(600) } else { ids.below(bytes.len()) };
        bytes[at] ^= 1 << ids.below(8);
        found(&bytes, &format!("a flip at {at}"));
    }
    // Ends: nothing, in the first line, in age's head, at and around each of its chunks, in the hash.
    let mut ends = vec![0, 1, 18, 19, 20, 51, 52, 100, 300];
    for chunk in (0..whole.len()).step_by(65_536 + 16) {
        ends.extend([chunk.saturating_sub(1), chunk, chunk + 1]);
    }
    ends.extend([whole.len() - HASH - 1, whole.len() - HASH, whole.len() - 1]);
    for end in ends {
        found(&whole[..end], &format!("cut off at {end}"));
    }
    found(&[&whole[..], b"x"].concat(), "a byte too many");
    assert_eq!(cases(&setup), before, "the book is as it was");

    // The check that verify makes needs no secret.
    let book = Logbook::open(setup.clone()).unwrap();
    let verify = || book.verify_job().unwrap().run(|_| ()).unwrap();
    fs::write(&name, &whole).unwrap();
    assert!(verify().is_whole());
    let mut bytes = whole;
    bytes[70_000] ^= 1;
    fs::write(&name, &bytes).unwrap();
    let report = verify();
    assert!(!report.is_whole() && report.damaged.is_empty() && !report.backups[0].whole);
}

/// Whoever changes a backup on purpose also mends the hash at its end; then its authentication tells.
#[test]
fn a_forged_backup_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path(), Seal::RecoveryCode);
    let whole = fs::read(&file).unwrap();
    let sealed = &whole[..whole.len() - HASH];
    let forged = |bytes: &[u8], what: &str| {
        let hash = blake3::hash(bytes);
        fs::write(&file, [bytes, hash.as_bytes()].concat()).unwrap();
        let refused = restore(&setup, &file, &code.text()).unwrap_err();
        let expected =
            [LogbookError::BadBackup, LogbookError::WrongKey, LogbookError::ForgedBackup];
        let expected = expected.contains(&refused);
        assert!(expected, "{what}: {refused:?}");
    };
    let ids = SeededIds::new(60);
    for flip in 0..60 {
        let mut bytes = sealed.to_vec();
        let at = if flip < 30 { ids.below(500) } else { ids.below(bytes.len()) };
        bytes[at] ^= 1 << ids.below(8);
        forged(&bytes, &format!("a flip at {at}"));
    }
    // Whole chunks taken off the end: only age's mark of the last one tells.
    let tail = (sealed.len() - 1) % (65_536 + 16);
    for end in [sealed.len() - 1, sealed.len() - tail, sealed.len() - tail - 65_552, 30, 19] {
        forged(&sealed[..end], &format!("cut off at {end}"));
    }
    assert_eq!(cases(&setup), 46);
}

#[test]
fn a_restore_needs_no_whole_book_and_keeps_what_it_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path(), Seal::RecoveryCode);
    let (place, number) = (setup.place.folder.clone(), cases(&setup));
    let read = |name: &str| fs::read(place.join(name)).unwrap();
    let harms: [(&str, &dyn Fn()); 5] = [
        ("a flip", &|| {
            let mut bytes = read("book.db");
            bytes[5_000] ^= 1;
            fs::write(place.join("book.db"), bytes).unwrap();
        }),
        ("cut off", &|| fs::write(place.join("book.db"), &read("book.db")[..9_000]).unwrap()),
        ("empty", &|| fs::write(place.join("book.db"), "").unwrap()),
        ("no key files", &|| {
            fs::write(place.join("book.key"), "?").unwrap();
            fs::remove_file(place.join("book.key.copy")).unwrap();
        }),
        ("no database", &|| fs::remove_file(place.join("book.db")).unwrap()),
    ];
    for (what, harm) in harms {
        harm();
        let damaged = fs::read(place.join("book.db")).unwrap_or_default();
        let report = restore(&setup, &file, &code.text()).unwrap();
        assert_eq!((report.records, cases(&setup)), (112, number), "after {what}");
        let kept = PathBuf::from(report.replaced.unwrap());
        assert_eq!(fs::read(kept.join("book.db")).unwrap_or_default(), damaged, "{what} is kept");
    }
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The recovery code among what was said.
fn code_in(said: &str) -> String {
    let line = said.lines().find(|line| line.starts_with("    ")).unwrap();
    line.trim().to_owned()
}

#[test]
fn the_command_line_backs_up_restores_and_changes_keys() {
    let app = App::new();
    let run = |args: &[&str], secrets: &[(&str, &str)], input: &str| {
        let mut command = app.command(args);
        command.envs(secrets.iter().copied());
        let file = app.folder().join("input");
        fs::write(&file, input).unwrap();
        command.stdin(fs::File::open(file).unwrap()).output().unwrap()
    };
    let (old, new) = (("SELDINGER_PASSPHRASE", "old"), ("SELDINGER_PASSPHRASE", "new"));
    let code = code_in(&said(&run(&["jot", "R picc"], &[old], "")));
    let file = app.folder().join("out.backup").display().to_string();
    let secret = ("SELDINGER_BACKUP_PASSPHRASE", PASSPHRASE);
    let made = run(&["backup", &file], &[old, secret], "");
    assert!(made.status.success() && !said(&made).contains(PASSPHRASE), "{}", said(&made));
    run(&["jot", "port"], &[old], "");
    let before = fs::read(&file).unwrap();
    let again = run(&["backup", &file], &[old, secret], "");
    assert_eq!(again.status.code(), Some(6), "{}", said(&again));
    assert!(said(&again).contains("--force") && fs::read(&file).unwrap() == before);
    let other = app.folder().join("other.backup").display().to_string();
    fs::write(&other, "something else").unwrap();
    let forced = run(&["backup", "--force", "--recovery-code", &other], &[old], "");
    assert!(forced.status.success(), "{}", said(&forced));
    assert!(fs::read(&other).unwrap().starts_with(b"seldinger-backup 2 code\n"));

    let refused = run(&["restore", &file], &[old], "");
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    let listed = |secret| run(&["cases", "--json"], &[secret], "").stdout;
    let now = listed(old);
    let refused = run(&["restore", &file], &[old], &format!("{PASSPHRASE}\n"));
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("Written since: 1.") && said(&refused).contains("--force"));
    assert_eq!(listed(old), now);
    let restored = run(&["restore", "--force", &file], &[old], &format!("{PASSPHRASE}\n"));
    assert!(restored.status.success(), "{}", said(&restored));
    for part in ["made on", "today", "Written since: 1.", "Records restored: 1.", "replaced-"] {
        assert!(said(&restored).contains(part), "{part}: {}", said(&restored));
    }
    assert_eq!(listed(old).split(|byte| *byte == b'\n').count(), 2);

    let changed = run(&["key", "change"], &[old, ("SELDINGER_NEW_PASSPHRASE", "new")], "");
    assert!(changed.status.success(), "{}", said(&changed));
    let newer = code_in(&said(&changed));
    assert!(newer != code && !listed(new).is_empty());
    assert_eq!(run(&["cases"], &[old], "").status.code(), Some(4));

    // The passphrase is forgotten: the code of now brings a new one in, that of before does not.
    let third = ("SELDINGER_PASSPHRASE", "third");
    assert_eq!(run(&["key", "recover"], &[third], &code).status.code(), Some(4));
    assert!(!listed(new).is_empty());
    let recovered = run(&["key", "recover"], &[third], &newer.to_lowercase());
    assert!(recovered.status.success(), "{}", said(&recovered));
    assert!(!listed(third).is_empty());
    let verified = run(&["verify", "--json"], &[third], "");
    assert!(String::from_utf8_lossy(&verified.stdout).contains("\"whole\":true"));
    let book = app.data().join("books/own/book.db");
    let mut bytes = fs::read(&book).unwrap();
    bytes[9_000] ^= 1;
    fs::write(&book, bytes).unwrap();
    let verified = run(&["verify", "--json"], &[third], "");
    assert_eq!(verified.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&verified.stdout).contains("\"whole\":false"));
}
