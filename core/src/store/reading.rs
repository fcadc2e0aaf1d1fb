//! Reading a book that cannot be written: a read-only file system, a folder without rights, a full disk.
//!
//! # Decision
//! SQLite reads a log through an index that its connections share, `book.db-shm`. Where that file is there
//! it is enough to read it. Where it is not, and cannot be made or cannot grow, nobody else has the book
//! open; then database and log are copied as they are, encrypted, into a folder of their own on another
//! disk, and the copy is read. Opening the database as immutable would pass over the log, in which the
//! newest records are.

use std::fs::{self, DirBuilder, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::backup::copy_file;
use super::key::{BookKey, hex};
use super::{Connection, DATABASE, LOG, Place, connect, owner_only, sql};
use crate::error::{LogbookError, Result};
use crate::ids::{Ids as _, SystemIds};

/// How the folder of a copy begins.
const NAME: &str = "seldinger-reading-";
/// Held while the copy is in use, so that one that a killed program left can be told.
const IN_USE: &str = "in-use";
/// How often it is begun anew because the book was written meanwhile.
const TRIES: u32 = 5;

/// As much as a save, its index and its log take, many times over.
const ROOM_BYTES: usize = 256 * 1024;

impl Place {
    /// Whether something can be written beside the book now, with room for more than a few records. A book
    /// that was opened to be read only is worth opening anew then.
    pub fn can_be_written(&self) -> bool {
        let file = self.folder.join(".can-be-written");
        let tried = owner_only::open_or_create(&file)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &vec![1; ROOM_BYTES]));
        // Also what an earlier try left.
        let _ = std::fs::remove_file(&file);
        tried.is_ok()
    }
}

/// Whether an error says that something could not be written, whatever else works.
pub(crate) fn is_about_writing(error: &LogbookError) -> bool {
    matches!(error, LogbookError::ReadOnly | LogbookError::DiskFull)
}

/// A book's first connection, and how far it reaches.
pub(super) struct Opened {
    pub(super) writer: Connection,
    /// Why nothing can be written.
    pub(super) only_read: Option<LogbookError>,
    /// What is read in the place of the book's own files.
    pub(super) copy: Option<ReadingCopy>,
}

impl Opened {
    /// Opens the database, to be read only where it cannot be written.
    pub(super) fn of(place: &Place, key: &BookKey) -> Result<Self> {
        match connect(&place.database(), key, place) {
            Ok(writer) => {
                let can_write = !writer.is_readonly("main").map_err(sql)?;
                let only_read = (!can_write).then_some(LogbookError::ReadOnly);
                Ok(Self { writer, only_read, copy: None })
            }
            Err(error) if is_about_writing(&error) => {
                let copy = ReadingCopy::make(place)?;
                let writer = connect(&copy.database(), key, place)?;
                Ok(Self { writer, only_read: Some(error), copy: Some(copy) })
            }
            Err(error) => Err(error),
        }
    }
}

/// Database and log of a book, copied to be read; removed with whatever is in it.
pub(crate) struct ReadingCopy {
    folder: PathBuf,
    _in_use: File,
}

impl ReadingCopy {
    /// Copies the book in `place` to where there is room.
    ///
    /// # Errors
    /// `NoRoomToRead` where there is none anywhere.
    pub(crate) fn make(place: &Place) -> Result<Self> {
        for within in candidates(&place.folder) {
            sweep(&within);
            match Self::make_within(place, &within) {
                Err(LogbookError::DiskFull | LogbookError::ReadOnly | LogbookError::NoFile) => {}
                other => return other,
            }
        }
        Err(LogbookError::NoRoomToRead)
    }

    fn make_within(place: &Place, within: &Path) -> Result<Self> {
        let mut random = [0; 16];
        SystemIds.fill(&mut random);
        let folder = within.join(format!("{NAME}{}", hex(&random)));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        // From here on it is removed, whatever comes.
        let begun = File::create(folder.join(IN_USE));
        let copy = match begun {
            Ok(in_use) => {
                // Without locks it may be swept by the next such copy, once this program has it open.
                let _ = in_use.try_lock();
                Self { folder, _in_use: in_use }
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(error.into());
            }
        };
        for _ in 0..TRIES {
            let before = look(place)?;
            copy_file(&place.database(), &copy.database())?;
            if before.1.is_some() {
                copy_file(&place.folder.join(LOG), &copy.folder.join(LOG))?;
            }
            if look(place)? == before {
                return Ok(copy);
            }
            let _ = fs::remove_file(copy.folder.join(LOG));
        }
        Err(LogbookError::Busy)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }
}

impl Drop for ReadingCopy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What changes when a file is written.
type Look = (u64, Option<SystemTime>);

/// Database and log as they are; a log that is not there is none.
fn look(place: &Place) -> Result<(Look, Option<Look>)> {
    let look = |about: Metadata| (about.len(), about.modified().ok());
    let log = match fs::metadata(place.folder.join(LOG)) {
        Ok(about) => Some(look(about)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(LogbookError::reading(&error)),
    };
    let database = fs::metadata(place.database()).map_err(|error| LogbookError::reading(&error))?;
    Ok((look(database), log))
}

/// Folders for what is needed for a while, those on another disk than the book's first.
fn candidates(book: &Path) -> Vec<PathBuf> {
    let mut all = vec![std::env::temp_dir()];
    if cfg!(target_os = "linux") {
        all.extend(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
        all.push(PathBuf::from("/dev/shm"));
    }
    let here = disk(book);
    all.sort_by_key(|folder| disk(folder) == here);
    all
}

#[cfg(unix)]
fn disk(folder: &Path) -> Option<u64> {
    fs::metadata(folder).ok().map(|about| std::os::unix::fs::MetadataExt::dev(&about))
}

#[cfg(not(unix))]
fn disk(folder: &Path) -> Option<std::path::PathBuf> {
    folder.components().next().map(|first| PathBuf::from(first.as_os_str()))
}

/// Removes what a program left that was killed.
fn sweep(within: &Path) {
    let Ok(entries) = fs::read_dir(within) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(NAME) {
            continue;
        }
        let left = File::open(entry.path().join(IN_USE));
        if left.is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_when_it_is_let_go_and_when_its_program_died() {
        let (folder, book) = crate::logbook::tests::book();
        let place = Place::new(folder.path());
        let within = tempfile::tempdir().unwrap();
        let copy = ReadingCopy::make_within(&place, within.path()).unwrap();
        assert_eq!(fs::read(copy.database()).unwrap(), fs::read(place.database()).unwrap());
        assert_eq!(
            fs::read(copy.folder.join(LOG)).unwrap(),
            fs::read(folder.path().join(LOG)).unwrap()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&copy.folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        sweep(within.path());
        assert!(copy.database().exists(), "one in use stays");
        drop(copy);
        assert_eq!(fs::read_dir(within.path()).unwrap().count(), 0);
        let left = within.path().join(format!("{NAME}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(IN_USE), "").unwrap();
        sweep(within.path());
        assert!(!left.exists());
        drop(book);
    }

    #[test]
    fn another_disk_comes_first() {
        let book = tempfile::tempdir().unwrap();
        let here = disk(book.path());
        let same: Vec<bool> = candidates(book.path()).iter().map(|f| disk(f) == here).collect();
        assert!(same.is_sorted());
    }
}
