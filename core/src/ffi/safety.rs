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
        Some(Arc::new(PreparedRestore { outlook, ready: Once::of(ready) }))
    }
}

#[uniffi::export]
impl KeyChangeJob {
    /// The new key, once a step said `finished`; given once.
    pub fn take(&self) -> Option<Arc<KeyChange>> {
        let ready = self.0.take()?;
        let code = ready.recovery_code();
        Some(Arc::new(KeyChange { code, ready: Once::of(ready) }))
    }
}

/// A backup that is ready to take the place of a book. Letting go of it leaves that book as it was.
#[derive(uniffi::Object)]
pub struct PreparedRestore {
    outlook: RestoreOutlook,
    ready: Once<backup::PreparedRestore, RestoreReport>,
}

#[uniffi::export]
impl PreparedRestore {
    /// What it will do: show it before `put_in_place`.
    pub fn outlook(&self) -> RestoreOutlook {
        self.outlook.clone()
    }

    /// Lets go of it now: that book is as it was, and can be opened. Languages without an order in which
    /// objects go do not say when they would.
    pub fn discard(&self) {
        self.ready.discard();
    }

    /// Puts it in the place of the book, which is kept. That happens once; whoever calls again is told the
    /// same again.
    pub fn put_in_place(&self) -> Result<RestoreReport> {
        self.ready.done(backup::PreparedRestore::put_in_place)
    }
}

/// A new key that is ready and not in force. Letting go of it leaves the book as it was.
#[derive(uniffi::Object)]
pub struct KeyChange {
    code: Zeroizing<String>,
    ready: Once<store::KeyChange, ()>,
}

#[uniffi::export]
impl KeyChange {
    /// The new recovery code: show it before `put_in_force`. From then on the book keeps it until it is
    /// confirmed.
    pub fn recovery_code(&self) -> String {
        self.code.to_string()
    }

    /// Lets go of it now: the book is as it was, and can be opened.
    pub fn discard(&self) {
        self.ready.discard();
    }

    /// Puts the new key in force, and forgets the old one. That happens once; whoever calls again is told
    /// the same again.
    pub fn put_in_force(&self) -> Result<()> {
        self.ready.done(store::KeyChange::put_in_force)
    }
}

/// What can be done once, and how that went.
struct Once<T, R>(Mutex<(Option<T>, Result<R>)>);

impl<T, R: Clone> Once<T, R> {
    fn of(ready: T) -> Self {
        // Heard only of work that panicked.
        Self(Mutex::new((Some(ready), Err(LogbookError::Io))))
    }

    /// Nothing is done any more, unless it was done already.
    fn discard(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = state.0.take() {
            drop(ready);
            state.1 = Err(LogbookError::Cancelled);
        }
    }

    fn done(&self, work: impl FnOnce(T) -> Result<R>) -> Result<R> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = state.0.take() {
            state.1 = work(ready);
        }
        state.1.clone()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_once_is_told_again() {
        let once = Once::of(7);
        assert_eq!(once.done(|ready| Ok(ready + 1)), Ok(8));
        assert_eq!(once.done(|_| panic!("again")), Ok(8));
        once.discard();
        assert_eq!(once.done(|_| panic!("again")), Ok(8), "it was done");
        let once = Once::of(7);
        once.discard();
        assert_eq!(once.done(Ok), Err(LogbookError::Cancelled));
        let once: Once<(), ()> = Once::of(());
        assert_eq!(once.done(|()| Err(LogbookError::DiskFull)), Err(LogbookError::DiskFull));
        assert_eq!(once.done(|()| Ok(())), Err(LogbookError::DiskFull), "it was not done");
    }
}
