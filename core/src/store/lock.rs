//! Who may replace a book's files: nobody, while somebody has the book open.
//!
//! SQLite's own locks belong to a file; a second program that waits for one while the file is being
//! replaced would go on to write into the old one. This lock belongs to the folder, and the system lets
//! go of it when a program ends, however that ends.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use super::owner_only;
use super::reading::is_about_writing;
use crate::error::{LogbookError, Result};

const NAME: &str = "book.lock";

/// Held as long as it lives.
pub(crate) struct BookLock {
    /// None where none can be made: then nobody without more rights replaces the files either.
    _file: Option<File>,
}

impl BookLock {
    /// Keeps the files of the book in `folder` where they are; any number of programs may.
    ///
    /// # Errors
    /// `Busy` while they are being replaced.
    pub(crate) fn share(folder: &Path) -> Result<Self> {
        let file = match open(&folder.join(NAME)) {
            Err(error) if is_about_writing(&error) => return Ok(Self { _file: None }),
            file => file?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(LogbookError::Busy),
            // A file system without locks: one program at a time is then the user's own care.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { _file: Some(file) }),
        }
    }

    /// Allows to replace them.
    ///
    /// # Errors
    /// `Busy` while the book is open anywhere.
    pub(crate) fn own(folder: &Path) -> Result<Self> {
        Self::own_file(&folder.join(NAME))
    }

    /// The same for any other file that stands for some work.
    pub(crate) fn own_file(path: &Path) -> Result<Self> {
        let file = open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(LogbookError::Busy),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { _file: Some(file) }),
        }
    }
}

/// Reading is enough to hold a lock, so that a folder without write permission is told by who writes.
fn open(path: &Path) -> Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(owner_only::open_or_create(path)?),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_may_read_and_one_may_replace() {
        let folder = tempfile::tempdir().unwrap();
        let one = BookLock::share(folder.path()).unwrap();
        let two = BookLock::share(folder.path()).unwrap();
        assert_eq!(BookLock::own(folder.path()).err(), Some(LogbookError::Busy));
        drop((one, two));
        let owner = BookLock::own(folder.path()).unwrap();
        assert_eq!(BookLock::share(folder.path()).err(), Some(LogbookError::Busy));
        drop(owner);
        assert!(BookLock::share(folder.path()).is_ok());
    }
}
