//! Backup, restore, keys: what a user does so that nothing is lost.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Logbook, Setup};
use crate::error::Result;
use crate::job::Job;
use crate::record;
use crate::store::backup::{self, BackupReport, Making, Restore, RestoreReport, Seal};
use crate::store::key::{KeyVault, RecoveryCode};
use crate::store::rekey::{self, KeyChange, Rekey};
use crate::time::Moment;

/// Now, as part of a file's name.
pub(super) fn stamp(now: Moment) -> String {
    format!("{}-{}", now.day().iso(), now.clock_time().replace(':', ""))
}

impl Logbook {
    /// Writes the whole book to one encrypted file, which appears once it is whole. The book may be
    /// written to meanwhile; the backup shows it as it was. The progress counts pages, each of them
    /// twice.
    ///
    /// # Errors
    /// `Busy` while another backup of this book is made; `Damaged` where a page cannot be read.
    pub fn backup_job(&self, file: &Path, seal: Seal) -> Result<Job<BackupReport>> {
        let store = &self.store;
        let (place, key, key_file) = (store.place(), store.key(), store.key_file());
        Making::begin(store.connect()?, place, key, key_file, file, seal).map(Job::new)
    }

    /// The backup that nobody has to think of: sealed to the recovery code, in the book's folder, at
    /// most one a day and only after a change; the last seven are kept. `None` where none is due. Shells
    /// ask for it when a book was opened and when work is done; asking is cheap.
    pub fn automatic_backup_job(&self) -> Result<Option<Job<BackupReport>>> {
        if self.is_read_only() {
            return Ok(None);
        }
        let store = &self.store;
        let (place, key, key_file) = (store.place(), store.key(), store.key_file());
        let lseq = self.read(record::last_sequence)?;
        let day = self.now().day().iso();
        let Some(target) = backup::due(place, &day, lseq, key_file)? else { return Ok(None) };
        let source = store.connect()?;
        Making::begin_automatic(source, place, key, key_file, &target).map(Job::new).map(Some)
    }

    /// Restores a backup into the folder of `setup`: read and verified completely first, then put in
    /// the place of the book there, if any, which is kept. `secret` is the passphrase or the recovery
    /// code that the backup is sealed by. The progress counts bytes of the file, each of them twice.
    ///
    /// # Errors
    /// `NoFile`, `BadBackup`, `WrongKey`, `NotACode`, `NewerSchema`; `Busy` while the book is open;
    /// whatever the vault says. The book that is there is as it was after any of them.
    pub fn restore_job(
        setup: &Setup,
        file: &Path,
        secret: Zeroizing<String>,
    ) -> Result<Job<RestoreReport>> {
        let (place, vault) = (setup.place.clone(), Arc::clone(&setup.vault));
        let stamp = stamp(setup.clock.now());
        Restore::begin(place, vault, file, secret, stamp).map(Job::new)
    }

    /// Encrypts the book under a new key and gives it a new recovery code, to be shown once. The old
    /// key is forgotten; backups made before still open with the code or passphrase of their time.
    ///
    /// # Errors
    /// Those of opening the book; `Busy` while it is open. The book is as it was after any of them.
    pub fn change_key_job(setup: &Setup) -> Result<Job<KeyChange>> {
        let (place, vault) = (setup.place.clone(), Arc::clone(&setup.vault));
        Rekey::begin(place, vault, &*setup.ids, stamp(setup.clock.now())).map(Job::new)
    }

    /// Brings the key of the book in `folder` back into a vault that lost it.
    ///
    /// # Errors
    /// `WrongKey` where the code is of another book; `NoBook`; whatever the vault says.
    pub fn recover_key(
        folder: &Path,
        vault: &Arc<dyn KeyVault>,
        code: &RecoveryCode,
    ) -> Result<()> {
        rekey::recover(folder, vault, code)
    }
}
