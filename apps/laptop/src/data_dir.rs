//! Where things are: the data folder, the books in it, and the machine's own folder outside of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use seldinger_core::store::{FileLock, owner_only, sweep_unfinished, write_whole};

use crate::failure::Failure;
use crate::say;

/// How the names of files begin that lie beside the books.
const OURS: [&str; 6] =
    ["vault.json", "keys.sealed", "keys.lock", "serve.", "sync.port", "making.lock"];
/// What the machine's own folder holds beside the keys.
const INSTALLATION: [&str; 2] = ["installation", "installation.lock"];

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|begin| name.starts_with(begin)) || INSTALLATION.contains(&name)
}

/// Where a folder really is; what is not there is where it is said to be.
fn real_path(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The folders of one installation.
#[derive(Debug, Clone)]
pub struct Places {
    /// Holds the books; may be moved, copied, or lie on a stick.
    data: PathBuf,
    /// Stays on this machine: key files and the installation's own word.
    machine: PathBuf,
    /// Nobody chose the data folder, so nothing else is in it.
    data_is_the_platforms: bool,
}

impl Places {
    /// The folder that was asked for, or the platform's.
    ///
    /// # Errors
    /// `NoHome` where the platform knows none and none was given.
    pub fn find(chosen: Option<PathBuf>) -> Result<Self, Failure> {
        let platform = directories::ProjectDirs::from("", "", "Seldinger");
        let data_is_the_platforms = chosen.is_none();
        let data = match (chosen, &platform) {
            (Some(data), _) => std::path::absolute(&data).unwrap_or(data),
            (None, Some(dirs)) => dirs.data_local_dir().to_owned(),
            (None, None) => return Err(Failure::NoHome),
        };
        let machine = match &platform {
            Some(dirs) => dirs.preference_dir().to_owned(),
            None => data.clone(),
        };
        Ok(Self { data, machine, data_is_the_platforms })
    }

    #[cfg(test)]
    pub fn in_folder(folder: &Path) -> Self {
        let (data, machine) = (folder.join("data"), folder.join("machine"));
        Self { data, machine, data_is_the_platforms: true }
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

    /// Waits until nobody else makes, restores or recovers a log here: nobody else chooses who keeps its
    /// key while it is held.
    ///
    /// # Errors
    /// What the system says about the data folder.
    pub fn turn(&self) -> Result<FileLock, Failure> {
        make_private_folder(&self.data).map_err(LogbookError::from)?;
        let path = self.data.join("making.lock");
        if let Some(turn) = FileLock::try_now(&path).map_err(LogbookError::from)? {
            return Ok(turn);
        }
        // It may be asking its user for a passphrase.
        say::note(&words("app.another_makes_the_log", &[]));
        Ok(FileLock::wait(&path).map_err(LogbookError::from)?)
    }

    /// Takes from others what a copy, an earlier version or another program gave them. The data folder
    /// itself may be anybody's choice; what the core keeps in the folder of a book it sees to itself.
    pub fn close_to_others(&self) {
        owner_only::correct(&self.data.join("books"));
        owner_only::correct(&self.key_files());
        for entry in fs::read_dir(&self.data).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_ours) {
                owner_only::correct(&entry.path());
            }
        }
        for name in INSTALLATION {
            owner_only::correct(&self.machine.join(name));
        }
        // Where the platform knows no folder for it, it is the data folder.
        if self.machine != self.data {
            owner_only::correct(&self.machine);
        }
        if self.data_is_the_platforms {
            owner_only::correct(&self.data);
        }
        let keys = fs::read_dir(self.key_files()).into_iter().flatten().flatten();
        keys.for_each(|key| owner_only::correct(&key.path()));
    }

    /// Lets a command write `file`, unless that is a part of the log, of its keys or of their notes: no
    /// `--force` is meant for those.
    ///
    /// # Errors
    /// `OwnFile`.
    pub fn check_output(&self, file: &Path) -> Result<(), Failure> {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        // Where the file is a link, what it leads to counts as well.
        let real = fs::canonicalize(file).ok();
        let folder = absolute.parent().map(real_path);
        let through_folder =
            folder.zip(absolute.file_name()).map(|(folder, name)| folder.join(name));
        let whole = [self.data.join("books"), self.key_files()].map(|own| real_path(&own));
        let some = [&self.data, &self.machine].map(|own| real_path(own));
        let is_own = |path: &Path| {
            let is_named_so = path.file_name().and_then(|name| name.to_str()).is_some_and(is_ours);
            let is_beside =
                path.parent().is_some_and(|folder| some.iter().any(|own| own == folder));
            whole.iter().any(|own| path.starts_with(own)) || is_named_so && is_beside
        };
        if [through_folder, real].iter().flatten().any(|path| is_own(path)) {
            return Err(Failure::OwnFile(file.to_owned()));
        }
        Ok(())
    }

    /// Removes what writing a note or the sealed keys left when it was killed.
    pub fn sweep(&self) {
        sweep_unfinished(&self.vault_note());
        sweep_unfinished(&self.sealed_keys());
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

    /// Holds what hands the page's address to the browser.
    pub fn opening(&self) -> PathBuf {
        self.data.join("opening")
    }

    /// The port that other devices found this one at last.
    pub fn sync_port(&self) -> PathBuf {
        self.data.join("sync.port")
    }

    /// A word of this installation that no copy or backup of the data folder carries along: the
    /// machine's own, and one made once.
    pub fn installation(&self, fresh: impl FnOnce() -> String) -> String {
        let file = self.machine.join("installation");
        let read = || fs::read_to_string(&file).ok().filter(|word| !word.is_empty());
        let own = read().or_else(|| {
            make_private_folder(&self.machine).ok()?;
            // Two first starts at once agree on one word.
            let _turn = FileLock::wait(&self.machine.join("installation.lock")).ok()?;
            read().or_else(|| {
                let word = fresh();
                write_private(&file, word.as_bytes()).ok().map(|()| word)
            })
        });
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        format!("{} {}", own.unwrap_or_default(), machine.trim())
    }
}

/// Makes a folder, and what is above it, that only its owner can enter.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    owner_only::make_folder(folder)
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), LogbookError> {
    make_private_folder(path.parent().unwrap_or(Path::new(".")))?;
    write_whole(path, bytes)
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

    #[test]
    fn two_first_starts_agree_on_a_word() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let places = Places::in_folder(folder.path());
            let ask = |word: &str| places.installation(|| word.to_owned());
            let both = std::thread::scope(|scope| {
                let one = scope.spawn(|| ask("one"));
                (ask("two"), one.join().unwrap())
            });
            assert_eq!(both.0, both.1);
        }
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
