//! Facts about this copy of the book: the `local` table.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::sql;
use crate::error::Result;

/// Set in a book that was restored from a backup: when it is next opened it makes new device keys and a
/// new device id, and forgets every pairing. Whatever restores sets it to 1 in what it puts in place;
/// `logbook::identity` looks at it and removes it.
pub(crate) const RENEW_IDENTITY: &str = "renew_identity";

pub(crate) fn text(conn: &Connection, name: &str) -> Result<Option<String>> {
    value(conn, name)
}

pub(crate) fn number(conn: &Connection, name: &str) -> Result<Option<i64>> {
    value(conn, name)
}

/// What is not text and no number.
pub(crate) fn blob(conn: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    value(conn, name)
}

fn value<T: FromSql>(conn: &Connection, name: &str) -> Result<Option<T>> {
    conn.query_row("SELECT value FROM local WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(sql)
}

pub(crate) fn remove(conn: &Connection, name: &str) -> Result<()> {
    conn.execute("DELETE FROM local WHERE name = ?1", [name]).map_err(sql)?;
    Ok(())
}

pub(crate) fn set(conn: &Connection, name: &str, value: &dyn ToSql) -> Result<()> {
    conn.execute(
        "INSERT OR REPLACE INTO local (name, value) VALUES (?1, ?2)",
        params![name, value],
    )
    .map_err(sql)?;
    Ok(())
}
