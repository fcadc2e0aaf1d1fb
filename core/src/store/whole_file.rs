//! A file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::key_file::sync_folder;
use super::{owner_only, remove_if_there};
use crate::error::{LogbookError, Result};

/// What happens to a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays as it is, and nothing is written.
    Refuse,
    /// The new file takes its place, once it is whole.
    Replace,
}

impl Existing {
    /// As somebody who may ask for replacing says it.
    pub fn replaced_if(replace: bool) -> Self {
        if replace { Self::Replace } else { Self::Refuse }
    }
}

/// Written beside its target, readable by its owner only, and renamed once it is on disk; dropped
/// before that it leaves nothing.
pub(crate) struct WholeFile {
    out: Option<BufWriter<File>>,
    beside: PathBuf,
    target: PathBuf,
    existing: Existing,
}

impl WholeFile {
    /// Begins the file.
    ///
    /// # Errors
    /// `FileExists` where something has its name already and shall stay: now, or at the end where
    /// somebody else wrote it meanwhile.
    pub(crate) fn create(target: &Path, existing: Existing) -> Result<Self> {
        let name = target.file_name().ok_or(LogbookError::NoFile)?;
        if existing == Existing::Refuse && is_taken(target) {
            return Err(LogbookError::FileExists);
        }
        let beside = target.with_file_name(format!(".{}.part", name.to_string_lossy()));
        // A new file: what a crash left here may be readable by others.
        remove_if_there(&beside)?;
        let out = Some(BufWriter::with_capacity(1 << 16, owner_only::create(&beside)?));
        Ok(Self { out, beside, target: target.to_owned(), existing })
    }

    /// Makes it last, under its own name.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(mut out) = self.out.take() {
            out.flush()?;
            out.get_ref().sync_all()?;
            drop(out);
            self.put_in_place()?;
            let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
            sync_folder(folder.unwrap_or(Path::new(".")))?;
        }
        Ok(())
    }

    fn put_in_place(&mut self) -> Result<()> {
        if self.existing == Existing::Refuse {
            // A second name is given only where nobody has it; dropping takes the first one away.
            match fs::hard_link(&self.beside, &self.target) {
                Ok(()) => return Ok(()),
                Err(_) if is_taken(&self.target) => return Err(LogbookError::FileExists),
                // A file system without second names, as on a memory stick.
                Err(_) => {}
            }
        }
        fs::rename(&self.beside, &self.target)?;
        self.beside = PathBuf::new();
        Ok(())
    }
}

/// Whether anything has this name, be it a link that leads nowhere.
fn is_taken(target: &Path) -> bool {
    target.symlink_metadata().is_ok()
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        self.out = None;
        if !self.beside.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        let mut file = WholeFile::create(&target, Existing::Refuse).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!target.exists());
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut file = WholeFile::create(&target, Existing::Refuse).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("none").join("out");
        let failed = WholeFile::create(&nowhere, Existing::Replace).err();
        assert_eq!(failed, Some(LogbookError::NoFile));
    }

    #[test]
    fn what_is_there_stays_unless_it_shall_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        let written = |existing| {
            let mut file = WholeFile::create(&target, existing)?;
            file.write_all(b"new").unwrap();
            file.finish()
        };
        let holds = || fs::read(&target).unwrap();
        // Somebody writes it while ours is being made.
        let mut file = WholeFile::create(&target, Existing::Refuse).unwrap();
        file.write_all(b"ours").unwrap();
        fs::write(&target, b"theirs").unwrap();
        assert_eq!(file.finish(), Err(LogbookError::FileExists));
        assert_eq!(holds(), b"theirs");
        assert_eq!(written(Existing::Refuse), Err(LogbookError::FileExists));
        assert_eq!(holds(), b"theirs");
        assert_eq!(written(Existing::Replace), Ok(()));
        assert_eq!(holds(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_somebody_elses_too() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        std::os::unix::fs::symlink(folder.path().join("none"), &target).unwrap();
        let refused = WholeFile::create(&target, Existing::Refuse).err();
        assert_eq!(refused, Some(LogbookError::FileExists));
    }
}
