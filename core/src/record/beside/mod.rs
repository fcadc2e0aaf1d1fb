//! What is kept beside a record: values of writes that did not know of each other. Most
//! records have none.

mod rows;

pub(crate) use rows::{any, contested};

use super::merge::{Sibling, State, Whole};
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

/// What stands beside what the record shows and says something else.
pub(crate) fn others_of(conn: &Connection, id: RecordId) -> Result<Vec<Sibling>> {
    let Some((k, record)) = record_rows::load_row(conn, id)? else { return Ok(Vec::new()) };
    let whole = whole(conn, k, record)?;
    Ok(if whole.has_beside() { State::of(&whole).others() } else { Vec::new() })
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
