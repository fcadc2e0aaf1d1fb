//! Numbered migrations over `user_version`, and the refusal to touch a newer schema.

use rusqlite::Connection;

use super::{is_about_writing, sql};
use crate::error::{LogbookError, Result};

/// Each step, never edited after release; a comment inside `CREATE TABLE` survives in the schema.
const STEPS: [&str; 2] = [
    include_str!("../../migrations/001_init.sql"),
    include_str!("../../migrations/002_exchange.sql"),
];

/// The newest schema that this version knows.
pub const SCHEMA: u32 = 2;
const _: () = assert!(STEPS.len() == SCHEMA as usize);

/// The schema that a database is at; an error where it is newer than this version.
pub(crate) fn version(conn: &Connection) -> Result<u32> {
    let found: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sql)?;
    if found > SCHEMA { Err(LogbookError::NewerSchema { found, known: SCHEMA }) } else { Ok(found) }
}

/// Brings a database to the newest schema where it can be written and there is room for the backup;
/// elsewhere it is told that it is older, and nothing is touched.
pub(crate) fn migrate_or_tell(
    conn: &mut Connection,
    can_write: bool,
    backup: impl FnOnce(u32) -> Result<()>,
) -> Result<()> {
    let older = LogbookError::OlderSchema { found: version(conn)?, known: SCHEMA };
    match migrate(conn, |from| if can_write { backup(from) } else { Err(LogbookError::ReadOnly) }) {
        Err(error) if is_about_writing(&error) => Err(older),
        migrated => migrated,
    }
}

/// Brings a database to the newest schema, all steps or none. `backup` is called with the present
/// schema before anything that holds records is touched; its failure stops the migration.
pub(crate) fn migrate(conn: &mut Connection, backup: impl FnOnce(u32) -> Result<()>) -> Result<()> {
    let from = version(conn)?;
    run(conn, from, &STEPS, backup)
}

fn run(
    conn: &mut Connection,
    from: u32,
    steps: &[&str],
    backup: impl FnOnce(u32) -> Result<()>,
) -> Result<()> {
    if from as usize == steps.len() {
        return Ok(());
    }
    if from > 0 {
        backup(from)?;
    }
    let tx =
        conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sql)?;
    // Another process may have migrated while this one waited.
    let from: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sql)?;
    for step in steps.iter().skip(from as usize) {
        tx.execute_batch(step).map_err(sql)?;
    }
    tx.pragma_update(None, "user_version", steps.len()).map_err(sql)?;
    tx.commit().map_err(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_comes_before_a_migration_and_without_it_nothing_is_touched() {
        let mut conn = Connection::open_in_memory().unwrap();
        let version = |conn: &Connection| -> u32 {
            conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
        };
        let later = [STEPS[0], "CREATE TABLE later (x)"];
        run(&mut conn, 0, &later[..1], |_| panic!("a new book holds nothing")).unwrap();
        assert_eq!(version(&conn), 1);
        let refused = run(&mut conn, 1, &later, |_| Err(LogbookError::DiskFull));
        assert_eq!((refused, version(&conn)), (Err(LogbookError::DiskFull), 1));
        let mut backed_up = None;
        let note = |from| {
            backed_up = Some(from);
            Ok(())
        };
        run(&mut conn, 1, &later, note).unwrap();
        assert_eq!((backed_up, version(&conn)), (Some(1), 2));
        run(&mut conn, 2, &later, |_| panic!("nothing is left to do")).unwrap();
    }

    #[test]
    fn an_older_book_that_cannot_be_written_is_told_and_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        run(&mut conn, 0, &STEPS[..1], |_| Ok(())).unwrap();
        let older = Err(LogbookError::OlderSchema { found: 1, known: SCHEMA });
        let mut asked = |can_write| {
            let told = migrate_or_tell(&mut conn, can_write, |_| Err(LogbookError::DiskFull));
            (told, version(&conn))
        };
        assert_eq!(asked(false), (older.clone(), Ok(1)));
        assert_eq!(asked(true), (older, Ok(1)));
        migrate_or_tell(&mut conn, true, |_| Ok(())).unwrap();
        migrate_or_tell(&mut conn, false, |_| panic!("it is up to date")).unwrap();
    }
}
