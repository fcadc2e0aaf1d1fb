//! Puts a prepared book in the place of the present one, so that a crash at any point leaves one of
//! the two.
//!
//! # Decision
//! A book is three files, and no system renames three files at once. So the new ones are prepared whole
//! in a folder beside; renaming that folder to `incoming-…` is the one moment that decides. What is left
//! to do then (the old files aside, the new ones in) can be done again from any point, and whoever opens
//! the book next does it. The folder's name carries where the old files go: `replaced-…` is kept for
//! good, `dropped-…` is removed at the end. With files that are removed goes their key, unless other
//! files in the book's folder need it; the key goes first, so that a crash leaves none behind for good.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::{self, BookKey, KeyVault};
use super::key_file::{self, KeyFile};
use super::whole_file::sync_folder;
use super::{DATABASE, LOG, SHARED_MEMORY, backup, open_mark, owner_only};
use crate::error::{LogbookError, Result};

const INCOMING: &str = "incoming-";
const ARRIVING: &str = "arriving-";
/// Old files under this name go when the new ones are in their place.
pub(crate) const DROPPED: &str = "dropped-";
/// Old files under this name are kept for good.
pub(crate) const REPLACED: &str = "replaced-";

/// A folder in which a book is prepared, or the beginning of its name.
const PREPARING: &str = "preparing";

/// The folder in which a book is prepared; removed with whatever is in it, and with its key, unless it
/// was put in place.
pub(crate) struct Prepared {
    path: PathBuf,
    vault: Arc<dyn KeyVault>,
    /// The name of its key in the vault.
    key: Option<String>,
}

impl Prepared {
    /// An empty one; the book's lock is held, so nobody else prepares anything here. Where one is left
    /// whose key the vault could not forget, that one still says which key it is.
    pub(crate) fn begin(folder: &Path, vault: &Arc<dyn KeyVault>) -> Result<Self> {
        let path = backup::unused(folder, PREPARING);
        owner_only::create_folder(&path)?;
        Ok(Self { path, vault: Arc::clone(vault), key: None })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// A place in it for what does not belong to the book.
    pub(crate) fn aside(&self) -> PathBuf {
        self.path.join("aside")
    }

    /// Gives it its key file, and its key to the vault. The file comes first: whoever finds the folder
    /// after a crash knows which key goes with it.
    pub(crate) fn keep_key(&mut self, key: &BookKey, file: &KeyFile) -> Result<()> {
        file.write(&self.path)?;
        self.key = Some(key.name());
        key::keep(&self.vault, key)
    }

    /// Puts it in place. The old files go aside, into a folder that is named for what becomes of them,
    /// `REPLACED` or `DROPPED`, and when: which one, where there were any.
    pub(crate) fn put_in_place(
        mut self,
        folder: &Path,
        becoming: &str,
        stamp: &str,
    ) -> Result<Option<PathBuf>> {
        let aside = backup::unused(folder, &format!("{becoming}{stamp}"));
        let name = aside.file_name().unwrap_or_default().to_string_lossy();
        sync_folder(&self.path)?;
        fs::rename(&self.path, folder.join(format!("{INCOMING}{name}")))?;
        self.key = None;
        sync_folder(folder)?;
        Ok(finish(folder, &self.vault)?.then_some(aside))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let _ = self.vault.remove(key);
        }
        let _ = remove_folder(&self.path);
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
    [DROPPED, REPLACED, backup::DAMAGED, backup::OLDER]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether an entry of a book's folder is a folder of ours.
pub(crate) fn is_ours(name: &str) -> bool {
    let others = [backup::FOLDER, backup::COPYING_ASIDE];
    others.contains(&name) || is_on_its_way(name) || is_kept(name) || is_leftover(name)
}

/// Whether a book is on its way in.
pub(crate) fn is_pending(folder: &Path) -> Result<bool> {
    Ok(find(folder, INCOMING)?.is_some() || find(folder, ARRIVING)?.is_some())
}

/// Whether files wait to be removed.
pub(crate) fn has_leftovers(folder: &Path) -> bool {
    leftovers(folder).next().is_some()
}

/// Finishes what a crash interrupted; whether old files were put aside. The book's lock is held.
pub(crate) fn finish(folder: &Path, vault: &Arc<dyn KeyVault>) -> Result<bool> {
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
    for left in leftovers(folder).collect::<Vec<_>>() {
        sweep(folder, &left, vault)?;
    }
    Ok(moved)
}

/// Folders whose files no book needs any more, or never needed.
fn leftovers(folder: &Path) -> impl Iterator<Item = PathBuf> {
    entries(folder).filter(|(name, _)| is_leftover(name)).map(|(_, path)| path)
}

fn is_leftover(name: &str) -> bool {
    name.starts_with(PREPARING) || name.starts_with(DROPPED)
}

/// Removes such a folder with its key. A vault that cannot forget just now is asked again next time; the
/// files that hold records go in any case.
fn sweep(folder: &Path, left: &Path, vault: &Arc<dyn KeyVault>) -> Result<()> {
    let name = KeyFile::read(left).ok().map(|file| file.key_name);
    let name = name.filter(|name| !is_needed(folder, name));
    if name.is_some_and(|name| vault.remove(name).is_err()) {
        for (name, path) in entries(left) {
            if !key_file::NAMES.contains(&name.as_str()) {
                remove_folder(&path)
                    .or_else(|_| fs::remove_file(&path).map_err(LogbookError::from))?;
            }
        }
        return Ok(());
    }
    remove_folder(left)
}

/// Whether other files than the leftovers need the key of that name: the book's own, or those of a book
/// that is kept beside it. Where that cannot be read, they may.
fn is_needed(folder: &Path, key: &str) -> bool {
    let needs = |place: &Path| match KeyFile::read(place) {
        Ok(file) => file.key_name == key,
        Err(LogbookError::NoBook) => false,
        Err(_) => true,
    };
    let beside = entries(folder).filter(|(name, path)| !is_leftover(name) && path.is_dir());
    needs(folder) || beside.into_iter().any(|(_, path)| needs(&path))
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
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
