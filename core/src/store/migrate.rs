//! Numbered migrations over `user_version`, and the refusal to touch a newer schema.

use rusqlite::Connection;

use super::sql;
use crate::error::{LogbookError, Result};

/// Each step, never edited after release; a comment inside `CREATE TABLE` survives in the schema.
const STEPS: [&str; 1] = [include_str!("../../migrations/001_init.sql")];

/// The newest schema that this version knows.
pub const SCHEMA: u32 = 1;
const _: () = assert!(STEPS.len() == SCHEMA as usize);

/// The schema that a database is at; an error where it is newer than this version.
pub(crate) fn version(conn: &Connection) -> Result<u32> {
    let found: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sql)?;
    if found > SCHEMA { Err(LogbookError::NewerSchema { found, known: SCHEMA }) } else { Ok(found) }
}

/// Brings a database to the newest schema, all steps or none.
pub(crate) fn migrate(conn: &mut Connection) -> Result<()> {
    let from = version(conn)?;
    if from == SCHEMA {
        return Ok(());
    }
    let tx =
        conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sql)?;
    // Another process may have migrated while this one waited.
    let from = version(&tx)?;
    for step in STEPS.iter().skip(from as usize) {
        tx.execute_batch(step).map_err(sql)?;
    }
    tx.pragma_update(None, "user_version", SCHEMA).map_err(sql)?;
    tx.commit().map_err(sql)
}
