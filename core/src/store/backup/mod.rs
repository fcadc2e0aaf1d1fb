//! Backups: one encrypted file under a passphrase or the recovery code, never under the device's own
//! key, so that it opens when the device is lost.

mod auto;
mod file;
mod restore;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(super) use auto::is_backup;
pub use auto::{FoundBackup, found_in};
pub(crate) use auto::{before_migration, due, files as automatic_files};
pub(crate) use file::Checking;
pub use file::Seal;
use file::{Head, Writing};
pub(crate) use restore::Restore;
pub use restore::RestoreReport;
pub(crate) use restore::replaced_books;

use super::aside::{Aside, Stage};
use super::lock::BookLock;
use super::peek::Peek;
use super::reading::is_about_writing;
use super::{
    DATABASE, Existing, LOG, OwnConnection, Place, WholeFile, copy, key_file, migrate, owner_only,
};
use super::{key::BookKey, key_file::KeyFile};
use crate::error::{LogbookError, Result};
use crate::job::{JobProgress, Work};
use crate::store::key_file::sync_folder;

/// Where automatic backups are, in the book's folder.
pub(crate) const FOLDER: &str = "backups";
/// Files that were found damaged are kept under this name.
pub(crate) const DAMAGED: &str = "damaged";

/// What a backup wrote.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct BackupReport {
    /// Where it is.
    pub file: String,
    /// How long it is.
    pub bytes: u64,
}

impl std::fmt::Debug for BackupReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackupReport").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The work: a copy of the pages first, encrypted by the book's key, then that copy into the file.
pub(crate) struct Making {
    target: PathBuf,
    seal: Seal,
    key: BookKey,
    key_file: KeyFile,
    schema: u32,
    /// How many automatic backups there shall be; `None` where this is not one.
    keep: Option<usize>,
    stage: Option<Doing>,
    copy: Copy,
    /// None where nothing can be written beside the book.
    _lock: Option<BookLock>,
}

enum Doing {
    Pages(Aside<u64>, WholeFile),
    Sealing(u64, WholeFile),
    Writing(Box<Writing>, File, u64),
    Written(u64),
}

/// The copy of the pages; removed in the end, however that comes.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Making {
    /// Begins a backup of the book behind `source` to the file `target`.
    ///
    /// # Errors
    /// `Busy` while another backup of this book is made.
    pub(crate) fn begin(
        source: OwnConnection,
        place: &Place,
        key: &BookKey,
        key_file: &KeyFile,
        target: &Path,
        seal: Seal,
    ) -> Result<Self> {
        let lock = lock(place)?;
        // Beside the backup: the book's own disk may be full, or not to be written.
        let copy = Copy(beside(target)?);
        let out = WholeFile::create(target, Existing::Replace)?;
        let schema = source.read(migrate::version)?;
        let pages = copy::begin(source, &copy.0, key, place)?;
        Ok(Self {
            target: target.to_owned(),
            seal,
            key: key.clone(),
            key_file: key_file.clone(),
            schema,
            keep: None,
            stage: Some(Doing::Pages(pages, out)),
            copy,
            _lock: lock,
        })
    }

    fn head(&self, database_bytes: u64) -> Head {
        let (key, key_file) = (self.key.clone(), self.key_file.clone());
        Head { schema: self.schema, key, key_file, database_bytes }
    }

    fn next(&mut self, doing: Doing) -> Result<(Doing, JobProgress)> {
        let progress = |done, total| JobProgress { done, total: 2 * total, finished: false };
        Ok(match doing {
            Doing::Pages(mut pages, out) => match pages.step()? {
                Stage::Going(done, total) => (Doing::Pages(pages, out), progress(done, total)),
                Stage::Over(bytes) => {
                    let pages = bytes / super::PAGE_BYTES as u64;
                    (Doing::Sealing(bytes, out), progress(pages, pages))
                }
            },
            Doing::Sealing(bytes, out) => {
                let writing = Writing::begin(out, &self.seal, &self.head(bytes))?;
                let pages = bytes / super::PAGE_BYTES as u64;
                let copy = File::open(&self.copy.0)?;
                (Doing::Writing(Box::new(writing), copy, pages), progress(pages, pages))
            }
            Doing::Writing(mut writing, mut copy, pages) => {
                if writing.piece(&mut copy)? {
                    let bytes = writing.finish()?;
                    let done = JobProgress { done: 2 * pages, total: 2 * pages, finished: true };
                    return Ok((Doing::Written(bytes), done));
                }
                let left = writing.left() / super::PAGE_BYTES as u64;
                (Doing::Writing(writing, copy, pages), progress(2 * pages - left, pages))
            }
            Doing::Written(_) => return Err(LogbookError::Cancelled),
        })
    }
}

impl Work for Making {
    type Output = BackupReport;

    fn step(&mut self) -> Result<JobProgress> {
        let doing = self.stage.take().ok_or(LogbookError::Cancelled)?;
        let (doing, progress) = self.next(doing)?;
        self.stage = Some(doing);
        Ok(progress)
    }

    fn finish(self: Box<Self>) -> Result<BackupReport> {
        let Some(Doing::Written(bytes)) = self.stage else { return Err(LogbookError::Cancelled) };
        if let Some(keep) = self.keep {
            auto::prune(&self.target, keep)?;
        }
        Ok(BackupReport { file: self.target.display().to_string(), bytes })
    }
}

/// Held while a backup of the book is made; a book that cannot be written has none.
fn lock(place: &Place) -> Result<Option<BookLock>> {
    let folder = place.folder.join(FOLDER);
    let made = owner_only::make_folder(&folder).map_err(LogbookError::from);
    match made.and_then(|()| BookLock::own_file(&folder.join(".lock"))) {
        Err(error) if is_about_writing(&error) => Ok(None),
        lock => lock.map(Some),
    }
}

/// Where the copy of the pages is while a backup is made of it.
fn beside(target: &Path) -> Result<PathBuf> {
    let name = target.file_name().ok_or(LogbookError::NoFile)?;
    Ok(target.with_file_name(format!(".{}.pages", name.to_string_lossy())))
}

/// Copies the files of the book in `folder` as they are into a folder beside, named for why and when.
pub(crate) fn copy_aside(folder: &Path, why: &str, stamp: &str) -> Result<()> {
    let unfinished = folder.join(".copying-aside");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    owner_only::create_folder(&unfinished)?;
    for name in [DATABASE, LOG].into_iter().chain(key_file::NAMES) {
        if folder.join(name).exists() {
            copy_file(&folder.join(name), &unfinished.join(name))?;
        }
    }
    sync_folder(&unfinished)?;
    fs::rename(&unfinished, unused(folder, &format!("{why}-{stamp}")))?;
    sync_folder(folder)
}

pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let from = Peek::open(from)?;
    let mut out = owner_only::create(to)?;
    let mut piece = vec![0; 1 << 18];
    let mut place = 0;
    loop {
        let read = from.read(&mut piece, place)?;
        if read == 0 {
            break;
        }
        std::io::Write::write_all(&mut out, &piece[..read])?;
        place += read as u64;
    }
    Ok(out.sync_all()?)
}

/// A name in `folder` that nothing has yet: `wanted`, or `wanted-2`, …
pub(crate) fn unused(folder: &Path, wanted: &str) -> PathBuf {
    let mut path = folder.join(wanted);
    let mut number = 2;
    while path.exists() {
        path = folder.join(format!("{wanted}-{number}"));
        number += 1;
    }
    path
}
