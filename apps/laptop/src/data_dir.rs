//! Where things are: the data folder, the books in it, and the machine's own folder outside of it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The folders of one installation.
#[derive(Debug, Clone)]
pub struct Places {
    /// Holds the books; may be moved, copied, or lie on a stick.
    data: PathBuf,
    /// Stays on this machine: key files and the installation's own word.
    machine: PathBuf,
}

impl Places {
    /// The folder that was asked for, or the platform's.
    ///
    /// # Errors
    /// `NoHome` where the platform knows none and none was given.
    pub fn find(chosen: Option<PathBuf>) -> Result<Self, Failure> {
        let platform = directories::ProjectDirs::from("", "", "Seldinger");
        let data = match (chosen, &platform) {
            (Some(data), _) => std::path::absolute(&data).unwrap_or(data),
            (None, Some(dirs)) => dirs.data_local_dir().to_owned(),
            (None, None) => return Err(Failure::NoHome),
        };
        let machine = match &platform {
            Some(dirs) => dirs.preference_dir().to_owned(),
            None => data.clone(),
        };
        Ok(Self { data, machine })
    }

    #[cfg(test)]
    pub fn in_folder(folder: &Path) -> Self {
        Self { data: folder.join("data"), machine: folder.join("machine") }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The user's own book.
    pub fn own_book(&self) -> PathBuf {
        self.data.join("books").join("own")
    }

    /// The sample rotation.
    pub fn sample_book(&self) -> PathBuf {
        self.data.join("books").join("sample")
    }

    /// Says where the key is kept.
    pub fn vault_note(&self) -> PathBuf {
        self.data.join("vault.json")
    }

    /// Keys sealed by a passphrase.
    pub fn sealed_keys(&self) -> PathBuf {
        self.data.join("keys.sealed")
    }

    /// Keys as files, outside of the data folder.
    pub fn key_files(&self) -> PathBuf {
        self.machine.join("keys")
    }

    /// Held by the one program that serves the page.
    pub fn serve_lock(&self) -> PathBuf {
        self.data.join("serve.lock")
    }

    /// Where that program can be reached.
    pub fn serve_note(&self) -> PathBuf {
        self.data.join("serve.json")
    }

    /// The port that other devices found this one at last.
    pub fn sync_port(&self) -> PathBuf {
        self.data.join("sync.port")
    }

    /// A word of this installation that no copy or backup of the data folder carries along: the
    /// machine's own, and one made once.
    pub fn installation(&self, fresh: impl FnOnce() -> String) -> String {
        let file = self.machine.join("installation");
        let own = fs::read_to_string(&file).ok().filter(|word| !word.is_empty()).or_else(|| {
            let word = fresh();
            write_private(&file, word.as_bytes()).ok().map(|()| word)
        });
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        format!("{} {}", own.unwrap_or_default(), machine.trim())
    }
}

/// Makes a folder, and what is above it, that only its owner can enter.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    let beside = PathBuf::from(format!("{}.{}.new", path.display(), std::process::id()));
    let written = create_private(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installation_keeps_its_word() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        let first = places.installation(|| "first".to_owned());
        assert!(first.starts_with("first"));
        assert_eq!(places.installation(|| "second".to_owned()), first);
    }

    #[cfg(unix)]
    #[test]
    fn private_means_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b/key");
        write_private(&file, b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
