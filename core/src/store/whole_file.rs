//! A file that appears whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::owner_only;
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

/// Written beside its target under a name of its own, readable by its owner only, and renamed once it is
/// on disk; dropped before that it leaves nothing. What a kill left of an earlier one goes when the same
/// target is written again: it is known by its lock, which nobody holds any more.
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
        let begin = beginning(name);
        sweep_unfinished(target);
        let (beside, file) = begun(target, &begin)?;
        let out = Some(BufWriter::with_capacity(1 << 16, file));
        Ok(Self { out, beside, target: target.to_owned(), existing })
    }

    /// Makes it last, under its own name.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(mut out) = self.out.take() {
            out.flush()?;
            out.get_ref().sync_all()?;
            drop(out);
            self.put_in_place()?;
            sync_folder(folder_of(&self.target))?;
        }
        Ok(())
    }

    fn put_in_place(&mut self) -> Result<()> {
        if self.existing == Existing::Refuse {
            // A second name is given only where nobody has it; then the first one goes.
            match fs::hard_link(&self.beside, &self.target) {
                Ok(()) => {
                    self.remove_beside();
                    return Ok(());
                }
                Err(_) if is_taken(&self.target) => return Err(LogbookError::FileExists),
                // A file system without second names, as on a memory stick.
                Err(_) => {}
            }
        }
        fs::rename(&self.beside, &self.target)?;
        self.beside = PathBuf::new();
        Ok(())
    }

    fn remove_beside(&mut self) {
        let beside = std::mem::take(&mut self.beside);
        if !beside.as_os_str().is_empty() {
            let _ = fs::remove_file(beside);
        }
    }
}

/// Writes a file so that a crash leaves the old one or the new one, never half of either.
///
/// # Errors
/// `DiskFull`, `ReadOnly`, `NoFile` where its folder is not there, `Io`.
pub fn write_whole(target: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(target, Existing::Replace)?;
    file.write_all(bytes)?;
    file.finish()
}

/// Makes renames in a folder last; where folders cannot be opened for it, the system sees to it.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// How the name of a file ends that is not whole yet.
const END: &str = ".part";

/// A new file beside the target, and locked: two programs, or two threads, that write the same target have
/// one each.
fn begun(target: &Path, begin: &str) -> Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let beside = target.with_file_name(format!("{begin}{process}.{number}{END}"));
        match owner_only::create(&beside) {
            Ok(file) => {
                // Where the system has no locks, nothing is swept either.
                let _ = file.lock();
                // Whoever swept before it was locked took it for one that is left.
                if beside.exists() {
                    return Ok((beside, file));
                }
            }
            // A machine that shares this folder may have a process of the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How the names of files begin that are to become one of that name.
fn beginning(name: &OsStr) -> String {
    format!(".{}.", name.to_string_lossy())
}

/// Removes what killed programs left that were writing `target`.
pub fn sweep_unfinished(target: &Path) {
    let Some(begin) = target.file_name().map(beginning) else { return };
    for entry in fs::read_dir(folder_of(target)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let numbers = name.to_str().and_then(|name| name.strip_prefix(&begin)?.strip_suffix(END));
        let Some((process, number)) = numbers.and_then(|numbers| numbers.split_once('.')) else {
            continue;
        };
        if process.parse::<u32>().is_err() || number.parse::<u64>().is_err() {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        // It stays locked until it is gone: whoever is just about to lock it sees that then.
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(entry.path());
        }
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
        self.remove_beside();
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

    #[test]
    fn two_who_write_the_same_target_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        let begin = || WholeFile::create(&target, Existing::Replace).unwrap();
        let (mut one, mut two) = (begin(), begin());
        one.write_all(b"one").unwrap();
        two.write_all(b"other").unwrap();
        one.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"one");
        two.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_kill_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        let left = folder.path().join(".out.jsonl.7.0.part");
        let others = [".out.jsonl.part", ".out.jsonl.old.part", ".else.jsonl.7.0.part"];
        fs::write(&left, "records").unwrap();
        for other in others {
            fs::write(folder.path().join(other), "").unwrap();
        }
        let one = WholeFile::create(&target, Existing::Replace).unwrap();
        assert!(!left.exists());
        let two = WholeFile::create(&target, Existing::Replace).unwrap();
        assert!(one.beside.exists() && two.beside.exists());
        drop((one, two));
        assert!(others.iter().all(|other| folder.path().join(other).exists()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len());
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
