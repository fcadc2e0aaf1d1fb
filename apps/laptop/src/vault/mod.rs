//! Where the laptop keeps a book's key, and how that is chosen.
//!
//! The choice falls when the first book is made and is written down beside it; from then on the note
//! decides, so that a keyring that is missing one day looks like what it is and not like a new book. The
//! note also tells whether that book was made: where it was, an empty folder is a log that is gone.

mod choose;
mod key_file;
mod keyring;
mod sealed;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seldinger_core::error::LogbookError;
use seldinger_core::store::Place;
use seldinger_core::store::key::{KeyVault, KeyVaultError};
use serde::{Deserialize, Serialize};

use crate::data_dir::{Places, write_private};
use crate::failure::Failure;
pub use choose::{
    BACKUP_PASSPHRASE_VARIABLE, NEW_PASSPHRASE_VARIABLE, PASSPHRASE_VARIABLE, ask_secret,
    changed_passphrase, given_passphrase, is_interactive, tell_if_short, variable,
};
use key_file::KeyFiles;
use keyring::Keyring;
pub use sealed::Sealed;

/// Who keeps the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum VaultMode {
    /// The system's keyring.
    Keyring,
    /// A file sealed by a passphrase.
    Passphrase,
    /// A file that only its owner can read, outside of the book's folder.
    #[value(name = "file")]
    KeyFile,
}

/// An open vault.
#[derive(Clone)]
pub struct Vault {
    /// Who keeps the key.
    pub mode: VaultMode,
    /// The keeper.
    pub keys: Arc<dyn KeyVault>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    version: u32,
    mode: VaultMode,
    /// A note that does not say is of a book that was.
    #[serde(default = "yes")]
    made: bool,
}

fn yes() -> bool {
    true
}

impl Note {
    /// What the note says; `None` without one.
    fn read(places: &Places) -> Result<Option<Self>, Failure> {
        let file = places.vault_note();
        match fs::read(&file) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(note) => Ok(Some(note)),
                Err(_) => Err(Failure::BadVaultNote(file)),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::unreadable(&file, &error)),
        }
    }

    fn write(&self, places: &Places) -> Result<(), Failure> {
        let text = serde_json::to_vec(self).map_err(|_| LogbookError::Io)?;
        let file = places.vault_note();
        write_private(&file, &text).map_err(|_| Failure::CannotWrite(file))
    }
}

/// Notes that the book is made: from now on it must be there. Where that cannot be written now, the next
/// start does it.
pub fn note_made(places: &Places) {
    if let Ok(Some(note)) = Note::read(places)
        && !note.made
    {
        let _ = Note { made: true, ..note }.write(places);
    }
}

/// The file that tells of a book although its folder is empty; `None` where none was ever made.
pub fn trace(places: &Places) -> Result<Option<PathBuf>, Failure> {
    Ok(match Note::read(places)? {
        Some(note) => note.made.then(|| places.vault_note()),
        // The note is written before the keys are sealed, so somebody took it away.
        None => places.sealed_keys().exists().then(|| places.sealed_keys()),
    })
}

/// Whether somebody was killed before there was a book.
fn was_begun_only(places: &Places) -> Result<bool, Failure> {
    let begun = Note::read(places)?.is_some_and(|note| !note.made);
    Ok(begun && !Place::new(places.own_book()).has_book())
}

impl Vault {
    /// The vault that the note names.
    ///
    /// # Errors
    /// `NoVaultNote` where there is none; the words say how to recover.
    pub fn noted(places: &Places) -> Result<Self, Failure> {
        let mode = Self::noted_mode(places)?;
        let mode = mode.ok_or_else(|| Failure::NoVaultNote(places.vault_note()))?;
        Self::of(places, mode, || choose::unseal(places))
    }

    /// The vault that the note names; without one, the vault that is chosen now and written down.
    pub fn noted_or_chosen(places: &Places, wanted: Option<VaultMode>) -> Result<Self, Failure> {
        if Self::noted_mode(places)?.is_none() || was_begun_only(places)? {
            return Self::chosen(places, wanted);
        }
        Self::noted(places)
    }

    /// A vault for a new book or a recovered key, written down first: whatever comes then, the note is
    /// there, and says that no book has been made yet. The caller has the turn.
    pub fn chosen(places: &Places, wanted: Option<VaultMode>) -> Result<Self, Failure> {
        if was_begun_only(places)? {
            // As it seems, only the key of a book that was never made is in it. But that the book was made
            // may not have been noted, and then its folder may come back.
            set_aside(&places.sealed_keys())?;
        }
        let choice = choose::choose(places, wanted)?;
        Note { version: 1, mode: choice.mode, made: false }.write(places)?;
        Self::of(places, choice.mode, || choice.sealed(places))
    }

    /// The vault that the note names, and the sealed file, where it is one, to change its passphrase.
    pub fn noted_to_change(places: &Places) -> Result<(Self, Option<Arc<Sealed>>), Failure> {
        if Self::noted_mode(places)? != Some(VaultMode::Passphrase) {
            return Ok((Self::noted(places)?, None));
        }
        let sealed = Arc::new(choose::unseal(places)?);
        Ok((Self { mode: VaultMode::Passphrase, keys: sealed.clone() }, Some(sealed)))
    }

    /// The sealed keys, by a passphrase that was typed just now: no variable answers for the user.
    ///
    /// # Errors
    /// `WrongKey` where it is another one; `KeyMissing` without sealed keys.
    pub fn under(places: &Places, passphrase: &str) -> Result<Self, Failure> {
        let keys = Sealed::open(&places.sealed_keys(), passphrase).map_err(LogbookError::from)?;
        let keys = keys.ok_or(LogbookError::KeyMissing)?;
        Ok(Self { mode: VaultMode::Passphrase, keys: Arc::new(keys) })
    }

    /// Who keeps the key: as the note says, or as the sealed file shows where the note is missing.
    pub fn noted_mode(places: &Places) -> Result<Option<VaultMode>, Failure> {
        let sealed = || places.sealed_keys().exists().then_some(VaultMode::Passphrase);
        Ok(Note::read(places)?.map(|note| note.mode).or_else(sealed))
    }

    fn of(
        places: &Places,
        mode: VaultMode,
        sealed: impl FnOnce() -> Result<Sealed, Failure>,
    ) -> Result<Self, Failure> {
        let keys: Arc<dyn KeyVault> = match mode {
            VaultMode::Keyring => Arc::new(Keyring),
            VaultMode::Passphrase => Arc::new(sealed()?),
            VaultMode::KeyFile => Arc::new(KeyFiles::new(places.key_files())),
        };
        Ok(Self { mode, keys })
    }
}

/// Lets `keep` put a recovered key into the vault that the note names, or into one chosen now where
/// there is no note. A forgotten passphrase is replaced: the sealed file that nobody can open any more
/// is kept beside.
pub fn recover_into(
    places: &Places,
    wanted: Option<VaultMode>,
    keep: impl FnOnce(&Arc<dyn KeyVault>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if Vault::noted_mode(places)? != Some(VaultMode::Passphrase) {
        return keep(&Vault::noted_or_chosen(places, wanted)?.keys);
    }
    let (path, passphrase) = (places.sealed_keys(), choose::new_passphrase(places)?);
    let unwritable = |error| match error {
        KeyVaultError::Unavailable => Failure::CannotWrite(places.sealed_keys()),
        other => Failure::Book(other.into()),
    };
    match Sealed::open_or_make(&path, &passphrase) {
        Ok(keys) => keep(&(Arc::new(keys) as Arc<dyn KeyVault>)),
        Err(KeyVaultError::WrongPassphrase) => {
            tell_if_short(&passphrase);
            let beside = path.with_extension("sealed.new");
            let _ = fs::remove_file(&beside);
            let keys = Sealed::open_or_make(&beside, &passphrase).map_err(unwritable)?;
            let kept = keep(&(Arc::new(keys) as Arc<dyn KeyVault>));
            // Whoever has the turn is alone with this one.
            let _ = fs::remove_file(sealed::lock_of(&beside));
            kept?;
            set_aside(&path)?;
            fs::rename(&beside, &path).map_err(|_| Failure::CannotWrite(path))
        }
        Err(other) => Err(unwritable(other)),
    }
}

/// Keeps a sealed file under another name: it may hold the only key of a log. None that was kept before
/// is written over.
fn set_aside(path: &Path) -> Result<(), Failure> {
    let names = (1..).map(|number| match number {
        1 => path.with_extension("sealed.old"),
        _ => path.with_extension(format!("sealed.old-{number}")),
    });
    let free = names.into_iter().find(|name| name.symlink_metadata().is_err());
    match free.map(|free| fs::rename(path, free)) {
        Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::CannotWrite(path.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_keys_are_never_deleted_for_a_new_log() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        let kept = |name: &str| Sealed::open(&places.data().join(name), "theirs").unwrap();
        for (number, name) in ["keys.sealed.old", "keys.sealed.old-2"].into_iter().enumerate() {
            let sealed = Sealed::open_or_make(&places.sealed_keys(), "theirs").unwrap();
            sealed.store("book-1".into(), vec![u8::try_from(number).unwrap(); 48]).unwrap();
            let note = Note { version: 1, mode: VaultMode::Passphrase, made: false };
            note.write(&places).unwrap();
            Vault::chosen(&places, Some(VaultMode::KeyFile)).unwrap();
            assert!(!places.sealed_keys().exists());
            assert!(kept(name).is_some(), "{name}");
        }
        let first = kept("keys.sealed.old").unwrap().load("book-1".into());
        assert_eq!(first, Ok(Some(vec![0; 48])));
    }
}
