//! The small file beside the database: which key it needs, its salt, a canary, and the key sealed to
//! the recovery code. Written twice, because a flipped bit here must not look like a wrong key.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::key::{BookKey, RecoveryCode, hex, unhex};
use super::whole_file::write_whole;
use crate::error::{DamagedPart, LogbookError, Result};

/// What a book's folder says about its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyFile {
    version: u32,
    /// The name in the vault.
    pub(crate) key_name: String,
    salt: String,
    canary: String,
    /// The public half of the recovery code. Backups are sealed to the one that is in the book.
    pub(crate) recovery: String,
    /// The key, sealed to the recovery code.
    sealed_key: String,
}

pub(crate) const NAMES: [&str; 2] = ["book.key", "book.key.copy"];

impl KeyFile {
    pub(crate) fn new(key: &BookKey, recovery: &age::x25519::Recipient) -> Result<Self> {
        let sealed = age::encrypt(recovery, &key.to_bytes()).map_err(|_| LogbookError::Io)?;
        Ok(Self {
            version: 1,
            key_name: key.name(),
            salt: hex(&key.salt()),
            canary: hex(&key.canary()),
            recovery: recovery.to_string(),
            sealed_key: hex(&sealed),
        })
    }

    /// The first whole copy in `folder`.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut found = false;
        for name in NAMES {
            match fs::read(folder.join(name)) {
                Ok(bytes) => {
                    found = true;
                    if let Some(file) = Self::parse(&bytes) {
                        return Ok(file);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LogbookError::reading(&error)),
            }
        }
        if found {
            Err(LogbookError::Damaged { part: DamagedPart::KeyFile })
        } else {
            Err(LogbookError::NoBook)
        }
    }

    /// Whether both copies are there and say the same.
    pub(crate) fn is_whole(&self, folder: &Path) -> bool {
        NAMES.iter().all(|name| {
            fs::read(folder.join(name)).ok().and_then(|b| Self::parse(&b)).as_ref() == Some(self)
        })
    }

    /// Writes both copies, each whole or not at all.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let text = self.to_text()?;
        for name in NAMES {
            write_whole(&folder.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    /// Whether `key` is the one that this book was made with.
    pub(crate) fn fits(&self, key: &BookKey) -> bool {
        self.canary == hex(&key.canary())
    }

    /// The key, opened with the recovery code.
    pub(crate) fn recover(&self, code: &RecoveryCode) -> Result<BookKey> {
        let sealed =
            unhex(&self.sealed_key).ok_or(LogbookError::Damaged { part: DamagedPart::KeyFile })?;
        let bytes = age::decrypt(&code.identity()?, &sealed).map_err(|_| LogbookError::WrongKey)?;
        let key =
            BookKey::from_bytes(&zeroize::Zeroizing::new(bytes)).ok_or(LogbookError::WrongKey)?;
        if self.fits(&key) { Ok(key) } else { Err(LogbookError::WrongKey) }
    }

    /// As it is written: its hash, then what it says.
    pub(crate) fn to_text(&self) -> Result<String> {
        let body = serde_json::to_string(self).map_err(|_| LogbookError::Io)?;
        Ok(format!("{}\n{body}\n", blake3::hash(body.as_bytes()).to_hex()))
    }

    /// `None` where a byte is not as it was written.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (check, body) = text.split_once('\n')?;
        let body = body.strip_suffix('\n')?;
        let whole = blake3::Hash::from_hex(check).ok()? == blake3::hash(body.as_bytes());
        if whole { serde_json::from_str(body).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;

    #[test]
    fn one_whole_copy_is_enough_and_a_flip_is_no_wrong_key() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(KeyFile::read(folder.path()), Err(LogbookError::NoBook));
        let (key, code) = (BookKey::new(&SystemIds), RecoveryCode::new(&SystemIds));
        let file = KeyFile::new(&key, &code.identity().unwrap().to_public()).unwrap();
        file.write(folder.path()).unwrap();
        assert!(file.is_whole(folder.path()));
        assert_eq!(file.recover(&code), Ok(key.clone()));
        assert_eq!(file.recover(&RecoveryCode::new(&SystemIds)), Err(LogbookError::WrongKey));
        assert!(file.fits(&key) && !file.fits(&BookKey::new(&SystemIds)));

        let whole = fs::read(folder.path().join(NAMES[0])).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(folder.path().join(NAMES[0]), &flipped).unwrap();
            assert_eq!(KeyFile::read(folder.path()).as_ref(), Ok(&file));
            assert!(!file.is_whole(folder.path()));
        }
        fs::write(folder.path().join(NAMES[1]), "?").unwrap();
        assert_eq!(
            KeyFile::read(folder.path()),
            Err(LogbookError::Damaged { part: DamagedPart::KeyFile })
        );
    }
}
