//! Backup, restore, keys: what a user does so that nothing is lost.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Logbook, Setup};
use crate::content::{Wording, wording, words};
use crate::error::{LogbookError, Result};
use crate::job::Job;
use crate::record;
use crate::store::backup::{
    self, BackupReport, Making, PreparedRestore, ReplacedBook, Restore, RestoreOutlook, Seal,
};
use crate::store::key::{KeyVault, RecoveryCode};
use crate::store::recovery::{self, BackupKeys};
use crate::store::rekey::{self, KeyChange, Rekey};
use crate::store::{CodeGroups, Existing, stamp};
use crate::time::Moment;

impl Logbook {
    /// Writes the whole book to one encrypted file, which appears once it is whole. The book may be
    /// written to meanwhile; the backup shows it as it was. The progress counts pages, each of them
    /// twice.
    ///
    /// # Errors
    /// `FileExists` where something has that name and shall not be replaced; `Busy` while another backup
    /// of this book is made; `CodeTooOld` where its recovery code is from before backups were
    /// authenticated; `Damaged` where a page cannot be read.
    pub fn backup_job(
        &self,
        file: &Path,
        existing: Existing,
        seal: Seal,
    ) -> Result<Job<BackupReport>> {
        let source = self.store.backup_source(self.now())?;
        Making::begin(source, file, existing, seal).map(Job::new)
    }

    /// The backup that nobody has to think of: sealed to the recovery code, in the book's folder, at
    /// most one a day and only after a change; the last seven are kept. `None` where none is due. Shells
    /// ask for it when a book was opened and when work is done; asking is cheap.
    ///
    /// # Errors
    /// `CodeTooOld`, and what `backup_job` gives.
    pub fn automatic_backup_job(&self) -> Result<Option<Job<BackupReport>>> {
        if self.is_read_only() {
            return Ok(None);
        }
        let store = &self.store;
        let lseq = self.read(record::last_sequence)?;
        let now = self.now();
        let keys = self.read(BackupKeys::of)?.ok_or(LogbookError::CodeTooOld)?;
        let due = backup::due(store.place(), &now.day().iso(), lseq, &keys)?;
        let Some(target) = due else { return Ok(None) };
        let source = store.backup_source(now)?;
        Making::begin_automatic(source, &target).map(Job::new).map(Some)
    }

    /// Prepares to restore a backup into the folder of `setup`: read, encrypted under a new key and
    /// verified completely. What comes out of it tells what it would do, and takes the place of the book
    /// there, if any, which is kept. `secret` is the passphrase or the recovery code that the backup is
    /// sealed by. The progress counts bytes of the file, each of them three times.
    ///
    /// # Errors
    /// `NoFile`, `BadBackup`, `FormerBackup`, `ForgedBackup`, `WrongKey`, `NotACode`, `NewerSchema`;
    /// `Busy` while the book is open; whatever the vault says. The book that is there is as it was after
    /// any of them.
    pub fn restore_job(
        setup: &Setup,
        file: &Path,
        secret: Zeroizing<String>,
    ) -> Result<Job<PreparedRestore>> {
        let (place, vault) = (setup.place.clone(), Arc::clone(&setup.vault));
        Restore::begin(place, vault, &*setup.ids, file, secret, setup.clock.now()).map(Job::new)
    }

    /// Prepares to encrypt the book under a new key, with a new recovery code. What comes out of it shows
    /// the code and then puts the key in force; until then everything is as it was. The old key is
    /// forgotten; backups made before still open with the code or passphrase of their time.
    ///
    /// # Errors
    /// Those of opening the book; `Busy` while it is open. The book is as it was after any of them.
    pub fn change_key_job(setup: &Setup) -> Result<Job<KeyChange>> {
        let stamp = stamp(setup.clock.now());
        Rekey::begin(setup.place.clone(), &setup.vault, &*setup.ids, &stamp).map(Job::new)
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

    /// Whether the recovery code waits to be confirmed: nobody has told yet that it is written down.
    pub fn has_unconfirmed_code(&self) -> Result<bool> {
        self.read(recovery::is_kept)
    }

    /// The recovery code, until it is confirmed.
    ///
    /// # Errors
    /// `CodeNotKept` from then on.
    pub fn unconfirmed_code(&self) -> Result<RecoveryCode> {
        self.read(recovery::code)?.ok_or(LogbookError::CodeNotKept)
    }

    /// Two groups of the recovery code to ask for, drawn anew each time.
    pub fn code_groups(&self) -> CodeGroups {
        CodeGroups::choose(&*self.ids)
    }

    /// Takes what its user has typed of the recovery code, from paper. Where it is right, the code is
    /// wiped from the book; from then on it is kept nowhere else.
    ///
    /// # Errors
    /// `CodeDiffers` where it is wrong, `CodeNotKept` where it was confirmed already.
    pub fn confirm_code(&self, groups: CodeGroups, first: &str, second: &str) -> Result<()> {
        self.store.write(|conn| {
            let code = recovery::code(conn)?.ok_or(LogbookError::CodeNotKept)?;
            if !groups.match_in(&code, first, second) {
                return Err(LogbookError::CodeDiffers);
            }
            recovery::confirm_code(conn)
        })?;
        // It is in the log still; where that cannot be emptied now, a later write does it.
        let _ = self.store.empty_log();
        Ok(())
    }
}

impl RestoreOutlook {
    /// What is said before a restore goes on: how old the backup is, what it would replace.
    pub fn wording(&self) -> Wording {
        let days = self.days.to_string();
        let ago = match self.days {
            0 => words("ago.today", &[]),
            1 => words("ago.yesterday", &[]),
            _ => words("ago.days", &[("days", &days)]),
        };
        let (day, time) = (self.made.day().iso(), self.made.clock_time());
        let records = self.records.to_string();
        let values = [("day", &*day), ("time", &*time), ("ago", &*ago), ("records", &*records)];
        let backup = words("safety.backup_of", &values);
        let replaced = match &self.replaced {
            ReplacedBook::Nothing => Wording::default(),
            ReplacedBook::Unreadable => wording("safety.replaces_unreadable", &[]),
            ReplacedBook::Readable { added: 0, changed: 0, erased: 0, .. } => {
                wording("safety.replaces_nothing_newer", &[])
            }
            ReplacedBook::Readable { added, changed, erased, latest } => {
                newer(*added, *changed, *erased, *latest)
            }
        };
        let code = if self.code_is_left_behind {
            wording("safety.code_is_left_behind", &[])
        } else {
            Wording::default()
        };
        let what = [backup, replaced.what, code.what];
        let what = what.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Wording { what, todo: code.todo, ..replaced }
    }
}

fn newer(added: u64, changed: u64, erased: u64, latest: Option<Moment>) -> Wording {
    let mut parts = Vec::new();
    for (key, count) in [("added", added), ("changed", changed), ("erased", erased)] {
        if count > 0 {
            let count = count.to_string();
            parts.push(words(&format!("safety.newer_{key}"), &[("count", &count)]));
        }
    }
    if let Some(latest) = latest {
        parts.push(words("safety.newer_latest", &[("day", &latest.day().iso())]));
    }
    wording("safety.replaces_newer", &[("newer", &parts.join(" "))])
}
