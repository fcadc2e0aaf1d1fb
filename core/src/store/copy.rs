//! A copy of a book's database as it is now, page by page, under the same key or another.
//!
//! SQLite's online backup reads every page through its pager, so each is checked against its
//! authentication code on the way and encrypted anew: nothing plain reaches the disk. The source is
//! frozen in a read transaction, so that saving goes on meanwhile and the copy still shows one moment.
//! What the copy shall not have, or shall have instead, is changed before it is given away.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::aside::{Aside, Tell};
use super::key::BookKey;
use super::{OwnConnection, Place, open_keyed, owner_only, remove_if_there, sql};
use crate::error::{LogbookError, Result};

/// Pages of one step.
const PAGES: i32 = 128;

/// Begins to copy the database behind `source` to the new file `target`, and lets `change` change what is
/// in it; the outcome is its length.
pub(crate) fn begin(
    source: OwnConnection,
    target: &Path,
    key: &BookKey,
    place: &Place,
    change: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
) -> Result<Aside<u64>> {
    source.freeze()?;
    remove(target)?;
    owner_only::create(target)?;
    let mut copy = open_keyed(target, key, place)?;
    // Half a copy is thrown away, so it needs no journal; it is synced once, when it is whole.
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").map_err(sql)?;
    let target = target.to_owned();
    Aside::begin(None, move |tell| {
        source.read(|source| run(source, &mut copy, tell))?;
        // The copy says that it has a log, as the source does; here that would be one more file.
        copy.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA secure_delete = ON")
            .map_err(sql)?;
        change(&copy)?;
        copy.close().map_err(|(_, error)| sql(error))?;
        let file = std::fs::OpenOptions::new().read(true).write(true).open(&target)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    })
}

/// Takes a copy away, with what SQLite may have put beside it.
pub(crate) fn remove(copy: &Path) -> Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = copy.as_os_str().to_owned();
        name.push(end);
        remove_if_there(Path::new(&name))?;
    }
    Ok(())
}

fn run(source: &Connection, copy: &mut Connection, tell: &Tell<u64>) -> Result<()> {
    let backup = Backup::new(source, copy).map_err(sql)?;
    loop {
        match backup.step(PAGES).map_err(sql)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {
                let progress = backup.progress();
                let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
                let total = count(progress.pagecount);
                tell.progress(total.saturating_sub(count(progress.remaining)), total)?;
            }
            _ => return Err(LogbookError::Busy),
        }
    }
}
