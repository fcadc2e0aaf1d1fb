//! Makes a book, as one act whoever else is at it.
//!
//! # Decision
//! Several programs may find an empty folder at the same time, and a program may be killed at any point.
//! So whoever makes a book waits for its turn before anything is written, and looks again then. The key
//! goes to the vault first: a key without a book is harmless, a book without its key is lost. The book is
//! made whole in a folder of its own, and one rename puts it in place; before it there is no book and
//! what was begun is swept by whoever prepares or opens one next, the key with it; after it there is a whole one (see
//! `swap`). It keeps its recovery code until that is confirmed (see `recovery`).

use std::path::Path;
use std::sync::Arc;

use super::key::{BookKey, KeyVault, RecoveryCode};
use super::key_file::KeyFile;
use super::lock::FileLock;
use super::swap::{self, Prepared, REPLACED};
use super::{Place, connect, migrate, owner_only, recovery, sql};
use crate::error::{LogbookError, Result};
use crate::ids::Ids;

pub(super) const NAME: &str = "making.lock";

/// Waits for the turn to make a book in a folder, or to finish one that is on its way in; it is held for
/// moments.
pub(crate) fn turn(folder: &Path) -> Result<FileLock> {
    Ok(FileLock::wait(&folder.join(NAME))?)
}

/// The same in a folder that need not be there yet.
pub(crate) fn turn_in_new(folder: &Path) -> Result<FileLock> {
    owner_only::make_folder(folder)?;
    turn(folder)
}

/// Begins to prepare a book for `folder`: nobody has open what is there, all that was on its way is in its
/// place, and what a killed program left is gone with its key. The caller has the turn.
pub(crate) fn begin(folder: &Path, vault: &Arc<dyn KeyVault>) -> Result<(FileLock, Prepared)> {
    let lock = FileLock::own_book(folder)?;
    swap::finish(folder, vault)?;
    Ok((lock, Prepared::begin(folder, vault)?))
}

/// The right to use the files in a book's folder, once those on their way are in their place.
pub(super) fn enter(folder: &Path, vault: &Arc<dyn KeyVault>) -> Result<FileLock> {
    if swap::is_pending(folder)? {
        let _turn = turn(folder)?;
        if swap::is_pending(folder)? {
            let _own = FileLock::own_book(folder)?;
            swap::finish(folder, vault)?;
        }
    } else if swap::has_leftovers(folder)
        && let Ok(_turn) = turn(folder)
        && let Ok(_own) = FileLock::own_book(folder)
    {
        // They are in nobody's way; whoever opens the book next tries again.
        let _ = swap::finish(folder, vault);
    }
    match FileLock::share_book(folder) {
        Err(LogbookError::Busy) => {
            // Another program may be about to finish: that takes moments, and is waited for. Where nothing
            // can be written nobody is, and the book is in use all the same.
            drop(turn(folder));
            FileLock::share_book(folder)
        }
        other => other,
    }
}

/// Makes the book; the caller has the turn and has seen that there is none.
pub(super) fn book(
    place: &Place,
    vault: &Arc<dyn KeyVault>,
    ids: &dyn Ids,
    stamp: &str,
) -> Result<RecoveryCode> {
    let (_lock, mut prepared) = begin(&place.folder, vault)?;
    let (key, code) = (BookKey::new(ids), RecoveryCode::new(ids));
    let key_file = KeyFile::new(&key, &code.identity()?.to_public())?;
    prepared.keep_key(&key, &key_file)?;
    owner_only::create(&prepared.database())?;
    let mut conn = connect(&prepared.database(), &key, place)?;
    migrate::migrate(&mut conn, |_| Ok(()))?;
    recovery::keep(&conn, &code)?;
    conn.close().map_err(|(_, error)| sql(error))?;
    // There is nothing to be replaced; if something appears in this moment, it is kept.
    prepared.put_in_place(&place.folder, REPLACED, stamp)?;
    Ok(code)
}
