//! Finding a peer on the local network without telling everybody who is there.
//!
//! A listening device announces `_seldinger._tcp` under a random name that changes with every start,
//! and a hint: a salt and a keyed hash of it by its fingerprint. Whoever is paired knows the fingerprint
//! and recognizes the hint; to others it is another random word each time. (The fingerprint itself is
//! encrypted in a handshake, but a stranger who calls is shown it: this hides from those who listen,
//! not from those who ring.) A clock is not needed, so that devices whose clocks are years apart find
//! each other.

use crate::ids::{Ids, random};
use crate::sync::Fingerprint;

/// The service that is announced and looked for, in the domain `local.`.
pub const SERVICE: &str = "_seldinger._tcp";
/// The key of the hint in the service's text record.
pub const HINT: &str = "h";
const PART: usize = 8;

/// Why a shell could not look around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum DiscoveryError {
    /// The user or the system does not allow it.
    #[error("not allowed")]
    NotAllowed,
    /// There is no network, or the system's service fails.
    #[error("unavailable")]
    Unavailable,
}

#[cfg(feature = "ffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for DiscoveryError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable
    }
}

/// A device that is announced on the network.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Announced {
    /// Its hint, from the text record under `h`.
    pub hint: String,
    /// Where it listens, as `host:port`.
    pub addresses: Vec<String>,
}
quiet_debug!(Announced);

/// The shell's eyes on the local network.
///
/// The core asks from a thread of its own and holds no lock meanwhile.
#[cfg_attr(feature = "ffi", uniffi::export(with_foreign))]
pub trait Discovery: Send + Sync {
    /// Every device that is announced now; an empty list where there is none. Who it is, the core finds
    /// out.
    fn around(&self) -> Result<Vec<Announced>, DiscoveryError>;
}

/// What `me` announces until it stops listening.
pub fn hint(me: &Fingerprint, ids: &dyn Ids) -> String {
    let salt = random::<PART>(ids);
    format!("{}{}", word(salt), word(mark(me, salt)))
}

/// Where `wanted` listens, among what is announced.
pub fn addresses_of(wanted: &Fingerprint, around: &[Announced]) -> Vec<String> {
    let theirs = around.iter().filter(|device| is_of(wanted, &device.hint));
    theirs.flat_map(|device| device.addresses.iter().cloned()).collect()
}

fn is_of(wanted: &Fingerprint, hint: &str) -> bool {
    let (Some(salt), Some(rest)) = (hint.get(..2 * PART), hint.get(2 * PART..)) else {
        return false;
    };
    let Ok(salt) = u64::from_str_radix(salt, 16) else { return false };
    word(mark(wanted, salt.to_be_bytes())) == rest
}

fn mark(of: &Fingerprint, salt: [u8; PART]) -> [u8; PART] {
    let key = blake3::derive_key("seldinger 2026 discovery hint", &of.0);
    let hash = blake3::keyed_hash(&key, &salt);
    let mut mark = [0; PART];
    mark.copy_from_slice(&hash.as_bytes()[..PART]);
    mark
}

fn word(bytes: [u8; PART]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;

    #[test]
    fn only_who_knows_a_device_recognizes_it() {
        let (one, other) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        let announced = |of: &Fingerprint, at: &str| Announced {
            hint: hint(of, &SystemIds),
            addresses: vec![at.to_owned()],
        };
        let odd = |hint: &str| Announced { hint: hint.to_owned(), addresses: vec!["x:1".into()] };
        let around = [
            announced(&one, "10.0.0.1:1"),
            announced(&other, "10.0.0.2:1"),
            announced(&one, "10.0.0.3:1"),
            odd(""),
            odd("+000000000000000"),
            odd("éééééééééééééééééé"),
        ];
        assert_eq!(addresses_of(&one, &around), ["10.0.0.1:1", "10.0.0.3:1"]);
        assert_eq!(addresses_of(&Fingerprint([3; 32]), &around), <[String; 0]>::default());
        assert_ne!(around[0].hint, around[2].hint);
    }
}
