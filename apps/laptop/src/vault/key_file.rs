//! Keys as files that only their owner can read: for a machine with neither keyring nor terminal.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use seldinger_core::store::key::{KeyVault, KeyVaultError};
use zeroize::Zeroizing;

use crate::data_dir::write_private;

/// A folder of keys, one file each.
pub struct KeyFiles(PathBuf);

impl KeyFiles {
    /// The keys in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// A name becomes part of a path only while it is one plain word.
    fn file(&self, name: &str) -> Result<PathBuf, KeyVaultError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(KeyVaultError::Unavailable);
        }
        Ok(self.0.join(format!("{name}.key")))
    }
}

impl KeyVault for KeyFiles {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        match fs::read(self.file(&name)?) {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(_) => Err(KeyVaultError::Unavailable),
        }
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        let secret = Zeroizing::new(secret);
        write_private(&self.file(&name)?, &secret).map_err(|_| KeyVaultError::Unavailable)
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        match fs::remove_file(self.file(&name)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(KeyVaultError::Unavailable),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_and_forgets() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path().join("keys"));
        assert_eq!(keys.load("book-1".into()), Ok(None));
        keys.store("book-1".into(), vec![7; 48]).unwrap();
        assert_eq!(keys.load("book-1".into()), Ok(Some(vec![7; 48])));
        keys.remove("book-1".into()).unwrap();
        keys.remove("book-1".into()).unwrap();
        assert_eq!(keys.load("book-1".into()), Ok(None));
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let keys = KeyFiles::new(PathBuf::from("/nowhere"));
        for name in ["", "..", "../x", "a/b", "a\\b", "a.b"] {
            assert_eq!(keys.load(name.into()), Err(KeyVaultError::Unavailable), "{name}");
        }
    }
}
