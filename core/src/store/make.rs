//! Makes a book, as one act whoever else is at it.
//!
//! # Decision
//! Several programs may find an empty folder at the same time, and a program may be killed at any point.
//! So whoever makes a book waits for its turn before anything is written, and looks again then. The key
//! goes to the vault first: a key without a book is harmless, a book without its key is lost. The book is
//! made whole in a folder of its own, and one rename puts it in place; before it there is no book and
//! what was begun is swept by whoever comes next, after it there is a whole one (see `swap`).

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::key::{self, BookKey, KeyVault, RecoveryCode};
use super::key_file::KeyFile;
use super::lock::BookLock;
use super::swap::{self, Prepared, REPLACED};
use super::{Place, connect, is_about_writing, migrate, owner_only, sql};
use crate::error::{LogbookError, Result};
use crate::ids::Ids;

pub(super) const NAME: &str = "making.lock";

/// The turn to make a book in a folder, or to finish one that is on its way in; held for moments. The
/// system takes it back when a program ends, however that ends.
pub(crate) struct Turn {
    _file: File,
}

impl Turn {
    /// Waits for it.
    pub(crate) fn wait(folder: &Path) -> Result<Self> {
        Ok(Self { _file: wait_for(&folder.join(NAME))? })
    }

    /// The same in a folder that need not be there yet.
    pub(crate) fn wait_in_new(folder: &Path) -> Result<Self> {
        owner_only::make_folder(folder)?;
        Self::wait(folder)
    }
}

/// Waits until nobody else holds `path`, a file that stands for some work, and holds it until what is
/// given is dropped.
///
/// # Errors
/// What the system says about the file. Where it has no locks, one program at a time is the user's care.
pub fn wait_for(path: &Path) -> std::io::Result<File> {
    let file = owner_only::open_or_create(path)?;
    match file.lock() {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => wait_for(path),
        Ok(()) | Err(_) => Ok(file),
    }
}

/// Puts in place what is on its way, and removes what is not needed any more.
fn finish(folder: &Path) -> Result<()> {
    let is_due = || -> Result<bool> { Ok(swap::is_pending(folder)? || swap::has_dropped(folder)?) };
    if is_due()? {
        let _turn = Turn::wait(folder)?;
        if is_due()? {
            let _own = BookLock::own(folder)?;
            swap::finish(folder)?;
        }
    }
    Ok(())
}

/// The right to use the files in a book's folder, once those on their way are in their place.
pub(super) fn enter(folder: &Path) -> Result<BookLock> {
    match finish(folder) {
        // What is only to be removed can wait.
        Err(error) if is_about_writing(&error) && !swap::is_pending(folder)? => {}
        finished => finished?,
    }
    match BookLock::share(folder) {
        Err(LogbookError::Busy) => {
            // Another program may be about to finish: that takes moments, and is waited for.
            drop(Turn::wait(folder)?);
            BookLock::share(folder)
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
    let _lock = BookLock::own(&place.folder)?;
    let (key, code) = (BookKey::new(ids), RecoveryCode::new(ids));
    let key_file = KeyFile::new(&key, &code.identity()?.to_public())?;
    key::keep(vault, &key)?;
    let prepared = Prepared::begin(&place.folder)?;
    key_file.write(prepared.path())?;
    owner_only::create(&prepared.database())?;
    let mut conn = connect(&prepared.database(), &key, place)?;
    migrate::migrate(&mut conn, |_| Ok(()))?;
    conn.close().map_err(|(_, error)| sql(error))?;
    // There is nothing to be replaced; if something appears in this moment, it is kept.
    prepared.put_in_place(&place.folder, &format!("{REPLACED}{stamp}"))?;
    Ok(code)
}
