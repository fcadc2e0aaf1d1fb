//! Pairing: two devices that share a one-time secret come to trust each other's keys.
//!
//! The inviting device opens a `Window`, the other is a `Joiner`. Both prove that they know the secret,
//! bound to this very TLS session and to both keys, so that a proof is worth nothing elsewhere. That
//! alone would trust whoever photographed the QR; so the joiner shows six digits, and the user types
//! them into the inviting device.
//!
//! The digits also bind two nonces. The joiner commits to its own before it sees the other's and opens
//! it afterwards: somebody who read the secret over a shoulder and stands between two devices cannot
//! try names, keys or sessions until both show the same digits; one guess in a million is what is left.
//!
//! ```text
//! joiner                                        window
//! Proof(kind, proof, name, seal key, commitment)   ->  claims it
//!                   <-  Proven(proof, name, seal key, nonce)
//! Reveal(nonce)                                    ->
//! shows the digits                                 the user types them here
//!                   <-  Done, or Refused(why)
//! ```

mod joiner;
mod message;
#[cfg(test)]
mod tests;
mod window;

use super::{Fingerprint, PairingSecret, TypedSecret};

pub use joiner::{JoinState, Joiner};
pub use message::{PairMessage, PairMessageError, ProofKind, Why};
pub use window::{Closed, DigitsAnswer, WINDOW_MS, Window, WindowState};

/// Letters of a device's name.
const MAX_NAME: usize = 40;

/// What a user calls a device.
/// # Shape
/// At most 40 letters, none of which moves the cursor or turns the writing around; it may be empty.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DeviceName(String);
quiet_debug!(DeviceName);

impl DeviceName {
    /// What is left of `text`.
    pub fn new(text: &str) -> Self {
        let kept = text.trim().chars().filter(|c| !c.is_control() && !turns(*c));
        Self(kept.take(MAX_NAME).collect::<String>().trim().to_owned())
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Invisible letters that change how others are shown.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What a device's bundles are sealed to: its X25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealKey(pub [u8; 32]);

/// One of the two devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its key.
    pub fingerprint: Fingerprint,
    /// Its name.
    pub name: DeviceName,
    /// What its bundles are sealed to.
    pub seal_key: SealKey,
}

/// One connection: what TLS says of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Keying material that only the two ends of this session have.
    pub exporter: [u8; 32],
    /// Who is at the other end.
    pub peer: Fingerprint,
}
quiet_debug!(Channel);

/// What proofs and digits are keyed by.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
struct PairKey([u8; 32]);

impl PairKey {
    fn scanned(secret: &PairingSecret) -> Self {
        Self(blake3::derive_key("seldinger 2026 pairing key, scanned", &secret.0))
    }

    fn typed(secret: &TypedSecret) -> Self {
        Self(blake3::derive_key("seldinger 2026 pairing key, typed", &secret.0))
    }

    /// Everything has a fixed length but the names, which say theirs: no two inputs look alike.
    fn hash(&self, what: [u8; 8], on: &Session<'_>, more: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&what).update(on.exporter);
        hasher.update(&on.joiner.0).update(&on.inviter.0);
        for part in more {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        *hasher.finalize().as_bytes()
    }

    fn joiner_proof(&self, on: &Session<'_>) -> [u8; 32] {
        self.hash(*b"joiner..", on, &[])
    }

    fn inviter_proof(&self, on: &Session<'_>) -> [u8; 32] {
        self.hash(*b"inviter.", on, &[])
    }

    fn digits(&self, on: &Session<'_>, joiner: Voice<'_>, inviter: Voice<'_>) -> String {
        let voice = |of: &Voice<'_>| [of.nonce.to_vec(), of.party.seal_key.0.to_vec()].concat();
        let (one, other) = (voice(&joiner), voice(&inviter));
        let names = [joiner.party.name.as_str(), inviter.party.name.as_str()].map(str::as_bytes);
        let hash = self.hash(*b"digits..", on, &[&one, names[0], &other, names[1]]);
        let mut head = [0; 8];
        head.copy_from_slice(&hash[..8]);
        format!("{:06}", u64::from_be_bytes(head) % 1_000_000)
    }
}

/// The session that both sides prove to be in.
struct Session<'a> {
    exporter: &'a [u8; 32],
    joiner: Fingerprint,
    inviter: Fingerprint,
}

/// What one side put into the digits.
#[derive(Clone, Copy)]
struct Voice<'a> {
    party: &'a Party,
    nonce: &'a [u8; 32],
}

/// What the joiner says of its nonce before it has seen the other.
fn commitment(nonce: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("seldinger 2026 pairing commitment", nonce)
}

/// Compares without telling by its time where the difference is.
fn same(one: [u8; 32], other: [u8; 32]) -> bool {
    blake3::Hash::from_bytes(one) == blake3::Hash::from_bytes(other)
}
