//! The `draft` table, and where the latest records of a kind are.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::drafts::Draft;
use crate::error::Result;
use crate::ids::{DraftId, RecordId};
use crate::record::{Cursor, json_error};
use crate::store::sql;
use crate::time::UtcMillis;

const COLUMNS: &str = "id, form, record, opened, typed, begun_ms, updated_ms";

pub(super) fn put(conn: &Connection, draft: &Draft) -> Result<()> {
    let typed = serde_json::to_string(&draft.typed).map_err(json_error)?;
    let change =
        format!("INSERT OR REPLACE INTO draft ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    conn.prepare_cached(&change)
        .and_then(|mut statement| {
            statement.execute(params![
                draft.id.bytes(),
                draft.form,
                draft.record.map(|id| id.bytes()),
                draft.opened,
                typed,
                draft.begun.0,
                draft.updated.0,
            ])
        })
        .map_err(sql)?;
    Ok(())
}

pub(super) fn get(conn: &Connection, id: DraftId) -> Result<Option<Draft>> {
    let query = format!("SELECT {COLUMNS} FROM draft WHERE id = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    statement.query_row([id.bytes()], read).optional().map_err(sql)
}

pub(super) fn all(conn: &Connection) -> Result<Vec<Draft>> {
    let query = format!("SELECT {COLUMNS} FROM draft ORDER BY updated_ms DESC");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    statement.query_map([], read).and_then(Iterator::collect).map_err(sql)
}

/// The drafts of `form` for a record, the first begun first.
pub(super) fn of_record(conn: &Connection, form: &str, id: RecordId) -> Result<Vec<Draft>> {
    let query = format!(
        "SELECT {COLUMNS} FROM draft WHERE form = ?1 AND record = ?2 ORDER BY begun_ms, id"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let drafts = statement.query_map(params![form, id.bytes()], read);
    drafts.and_then(Iterator::collect).map_err(sql)
}

pub(super) fn remove(conn: &Connection, id: DraftId) -> Result<()> {
    conn.execute("DELETE FROM draft WHERE id = ?1", [id.bytes()]).map(drop).map_err(sql)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Draft> {
    let typed: String = row.get(4)?;
    let unreadable =
        |error| rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error);
    Ok(Draft {
        id: DraftId::from_bytes(row.get(0)?),
        form: row.get(1)?,
        record: row.get::<_, Option<[u8; 16]>>(2)?.map(RecordId::from_bytes),
        opened: row.get(3)?,
        typed: serde_json::from_str(&typed).map_err(|error| unreadable(error.into()))?,
        begun: UtcMillis(row.get(5)?),
        updated: UtcMillis(row.get(6)?),
    })
}

/// When and in which row the latest records of a kind are, after one of them.
pub(super) fn latest(
    conn: &Connection,
    kind: &str,
    procedure: Option<&str>,
    after: Cursor,
    limit: usize,
) -> Result<Vec<Cursor>> {
    // Both as in the index `record_list`, which then answers without a look at the rows.
    let of_procedure = if procedure.is_some() {
        "coalesce(readings ->> '$.procedure', fields ->> '$.procedure') = ?2"
    } else {
        "?2 IS NULL"
    };
    let query = format!(
        "SELECT when_ms, k FROM record
         WHERE kind = ?1 AND alive = 1 AND {of_procedure} AND (when_ms, k) < (?3, ?4)
         ORDER BY when_ms DESC, k DESC LIMIT ?5"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let rows = statement.query_map(params![kind, procedure, after.0, after.1, limit], |row| {
        Ok(Cursor(row.get(0)?, row.get(1)?))
    });
    rows.and_then(Iterator::collect).map_err(sql)
}
