//! Restoring a backup, changing the key, confirming the recovery code: what a shell shows before it goes
//! on.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::Logbook;
use super::logbook::setup;
use crate::content::Wording;
use crate::error::{LogbookError, Result};
use crate::job::{Job, JobProgress};
use crate::logbook;
use crate::store::backup::{self, RestoreOutlook, RestoreReport};
use crate::store::key::KeyVault;
use crate::store::{self, CodeGroups};

steps! {
    /// Reads a backup and prepares it to take the place of a book.
    RestoreJob works on backup::PreparedRestore, LogbookError;
}

steps! {
    /// Encrypts a book under a new key, which is not in force yet.
    KeyChangeJob works on store::KeyChange, LogbookError;
}

#[uniffi::export]
impl RestoreJob {
    /// What is ready to be put in place, once a step said `finished`; given once.
    pub fn take(&self) -> Option<Arc<PreparedRestore>> {
        let ready = self.0.take()?;
        let outlook = ready.outlook().clone();
        Some(Arc::new(PreparedRestore { outlook, ready: Mutex::new(Some(ready)) }))
    }
}

#[uniffi::export]
impl KeyChangeJob {
    /// The new key, once a step said `finished`; given once.
    pub fn take(&self) -> Option<Arc<KeyChange>> {
        let ready = self.0.take()?;
        let code = ready.recovery_code();
        Some(Arc::new(KeyChange { code, ready: Mutex::new(Some(ready)) }))
    }
}

/// A backup that is ready to take the place of a book. Letting go of it leaves that book as it was.
#[derive(uniffi::Object)]
pub struct PreparedRestore {
    outlook: RestoreOutlook,
    ready: Mutex<Option<backup::PreparedRestore>>,
}

#[uniffi::export]
impl PreparedRestore {
    /// What it will do: show it before `put_in_place`.
    pub fn outlook(&self) -> RestoreOutlook {
        self.outlook.clone()
    }

    /// Puts it in the place of the book, which is kept; works once.
    pub fn put_in_place(&self) -> Result<RestoreReport> {
        taken(&self.ready)?.put_in_place()
    }
}

/// A new key that is ready and not in force. Letting go of it leaves the book as it was.
#[derive(uniffi::Object)]
pub struct KeyChange {
    code: Zeroizing<String>,
    ready: Mutex<Option<store::KeyChange>>,
}

#[uniffi::export]
impl KeyChange {
    /// The new recovery code: show it before `put_in_force`. From then on the book keeps it until it is
    /// confirmed.
    pub fn recovery_code(&self) -> String {
        self.code.to_string()
    }

    /// Puts the new key in force, and forgets the old one; works once.
    pub fn put_in_force(&self) -> Result<()> {
        taken(&self.ready)?.put_in_force()
    }
}

fn taken<T>(ready: &Mutex<Option<T>>) -> Result<T> {
    ready.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(LogbookError::Cancelled)
}

#[uniffi::export]
impl Logbook {
    /// Whether the recovery code waits to be confirmed; say so calmly.
    pub fn has_unconfirmed_code(&self) -> Result<bool> {
        self.book.has_unconfirmed_code()
    }

    /// The recovery code, for as often as its user wants to see it until it is confirmed.
    pub fn unconfirmed_code(&self) -> Result<String> {
        Ok(self.book.unconfirmed_code()?.text().to_string())
    }

    /// Two groups of the recovery code to ask for, drawn anew each time.
    pub fn code_groups(&self) -> CodeGroups {
        self.book.code_groups()
    }

    /// Takes what was typed of the recovery code, from paper; from then on it is kept nowhere else.
    pub fn confirm_code(&self, groups: CodeGroups, first: String, second: String) -> Result<()> {
        self.book.confirm_code(groups, &first, &second)
    }
}

/// Reads a backup and prepares it for `folder`: verified before it replaces the book there, which is kept.
/// `secret` is the passphrase or recovery code of the backup. The book must not be open.
#[uniffi::export]
pub fn restore_backup(
    path: String,
    secret: String,
    folder: String,
    vault: Arc<dyn KeyVault>,
) -> Result<Arc<RestoreJob>> {
    let setup = setup(folder, vault, String::new());
    logbook::Logbook::restore_job(&setup, Path::new(&path), secret.into()).map(RestoreJob::begun)
}

/// Encrypts the book in `folder` under a new key, with a new recovery code. It must not be open.
#[uniffi::export]
pub fn change_key(folder: String, vault: Arc<dyn KeyVault>) -> Result<Arc<KeyChangeJob>> {
    logbook::Logbook::change_key_job(&setup(folder, vault, String::new())).map(KeyChangeJob::begun)
}

/// Brings the key of the book in `folder` back into a vault that lost it.
#[uniffi::export]
pub fn recover_key(folder: String, recovery_code: String, vault: Arc<dyn KeyVault>) -> Result<()> {
    let code = recovery_code.parse().map_err(|_| LogbookError::NotACode)?;
    logbook::Logbook::recover_key(Path::new(&folder), &vault, &code)
}

/// What is said before a restore goes on: how old the backup is, what it would replace.
#[uniffi::export]
pub fn restore_wording(outlook: &RestoreOutlook) -> Wording {
    outlook.wording()
}
