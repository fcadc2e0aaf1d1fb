//! The table `sibling`.

use rusqlite::params;

use crate::error::Result;
use crate::ids::{DeviceId, RecordId};
use crate::record::dots::Dot;
use crate::record::json_error;
use crate::record::merge::Sibling;
use crate::record::meta::ALIVE;
use crate::store::{Connection, sql};
use crate::time::{Hlc, Stamp};

/// Whether anything is beside the record.
pub(crate) fn any(conn: &Connection, k: i64) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM sibling WHERE k = ?1)";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement.query_row([k], |row| row.get(0)).map_err(sql)
}

/// Records that are not deleted and may have such values: also equal ones are kept apart.
pub(crate) fn contested(conn: &Connection) -> Result<Vec<RecordId>> {
    let query = "SELECT id FROM record
                 WHERE alive AND k IN (SELECT k FROM sibling WHERE path <> ?1)";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let rows = statement
        .query_map([ALIVE], |row| row.get(0).map(RecordId::from_bytes))
        .and_then(Iterator::collect);
    rows.map_err(sql)
}

fn stamp(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Stamp> {
    Ok(Stamp { hlc: Hlc(row.get(at)?), device: DeviceId(row.get(at + 1)?) })
}

pub(super) fn siblings(conn: &Connection, k: i64) -> Result<Vec<Sibling>> {
    let query = "SELECT path, hlc, device, value, author_hlc, author_device FROM sibling
                 WHERE k = ?1 ORDER BY path, hlc, device";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        let written = stamp(row, 1)?;
        let author = row.get::<_, Option<u64>>(4)?.map(|_| stamp(row, 4)).transpose()?;
        let value: Option<String> = row.get(3)?;
        Ok((row.get::<_, String>(0)?, written, value, author.unwrap_or(written)))
    };
    let rows = statement.query_map([k], read).map_err(sql)?;
    rows.map(|row| {
        let (path, stamp, value, author) = row.map_err(sql)?;
        let value = value.as_deref().map(serde_json::from_str).transpose().map_err(json_error)?;
        Ok(Sibling { path, stamp, dot: Dot { value, author } })
    })
    .collect()
}

pub(super) fn clear(conn: &Connection, k: i64) -> Result<()> {
    let change = "DELETE FROM sibling WHERE k = ?1";
    conn.prepare_cached(change).and_then(|mut s| s.execute([k])).map_err(sql)?;
    Ok(())
}

pub(super) fn put_sibling(conn: &Connection, k: i64, sibling: &Sibling) -> Result<()> {
    let change = "INSERT INTO sibling (k, path, hlc, device, value, author_hlc, author_device)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Sibling { path, stamp, dot } = sibling;
    let value = dot.value.as_ref().map(ToString::to_string);
    let author = (dot.author != *stamp).then_some(dot.author);
    let (hlc, device) = (author.map(|author| author.hlc.0), author.map(|author| author.device.0));
    let values = params![k, path, stamp.hlc.0, stamp.device.0, value, hlc, device];
    conn.prepare_cached(change).and_then(|mut s| s.execute(values)).map_err(sql)?;
    Ok(())
}
