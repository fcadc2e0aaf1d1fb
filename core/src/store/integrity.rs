//! Is every byte as it was written?

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::Connection;

use super::key::BookKey;
use super::sql;
use crate::error::{DamagedPart, Result};

/// Whether the file begins with the salt that its key names. SQLCipher does not look at these bytes
/// when it is given key and salt, so nobody else would notice.
pub(crate) fn header_is_whole(file: &Path, key: &BookKey) -> Result<bool> {
    let mut header = [0; 16];
    let mut input = File::open(file)?;
    Ok(input.read_exact(&mut header).is_ok() && header == key.salt())
}

/// Reads every page against its authentication code, then asks SQLite whether they fit together,
/// then the search index whether it matches the records.
pub(crate) fn damaged_parts(conn: &Connection) -> Result<Vec<DamagedPart>> {
    let mut parts = Vec::new();
    if any_row(conn, "PRAGMA cipher_integrity_check")? {
        parts.push(DamagedPart::Page);
        return Ok(parts);
    }
    let verdict: String =
        conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(sql)?;
    if verdict != "ok" {
        parts.push(DamagedPart::Structure);
    }
    if conn.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)", []).is_err()
    {
        parts.push(DamagedPart::SearchIndex);
    }
    Ok(parts)
}

fn any_row(conn: &Connection, pragma: &str) -> Result<bool> {
    conn.prepare(pragma)
        .and_then(|mut statement| statement.query([])?.next().map(|row| row.is_some()))
        .map_err(sql)
}
