//! Whether the book was closed, so that a write-ahead log that is gone is noticed.
//!
//! # Decision
//! What was saved last is in the write-ahead log until the book is closed. Where that file is lost after
//! a kill, SQLite opens the database as it was before, without a word. So a small file beside it says
//! that the book is open, from the moment at which the log is there until the last who has the book open
//! has moved the log into the database. It is written on opening and closing and never synced, which
//! costs a save nothing; after a power cut it may be missing, and then nothing is known and nothing said.
//! A book that is marked as open, without a log, is told once and not opened, so that the log can be put
//! back before anything is written; the next one who opens it goes on without.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rusqlite::Connection;

use super::lock::FileLock;
use super::{BUSY_WAIT, DATABASE, LOG, READER_WAIT, owner_only};
use crate::error::{DamagedPart, LogbookError, Result};

pub(crate) const NAME: &str = "book.open";
const OPEN: &[u8] = b"open";
const TOLD: &[u8] = b"told";

/// What a program holds while it has the book open: the right to use its files, and the mark.
pub(crate) struct Held {
    folder: PathBuf,
    /// Locked as long as the book is open here; `None` where it cannot be written.
    mark: Option<File>,
    /// Connections, or groups of them, that close on their own.
    users: AtomicUsize,
    is_clear: AtomicBool,
    /// The log stays where it is: the mark is left as it was found.
    only_reads: AtomicBool,
    /// Which file the database was when it was opened.
    database: OnceLock<FileId>,
    _lock: FileLock,
}

/// What tells a file from another that has its name.
#[derive(PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    /// None where there is no file, or where the system has no such number; there a file that is open cannot
    /// be moved.
    fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let about = std::fs::metadata(path).ok()?;
            Some(Self(about.dev(), about.ino()))
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            None
        }
    }
}

impl Held {
    /// Begins to open the book in `folder`; nothing has been read yet.
    ///
    /// # Errors
    /// `Damaged`, once, where the log of the last time is missing.
    pub(crate) fn enter(folder: &Path, lock: FileLock) -> Result<Arc<Self>> {
        let mark = owner_only::open_or_create(&folder.join(NAME)).ok();
        // Waits for whoever is closing the book right now; without locks nothing is known.
        let mark = mark.filter(|mark| mark.lock_shared().is_ok());
        if let Some(mark) = &mark {
            tell_of_lost_log(mark, folder)?;
        }
        Ok(Arc::new(Self {
            folder: folder.to_owned(),
            mark,
            users: AtomicUsize::new(0),
            is_clear: AtomicBool::new(false),
            only_reads: AtomicBool::new(false),
            database: OnceLock::new(),
            _lock: lock,
        }))
    }

    /// The database is open, and its log is there.
    pub(crate) fn note_open(&self) {
        if let Some(file) = FileId::of(&self.folder.join(DATABASE)) {
            let _ = self.database.set(file);
        }
        if let Some(mark) = &self.mark {
            // On a full disk nothing can be saved, and nothing is lost with the log.
            let _ = write(mark, OPEN);
        }
    }

    /// Says no where the database is not the file any more that was opened: what is written then goes into
    /// one that nobody finds again.
    ///
    /// # Errors
    /// `FilesMoved`.
    pub(crate) fn check_in_place(&self) -> Result<()> {
        let Some(opened) = self.database.get() else { return Ok(()) };
        let is_there = FileId::of(&self.folder.join(DATABASE)).as_ref() == Some(opened);
        if is_there { Ok(()) } else { Err(LogbookError::FilesMoved) }
    }

    /// Nothing is written to the book, so that nothing is said about it.
    pub(crate) fn only_reads(&self) {
        self.only_reads.store(true, Ordering::Release);
    }

    /// One more who uses the book and closes on their own.
    pub(crate) fn join(self: &Arc<Self>) -> Arc<Self> {
        self.users.fetch_add(1, Ordering::AcqRel);
        Arc::clone(self)
    }

    /// Called before a connection closes for good: the last one moves the log into the database and
    /// says that the book is closed.
    pub(crate) fn leave(&self, conn: &Connection) {
        if self.users.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        if self.only_reads.load(Ordering::Acquire) {
            return;
        }
        let Some(mark) = &self.mark else { return };
        if !is_alone(mark) {
            // Another program has the book open: the mark is its affair from now on.
            let _ = mark.lock_shared();
            return;
        }
        if !conn.is_autocommit() {
            // Whoever still reads as of one moment keeps the log from being moved.
            let _ = conn.execute_batch("ROLLBACK");
        }
        let moved = conn
            .busy_timeout(READER_WAIT)
            .and_then(|()| {
                conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
            })
            .is_ok_and(|blocked| !blocked);
        let _ = conn.busy_timeout(BUSY_WAIT);
        if moved && write(mark, b"").is_ok() {
            self.is_clear.store(true, Ordering::Release);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Connections are closed by now. Where SQLite has removed the log, everything is in the database.
        if let Some(mark) = &self.mark
            && !self.is_clear.load(Ordering::Acquire)
            && !self.only_reads.load(Ordering::Acquire)
            && !self.folder.join(LOG).exists()
        {
            let _ = write(mark, b"");
        }
    }
}

/// Says that the book is closed, for whoever replaces its files.
pub(crate) fn clear(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(NAME));
}

fn tell_of_lost_log(mark: &File, folder: &Path) -> Result<()> {
    let is_lost = || -> bool { says(mark, OPEN) && !folder.join(LOG).exists() };
    if !is_lost() {
        return Ok(());
    }
    // Whoever holds the mark too has the book open, or is closing it and about to say so.
    let alone = is_alone(mark);
    let lost = alone && is_lost() && write(mark, TOLD).is_ok();
    if alone {
        let _ = mark.unlock();
    }
    let _ = mark.lock_shared();
    if lost { Err(LogbookError::Damaged { part: DamagedPart::MissingLog }) } else { Ok(()) }
}

/// Whether nobody else has the book open; then the mark is locked for this program alone, and else not at
/// all. Not every system turns a lock that is shared into one that is not.
fn is_alone(mark: &File) -> bool {
    let _ = mark.unlock();
    mark.try_lock().is_ok()
}

fn says(mut mark: &File, word: &[u8]) -> bool {
    let mut said = Vec::new();
    mark.rewind().and_then(|()| mark.take(16).read_to_end(&mut said)).is_ok() && said == word
}

fn write(mut mark: &File, word: &[u8]) -> std::io::Result<()> {
    mark.set_len(word.len() as u64)?;
    mark.rewind()?;
    mark.write_all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(folder: &Path) -> Result<Arc<Held>> {
        Held::enter(folder, FileLock::share_book(folder).unwrap())
    }

    #[cfg(unix)]
    #[test]
    fn a_database_that_was_moved_or_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (database, away) = (folder.path().join(DATABASE), folder.path().join("away"));
        std::fs::write(&database, "1").unwrap();
        let held = enter(folder.path()).unwrap();
        held.note_open();
        assert_eq!(held.check_in_place(), Ok(()));
        std::fs::rename(&database, &away).unwrap();
        assert_eq!(held.check_in_place(), Err(LogbookError::FilesMoved));
        std::fs::copy(&away, &database).unwrap();
        assert_eq!(held.check_in_place(), Err(LogbookError::FilesMoved));
        std::fs::rename(&away, &database).unwrap();
        assert_eq!(held.check_in_place(), Ok(()));
    }

    #[test]
    fn a_lost_log_is_told_once_and_a_kept_one_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join(LOG);
        let killed = || {
            std::fs::write(&log, "").unwrap();
            let held = enter(folder.path()).unwrap();
            held.note_open();
            // Dropped while the log is there: as a kill leaves it.
            drop(held);
        };
        killed();
        drop(enter(folder.path()).unwrap());
        std::fs::remove_file(&log).unwrap();
        let lost = LogbookError::Damaged { part: DamagedPart::MissingLog };
        assert_eq!(enter(folder.path()).map(drop), Err(lost.clone()));
        let open = enter(folder.path()).unwrap();
        killed();
        std::fs::remove_file(&log).unwrap();
        drop(enter(folder.path()).unwrap());
        drop(open);
        assert_eq!(enter(folder.path()).map(drop), Ok(()), "while it was open nobody was killed");
        killed();
        std::fs::remove_file(&log).unwrap();
        assert_eq!(enter(folder.path()).map(drop), Err(lost));
    }
}
