//! Transactions, and connections of their own for long work.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::key::BookKey;
use super::open_mark::Held;
use super::{Place, connect, sql};
use crate::error::{LogbookError, Result};

/// A job's connection: it waits for nobody but other writers.
pub(crate) struct OwnConnection {
    pub(super) conn: Connection,
    /// Why nothing can be written.
    only_read: Option<LogbookError>,
    /// None where the file is no book.
    held: Option<Arc<Held>>,
}

impl Drop for OwnConnection {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.leave(&self.conn);
        }
    }
}

impl OwnConnection {
    /// It keeps the files of the book in their place for as long as it lives.
    pub(super) fn open(place: &Place, key: &BookKey, held: &Arc<Held>) -> Result<Self> {
        Ok(Self::reaching(connect(&place.database(), key, place)?, held, None))
    }

    /// With why nothing can be written, where that is so.
    pub(super) fn reaching(
        conn: Connection,
        held: &Arc<Held>,
        only_read: Option<LogbookError>,
    ) -> Self {
        Self { conn, only_read, held: Some(held.join()) }
    }

    /// One to a file that is no book, and that nobody else has.
    pub(crate) fn apart(file: &Path, key: &BookKey, place: &Place) -> Result<Self> {
        Ok(Self { conn: connect(file, key, place)?, only_read: None, held: None })
    }

    /// Runs `work` in one transaction; an error rolls everything back.
    pub(crate) fn write<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        if let Some(why) = &self.only_read {
            return Err(why.clone());
        }
        if let Some(held) = &self.held {
            held.check_in_place()?;
        }
        within(&self.conn, WRITE, work)
    }

    /// From here on every read sees the book as it is now, whatever is written meanwhile.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.conn.execute_batch("BEGIN; SELECT count(*) FROM local").map_err(sql)
    }

    /// Runs `work` on it.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.conn)
    }
}

/// How a transaction that writes begins: before it has read anything that another could change.
pub(super) const WRITE: &str = "BEGIN IMMEDIATE";

pub(super) fn within<T>(
    conn: &Connection,
    begin: &str,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    run(conn, begin)?;
    let open = OpenTransaction(conn);
    let value = work(conn)?;
    open.commit()?;
    Ok(value)
}

/// A transaction that rolls back unless it was committed, also when its work panics. Its statements are
/// kept prepared, which rusqlite's own are not; a save notices.
pub(super) struct OpenTransaction<'c>(pub(super) &'c Connection);

impl OpenTransaction<'_> {
    fn commit(self) -> Result<()> {
        run(self.0, "COMMIT")
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // What cannot be rolled back now is rolled back when the connection closes.
            let _ = run(self.0, "ROLLBACK");
        }
    }
}

pub(super) fn run(conn: &Connection, statement: &str) -> Result<()> {
    let mut statement = conn.prepare_cached(statement).map_err(sql)?;
    statement.execute([]).map(drop).map_err(sql)
}
