//! Reads a database file beside SQLite.
//!
//! On POSIX a process loses every lock that it holds on a file as soon as it closes any descriptor of
//! it; SQLite in another part of this process would go on without its lock. So one descriptor for each
//! file is kept open for as long as the process runs.

use std::fs::File;
use std::path::Path;

use crate::error::{LogbookError, Result};

/// A database file, to be read at any place.
pub(crate) struct Peek(Handle);

#[cfg(unix)]
type Handle = std::sync::Arc<File>;
#[cfg(not(unix))]
type Handle = File;

impl Peek {
    /// Opens the file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self(handle(path)?))
    }

    /// Reads at `place` what is there, at most `bytes.len()`; fewer only at the end.
    pub(crate) fn read(&self, bytes: &mut [u8], place: u64) -> Result<usize> {
        let mut read = 0;
        while read < bytes.len() {
            match read_at(&self.0, &mut bytes[read..], place + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        Ok(read)
    }

    /// How long the file is.
    pub(crate) fn bytes(&self) -> Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

#[cfg(unix)]
fn handle(path: &Path) -> Result<Handle> {
    use std::collections::BTreeMap;
    use std::os::unix::fs::MetadataExt as _;
    use std::sync::{Arc, Mutex, PoisonError};

    static OPEN: Mutex<BTreeMap<(u64, u64), Arc<File>>> = Mutex::new(BTreeMap::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let reading = |error| LogbookError::reading(&error);
    let about = std::fs::metadata(path).map_err(reading)?;
    if let Some(file) = open.get(&(about.dev(), about.ino())) {
        return Ok(file.clone());
    }
    let file = Arc::new(File::open(path).map_err(reading)?);
    let about = file.metadata()?;
    open.insert((about.dev(), about.ino()), file.clone());
    Ok(file)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, place)
}

#[cfg(windows)]
fn handle(path: &Path) -> Result<Handle> {
    File::open(path).map_err(|error| LogbookError::reading(&error))
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, place)
}
