//! Which runs there are.

use rusqlite::{Connection, params};

use super::CHECKLIST_RUN;
use crate::error::Result;
use crate::ids::RecordId;
use crate::record::{Cursor, column};
use crate::store::sql;

/// Runs of one page.
const PAGE_ROWS: usize = 50;

/// Ids of runs, newest first, and where the next ones begin.
pub(crate) struct RunIds {
    pub(crate) ids: Vec<RecordId>,
    pub(crate) next: Option<String>,
}

/// A page of those that are over, or the first of those that go on.
pub(crate) fn page(conn: &Connection, over: bool, after: Option<&str>) -> Result<RunIds> {
    let Cursor(when_ms, k) = after.map(Cursor::parse).transpose()?.unwrap_or(Cursor::NEWEST);
    let query = "SELECT id, when_ms, k FROM record
                 WHERE kind = ?1 AND alive = 1 AND (when_ms, k) < (?2, ?3)
                   AND (fields ->> '$.finished' IS NOT NULL) = ?4
                 ORDER BY when_ms DESC, k DESC LIMIT ?5";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let values = params![CHECKLIST_RUN, when_ms, k, over, PAGE_ROWS + 1];
    let mut found = statement.query(values).map_err(sql)?;
    let mut page = RunIds { ids: Vec::new(), next: None };
    let mut last = Cursor(0, 0);
    while let Some(row) = found.next().map_err(sql)? {
        if page.ids.len() == PAGE_ROWS {
            page.next = Some(last.text());
            break;
        }
        page.ids.push(RecordId::from_bytes(column(row, 0)?));
        last = Cursor(column(row, 1)?, column(row, 2)?);
    }
    Ok(page)
}

/// The runs that were for a case, newest first.
pub(crate) fn of_case(conn: &Connection, case: RecordId) -> Result<Vec<RecordId>> {
    let query = "SELECT id FROM record WHERE kind = ?1 AND alive = 1 AND fields ->> '$.case' = ?2
                 ORDER BY when_ms DESC, k DESC";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let mut found = statement.query(params![CHECKLIST_RUN, case.to_string()]).map_err(sql)?;
    let mut ids = Vec::new();
    while let Some(row) = found.next().map_err(sql)? {
        ids.push(RecordId::from_bytes(column(row, 0)?));
    }
    Ok(ids)
}
