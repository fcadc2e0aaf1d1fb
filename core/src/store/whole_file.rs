//! A file that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::key_file::sync_folder;
use super::remove_if_there;
use crate::error::{LogbookError, Result};

/// Written beside its target, readable by its owner only, and renamed once it is on disk; dropped
/// before that it leaves nothing.
pub(crate) struct WholeFile {
    out: Option<BufWriter<File>>,
    beside: PathBuf,
    target: PathBuf,
}

impl WholeFile {
    pub(crate) fn create(target: &Path) -> Result<Self> {
        let name = target.file_name().ok_or(LogbookError::NoFile)?;
        let beside = target.with_file_name(format!(".{}.part", name.to_string_lossy()));
        // A new file: what a crash left here may be readable by others.
        remove_if_there(&beside)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let out = Some(BufWriter::with_capacity(1 << 16, options.open(&beside)?));
        Ok(Self { out, beside, target: target.to_owned() })
    }

    /// Makes it last, under its own name.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(mut out) = self.out.take() {
            out.flush()?;
            out.get_ref().sync_all()?;
            drop(out);
            fs::rename(&self.beside, &self.target)?;
            let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
            sync_folder(folder.unwrap_or(Path::new(".")))?;
            self.beside = PathBuf::new();
        }
        Ok(())
    }
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
        let mut file = WholeFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!target.exists());
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut file = WholeFile::create(&target).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("none").join("out");
        assert_eq!(WholeFile::create(&nowhere).err(), Some(LogbookError::NoFile));
    }
}
