//! The `record` table.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::meta::Meta;
use super::travel::{self, Gone};
use super::{Fields, NewRecord, Record, when};
use crate::content::reading;
use crate::error::{DamagedPart, LogbookError, Result};
use crate::ids::RecordId;
use crate::store::{sql, words};
use crate::time::{Moment, UtcMillis};

pub(crate) const COLUMNS: &str = "id, kind, at_ms, at_offset_min, alive, lseq, meta, fields, k";

/// A stored row that does not read as a record.
fn unreadable() -> LogbookError {
    LogbookError::Damaged { part: DamagedPart::Record }
}

/// A JSON value could not be written as text; only a number that is none could do that.
pub(crate) fn json_error(_: serde_json::Error) -> LogbookError {
    unreadable()
}

pub(crate) fn column<T: FromSql>(row: &Row<'_>, at: usize) -> Result<T> {
    row.get(at).map_err(sql)
}

fn read(row: &Row<'_>) -> Result<(i64, Record)> {
    let meta: Vec<u8> = column(row, 6)?;
    let fields = row.get_ref(7).map_err(sql)?.as_str().map_err(|_| unreadable())?;
    let record = Record {
        id: RecordId::from_bytes(column(row, 0)?),
        kind: column(row, 1)?,
        at: Moment { utc: UtcMillis(column(row, 2)?), offset_min: column(row, 3)? },
        alive: column(row, 4)?,
        lseq: column(row, 5)?,
        meta: Meta::decode(&meta).ok_or_else(unreadable)?,
        fields: serde_json::from_str(fields).map_err(json_error)?,
    };
    Ok((column(row, 8)?, record))
}

/// A record with its local row number, deleted ones too.
pub(crate) fn load_row(conn: &Connection, id: RecordId) -> Result<Option<(i64, Record)>> {
    let query = format!("SELECT {COLUMNS} FROM record WHERE id = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query([id.bytes()]).map_err(sql)?;
    rows.next().map_err(sql)?.map(read).transpose()
}

/// The record at a local row, deleted ones too.
pub(crate) fn load_at(conn: &Connection, k: i64) -> Result<Record> {
    let query = format!("SELECT {COLUMNS} FROM record WHERE k = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query([k]).map_err(sql)?;
    let (_, record) = rows.next().map_err(sql)?.map(read).transpose()?.ok_or_else(unreadable)?;
    Ok(record)
}

/// A record, deleted ones too.
pub fn load(conn: &Connection, id: RecordId) -> Result<Record> {
    load_row(conn, id)?.map(|(_, record)| record).ok_or(LogbookError::NotFound { id })
}

/// Every record that is not deleted, oldest first; `each` may stop it with an error.
pub fn for_each_alive(
    conn: &Connection,
    kind: Option<&str>,
    mut each: impl FnMut(&Record) -> Result<()>,
) -> Result<()> {
    let query = format!(
        "SELECT {COLUMNS} FROM record WHERE alive = 1 AND (?1 IS NULL OR kind = ?1) ORDER BY at_ms, k"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query([kind]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        each(&read(row)?.1)?;
    }
    Ok(())
}

/// A step of a walk over every record by the index of records: first by kind, the deleted first.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) kind: String,
    pub(crate) alive: bool,
    pub(crate) when_ms: i64,
    pub(crate) at_ms: i64,
    pub(crate) k: i64,
}

impl Listed {
    /// Before the first record, or before the first of `kind` that is not deleted.
    pub(crate) fn before(kind: Option<&str>) -> Self {
        let (alive, kind) = (kind.is_some(), kind.unwrap_or_default().to_owned());
        Self { kind, alive, when_ms: i64::MIN, at_ms: 0, k: 0 }
    }
}

/// The next `limit` records after `last`, without touching their rows.
pub(crate) fn listed(conn: &Connection, last: &Listed, limit: u32) -> Result<Vec<Listed>> {
    let query = "SELECT kind, alive, when_ms, at_ms, k FROM record
                 WHERE (kind, alive, when_ms, k) > (?1, ?2, ?3, ?4)
                 ORDER BY kind, alive, when_ms, k LIMIT ?5";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let rows = statement
        .query_map(params![last.kind, last.alive, last.when_ms, last.k, limit], |row| {
            Ok(Listed {
                kind: row.get(0)?,
                alive: row.get(1)?,
                when_ms: row.get(2)?,
                at_ms: row.get(3)?,
                k: row.get(4)?,
            })
        })
        .map_err(sql)?;
    rows.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// How many records there are, deleted ones too.
pub(crate) fn count(conn: &Connection) -> Result<u64> {
    let mut statement = conn.prepare_cached("SELECT count(*) FROM record").map_err(sql)?;
    statement.query_row([], |row| row.get(0)).map_err(sql)
}

/// Whether the record in row `k` reads as one; a row that is gone by now is none to complain of.
pub(crate) fn is_readable(conn: &Connection, k: i64) -> Result<bool> {
    let query = format!("SELECT {COLUMNS} FROM record WHERE k = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query([k]).map_err(sql)?;
    Ok(rows.next().map_err(sql)?.is_none_or(|row| read(row).is_ok()))
}

/// The local sequence of the last write.
pub(crate) fn last_sequence(conn: &Connection) -> Result<u64> {
    newest(conn).map(|(lseq, _)| lseq)
}

/// A record as it would be written anew: what is exported of it, and the bytes of its fields. Does without
/// its stamps.
pub(crate) fn load_new(conn: &Connection, k: i64) -> Result<(NewRecord, usize)> {
    let query = "SELECT id, kind, at_ms, at_offset_min, fields FROM record WHERE k = ?1";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let mut rows = statement.query([k]).map_err(sql)?;
    let row = rows.next().map_err(sql)?.ok_or_else(unreadable)?;
    let fields = row.get_ref(4).map_err(sql)?.as_str().map_err(|_| unreadable())?;
    let record = NewRecord {
        id: RecordId::from_bytes(column(row, 0)?),
        kind: column(row, 1)?,
        at: Moment { utc: UtcMillis(column(row, 2)?), offset_min: column(row, 3)? },
        fields: serde_json::from_str(fields).map_err(json_error)?,
    };
    Ok((record, fields.len()))
}

/// Writes a record that is not here; `removed_ms` says when it was deleted.
pub(crate) fn insert(conn: &Connection, record: &Record, removed_ms: Option<i64>) -> Result<()> {
    let when = when(&record.kind, record.at, &record.fields);
    conn.prepare_cached(
        "INSERT INTO record (k, id, kind, at_ms, at_offset_min, when_ms, day, alive, removed_ms, hlc, lseq, meta, fields,
           readings)
         VALUES (?8, ?1, ?2, ?3, ?4, ?5, ?6, ?11, ?12, ?7, ?8, ?9, ?10, ?13)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            record.id.bytes(),
            record.kind,
            record.at.utc.0,
            record.at.offset_min,
            when.utc.0,
            when.day().0,
            record.meta.highest().0,
            record.lseq,
            record.meta.encode(),
            text(&record.fields)?,
            record.alive,
            removed_ms,
            reading::beside(&record.kind, &record.fields),
        ])
    })
    .map_err(sql)?;
    Ok(())
}

/// Works the readings out again of every record that has values to be read; the others stand as they
/// are counted, whatever is read now. One after the other: they may be more than memory holds.
pub(crate) fn read_again(conn: &Connection) -> Result<()> {
    // A query that looks for rows while they change may see one twice, or leave one out.
    let next = "SELECT k, kind, fields FROM record WHERE k > ?1 AND readings IS NOT NULL
                ORDER BY k LIMIT 1";
    let mut next = conn.prepare(next).map_err(sql)?;
    let mut update = conn.prepare("UPDATE record SET readings = ?2 WHERE k = ?1").map_err(sql)?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let mut last = 0_i64;
    while let Some((k, kind, fields)) = next.query_row([last], row).optional().map_err(sql)? {
        let fields: Fields = serde_json::from_str(&fields).map_err(json_error)?;
        update.execute(params![k, reading::beside(&kind, &fields)]).map_err(sql)?;
        last = k;
    }
    Ok(())
}

/// Writes a record back, all of it but its id: where two devices made one of the same id, its kind
/// and time are those of the later one. `removed_ms` says when it was deleted.
pub(crate) fn update(
    conn: &Connection,
    k: i64,
    record: &Record,
    removed_ms: Option<i64>,
) -> Result<()> {
    let when = record.when();
    conn.prepare_cached(
        "UPDATE record SET when_ms = ?2, day = ?3, alive = ?4, removed_ms = ?5, hlc = ?6, lseq = ?7,
         meta = ?8, fields = ?9, kind = ?10, at_ms = ?11, at_offset_min = ?12, readings = ?13 WHERE k = ?1",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            k,
            when.utc.0,
            when.day().0,
            record.alive,
            removed_ms,
            record.meta.highest().0,
            record.lseq,
            record.meta.encode(),
            text(&record.fields)?,
            record.kind,
            record.at.utc.0,
            record.at.offset_min,
            reading::beside(&record.kind, &record.fields),
        ])
    })
    .map_err(sql)?;
    Ok(())
}

fn text(fields: &Fields) -> rusqlite::Result<String> {
    serde_json::to_string(fields)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The highest local sequence and the stamp that went with it, over records and tombs.
pub(crate) fn newest(conn: &Connection) -> Result<(u64, u64)> {
    let query = "SELECT max(lseq), hlc FROM (
                   SELECT * FROM (SELECT lseq, hlc FROM record ORDER BY k DESC LIMIT 1)
                   UNION ALL
                   SELECT * FROM (SELECT lseq, hlc FROM record WHERE lseq <> k ORDER BY lseq DESC LIMIT 1)
                   UNION ALL SELECT * FROM (SELECT lseq, hlc FROM tomb ORDER BY lseq DESC LIMIT 1))";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement
        .query_row([], |row| {
            Ok((
                row.get::<_, Option<u64>>(0)?.unwrap_or(0),
                row.get::<_, Option<u64>>(1)?.unwrap_or(0),
            ))
        })
        .map_err(sql)
}

/// Whether there is a record of this id, deleted or not, and whether one was erased or purged.
pub(crate) fn known_and_gone(conn: &Connection, id: RecordId) -> Result<(bool, bool)> {
    let query = "SELECT EXISTS (SELECT 1 FROM record WHERE id = ?1), EXISTS (SELECT 1 FROM tomb WHERE id = ?1)";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement.query_row([id.bytes()], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sql)
}

/// What is left of a record that was erased or purged.
pub(crate) fn gone(conn: &Connection, id: RecordId) -> Result<Option<Gone>> {
    let query = format!("SELECT {GONE} FROM tomb WHERE id = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query([id.bytes()]).map_err(sql)?;
    rows.next().map_err(sql)?.map(read_gone).transpose()
}

const GONE: &str = "id, erased, hlc, device, seen, lseq";

fn read_gone(row: &Row<'_>) -> Result<Gone> {
    let seen: Option<Vec<u8>> = column(row, 4)?;
    Ok(Gone {
        id: RecordId::from_bytes(column(row, 0)?),
        erased: column(row, 1)?,
        stamp: crate::time::Stamp {
            hlc: crate::time::Hlc(column(row, 2)?),
            device: crate::ids::DeviceId(column(row, 3)?),
        },
        seen: seen
            .as_deref()
            .map(travel::read_seen)
            .transpose()
            .map_err(|_| unreadable())?
            .unwrap_or_default(),
    })
}

/// Drops a record, if it is here, with everything that hangs on it, and keeps what is left of it.
pub(crate) fn bury(conn: &Connection, k: Option<i64>, gone: &Gone, lseq: u64) -> Result<()> {
    let run = |change: &str, values: &[&dyn rusqlite::ToSql]| {
        conn.prepare_cached(change).and_then(|mut statement| statement.execute(values)).map_err(sql)
    };
    let id = gone.id.bytes();
    if let Some(k) = k {
        let before = words::before(conn, k, false)?;
        run("DELETE FROM draft WHERE record = ?1", &[&id])?;
        run("DELETE FROM history WHERE k = ?1", &[&k])?;
        run("DELETE FROM sibling WHERE k = ?1", &[&k])?;
        run("DELETE FROM record WHERE k = ?1", &[&k])?;
        words::after(conn, k, before)?;
    }
    let (erased, stamp, seen) = (gone.erased, gone.stamp, travel::seen_bytes(&gone.seen));
    run(
        "INSERT OR REPLACE INTO tomb (id, erased, hlc, device, lseq, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[&id, &erased, &stamp.hlc.0, &stamp.device.0, &lseq, &seen],
    )?;
    Ok(())
}

/// A purged record comes back.
pub(crate) fn unbury(conn: &Connection, id: RecordId) -> Result<()> {
    let change = "DELETE FROM tomb WHERE id = ?1";
    conn.prepare_cached(change).and_then(|mut s| s.execute([id.bytes()])).map_err(sql)?;
    Ok(())
}

/// What one local sequence number stands for: a record, by its row, or what is left of one.
pub(crate) enum FeedEntry {
    Record(i64),
    Gone(u64),
}

/// One local sequence number.
pub(crate) struct Entry {
    pub(crate) lseq: u64,
    pub(crate) what: FeedEntry,
}

/// What was written after `after`, in order, at most `limit` of it.
pub(crate) fn entries(conn: &Connection, after: u64, limit: u32) -> Result<Vec<Entry>> {
    let query = "SELECT lseq, k FROM (SELECT * FROM (SELECT k AS lseq, k FROM record WHERE k > ?1 AND lseq = k ORDER BY k LIMIT ?2)
                   UNION ALL SELECT * FROM (SELECT lseq, k FROM record WHERE lseq > ?1 AND lseq <> k ORDER BY lseq LIMIT ?2)
                   UNION ALL SELECT * FROM (SELECT lseq, NULL FROM tomb WHERE lseq > ?1 ORDER BY lseq LIMIT ?2))
                 ORDER BY lseq LIMIT ?2";
    listed_by(conn, query, params![after, limit])
}

/// The same of those whose id ends in one of `buckets`.
pub(crate) fn entries_of(
    conn: &Connection,
    after: u64,
    limit: u32,
    buckets: &[u8],
) -> Result<Vec<Entry>> {
    let named: Vec<String> = buckets.iter().map(|bucket| format!("{bucket:02X}")).collect();
    let buckets = named.join(" ");
    let query = "SELECT lseq, k FROM (SELECT lseq, k, id FROM record UNION ALL SELECT lseq, NULL, id FROM tomb)
                 WHERE lseq > ?1 AND instr(?3, hex(substr(id, 16, 1))) > 0 ORDER BY lseq LIMIT ?2";
    listed_by(conn, query, params![after, limit, buckets])
}

fn listed_by(conn: &Connection, query: &str, values: impl rusqlite::Params) -> Result<Vec<Entry>> {
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let read = |row: &Row<'_>| {
        let lseq = row.get(0)?;
        let what = row.get::<_, Option<i64>>(1)?.map_or(FeedEntry::Gone(lseq), FeedEntry::Record);
        Ok(Entry { lseq, what })
    };
    let found = statement.query_map(values, read).and_then(Iterator::collect);
    found.map_err(sql)
}

pub(crate) fn gone_at(conn: &Connection, lseq: u64) -> Result<Gone> {
    let query = format!("SELECT {GONE} FROM tomb WHERE lseq = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query([lseq]).map_err(sql)?;
    rows.next().map_err(sql)?.map(read_gone).transpose()?.ok_or_else(unreadable)
}

/// Forgets history older than `before`; returns the records deleted longer ago than that limit of theirs.
pub(crate) fn expired(
    conn: &Connection,
    history_before: i64,
    removed_before: i64,
) -> Result<Vec<RecordId>> {
    conn.execute("DELETE FROM history WHERE replaced_ms < ?1", [history_before]).map_err(sql)?;
    let query = "SELECT id FROM record WHERE alive = 0 AND removed_ms < ?1";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let ids = statement
        .query_map([removed_before], |row| row.get(0).map(RecordId::from_bytes))
        .map_err(sql)?;
    ids.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// A value that a write replaced.
pub(crate) struct Replaced {
    pub(crate) path: String,
    pub(crate) value: Option<String>,
    pub(crate) stamp: crate::time::Stamp,
    pub(crate) when_ms: i64,
    pub(crate) lseq: u64,
}

pub(crate) fn remember(conn: &Connection, k: i64, replaced: &Replaced) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO history (k, lseq, path, value, hlc, device, replaced_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            k,
            replaced.lseq,
            replaced.path,
            replaced.value,
            replaced.stamp.hlc.0,
            replaced.stamp.device.0,
            replaced.when_ms,
        ])
    })
    .map_err(sql)?;
    Ok(())
}

/// What writes after `lseq` replaced, newest first.
pub(crate) fn replaced_since(conn: &Connection, k: i64, lseq: u64) -> Result<Vec<Replaced>> {
    let query = "SELECT path, value, hlc, device, replaced_ms, lseq FROM history
                 WHERE k = ?1 AND lseq > ?2 ORDER BY lseq DESC, h DESC";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let rows = statement
        .query_map(params![k, lseq], |row| {
            Ok(Replaced {
                path: row.get(0)?,
                value: row.get(1)?,
                stamp: crate::time::Stamp {
                    hlc: crate::time::Hlc(row.get(2)?),
                    device: crate::ids::DeviceId(row.get(3)?),
                },
                when_ms: row.get(4)?,
                lseq: row.get(5)?,
            })
        })
        .map_err(sql)?;
    rows.collect::<rusqlite::Result<_>>().map_err(sql)
}
