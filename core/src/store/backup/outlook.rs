//! What a restore would do, told before it does it: how old the backup is, and what the book that it
//! replaces has and the backup has not.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::{MissingPart, Result};
use crate::store::key::{BookKey, KeyVault};
use crate::store::parts::{self, Found};
use crate::store::{LOG, Place, connect, is_own_writing, open_key, open_keyed, recovery, sql};
use crate::time::{Hlc, Moment, UtcMillis};

/// What a restore would do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RestoreOutlook {
    /// When the backup was made.
    pub made: Moment,
    /// How many days ago that was, by the calendar; 0: today.
    pub days: u32,
    /// Records in it that a user wrote, deleted ones too.
    pub records: u64,
    /// What is in the place that it would go to.
    pub replaced: ReplacedBook,
    /// Whether its recovery code was still to be confirmed when it was made, and was not used to open it:
    /// nobody can be shown that code any more.
    pub code_is_left_behind: bool,
}

impl RestoreOutlook {
    /// Whether the book that is replaced has what the backup has not, as far as anybody knows.
    pub fn leaves_something_out(&self) -> bool {
        match self.replaced {
            ReplacedBook::Nothing => false,
            ReplacedBook::Unreadable => true,
            ReplacedBook::Readable { added, changed, erased, .. } => added + changed + erased > 0,
        }
    }
}

/// The book that a restore would replace. It is kept in a folder beside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum ReplacedBook {
    /// There is none.
    Nothing,
    /// It cannot be read, so nobody knows what is newer in it.
    Unreadable,
    /// It can be read.
    Readable {
        /// Records that the backup lacks.
        added: u64,
        /// Records that the backup holds as they were before.
        changed: u64,
        /// Records that were erased for good since, and would be there again.
        erased: u64,
        /// When the latest of those that were added or changed was written.
        latest: Option<Moment>,
    },
}

/// The prepared copy of a backup.
pub(super) struct Copied<'c> {
    pub(super) database: &'c Path,
    pub(super) key: &'c BookKey,
    pub(super) made: UtcMillis,
    pub(super) records: u64,
}

/// Compares it with the book in `place`.
pub(super) fn look_ahead(
    place: &Place,
    vault: &Arc<dyn KeyVault>,
    copied: &Copied<'_>,
    now: Moment,
) -> Result<RestoreOutlook> {
    let made = now.at(copied.made);
    let copy = connect(copied.database, copied.key, place)?;
    let code_is_left_behind = recovery::is_left_behind(&copy)?;
    let replaced = match parts::look(&place.folder) {
        // Without a database there is nothing to be newer, whatever else is left of a book.
        Ok(Found::Nothing | Found::Without(MissingPart::Database)) => ReplacedBook::Nothing,
        Ok(Found::Book | Found::Without(MissingPart::KeyFile)) | Err(_) => {
            newer(place, vault, &stamps(&copy)?, now).unwrap_or(ReplacedBook::Unreadable)
        }
    };
    let days = u32::try_from(now.day().0.saturating_sub(made.day().0)).unwrap_or(0);
    Ok(RestoreOutlook { made, days, records: copied.records, replaced, code_is_left_behind })
}

type Id = [u8; 16];

/// The highest stamp of each record.
fn stamps(conn: &Connection) -> Result<HashMap<Id, i64>> {
    let mut statement = conn.prepare("SELECT id, hlc FROM record").map_err(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sql)?;
    rows.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// What the book in `place` has and a backup with these stamps has not.
fn newer(
    place: &Place,
    vault: &Arc<dyn KeyVault>,
    backup: &HashMap<Id, i64>,
    now: Moment,
) -> Result<ReplacedBook> {
    let conn = as_it_is(place, &open_key(place, vault)?.0)?;
    let (mut added, mut changed, mut latest) = (0, 0, None);
    let query = "SELECT id, hlc, alive, kind FROM record";
    let mut statement = conn.prepare(query).map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        if !is_own_writing(&row.get::<_, String>(3).map_err(sql)?) {
            continue;
        }
        let (id, hlc): (Id, i64) = (row.get(0).map_err(sql)?, row.get(1).map_err(sql)?);
        match backup.get(&id) {
            Some(before) if *before >= hlc => continue,
            Some(_) => changed += 1,
            // Written and deleted since: nobody will miss it.
            None if !row.get::<_, bool>(2).map_err(sql)? => continue,
            None => added += 1,
        }
        latest = latest.max(Some(hlc));
    }
    let mut erased = 0;
    let mut statement = conn.prepare("SELECT id FROM tomb WHERE erased = 1").map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        erased += u64::from(backup.contains_key(&row.get::<_, Id>(0).map_err(sql)?));
    }
    let latest = latest.and_then(|hlc| u64::try_from(hlc).ok()).map(|hlc| now.at(Hlc(hlc).ms()));
    Ok(ReplacedBook::Readable { added, changed, erased, latest })
}

/// A connection that reads the book with its log and changes neither, whatever state they are in.
fn as_it_is(place: &Place, key: &BookKey) -> Result<Connection> {
    let conn = open_keyed(&place.database(), key, place)?;
    conn.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA query_only = ON").map_err(sql)?;
    // With an empty log nothing is written on closing, and no empty files stay behind.
    let has_log = std::fs::metadata(place.folder.join(LOG)).is_ok_and(|about| about.len() > 0);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log).map_err(sql)?;
    Ok(conn)
}
