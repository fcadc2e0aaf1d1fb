//! A bundle: frames in a file, for networks that keep devices apart.
//!
//! ```text
//! "SELDBNDL" | version | length | age( signer | seal key | book | sequence | name | signature | frames )
//! ```
//! The signature is inside: a file that lies around says neither whom it is from nor whom it is for. It
//! covers the recipient's key, so that a recipient cannot pass a bundle on as if it had been made for
//! somebody else. The length tells a file that is cut off from one that is damaged.
//!
//! The first bundle between devices that have never met is sealed to a key that is derived from the
//! pairing's typed code. Its 128 random bits need no stretching; who can seal to that key knows the code.

#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::iter::once;

use age::{DecryptError, Decryptor, Encryptor, x25519};
use ring::signature::{ED25519, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::link::identity::{age_identity, age_recipient, fingerprint_of_key, seal_key_of};
use crate::link::{DeviceIdentity, Trust};
use crate::sync::pairing::{DeviceName, SealKey};
use crate::sync::{Fingerprint, TypedSecret};

const MAGIC: &[u8; 8] = b"SELDBNDL";
const VERSION: u8 = 1;
/// Bytes before the sealed part.
const HEAD: usize = MAGIC.len() + 1 + 8;
/// Bytes of the largest bundle that is made or opened.
pub const MAX_BUNDLE: usize = 64 << 20;
/// Bytes of frames that fit into one.
pub const MAX_PAYLOAD: usize = MAX_BUNDLE / 2;
/// What the signature is for.
const CONTEXT: &[u8] = b"seldinger 2026 bundle signature";

/// What is in a bundle.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Which incarnation of a book it is from.
    pub book: [u8; 16],
    /// Which of the sender's bundles for this recipient it is.
    pub sequence: u64,
    /// What the sending device is called.
    pub name: DeviceName,
    /// Frames of sync; nothing in here reads them.
    pub payload: Vec<u8>,
}
quiet_debug!(Bundle);

/// A bundle that was opened, and who made it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Who signed it.
    pub sender: Fingerprint,
    /// What an answer is sealed to.
    pub seal_key: SealKey,
    /// What was in it.
    pub bundle: Bundle,
}
quiet_debug!(Opened);

/// Why a bundle was not opened, or not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum BundleError {
    /// Another file.
    #[error("not a bundle")]
    NotABundle,
    /// A newer version of the product made it.
    #[error("bundle of version {found}")]
    NewerVersion {
        /// Its version.
        found: u8,
    },
    /// Its end is missing.
    #[error("a bundle without its end")]
    Truncated,
    /// A byte of it changed.
    #[error("a damaged bundle")]
    Damaged,
    /// It is for another device, or for another code.
    #[error("a bundle for somebody else")]
    NotForThisDevice,
    /// Its code has paired another device.
    #[error("a bundle by a code that was used")]
    CodeUsed,
    /// Who made it is not paired, or not any more.
    #[error("a bundle from a device that is not paired")]
    NotPaired,
    /// It was taken in before, or a later one was.
    #[error("a bundle that was read already")]
    ReadAlready,
    /// It begins behind what has arrived here.
    #[error("an earlier bundle is missing")]
    EarlierMissing,
    /// Larger than any may be.
    #[error("a bundle of {bytes} bytes")]
    TooLarge {
        /// How large.
        bytes: u64,
    },
    /// The device's keys or the recipient's cannot be used.
    #[error("keys cannot be used")]
    BadKeys,
}

/// Seals a bundle to one device, in the name of another.
///
/// # Errors
/// `TooLarge`, `BadKeys`.
pub fn seal(
    bundle: &Bundle,
    recipient: &SealKey,
    signer: &DeviceIdentity,
) -> Result<Vec<u8>, BundleError> {
    let bytes = bundle.payload.len() as u64;
    if bundle.payload.len() > MAX_PAYLOAD {
        return Err(BundleError::TooLarge { bytes });
    }
    let mut inside = Vec::with_capacity(bundle.payload.len() + 512);
    inside.extend_from_slice(&signer.public_key());
    inside.extend_from_slice(&signer.seal_key().0);
    inside.extend_from_slice(&bundle.book);
    inside.extend_from_slice(&bundle.sequence.to_be_bytes());
    let name = bundle.name.as_str().as_bytes();
    inside.push(u8::try_from(name.len()).unwrap_or_default());
    inside.extend_from_slice(name);
    let signature = signer.sign(&signed(recipient, &inside, &bundle.payload));
    inside.extend_from_slice(&signature);
    inside.extend_from_slice(&bundle.payload);

    let to = age_recipient(*recipient).map_err(|_| BundleError::BadKeys)?;
    let sealed = sealed(&to, &inside).map_err(|()| BundleError::BadKeys)?;
    let mut file = Vec::with_capacity(HEAD + sealed.len());
    file.extend_from_slice(MAGIC);
    file.push(VERSION);
    file.extend_from_slice(&(sealed.len() as u64).to_be_bytes());
    file.extend_from_slice(&sealed);
    Ok(file)
}

/// Seals the first bundle between devices that have never met, by the code that one of them shows.
///
/// # Errors
/// `TooLarge`, `BadKeys`.
pub fn seal_first(
    bundle: &Bundle,
    code: &TypedSecret,
    signer: &DeviceIdentity,
) -> Result<Vec<u8>, BundleError> {
    let key = seal_key_of(&of_code(code)?).map_err(|_| BundleError::BadKeys)?;
    seal(bundle, &key, signer)
}

/// Opens a bundle for this device from one that it trusts.
///
/// # Errors
/// `NotABundle`, `NewerVersion`, `Truncated`, `Damaged`, `NotForThisDevice`, `NotPaired`, `TooLarge`.
pub fn open(file: &[u8], me: &DeviceIdentity, trust: &dyn Trust) -> Result<Opened, BundleError> {
    let key = me.opener().map_err(|_| BundleError::BadKeys)?;
    let opened = opened(file, &key, me)?;
    trust.accepts(&opened.sender).then_some(opened).ok_or(BundleError::NotPaired)
}

/// Opens a first bundle by the code that this device showed: whoever made it was told the code.
///
/// # Errors
/// As `open`, but for `NotPaired`.
pub fn open_first(
    file: &[u8],
    code: &TypedSecret,
    me: &DeviceIdentity,
) -> Result<Opened, BundleError> {
    opened(file, &of_code(code)?, me)
}

fn of_code(code: &TypedSecret) -> Result<x25519::Identity, BundleError> {
    let seed = Zeroizing::new(blake3::derive_key("seldinger 2026 first bundle", &code.0));
    age_identity(&seed).map_err(|_| BundleError::BadKeys)
}

/// What is signed: everything before the signature and after it, and for whom it is.
fn signed(recipient: &SealKey, before: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut hash = blake3::Hasher::new();
    hash.update(&[VERSION]).update(&recipient.0);
    hash.update(&(before.len() as u64).to_be_bytes()).update(before).update(payload);
    [CONTEXT, hash.finalize().as_bytes()].concat()
}

fn sealed(to: &x25519::Recipient, inside: &[u8]) -> Result<Vec<u8>, ()> {
    let seal = || -> Result<Vec<u8>, age::EncryptError> {
        let mut out = Vec::with_capacity(inside.len() + inside.len() / 1024 + 512);
        let to = once(to as &dyn age::Recipient);
        let mut writer = Encryptor::with_recipients(to)?.wrap_output(&mut out)?;
        writer.write_all(inside)?;
        writer.finish()?;
        Ok(out)
    };
    seal().map_err(|_| ())
}

fn opened(file: &[u8], key: &x25519::Identity, me: &DeviceIdentity) -> Result<Opened, BundleError> {
    let inside = unsealed(sealed_part(file)?, key)?;
    let mut rest = &inside[..];
    let signer = take::<32>(&mut rest)?;
    let seal_key = SealKey(take(&mut rest)?);
    let book = take(&mut rest)?;
    let sequence = u64::from_be_bytes(take(&mut rest)?);
    let [length] = take(&mut rest)?;
    let (name, after) = rest.split_at_checked(usize::from(length)).ok_or(BundleError::Damaged)?;
    rest = after;
    let before = &inside[..inside.len() - rest.len()];
    let signature = take::<64>(&mut rest)?;
    let to = seal_key_of(key).map_err(|_| BundleError::BadKeys)?;
    UnparsedPublicKey::new(&ED25519, signer)
        .verify(&signed(&to, before, rest), &signature)
        .map_err(|_| BundleError::Damaged)?;
    let name = std::str::from_utf8(name).map_err(|_| BundleError::Damaged)?;
    let sender = fingerprint_of_key(&signer);
    if sender == me.fingerprint() {
        // Ours, come back: with a first bundle both sides have the key.
        return Err(BundleError::NotForThisDevice);
    }
    let bundle = Bundle { book, sequence, name: DeviceName::new(name), payload: rest.to_vec() };
    Ok(Opened { sender, seal_key, bundle })
}

fn sealed_part(file: &[u8]) -> Result<&[u8], BundleError> {
    if file.len() > MAX_BUNDLE {
        return Err(BundleError::TooLarge { bytes: file.len() as u64 });
    }
    let known = file.len().min(MAGIC.len());
    if file.is_empty() || file[..known] != MAGIC[..known] {
        return Err(BundleError::NotABundle);
    }
    let version = *file.get(MAGIC.len()).ok_or(BundleError::Truncated)?;
    match version {
        VERSION => {}
        0 => return Err(BundleError::Damaged),
        found => return Err(BundleError::NewerVersion { found }),
    }
    let mut rest = &file[MAGIC.len() + 1..];
    let length = take::<8>(&mut rest).map_err(|_| BundleError::Truncated)?;
    let (length, found) = (u64::from_be_bytes(length), rest.len() as u64);
    match length.cmp(&found) {
        std::cmp::Ordering::Equal => Ok(rest),
        std::cmp::Ordering::Greater if length <= MAX_BUNDLE as u64 => Err(BundleError::Truncated),
        _ => Err(BundleError::Damaged),
    }
}

fn unsealed(sealed: &[u8], key: &x25519::Identity) -> Result<Zeroizing<Vec<u8>>, BundleError> {
    let failed = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys => BundleError::NotForThisDevice,
        _ => BundleError::Damaged,
    };
    let reader = Decryptor::new_buffered(sealed).map_err(failed)?;
    let mut reader = reader.decrypt(once(key as &dyn age::Identity)).map_err(failed)?;
    let mut inside = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut inside).map_err(|_| BundleError::Damaged)?;
    Ok(inside)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], BundleError> {
    let (head, after) = rest.split_first_chunk::<N>().ok_or(BundleError::Damaged)?;
    *rest = after;
    Ok(*head)
}
