//! Is every byte as it was written?

use std::path::Path;

use rusqlite::Connection;

use super::aside::Aside;
use super::key::BookKey;
use super::peek::Peek;
use super::{
    DEVICE_KIND, OwnConnection, Place, REVOCATION_KIND, connect, is_about_writing, migrate, search,
    sql,
};
use crate::error::{DamagedPart, LogbookError, Result};

/// Whether the file begins with the salt that its key names. SQLCipher does not look at these bytes
/// when it is given key and salt, so nobody else would notice.
pub(crate) fn header_is_whole(file: &Path, key: &BookKey) -> Result<bool> {
    let mut header = [0; 16];
    Ok(Peek::open(file)?.read(&mut header, 0)? == header.len() && header == key.salt())
}

/// Whether the last page is not all there, which SQLite would notice only when it reads that one.
pub(crate) fn ends_within_a_page(file: &Path) -> Result<bool> {
    Ok(Peek::open(file)?.bytes()? % super::PAGE_BYTES as u64 != 0)
}

/// How many pages a database file has, the begun ones too.
pub(crate) fn pages(file: &Path) -> Result<u64> {
    Ok(Peek::open(file)?.bytes()?.div_ceil(super::PAGE_BYTES as u64))
}

/// Reads every page of the file against its authentication code: how many do not fit. After a power cut
/// a page may be half in the file and whole in the log, which is no damage; the log is moved in first.
pub(crate) fn bad_pages(conn: &Connection) -> Result<u64> {
    // Within a transaction, or while another program writes, it stays where it is.
    let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    let mut statement = conn.prepare("PRAGMA cipher_integrity_check").map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    let mut bad = 0;
    while rows.next().map_err(sql)?.is_some() {
        bad += 1;
    }
    Ok(bad)
}

/// The parts that disagree, of a file whose pages are whole.
pub(crate) fn disagreeing_parts(conn: &Connection) -> Result<Vec<DamagedPart>> {
    let mut parts = Vec::new();
    let verdicts = conn.prepare("PRAGMA integrity_check(100)").and_then(|mut statement| {
        statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<_>>()
    });
    let verdicts: Vec<String> = verdicts.map_err(sql)?;
    // SQLite asks the index too; what it says of that can be rebuilt.
    if verdicts.iter().any(|verdict| verdict != "ok" && !verdict.contains("FTS5")) {
        parts.push(DamagedPart::Structure);
    }
    if search::disagrees(conn)? {
        parts.push(DamagedPart::SearchIndex);
    }
    Ok(parts)
}

/// Begins to read every page of a book that is in use.
pub(crate) fn begin_pages(conn: OwnConnection) -> Result<Aside<u64>> {
    Aside::begin(Some(conn.conn.get_interrupt_handle()), move |_| {
        let bad = bad_pages(&conn.conn)?;
        if bad == 0 {
            return Ok(0);
        }
        // A checkpoint may have been writing just that page: looked at again while nobody can.
        match conn.conn.execute_batch("BEGIN IMMEDIATE").map_err(sql) {
            Err(error) if is_about_writing(&error) => return Ok(bad),
            begun => begun?,
        }
        let bad = bad_pages(&conn.conn);
        conn.conn.execute_batch("ROLLBACK").map_err(sql)?;
        bad
    })
}

/// Begins to ask whether the parts of a book in use fit together.
pub(crate) fn begin_parts(conn: OwnConnection) -> Result<Aside<Vec<DamagedPart>>> {
    Aside::begin(Some(conn.conn.get_interrupt_handle()), move |_| disagreeing_parts(&conn.conn))
}

/// What a copy that was checked holds.
pub(crate) struct Whole {
    /// Records that a user wrote, deleted ones too.
    pub(crate) records: u64,
}

/// Begins to check a copy that is not a book yet.
pub(crate) fn begin_check(database: &Path, key: &BookKey, place: &Place) -> Result<Aside<Whole>> {
    if !header_is_whole(database, key)? {
        return Err(LogbookError::Damaged { part: DamagedPart::Header });
    }
    let conn = connect(database, key, place)?;
    Aside::begin(Some(conn.get_interrupt_handle()), move |_| {
        if bad_pages(&conn)? > 0 {
            return Err(LogbookError::Damaged { part: DamagedPart::Page });
        }
        migrate::version(&conn)?;
        let parts = disagreeing_parts(&conn)?;
        if parts.contains(&DamagedPart::Structure) {
            return Err(LogbookError::Damaged { part: DamagedPart::Structure });
        }
        if parts.contains(&DamagedPart::SearchIndex) {
            search::rebuild(&conn)?;
        }
        let count = "SELECT count(*) FROM record WHERE kind NOT IN (?1, ?2)";
        let own = [DEVICE_KIND, REVOCATION_KIND];
        let records = conn.query_row(count, own, |row| row.get(0)).map_err(sql)?;
        conn.close().map_err(|(_, error)| sql(error))?;
        Ok(Whole { records })
    })
}
