//! The book's key, the vault that a shell keeps it in, and the recovery code.
//!
//! The vault holds 48 bytes under a name that belongs to the key, not to the book: changing a key or
//! restoring a backup adds a name and never overwrites one, so that a crash in between loses nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use age::x25519;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::locked::Locked;
use crate::error::{LogbookError, Result};
use crate::ids::{Ids, random};

/// Why a vault gave no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum KeyVaultError {
    /// The device is locked, or its owner has not shown who they are.
    #[error("locked")]
    Locked,
    /// The user declined.
    #[error("cancelled")]
    Cancelled,
    /// What the user typed does not open the vault.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The vault is missing, broken, or full.
    #[error("unavailable")]
    Unavailable,
}

#[cfg(feature = "ffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for KeyVaultError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable
    }
}

impl From<KeyVaultError> for LogbookError {
    fn from(error: KeyVaultError) -> Self {
        match error {
            KeyVaultError::Locked => Self::KeyLocked,
            KeyVaultError::Cancelled => Self::KeyCancelled,
            KeyVaultError::WrongPassphrase => Self::WrongKey,
            KeyVaultError::Unavailable => Self::KeyUnavailable,
        }
    }
}

/// Where a shell keeps keys: Keychain, Keystore, Secret Service, or a sealed file.
///
/// It is called on the thread that opens a book, while no lock of the core is held.
#[cfg_attr(feature = "ffi", uniffi::export(with_foreign))]
pub trait KeyVault: Send + Sync {
    /// The secret stored under `name`, or `None` where there is none.
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError>;
    /// Stores `secret` under `name`, for good before it returns.
    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError>;
    /// Forgets `name`; forgetting what is not there is no error.
    fn remove(&self, name: String) -> Result<(), KeyVaultError>;
}

/// Key and salt of one database: what the vault holds.
#[derive(Clone, PartialEq, Eq)]
pub struct BookKey(Locked<48>);

/// How many of the bytes are the key; the rest is salt.
const KEY: usize = 32;

impl BookKey {
    /// A new random key.
    pub(crate) fn new(ids: &dyn Ids) -> Self {
        let mut bytes = Locked::new();
        ids.fill(bytes.bytes_mut());
        Self(bytes)
    }

    /// From what a vault or a backup holds.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut locked = Locked::new();
        if bytes.len() != locked.bytes().len() {
            return None;
        }
        locked.bytes_mut().copy_from_slice(bytes);
        Some(Self(locked))
    }

    /// The 48 bytes.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.bytes().to_vec())
    }

    /// The database file's first 16 bytes.
    pub(crate) fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        salt.copy_from_slice(&self.0.bytes()[KEY..]);
        salt
    }

    /// The name that the vault knows this key by; it tells nothing about the key.
    pub(crate) fn name(&self) -> String {
        let hash = blake3::derive_key("seldinger 2026 key name", self.0.bytes());
        format!("book-{}", hex(&hash[..8]))
    }

    /// A value that only this key gives: tells a wrong key from a damaged file.
    pub(crate) fn canary(&self) -> [u8; 32] {
        blake3::derive_key("seldinger 2026 canary", self.0.bytes())
    }

    /// SQLCipher's raw key with salt, `x'…'`.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(100));
        text.push_str("x'");
        for byte in self.0.bytes() {
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        text.push('\'');
        text
    }
}

impl fmt::Debug for BookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BookKey(..)")
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |c: u8| (c as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits.chunks(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

/// Loads the key called `name`.
pub(crate) fn load(vault: &Arc<dyn KeyVault>, name: &str) -> Result<BookKey> {
    let secret = Zeroizing::new(vault.load(name.to_owned())?.ok_or(LogbookError::KeyMissing)?);
    BookKey::from_bytes(&secret).ok_or(LogbookError::WrongKey)
}

/// Keeps `key` in the vault.
pub(crate) fn keep(vault: &Arc<dyn KeyVault>, key: &BookKey) -> Result<()> {
    Ok(vault.store(key.name(), key.to_bytes().to_vec())?)
}

/// The code that opens a book or its backups when the key is gone: 26 letters and digits, kept in the
/// book until its user has confirmed that it is written down.
///
/// # Shape
/// 15 random bytes and one that catches a slip of the pen, in Crockford's base 32, so that 0 and O,
/// 1 and I and L are the same; written in groups of five and a last of six.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; 15]);

/// What a backup is authenticated with: who does not know the recovery code and does not have the book
/// open cannot make one that passes for the book's own. It opens nothing.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct BackupKey([u8; 32]);

impl BackupKey {
    /// From what the book keeps.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The text is not a recovery code: a letter is missing, or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a recovery code")]
pub struct NotARecoveryCode;

/// Letters and digits of a code that people type: none that is taken for another.
pub const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl RecoveryCode {
    /// A new random code.
    pub(crate) fn new(ids: &dyn Ids) -> Self {
        Self(random(ids))
    }

    /// As the user writes it down.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(30));
        let bits = u128::from_be_bytes(self.padded()) << 8 | u128::from(self.check());
        for place in 0..26 {
            if place > 0 && place % 5 == 0 && place < 25 {
                text.push('-');
            }
            let digit = (bits >> (5 * (25 - place))) & 31;
            text.push(char::from(CROCKFORD[usize::try_from(digit).unwrap_or(0)]));
        }
        text
    }

    fn padded(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[1..].copy_from_slice(&self.0);
        bytes
    }

    fn check(&self) -> u8 {
        blake3::derive_key("seldinger 2026 recovery check", &self.0)[0]
    }

    /// The code itself, as the book keeps it until it is confirmed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// From what the book kept.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// What backups that are sealed to this code are authenticated with.
    pub(crate) fn authentication(&self) -> BackupKey {
        BackupKey(blake3::derive_key("seldinger 2026 backup authentication", &self.0))
    }

    /// The key pair that backups are sealed to.
    pub(crate) fn identity(&self) -> Result<x25519::Identity> {
        let seed = Zeroizing::new(blake3::derive_key("seldinger 2026 recovery identity", &self.0));
        let prefix = bech32::Hrp::parse("age-secret-key-").map_err(|_| LogbookError::Io)?;
        let text = bech32::encode::<bech32::Bech32>(prefix, seed.as_slice())
            .map_err(|_| LogbookError::Io)?;
        let text = Zeroizing::new(text);
        x25519::Identity::from_str(&text.to_uppercase()).map_err(|_| LogbookError::Io)
    }
}

/// What was typed of a code, in the letters that it is made of.
pub fn letters(typed: &str) -> impl Iterator<Item = char> {
    let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    letters.map(|letter| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    })
}

impl FromStr for RecoveryCode {
    type Err = NotARecoveryCode;

    fn from_str(text: &str) -> Result<Self, NotARecoveryCode> {
        let mut bits: u128 = 0;
        let mut places = 0;
        for letter in letters(text) {
            let digit =
                CROCKFORD.iter().position(|c| char::from(*c) == letter).ok_or(NotARecoveryCode)?;
            places += 1;
            if places > 26 || (places == 1 && digit > 7) {
                return Err(NotARecoveryCode);
            }
            bits = bits << 5 | u128::try_from(digit).map_err(|_| NotARecoveryCode)?;
        }
        let [_, secret @ ..] = (bits >> 8).to_be_bytes();
        let code = Self(secret);
        if places == 26 && u128::from(code.check()) == bits & 0xff {
            Ok(code)
        } else {
            Err(NotARecoveryCode)
        }
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;
    use proptest::prelude::*;

    #[test]
    fn keys_read_back_and_do_not_print() {
        let key = BookKey::new(&SystemIds);
        assert_eq!(BookKey::from_bytes(&key.to_bytes()), Some(key.clone()));
        assert_eq!(BookKey::from_bytes(&[0; 47]), None);
        assert_eq!(key.pragma().len(), 99);
        assert!(!format!("{key:?}").contains(&hex(&key.salt())));
        assert_eq!(unhex(&hex(&key.salt())), Some(key.salt().to_vec()));
    }

    #[test]
    fn a_code_opens_what_was_sealed_to_it() {
        let code = RecoveryCode::new(&SystemIds);
        let sealed = age::encrypt(&code.identity().unwrap().to_public(), b"secret").unwrap();
        let again: RecoveryCode = code.text().parse().unwrap();
        assert_eq!(age::decrypt(&again.identity().unwrap(), &sealed).unwrap(), b"secret");
    }

    proptest! {
        #[test]
        fn a_code_survives_handwriting_and_a_slip_is_caught(bytes: [u8; 15], place in 0usize..30, to in 0usize..32) {
            let code = RecoveryCode(bytes);
            let text = code.text().to_lowercase().replace('0', "o").replace('1', "l");
            prop_assert_eq!(text.parse::<RecoveryCode>(), Ok(code.clone()));
            let mut slip: Vec<u8> = code.text().bytes().collect();
            prop_assume!(slip[place] != b'-' && slip[place] != CROCKFORD[to]);
            slip[place] = CROCKFORD[to];
            let slip = String::from_utf8(slip).unwrap();
            // Eight check bits let a few slips through, never as the same code.
            prop_assert_ne!(slip.parse::<RecoveryCode>(), Ok(code));
        }
    }
}
