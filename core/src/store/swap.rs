//! Puts a prepared book in the place of the present one, so that a crash at any point leaves one of
//! the two.
//!
//! # Decision
//! A book is three files, and no system renames three files at once. So the new ones are prepared whole
//! in a folder beside; renaming that folder to `incoming-…` is the one moment that decides. What is left
//! to do then (the old files aside, the new ones in) can be done again from any point, and whoever opens
//! the book next does it. The folder's name carries where the old files go: `replaced-…` is kept for
//! good, `dropped-…` is removed at the end.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::key_file::{self, sync_folder};
use super::{DATABASE, LOG, SHARED_MEMORY, open_mark, owner_only};
use crate::error::{LogbookError, Result};

const INCOMING: &str = "incoming-";
const ARRIVING: &str = "arriving-";
/// Old files under this name go when the new ones are in their place.
pub(crate) const DROPPED: &str = "dropped-";
/// Old files under this name are kept for good.
pub(crate) const REPLACED: &str = "replaced-";

/// The folder in which a book is prepared; removed with whatever is in it unless it was put in place.
pub(crate) struct Prepared(PathBuf);

impl Prepared {
    /// An empty one; the book's lock is held, so nobody else prepares anything here.
    pub(crate) fn begin(folder: &Path) -> Result<Self> {
        let prepared = folder.join("preparing");
        remove_folder(&prepared)?;
        owner_only::create_folder(&prepared)?;
        Ok(Self(prepared))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    /// Puts it in place; `aside` is the folder for the old files. Whether there were any.
    pub(crate) fn put_in_place(self, folder: &Path, aside: &str) -> Result<bool> {
        sync_folder(&self.0)?;
        fs::rename(&self.0, folder.join(format!("{INCOMING}{aside}")))?;
        sync_folder(folder)?;
        finish(folder)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let _ = remove_folder(&self.0);
    }
}

fn files() -> [&'static str; 5] {
    let [key, copy] = key_file::NAMES;
    [DATABASE, LOG, SHARED_MEMORY, key, copy]
}

/// Whether an entry of a book's folder is a book on its way in.
pub(crate) fn is_on_its_way(name: &str) -> bool {
    name.starts_with(INCOMING) || name.starts_with(ARRIVING)
}

/// Whether it is what was put aside.
pub(crate) fn is_kept(name: &str) -> bool {
    [DROPPED, REPLACED, super::backup::DAMAGED].iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a book is on its way in.
pub(crate) fn is_pending(folder: &Path) -> Result<bool> {
    Ok(find(folder, INCOMING)?.is_some() || find(folder, ARRIVING)?.is_some())
}

/// Whether old files wait to be removed.
pub(crate) fn has_dropped(folder: &Path) -> Result<bool> {
    Ok(find(folder, DROPPED)?.is_some())
}

/// Finishes what a crash interrupted; whether old files were put aside.
pub(crate) fn finish(folder: &Path) -> Result<bool> {
    let mut moved = false;
    if let Some((incoming, aside)) = find(folder, INCOMING)? {
        let old = folder.join(&aside);
        for name in files() {
            if folder.join(name).exists() {
                make_folder(&old)?;
                fs::rename(folder.join(name), old.join(name))?;
                moved = true;
            }
        }
        if moved {
            sync_folder(&old)?;
            sync_folder(folder)?;
        }
        fs::rename(incoming, folder.join(format!("{ARRIVING}{aside}")))?;
        sync_folder(folder)?;
    }
    if let Some((arriving, _)) = find(folder, ARRIVING)? {
        // The database last: with it there is a book.
        for name in files().iter().rev() {
            if arriving.join(name).exists() {
                fs::rename(arriving.join(name), folder.join(name))?;
            }
        }
        sync_folder(folder)?;
        // The book that has arrived was closed.
        open_mark::clear(folder);
        remove_folder(&arriving)?;
    }
    while let Some((dropped, _)) = find(folder, DROPPED)? {
        remove_folder(&dropped)?;
    }
    Ok(moved)
}

/// The first folder whose name begins so, and the rest of its name.
///
/// # Errors
/// `CannotRead` where the folder is there and must not be looked into.
fn find(folder: &Path, prefix: &str) -> Result<Option<(PathBuf, String)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(|error| LogbookError::reading(&error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| LogbookError::reading(&error))?;
        let name = entry.file_name();
        if let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(prefix)) {
            return Ok(Some((entry.path(), rest.to_owned())));
        }
    }
    Ok(None)
}

fn make_folder(path: &Path) -> Result<()> {
    match owner_only::create_folder(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
