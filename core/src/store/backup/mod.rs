//! Backups: one encrypted file under a passphrase or the recovery code, never under the device's own
//! key, so that it opens when the device is lost.

mod auto;
mod file;
mod outlook;
mod restore;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(super) use auto::is_any_in;
pub use auto::{FoundBackup, found_in};
pub(crate) use auto::{before_migration, due, files as automatic_files};
pub(crate) use file::Checking;
pub use file::Seal;
use file::{Head, Writing};
pub use outlook::{ReplacedBook, RestoreOutlook};
pub(crate) use restore::Restore;
pub use restore::{PreparedRestore, RestoreReport};

use super::aside::{Aside, Stage};
use super::key::BookKey;
use super::lock::FileLock;
use super::peek::Peek;
use super::reading::is_about_writing;
use super::recovery::{self, BackupKeys};
use super::whole_file::sync_folder;
use super::{
    DATABASE, Existing, LOG, OwnConnection, Place, WholeFile, copy, key_file, migrate, owner_only,
};
use crate::error::{LogbookError, Result};
use crate::job::{JobProgress, Work};
use crate::time::UtcMillis;

/// Where automatic backups are, in the book's folder.
pub(crate) const FOLDER: &str = "backups";
/// Files that were found damaged are kept under this name.
pub(crate) const DAMAGED: &str = "damaged";
/// The files of a book as an older version wrote them are kept under this name, with its schema.
pub(crate) const OLDER: &str = "schema-";

/// Files that are not all copied aside yet.
pub(crate) const COPYING_ASIDE: &str = ".copying-aside";

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

/// The book that is backed up.
pub(crate) struct Source<'s> {
    /// A connection of its own.
    pub(crate) conn: OwnConnection,
    pub(crate) place: &'s Place,
    pub(crate) key: &'s BookKey,
    /// Now.
    pub(crate) made: UtcMillis,
}

/// The work: a copy of the pages first, encrypted by the book's key, then that copy into the file.
pub(crate) struct Making {
    target: PathBuf,
    seal: Seal,
    head: Head,
    keys: BackupKeys,
    /// How many automatic backups there shall be; `None` where this is not one.
    keep: Option<usize>,
    stage: Option<Doing>,
    copy: Copy,
    /// None where nothing can be written beside the book.
    _lock: Option<FileLock>,
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
        let _ = copy::remove(&self.0);
    }
}

impl Making {
    /// Begins a backup of `source` to the file `target`.
    ///
    /// # Errors
    /// `CodeTooOld` where the book has nothing to seal or authenticate a backup with; `Busy` while another
    /// backup of it is made; `FileExists` where something has that name and shall stay.
    pub(crate) fn begin(
        source: Source<'_>,
        target: &Path,
        existing: Existing,
        seal: Seal,
    ) -> Result<Self> {
        let Source { conn, place, key, made } = source;
        let keys = conn.read(BackupKeys::of)?.ok_or(LogbookError::CodeTooOld)?;
        let lock = lock(place)?;
        // Beside the backup: the book's own disk may be full, or not to be written.
        let copy = Copy(beside(place, target)?);
        let out = WholeFile::create(target, existing)?;
        let schema = conn.read(migrate::version)?;
        // Whoever opens the backup need not learn a code that is still to be confirmed.
        let pages = copy::begin(conn, &copy.0, key, place, recovery::forget_code)?;
        Ok(Self {
            target: target.to_owned(),
            seal,
            head: Head { schema, made, key: key.clone(), database_bytes: 0 },
            keys,
            keep: None,
            stage: Some(Doing::Pages(pages, out)),
            copy,
            _lock: lock,
        })
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
                self.head.database_bytes = bytes;
                let writing = Writing::begin(out, &self.seal, &self.keys, &self.head)?;
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
fn lock(place: &Place) -> Result<Option<FileLock>> {
    let folder = place.folder.join(FOLDER);
    let made = owner_only::make_folder(&folder);
    let lock = made.and_then(|()| FileLock::try_now(&folder.join(".lock")));
    match lock.map_err(LogbookError::from) {
        Err(error) if is_about_writing(&error) => Ok(None),
        lock => lock?.ok_or(LogbookError::Busy).map(Some),
    }
}

/// Where the copy of the pages is while a backup is made of it. Among the automatic backups it has one
/// name, so that the next one removes what a crash left.
fn beside(place: &Place, target: &Path) -> Result<PathBuf> {
    if target.parent() == Some(&place.folder.join(FOLDER)) {
        return Ok(target.with_file_name(".copy.db"));
    }
    let name = target.file_name().ok_or(LogbookError::NoFile)?;
    Ok(target.with_file_name(format!(".{}.pages", name.to_string_lossy())))
}

/// Copies the files of the book in `folder` as they are into a folder beside, named for why and when.
pub(crate) fn copy_aside(folder: &Path, why: &str, stamp: &str) -> Result<()> {
    let unfinished = folder.join(COPYING_ASIDE);
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
