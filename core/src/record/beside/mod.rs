//! What is kept beside a record: values of writes that did not know of each other. Most
//! records have none.

mod rows;

use super::merge::{Other, State, Whole};
use super::{Record, rows as record_rows};
use crate::error::Result;
use crate::ids::RecordId;
use crate::store::Connection;

/// The record at row `k` with everything beside it; mostly there is nothing.
pub(crate) fn whole(conn: &Connection, k: i64, record: Record) -> Result<Whole> {
    if !any(conn, k)? {
        return Ok(Whole { record, siblings: Vec::new() });
    }
    Ok(Whole { record, siblings: rows::siblings(conn, k)? })
}

/// Whether anything is beside the record.
pub(crate) fn any(conn: &Connection, k: i64) -> Result<bool> {
    rows::any(conn, k)
}

/// What stands beside what the record shows and says something else.
pub(crate) fn others_of(conn: &Connection, id: RecordId) -> Result<Vec<Other>> {
    let Some((k, record)) = record_rows::load_row(conn, id)? else { return Ok(Vec::new()) };
    let whole = whole(conn, k, record)?;
    Ok(if whole.has_beside() { State::of(&whole).others() } else { Vec::new() })
}

/// Records that are not deleted and may have such values: also equal ones are kept apart.
pub(crate) fn contested(conn: &Connection) -> Result<Vec<RecordId>> {
    rows::contested(conn)
}

/// Keeps what is beside a record, in place of what was there.
pub(crate) fn keep(conn: &Connection, k: i64, had_any: bool, whole: &Whole) -> Result<()> {
    if had_any {
        rows::clear(conn, k)?;
    }
    whole.siblings.iter().try_for_each(|sibling| rows::put_sibling(conn, k, sibling))
}

/// A record as the exchange sends it, by its local row.
pub(crate) fn at(conn: &Connection, k: i64) -> Result<Whole> {
    let record = record_rows::load_at(conn, k)?;
    whole(conn, k, record)
}
