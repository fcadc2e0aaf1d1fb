//! Where the laptop keeps a book's key, and how that is chosen.
//!
//! The choice falls when the first book is made and is written down beside it; from then on the note
//! decides, so that a keyring that is missing one day looks like what it is and not like a new book.

mod choose;
mod key_file;
mod keyring;
mod sealed;

use std::fs;
use std::sync::Arc;

use seldinger_core::error::LogbookError;
use seldinger_core::store::key::KeyVault;
use serde::{Deserialize, Serialize};

use crate::data_dir::{Places, write_private};
use crate::failure::Failure;
pub use choose::{PASSPHRASE_VARIABLE, ask_secret, is_interactive};
use key_file::KeyFiles;
use keyring::Keyring;
use sealed::Sealed;

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
}

impl Vault {
    /// The vault that the note names.
    ///
    /// # Errors
    /// `KeyMissing` where there is no note; the words say how to recover.
    pub fn noted(places: &Places) -> Result<Self, Failure> {
        let mode = noted_mode(places)?.ok_or(LogbookError::KeyMissing)?;
        Self::of(places, mode)
    }

    /// The vault that the note names; without one, the vault that is chosen now and written down.
    pub fn noted_or_chosen(places: &Places, wanted: Option<VaultMode>) -> Result<Self, Failure> {
        if noted_mode(places)?.is_some() {
            return Self::noted(places);
        }
        Self::chosen(places, wanted)
    }

    /// A vault for a new book or a recovered key, written down.
    pub fn chosen(places: &Places, wanted: Option<VaultMode>) -> Result<Self, Failure> {
        let vault = choose::choose(places, wanted)?;
        let note = Note { version: 1, mode: vault.mode };
        let text = serde_json::to_vec(&note).map_err(|_| LogbookError::Io)?;
        let file = places.vault_note();
        write_private(&file, &text).map_err(|_| Failure::CannotWrite(file))?;
        Ok(vault)
    }

    fn of(places: &Places, mode: VaultMode) -> Result<Self, Failure> {
        let keys: Arc<dyn KeyVault> = match mode {
            VaultMode::Keyring => Arc::new(Keyring),
            VaultMode::Passphrase => Arc::new(choose::unseal(places)?),
            VaultMode::KeyFile => Arc::new(KeyFiles::new(places.key_files())),
        };
        Ok(Self { mode, keys })
    }
}

/// What the note says; `None` without one.
fn noted_mode(places: &Places) -> Result<Option<VaultMode>, Failure> {
    let file = places.vault_note();
    match fs::read(&file) {
        Ok(bytes) => match serde_json::from_slice::<Note>(&bytes) {
            Ok(note) => Ok(Some(note.mode)),
            Err(_) => Err(Failure::CannotRead(file)),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(Failure::CannotRead(file)),
    }
}
