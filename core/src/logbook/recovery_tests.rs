//! The recovery code until it is confirmed, keys that come into force and go, and what a restore tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::safety_tests::{backed_up, backup, copy, count, entries, restore};
use super::tests::{MemoryVault, setup};
use super::*;
use crate::case_log::list::{CaseFilter, CaseSort};
use crate::error::{DamagedPart, LogbookError};
use crate::ids::SystemIds;
use crate::store::backup::{ReplacedBook, Seal};
use crate::store::key::{KeyVault, KeyVaultError, RecoveryCode};
use crate::store::key_file::KeyFile;
use crate::sync::Fingerprint;

/// A vault that tells what it holds, and can be told to forget nothing.
#[derive(Default)]
pub(super) struct Counted {
    keys: MemoryVault,
    names: Mutex<BTreeSet<String>>,
    keeps_all: AtomicBool,
}

pub(super) fn counted() -> (Arc<dyn KeyVault>, Arc<Counted>) {
    let vault = Arc::new(Counted::default());
    (vault.clone(), vault)
}

impl Counted {
    pub(super) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().iter().cloned().collect()
    }

    fn refuse_to_forget(&self, refuse: bool) {
        self.keeps_all.store(refuse, Ordering::Relaxed);
    }
}

impl KeyVault for Counted {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        self.keys.load(name)
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        self.names.lock().unwrap().insert(name.clone());
        self.keys.store(name, secret)
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        if self.keeps_all.load(Ordering::Relaxed) {
            return Err(KeyVaultError::Unavailable);
        }
        self.names.lock().unwrap().remove(&name);
        self.keys.remove(name)
    }
}

#[test]
fn a_code_is_kept_until_it_is_confirmed_and_leaves_with_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder.path().join("book"));
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    drop(book);
    let book = Logbook::open(setup.clone()).unwrap();
    assert!(book.has_unconfirmed_code().unwrap());
    assert_eq!(book.unconfirmed_code().as_ref(), Ok(&code), "also at the next start");
    let file = folder.path().join("out.backup");
    backup(&book, &file, Seal::RecoveryCode);

    let groups = book.code_groups();
    let text = code.text();
    let group = |number: u8| text.split('-').nth(usize::from(number) - 1).unwrap();
    let (first, second) = (group(groups.first), group(groups.second));
    assert_eq!(book.confirm_code(groups, second, first), Err(LogbookError::CodeDiffers));
    assert_eq!(book.unconfirmed_code().as_ref(), Ok(&code));
    book.confirm_code(groups, first, second).unwrap();
    assert_eq!(book.unconfirmed_code(), Err(LogbookError::CodeNotKept));
    assert_eq!(book.confirm_code(groups, first, second), Err(LogbookError::CodeNotKept));
    assert!(!book.has_unconfirmed_code().unwrap());
    let log = setup.place.folder.join("book.db-wal").metadata().unwrap();
    assert_eq!(log.len(), 0, "it is in the log still");
    let later = folder.path().join("later.backup");
    backup(&book, &later, Seal::RecoveryCode);
    drop(book);

    // What came out of either backup holds no code, and makes backups that the code opens.
    for file in [file, later] {
        restore(&setup, &file, &text).unwrap();
        let book = Logbook::open(setup.clone()).unwrap();
        assert_eq!(book.unconfirmed_code(), Err(LogbookError::CodeNotKept));
        let again = folder.path().join("again.backup");
        backup(&book, &again, Seal::RecoveryCode);
        drop(book);
        restore(&setup, &again, &text).unwrap();
    }
}

#[test]
fn a_code_that_nobody_had_confirmed_is_said_to_be_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder.path().join("book"));
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    let file = folder.path().join("out.backup");
    let passphrase = "a passphrase";
    let seal = || Seal::Passphrase(passphrase.to_owned().into());
    let ready = |secret: &str| {
        let job = Logbook::restore_job(&setup, &file, secret.to_owned().into()).unwrap();
        job.run(|_| ()).unwrap()
    };
    let is_left_behind = |secret: &str| {
        let ready = ready(secret);
        let outlook = ready.outlook();
        let told = outlook.wording().todo.contains("key change");
        assert_eq!(outlook.code_is_left_behind, told);
        told
    };
    backup(&book, &file, Seal::RecoveryCode);
    drop(book);
    assert!(!is_left_behind(&code.text()), "whoever typed it has it");
    let book = Logbook::open(setup.clone()).unwrap();
    backup(&book, &file, seal());
    drop(book);
    assert!(is_left_behind(passphrase));
    ready(passphrase).put_in_place().unwrap();
    let book = Logbook::open(setup.clone()).unwrap();
    backup(&book, &file, seal());
    drop(book);
    assert!(is_left_behind(passphrase), "nor in what is made of it");

    let change = Logbook::change_key_job(&setup).unwrap().run(|_| ()).unwrap();
    change.put_in_force().unwrap();
    let book = Logbook::open(setup.clone()).unwrap();
    let (code, groups) = (book.unconfirmed_code().unwrap(), book.code_groups());
    let text = code.text();
    let group = |number: u8| text.split('-').nth(usize::from(number) - 1).unwrap();
    book.confirm_code(groups, group(groups.first), group(groups.second)).unwrap();
    backup(&book, &file, seal());
    drop(book);
    assert!(!is_left_behind(passphrase), "the new one was confirmed");
}

#[test]
fn a_restored_book_has_a_key_of_its_own_and_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let vault = Arc::new(MemoryVault::default());
    let elsewhere = Setup {
        place: Place::new(folder.path().join("elsewhere")),
        vault: vault.clone(),
        installation: "another machine".to_owned(),
        ..setup.clone()
    };
    restore(&elsewhere, &file, &code.text()).unwrap();
    let name = |place: &Path| KeyFile::read(place).unwrap().key_name;
    assert_ne!(name(&elsewhere.place.folder), name(&setup.place.folder));
    let keys = |setup: &Setup| Logbook::open(setup.clone()).unwrap().store.key().clone();
    assert!(keys(&elsewhere) != keys(&setup));
    let lost = Setup { vault: Arc::new(MemoryVault::default()), ..elsewhere };
    Logbook::recover_key(&lost.place.folder, &lost.vault, &code).unwrap();
    assert_eq!(count(&Logbook::open(lost).unwrap()), 1);
}

#[test]
fn what_a_restore_would_do_is_told_and_can_be_declined() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let prepare = |secret: &str| {
        let job = Logbook::restore_job(&setup, &file, secret.to_owned().into()).unwrap();
        job.run(|_| ()).unwrap()
    };
    let book = Logbook::open(setup.clone()).unwrap();
    let first = book.cases(&CaseFilter::default(), CaseSort::default(), None).unwrap();
    let first = first.rows().last().unwrap().id;
    let patch = vec![("note".to_owned(), Some(json!("changed")))];
    book.transact(|tx| tx.edit(first, patch, None)).unwrap();
    // What is said of devices is nothing that the user wrote.
    book.revoke(Fingerprint([7; 32]), "07070707").unwrap();
    let now = book.now();
    drop(book);
    let before = entries(&setup.place.folder);
    let ready = prepare(&code.text());
    let outlook = ready.outlook().clone();
    assert_eq!((outlook.made.day(), outlook.days, outlook.records), (now.day(), 0, 1));
    assert!(outlook.made.utc < now.utc);
    let latest = match outlook.replaced {
        ReplacedBook::Readable { added: 1, changed: 1, erased: 0, latest: Some(latest) } => latest,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(latest.day(), now.day());
    let told = outlook.wording();
    for part in ["today", "Written since: 1.", "Changed since: 1.", &now.day().iso()] {
        assert!(told.what.contains(part), "{told:?}");
    }
    assert!(outlook.leaves_something_out() && told.kept.contains("kept whole"));
    drop(ready);
    assert_eq!(entries(&setup.place.folder), before, "declined");
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(count(&book), 2);

    book.erase(first).unwrap();
    drop(book);
    let erased = prepare(&code.text()).outlook().replaced.clone();
    assert!(matches!(erased, ReplacedBook::Readable { added: 1, changed: 0, erased: 1, .. }));
    prepare(&code.text()).put_in_place().unwrap();
    let same = prepare(&code.text());
    assert!(!same.outlook().leaves_something_out());
    assert!(same.outlook().wording().what.contains("nothing newer"));
    drop(same);
    fs::write(setup.place.folder.join("book.db"), [7; 5_000]).unwrap();
    let unreadable = prepare(&code.text());
    assert_eq!(unreadable.outlook().replaced, ReplacedBook::Unreadable);
    assert!(unreadable.outlook().wording().what.contains("cannot be told"));
    drop(unreadable);
    let elsewhere = Setup { place: Place::new(folder.path().join("elsewhere")), ..setup };
    let job = Logbook::restore_job(&elsewhere, &file, code.text().to_string().into()).unwrap();
    assert_eq!(job.run(|_| ()).unwrap().outlook().replaced, ReplacedBook::Nothing);
}

#[test]
fn where_only_backups_are_left_a_restore_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, file) = backed_up(folder.path());
    let book = Logbook::open(setup.clone()).unwrap();
    book.automatic_backup_job().unwrap().unwrap().run(|_| ()).unwrap();
    drop(book);
    for name in entries(&setup.place.folder).iter().filter(|name| name.starts_with("book.")) {
        fs::remove_file(setup.place.folder.join(name)).unwrap();
    }
    assert!(setup.place.has_book(), "a part of one");
    let job = Logbook::restore_job(&setup, &file, code.text().to_string().into()).unwrap();
    let ready = job.run(|_| ()).unwrap();
    assert_eq!(ready.outlook().replaced, ReplacedBook::Nothing);
    assert_eq!(ready.put_in_place().unwrap().replaced, None);
    assert_eq!(count(&Logbook::open(setup).unwrap()), 1);
}

#[test]
fn a_key_that_was_never_put_in_force_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, kept) = counted();
    let setup = Setup { vault, ..setup(&folder.path().join("book")) };
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    drop(book);
    let before = (entries(&setup.place.folder), kept.names());
    let change = Logbook::change_key_job(&setup).unwrap().run(|_| ()).unwrap();
    assert_eq!(kept.names().len(), 2);
    assert_eq!(Logbook::open(setup.clone()).unwrap_err(), LogbookError::Busy);
    drop(change);
    assert_eq!((entries(&setup.place.folder), kept.names()), before);
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(book.unconfirmed_code().as_ref(), Ok(&code));
    drop(book);

    // A program that died then: its folder and its key go when the book is opened next.
    let change = Logbook::change_key_job(&setup).unwrap().run(|_| ()).unwrap();
    let left = folder.path().join("left");
    copy(&setup.place.folder.join("preparing"), &left);
    let names = kept.names();
    drop(change);
    copy(&left, &setup.place.folder.join("preparing"));
    for name in &names {
        if !kept.names().contains(name) {
            setup.vault.store(name.clone(), vec![7; 48]).unwrap();
        }
    }
    kept.refuse_to_forget(true);
    drop(Logbook::open(setup.clone()).unwrap());
    assert!(!setup.place.folder.join("preparing/book.db").exists());
    assert_eq!(kept.names(), names, "the vault could not");
    kept.refuse_to_forget(false);
    drop(Logbook::open(setup.clone()).unwrap());
    assert_eq!((entries(&setup.place.folder), kept.names()), before);
}

#[test]
fn an_old_key_goes_when_no_file_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, kept) = counted();
    let setup = Setup { vault, ..setup(&folder.path().join("book")) };
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    let file = folder.path().join("out.backup");
    backup(&book, &file, Seal::RecoveryCode);
    drop(book);
    let change = |setup: &Setup| {
        let ready = Logbook::change_key_job(setup).unwrap().run(|_| ()).unwrap();
        ready.put_in_force().unwrap();
    };
    change(&setup);
    assert_eq!(kept.names().len(), 1);
    let report = restore(&setup, &file, &code.text()).unwrap();
    change(&setup);
    assert_eq!(kept.names().len(), 2, "the book that is kept needs the former one");
    let replaced = Setup { place: Place::new(report.replaced.unwrap()), ..setup };
    assert!(Logbook::open(replaced).is_ok());
}

#[test]
fn whom_backups_are_sealed_to_is_not_read_from_beside_the_book() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, code, _) = backed_up(folder.path());
    let book = Logbook::open(setup.clone()).unwrap();
    let (key, other) = (book.store.key().clone(), RecoveryCode::new(&SystemIds));
    drop(book);
    let strange = other.identity().unwrap().to_public();
    let file = KeyFile::new(&key, &strange).unwrap();
    file.write(&setup.place.folder).unwrap();
    let book = Logbook::open(setup.clone()).unwrap();
    let out = folder.path().join("next.backup");
    backup(&book, &out, Seal::RecoveryCode);
    let report = book.verify_job().unwrap().run(|_| ()).unwrap();
    assert_eq!(report.repaired, [DamagedPart::KeyFile]);
    drop(book);
    assert_eq!(restore(&setup, &out, &other.text()), Err(LogbookError::WrongKey));
    restore(&setup, &out, &code.text()).unwrap();
}

#[cfg(feature = "lan")]
#[test]
fn a_restored_book_is_another_device_and_paired_with_nothing() {
    use crate::sync::Fingerprint;
    use crate::sync::pairing::{DeviceName, Party, SealKey};

    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder.path().join("book"));
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    let (fingerprint, name) = (Fingerprint([1; 32]), DeviceName::new("Phone"));
    book.add_peer(&Party { fingerprint, name, seal_key: SealKey([1; 32]) }).unwrap();
    let (device, keys) = (book.device(), book.device_identity().unwrap().fingerprint());
    let file = folder.path().join("out.backup");
    backup(&book, &file, Seal::RecoveryCode);
    book.revoke(fingerprint, "Phone").unwrap();
    drop(book);
    restore(&setup, &file, &code.text()).unwrap();
    let book = Logbook::open(setup).unwrap();
    assert!(!book.trusts(fingerprint).unwrap(), "it was revoked since");
    assert!(book.peers().unwrap().is_empty() && book.device() != device);
    assert_ne!(book.device_identity().unwrap().fingerprint(), keys);
}
