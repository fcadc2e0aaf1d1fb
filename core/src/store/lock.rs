//! Files that stand for some work: one program at a time holds one, or several share it. The system lets
//! go of it when a program ends, however that ends.
//!
//! One says who may replace a book's files: nobody, while somebody has the book open. SQLite's own locks
//! belong to a file; a second program that waits for one while the file is being replaced would go on to
//! write into the old one. This lock belongs to the folder.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::owner_only;
use super::reading::is_about_writing;
use crate::error::{LogbookError, Result};

/// Stands for the files of the book in a folder.
const BOOK: &str = "book.lock";

/// Held as long as it lives.
pub struct FileLock {
    /// None where none can be made: then nobody without more rights replaces the files either.
    file: Option<File>,
}

impl FileLock {
    /// Waits until nobody else holds `path`, and holds it. Where the system has no locks, one program at
    /// a time is the user's own care.
    ///
    /// # Errors
    /// What the system says about the file.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = owner_only::open_or_create(path)?;
        loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(()) | Err(_) => return Ok(Self { file: Some(file) }),
            }
        }
    }

    /// The same where nobody holds it now; else `None`.
    ///
    /// # Errors
    /// What the system says about the file.
    pub fn try_now(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self { file: Some(file) })),
        }
    }

    /// Keeps the files of the book in `folder` where they are; any number of programs may.
    ///
    /// # Errors
    /// `Busy` while they are being replaced.
    pub(crate) fn share_book(folder: &Path) -> Result<Self> {
        let file = match open(&folder.join(BOOK)).map_err(LogbookError::from) {
            Err(error) if is_about_writing(&error) => return Ok(Self { file: None }),
            file => file?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(LogbookError::Busy),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { file: Some(file) }),
        }
    }

    /// Allows to replace them.
    ///
    /// # Errors
    /// `Busy` while the book is open anywhere.
    pub(crate) fn own_book(folder: &Path) -> Result<Self> {
        Self::try_now(&folder.join(BOOK))?.ok_or(LogbookError::Busy)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing alone lets go only once nobody has the file open: a program that this one is just
        // starting has, for a moment.
        let _ = self.file.as_ref().map(File::unlock);
    }
}

/// Reading is enough to hold a lock, so that a folder without write permission is told by who writes.
fn open(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => owner_only::open_or_create(path),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_may_read_and_one_may_replace() {
        let folder = tempfile::tempdir().unwrap();
        let one = FileLock::share_book(folder.path()).unwrap();
        let two = FileLock::share_book(folder.path()).unwrap();
        assert_eq!(FileLock::own_book(folder.path()).err(), Some(LogbookError::Busy));
        drop((one, two));
        let owner = FileLock::own_book(folder.path()).unwrap();
        assert_eq!(FileLock::share_book(folder.path()).err(), Some(LogbookError::Busy));
        drop(owner);
        assert!(FileLock::share_book(folder.path()).is_ok());
    }

    #[test]
    fn dropping_lets_go_although_another_handle_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work.lock");
        let held = FileLock::wait(&path).unwrap();
        let left = held.file.as_ref().map(File::try_clone);
        assert!(FileLock::try_now(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_now(&path).unwrap().is_some());
        drop(left);
    }
}
