//! Keys in a file sealed by a passphrase: Argon2id stretches it, XChaCha20-Poly1305 seals.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use seldinger_core::ids::{Ids, SystemIds};
use seldinger_core::store::FileLock;
use seldinger_core::store::key::{KeyVault, KeyVaultError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::data_dir::{make_private_folder, write_private};

/// 64 MiB and three passes, RFC 9106's choice for machines that are not servers: a fraction of a
/// second for the owner, and as much for each guess of anyone else.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// A file that asks for more than this was not written by us.
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };
/// An entry that proves the passphrase before any key is in the file.
const CHECK: &str = "check";

/// What a guess costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A sealed secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parcel {
    nonce: Vec<u8>,
    sealed: Vec<u8>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SealedFile {
    version: u32,
    cost: Cost,
    salt: Vec<u8>,
    keys: BTreeMap<String, Parcel>,
}

/// A sealed file whose passphrase is known.
pub struct Sealed {
    path: PathBuf,
    salt: Vec<u8>,
    cipher: XChaCha20Poly1305,
}

impl Sealed {
    /// Opens the file, or makes it where there is none.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unavailable` where the file cannot be read or written.
    pub fn open_or_make(path: &Path, passphrase: &str) -> Result<Self, KeyVaultError> {
        if let Some(opened) = Self::open(path, passphrase)? {
            return Ok(opened);
        }
        let _turn = turn(path)?;
        // Another program may have made it just now.
        match Self::open(path, passphrase)? {
            Some(opened) => Ok(opened),
            None => Self::make(path, passphrase),
        }
    }

    /// Opens the file; `None` where there is none.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unavailable` where the file cannot be read.
    pub fn open(path: &Path, passphrase: &str) -> Result<Option<Self>, KeyVaultError> {
        let Some(file) = read(path)? else { return Ok(None) };
        let cipher = cipher(passphrase, &file.salt, file.cost)?;
        let opened = Self { path: path.to_owned(), salt: file.salt.clone(), cipher };
        let check = file.keys.get(CHECK).ok_or(KeyVaultError::Unavailable)?;
        opened.unseal(CHECK, check)?;
        Ok(Some(opened))
    }

    /// Seals everything in the file by another passphrase; this value opens it no more.
    ///
    /// # Errors
    /// `Unavailable` where the file cannot be read or written; it is then as it was.
    pub fn change_passphrase(&self, passphrase: &str) -> Result<(), KeyVaultError> {
        let _turn = turn(&self.path)?;
        let old = self.file()?;
        let mut salt = vec![0; 16];
        SystemIds.fill(&mut salt);
        let cipher = cipher(passphrase, &salt, COST)?;
        let changed = Self { path: self.path.clone(), salt: salt.clone(), cipher };
        let mut keys = BTreeMap::new();
        for (name, parcel) in &old.keys {
            let secret = Zeroizing::new(self.unseal(name, parcel)?);
            keys.insert(name.clone(), changed.seal(name, &secret)?);
        }
        write(&self.path, &SealedFile { version: 1, cost: COST, salt, keys })
    }

    fn make(path: &Path, passphrase: &str) -> Result<Self, KeyVaultError> {
        let mut salt = vec![0; 16];
        SystemIds.fill(&mut salt);
        let cipher = cipher(passphrase, &salt, COST)?;
        let made = Self { path: path.to_owned(), salt: salt.clone(), cipher };
        let keys = BTreeMap::from([(CHECK.to_owned(), made.seal(CHECK, &[])?)]);
        write(path, &SealedFile { version: 1, cost: COST, salt, keys })?;
        Ok(made)
    }

    /// The file as it is now: another program may have added a key.
    fn file(&self) -> Result<SealedFile, KeyVaultError> {
        let file = read(&self.path)?.ok_or(KeyVaultError::Unavailable)?;
        if file.salt == self.salt { Ok(file) } else { Err(KeyVaultError::WrongPassphrase) }
    }

    /// The name is sealed along, so that two parcels cannot be swapped.
    fn seal(&self, name: &str, secret: &[u8]) -> Result<Parcel, KeyVaultError> {
        let mut nonce = [0; 24];
        SystemIds.fill(&mut nonce);
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyVaultError::Unavailable)?;
        Ok(Parcel { nonce: nonce.to_vec(), sealed })
    }

    fn unseal(&self, name: &str, parcel: &Parcel) -> Result<Vec<u8>, KeyVaultError> {
        let nonce: [u8; 24] =
            parcel.nonce.as_slice().try_into().map_err(|_| KeyVaultError::Unavailable)?;
        let payload = Payload { msg: &parcel.sealed, aad: name.as_bytes() };
        self.cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyVaultError::WrongPassphrase)
    }
}

impl KeyVault for Sealed {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        let file = self.file()?;
        file.keys.get(&name).map(|parcel| self.unseal(&name, parcel)).transpose()
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        let secret = Zeroizing::new(secret);
        let _turn = turn(&self.path)?;
        let mut file = self.file()?;
        file.keys.insert(name.clone(), self.seal(&name, &secret)?);
        write(&self.path, &file)
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        let _turn = turn(&self.path)?;
        let mut file = self.file()?;
        if name == CHECK || file.keys.remove(&name).is_none() {
            return Ok(());
        }
        write(&self.path, &file)
    }
}

fn cipher(passphrase: &str, salt: &[u8], cost: Cost) -> Result<XChaCha20Poly1305, KeyVaultError> {
    if cost.memory_kib > MOST.memory_kib || cost.passes > MOST.passes || cost.lanes > MOST.lanes {
        return Err(KeyVaultError::Unavailable);
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| KeyVaultError::Unavailable)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
        .map_err(|_| KeyVaultError::Unavailable)?;
    XChaCha20Poly1305::new_from_slice(key.as_ref()).map_err(|_| KeyVaultError::Unavailable)
}

/// Waits until no other program changes the file: it is read and written whole.
fn turn(path: &Path) -> Result<FileLock, KeyVaultError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private_folder(folder).map_err(|_| KeyVaultError::Unavailable)?;
    FileLock::wait(&lock_of(path)).map_err(|_| KeyVaultError::Unavailable)
}

/// The file that is held while a sealed file changes.
pub(super) fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn read(path: &Path) -> Result<Option<SealedFile>, KeyVaultError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(KeyVaultError::Unavailable),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| KeyVaultError::Unavailable)
}

fn write(path: &Path, file: &SealedFile) -> Result<(), KeyVaultError> {
    let bytes = serde_json::to_vec(file).map_err(|_| KeyVaultError::Unavailable)?;
    write_private(path, &bytes).map_err(|_| KeyVaultError::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_with_its_passphrase_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.sealed");
        let keys = Sealed::open_or_make(&path, "correct horse").unwrap();
        keys.store("book-1".into(), vec![7; 48]).unwrap();
        let again = Sealed::open_or_make(&path, "correct horse").unwrap();
        assert_eq!(again.load("book-1".into()), Ok(Some(vec![7; 48])));
        assert_eq!(again.load("book-2".into()), Ok(None));
        let wrong = Sealed::open_or_make(&path, "correct horse ").map(drop);
        assert_eq!(wrong, Err(KeyVaultError::WrongPassphrase));
        again.remove("book-1".into()).unwrap();
        assert_eq!(keys.load("book-1".into()), Ok(None));
    }

    #[test]
    fn opening_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Sealed::open(&folder.path().join("keys.sealed"), "p").unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn keys_that_are_stored_at_the_same_time_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.sealed");
        std::thread::scope(|scope| {
            for number in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    let keys = Sealed::open_or_make(path, "p").unwrap();
                    keys.store(format!("book-{number}"), vec![number; 48]).unwrap();
                });
            }
        });
        let keys = Sealed::open_or_make(&path, "p").unwrap();
        for number in 0..4_u8 {
            assert_eq!(keys.load(format!("book-{number}")), Ok(Some(vec![number; 48])));
        }
    }

    #[test]
    fn a_changed_passphrase_opens_and_the_former_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.sealed");
        let keys = Sealed::open_or_make(&path, "old").unwrap();
        keys.store("book-1".into(), vec![7; 48]).unwrap();
        keys.change_passphrase("new").unwrap();
        let former = Sealed::open_or_make(&path, "old").map(drop);
        assert_eq!(former, Err(KeyVaultError::WrongPassphrase));
        let again = Sealed::open_or_make(&path, "new").unwrap();
        assert_eq!(again.load("book-1".into()), Ok(Some(vec![7; 48])));
        assert_eq!(keys.load("book-1".into()), Err(KeyVaultError::WrongPassphrase));
    }

    #[test]
    fn a_touched_file_gives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.sealed");
        let keys = Sealed::open_or_make(&path, "p").unwrap();
        keys.store("book-1".into(), vec![7; 48]).unwrap();
        keys.store("book-2".into(), vec![8; 48]).unwrap();
        let mut file = read(&path).unwrap().unwrap();
        let swapped = file.keys["book-2"].clone();
        file.keys.insert("book-1".into(), swapped);
        write(&path, &file).unwrap();
        assert_eq!(keys.load("book-1".into()), Err(KeyVaultError::WrongPassphrase));

        file.cost.memory_kib = u32::MAX;
        write(&path, &file).unwrap();
        assert_eq!(Sealed::open_or_make(&path, "p").map(drop), Err(KeyVaultError::Unavailable));
        fs::write(&path, "{").unwrap();
        assert_eq!(keys.load("book-1".into()), Err(KeyVaultError::Unavailable));
    }
}
