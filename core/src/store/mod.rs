//! The encrypted file: opening, keys, migrations, search index, backup, integrity.
//!
//! A book is a folder: `book.db` (SQLCipher), its write-ahead log, `book.key` in two copies, the files
//! that stand for some work, `book.lock`, `book.open` and `making.lock`, and `backups/`. One connection
//! writes and one reads; long work opens a third of its own, so that nothing waits behind it.

pub(crate) mod aside;
pub mod backup;
mod body;
mod copy;
pub mod integrity;
pub mod key;
pub(crate) mod key_file;
pub(crate) mod local;
mod lock;
mod locked;
mod make;
mod migrate;
mod modes;
mod open_mark;
pub mod owner_only;
mod parts;
mod peek;
mod reading;
pub(crate) mod recovery;
pub(crate) mod rekey;
pub mod search;
mod spelling;
mod swap;
mod transaction;
mod wal;
mod whole_file;
pub(crate) mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use parking_lot::FairMutex;

// Rooms pass a connection on to their `rows`, which alone speak SQL to it.
pub use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::{OpenFlags, ffi::ErrorCode};

use crate::error::{DamagedPart, LogbookError, Result};
use crate::ids::Ids;
use crate::time::Moment;
use backup::Source;
use key::{BookKey, KeyVault, RecoveryCode};
use key_file::KeyFile;
pub use lock::FileLock;
pub use migrate::SCHEMA;
use open_mark::Held;
use parts::Found;
pub(crate) use reading::is_about_writing;
use reading::{Opened, ReadingCopy};
pub use recovery::CodeGroups;
pub use rekey::KeyChange;
pub(crate) use transaction::OwnConnection;
use transaction::{OpenTransaction, WRITE, run, within};
pub(crate) use whole_file::WholeFile;
pub use whole_file::{Existing, sweep_unfinished, write_whole};

pub(crate) const PAGE_BYTES: usize = 4096;
/// How long a write waits for another program's.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How long emptying the log waits for readers; whoever erases waits with it.
const READER_WAIT: Duration = Duration::from_millis(40);
const DATABASE: &str = "book.db";
const LOG: &str = "book.db-wal";
const SHARED_MEMORY: &str = "book.db-shm";

/// The kind of the records that name devices, and of those that revoke keys.
pub(crate) const DEVICE_KIND: &str = "device";
pub(crate) const REVOCATION_KIND: &str = "revocation";

/// Whether records of this kind are what a user wrote; the others are about the user's devices, and no
/// matter for a file, a count or a choice.
pub(crate) fn is_own_writing(kind: &str) -> bool {
    kind != DEVICE_KIND && kind != REVOCATION_KIND
}

/// How durable a commit is. What ships is `Full`; `Normal` is for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// On disk before the call returns.
    #[default]
    Full,
    /// On disk at the next checkpoint.
    Normal,
}

impl Synchronous {
    /// As the pragma is given it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// Where a book is and how it is opened.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The book's folder.
    pub folder: PathBuf,
    /// A registered SQLite VFS instead of the system's, for tests of failing disks.
    pub vfs: Option<String>,
    /// How durable a commit is.
    pub synchronous: Synchronous,
    /// Open although the log is cut off; the files as found are copied aside first.
    pub accept_cut_log: bool,
}

impl Place {
    /// The book in `folder`, as shipped.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// Whether there is a book in the folder, or any part of one.
    pub fn has_book(&self) -> bool {
        // What cannot be read is for whoever opens it to tell.
        parts::look(&self.folder) != Ok(Found::Nothing)
    }

    /// Whether all that a book needs is in the folder, as far as names tell.
    ///
    /// # Errors
    /// `NoBook`, `PartMissing`.
    pub fn check(&self) -> Result<()> {
        parts::whole(&self.folder)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }
}

/// An open book's file.
pub(crate) struct Store {
    place: Place,
    key: BookKey,
    key_file: KeyFile,
    /// Whoever has waited longest comes next: what is taken in from other devices, piece after piece, keeps
    /// no save waiting for more than one of them.
    writer: FairMutex<Connection>,
    /// Pages from before an erasure are still in the log.
    log_is_stale: AtomicBool,
    reader: Mutex<Connection>,
    /// Why nothing can be written, where that is known.
    only_read: OnceLock<LogbookError>,
    // Let go of last: until then the connections use the files.
    copy: Option<ReadingCopy>,
    held: Arc<Held>,
}

impl Store {
    /// Makes a new book where there is no trace of one.
    pub(crate) fn create(
        place: Place,
        vault: &Arc<dyn KeyVault>,
        ids: &dyn Ids,
        now: Moment,
    ) -> Result<(Self, RecoveryCode)> {
        parts::nothing(&place.folder)?;
        let _turn = make::turn_in_new(&place.folder)?;
        parts::nothing(&place.folder)?;
        Self::make(place, vault, ids, now)
    }

    /// Opens the book that is there, or makes one: then with its recovery code. Of several programs that
    /// find an empty folder, one makes the book and the others wait for it.
    pub(crate) fn open_or_create(
        place: Place,
        vault: &Arc<dyn KeyVault>,
        ids: &dyn Ids,
        now: Moment,
    ) -> Result<(Self, Option<RecoveryCode>)> {
        if parts::look(&place.folder)? == Found::Nothing {
            let _turn = make::turn_in_new(&place.folder)?;
            if parts::look(&place.folder)? == Found::Nothing {
                let (store, code) = Self::make(place, vault, ids, now)?;
                return Ok((store, Some(code)));
            }
        }
        Ok((Self::open(place, vault, now)?, None))
    }

    /// Opens the book that is there.
    pub(crate) fn open(place: Place, vault: &Arc<dyn KeyVault>, now: Moment) -> Result<Self> {
        parts::whole(&place.folder)?;
        let lock = make::enter(&place.folder, vault)?;
        Self::locked(place, vault, now, lock)
    }

    /// While this program has the turn nobody can be about to replace anything.
    fn make(
        place: Place,
        vault: &Arc<dyn KeyVault>,
        ids: &dyn Ids,
        now: Moment,
    ) -> Result<(Self, RecoveryCode)> {
        let code = make::book(&place, vault, ids, &stamp(now))?;
        let lock = FileLock::share_book(&place.folder)?;
        Ok((Self::locked(place, vault, now, lock)?, code))
    }

    fn locked(
        place: Place,
        vault: &Arc<dyn KeyVault>,
        now: Moment,
        lock: FileLock,
    ) -> Result<Self> {
        modes::correct(&place.folder);
        let (key, key_file) = open_key(&place, vault)?;
        let held = Held::enter(&place.folder, lock)?.join();
        check_files(&place, &key, &stamp(now))?;
        let mut opened = Opened::of(&place, &key)?;
        if opened.only_read.is_some() {
            held.only_reads();
        } else {
            held.note_open();
        }
        migrate::migrate_or_tell(&mut opened.writer, opened.only_read.is_none(), |from| {
            let conn = OwnConnection::open(&place, &key, &held)?;
            let (place, key, made) = (&place, &key, now.utc);
            backup::before_migration(Source { conn, place, key, made }, from, &stamp(now))
        })?;
        Self::connected(place, key, key_file, held, opened)
    }

    fn connected(
        place: Place,
        key: BookKey,
        key_file: KeyFile,
        held: Arc<Held>,
        Opened { writer, only_read, copy }: Opened,
    ) -> Result<Self> {
        let file = copy.as_ref().map_or_else(|| place.database(), ReadingCopy::database);
        let reader = connect(&file, &key, &place)?;
        reader.pragma_update(None, "query_only", true).map_err(sql)?;
        let (writer, reader) = (FairMutex::new(writer), Mutex::new(reader));
        let log_is_stale = AtomicBool::new(false);
        let only_read = only_read.map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { place, key, key_file, writer, log_is_stale, reader, only_read, copy, held })
    }

    /// Why nothing can be written, where that is known.
    pub(crate) fn only_read(&self) -> Option<&LogbookError> {
        self.only_read.get()
    }

    /// From now on nothing is written.
    pub(crate) fn read_only(&self, why: LogbookError) {
        // The first reason is as good as any.
        let _ = self.only_read.set(why);
    }

    /// Runs `work` in one transaction; an error rolls everything back.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        if let Some(why) = self.only_read() {
            return Err(why.clone());
        }
        let conn = self.writer.lock();
        self.held.check_in_place()?;
        let value = within(&conn, WRITE, work)?;
        if self.log_is_stale.load(Ordering::Relaxed) {
            // What was written is saved, whether or not this works.
            let _ = self.try_to_empty_log(&conn);
        }
        Ok(value)
    }

    /// Runs `work` on the reading connection: all that it reads is of one moment.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        within(&lock(&self.reader), "BEGIN", work)
    }

    /// The same after `prepare` has made tables of its own, in memory, which go in the end.
    pub(crate) fn read_prepared<T>(
        &self,
        prepare: impl FnOnce(&Connection) -> Result<()>,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let conn = lock(&self.reader);
        conn.pragma_update(None, "query_only", false).map_err(sql)?;
        let read = run(&conn, "BEGIN").and_then(|()| {
            // Rolled back when it is let go.
            let _open = OpenTransaction(&conn);
            prepare(&conn)?;
            work(&conn)
        });
        conn.pragma_update(None, "query_only", true).map_err(sql)?;
        read
    }

    /// A connection of its own for long work.
    pub(crate) fn connect(&self) -> Result<OwnConnection> {
        // What has the name now may be another book, or an older one.
        self.held.check_in_place()?;
        let file = self.copy.as_ref().map_or_else(|| self.place.database(), ReadingCopy::database);
        let conn = connect(&file, &self.key, &self.place)?;
        Ok(OwnConnection::reaching(conn, &self.held, self.only_read().cloned()))
    }

    /// What a backup is made of.
    pub(crate) fn backup_source(&self, now: Moment) -> Result<Source<'_>> {
        Ok(Source { conn: self.connect()?, place: &self.place, key: &self.key, made: now.utc })
    }

    /// Changes when another program has written to the book.
    pub(crate) fn data_version(&self) -> Result<i64> {
        self.read(|conn| conn.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(sql))
    }

    /// Moves the log into the database and empties it, so that no old page stays in it. While long work
    /// reads from the log that has to wait: it is made up for after a later write, or on closing.
    pub(crate) fn empty_log(&self) -> Result<()> {
        if self.only_read().is_some() {
            return Ok(());
        }
        self.log_is_stale.store(true, Ordering::Relaxed);
        self.try_to_empty_log(&self.writer.lock())
    }

    fn try_to_empty_log(&self, conn: &Connection) -> Result<()> {
        conn.busy_timeout(READER_WAIT).map_err(sql)?;
        let blocked =
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        conn.busy_timeout(BUSY_WAIT).map_err(sql)?;
        self.log_is_stale.store(blocked.map_err(sql)?, Ordering::Relaxed);
        Ok(())
    }

    /// What tells this file from a copy of it.
    pub(crate) fn file_identity(&self) -> Result<String> {
        let about = std::fs::metadata(self.place.database());
        let about = about.map_err(|error| LogbookError::reading(&error))?;
        #[cfg(unix)]
        let number = {
            use std::os::unix::fs::MetadataExt as _;
            format!("{}:{}", about.dev(), about.ino())
        };
        #[cfg(not(unix))]
        let number = format!("{:?}", about.created().ok());
        Ok(number)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn key(&self) -> &BookKey {
        &self.key
    }

    pub(crate) fn key_file(&self) -> &KeyFile {
        &self.key_file
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.held.leave(&self.writer.lock());
    }
}

/// Now, as part of a file's name.
pub(crate) fn stamp(now: Moment) -> String {
    format!("{}-{}", now.day().iso(), now.clock_time().replace(':', ""))
}

/// The key that the book in `place` needs, out of the vault.
fn open_key(place: &Place, vault: &Arc<dyn KeyVault>) -> Result<(BookKey, KeyFile)> {
    let key_file = KeyFile::read(&place.folder)?;
    let key = key::load(vault, &key_file.key_name)?;
    if key_file.fits(&key) { Ok((key, key_file)) } else { Err(LogbookError::WrongKey) }
}

/// Looks at what SQLite would not notice: the first bytes, and a log whose end it would ignore.
fn check_files(place: &Place, key: &BookKey, stamp: &str) -> Result<()> {
    if !integrity::header_is_whole(&place.database(), key)? {
        return Err(LogbookError::Damaged { part: DamagedPart::Header });
    }
    let log = place.folder.join(LOG);
    // A checkpoint that was interrupted leaves half a page too, and a log that holds the whole one.
    let no_log = std::fs::metadata(&log).map_or(true, |about| about.len() == 0);
    if no_log && integrity::ends_within_a_page(&place.database())? {
        return Err(LogbookError::Damaged { part: DamagedPart::Page });
    }
    if wal::cuts_off_saved_work(&log)? {
        if !place.accept_cut_log {
            return Err(LogbookError::Damaged { part: DamagedPart::WriteAheadLog });
        }
        backup::copy_aside(&place.folder, backup::DAMAGED, stamp)?;
    }
    Ok(())
}

/// A lock that a panicking thread left behind guards nothing half-done: transactions roll back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Opens a connection to the file with its key and the settings that every connection has.
pub(crate) fn connect(file: &Path, key: &BookKey, place: &Place) -> Result<Connection> {
    let conn = open_keyed(file, key, place)?;
    set_up(&conn, place.synchronous)?;
    Ok(conn)
}

/// The settings of every connection, beside its key; a baseline to measure against takes the same ones.
pub fn set_up(conn: &Connection, synchronous: Synchronous) -> Result<()> {
    conn.execute_batch(
        "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
        PRAGMA journal_mode = WAL; PRAGMA cache_size = -8000;",
    )
    .and_then(|()| conn.pragma_update(None, "synchronous", synchronous.as_str()))
    // Else a kept statement may be compiled anew each time, to look at the values that are bound to it.
    .and_then(|()| conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true))
    .map_err(sql)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Opens a connection with its key and without any settings.
fn open_keyed(file: &Path, key: &BookKey, place: &Place) -> Result<Connection> {
    // A file that is missing is not made here: its name would stand for a book without anything in it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match &place.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs.as_str()),
        None => Connection::open_with_flags(file, flags),
    }
    .map_err(sql)?;
    // SQLCipher's own log would go to the terminal.
    conn.execute_batch("PRAGMA cipher_log_level = NONE").map_err(sql)?;
    conn.pragma_update(None, "key", key.pragma().as_str()).map_err(sql)?;
    conn.busy_timeout(BUSY_WAIT).map_err(sql)?;
    Ok(conn)
}

fn remove_if_there(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// SQLite's answer as the user's: the one place where the two meet.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn sql(error: rusqlite::Error) -> LogbookError {
    if matches!(error, rusqlite::Error::QueryReturnedNoRows) {
        return LogbookError::Damaged { part: DamagedPart::Structure };
    }
    let Some(inner) = error.sqlite_error() else {
        return LogbookError::Damaged { part: DamagedPart::Record };
    };
    match inner.code {
        ErrorCode::DiskFull => LogbookError::DiskFull,
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            LogbookError::ReadOnly
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => LogbookError::Busy,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            LogbookError::Damaged { part: DamagedPart::Page }
        }
        ErrorCode::OperationInterrupted => LogbookError::Cancelled,
        // The memory that connections share is a file too; it cannot grow on a full disk.
        _ if inner.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => LogbookError::DiskFull,
        ErrorCode::SystemIoFailure => LogbookError::Io,
        _ => LogbookError::Storage { code: inner.extended_code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_statement_is_compiled_once() {
        let (_folder, book) = crate::logbook::tests::book();
        let compiled = book.read(|conn| {
            let query = "SELECT value FROM sibling WHERE k = ?1 ORDER BY path LIMIT ?2";
            for k in 0..3 {
                conn.prepare_cached(query).map_err(sql)?.exists([k, 1]).map_err(sql)?;
            }
            let statement = conn.prepare_cached(query).map_err(sql)?;
            Ok(statement.get_status(rusqlite::StatementStatus::RePrepare))
        });
        assert_eq!(compiled, Ok(0));
    }
}
