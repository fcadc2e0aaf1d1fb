//! Who a device is: an Ed25519 key that TLS and bundles are signed by, and an X25519 key that bundles
//! are sealed to.
//!
//! Only the two seeds are kept. The certificate is made from them anew each time, and always the same;
//! its name is random and its dates mean nothing, for nobody looks at them.

use std::str::FromStr;

use age::x25519;
use bech32::Hrp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ED25519};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::LinkError;
use crate::ids::{Ids, random};
use crate::sync::Fingerprint;
use crate::sync::pairing::SealKey;

/// The version of the stored form.
const VERSION: u8 = 1;
/// PKCS #8 of an Ed25519 key, up to its seed.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// SubjectPublicKeyInfo of an Ed25519 key, up to the key.
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// A device's keys.
pub struct DeviceIdentity {
    signing: Zeroizing<[u8; 32]>,
    opening: Zeroizing<[u8; 32]>,
    signer: Ed25519KeyPair,
    seal_key: SealKey,
    certificate: CertificateDer<'static>,
}
quiet_debug!(DeviceIdentity);

impl DeviceIdentity {
    /// New keys.
    pub fn generate(ids: &dyn Ids) -> Result<Self, LinkError> {
        Self::from_seeds(Zeroizing::new(random(ids)), Zeroizing::new(random(ids)))
    }

    /// What `to_bytes` gave.
    ///
    /// # Errors
    /// `BadIdentity`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let (version, seeds) = bytes.split_first().ok_or(LinkError::BadIdentity)?;
        let seeds: &[u8; 64] = seeds.try_into().map_err(|_| LinkError::BadIdentity)?;
        if *version != VERSION {
            return Err(LinkError::BadIdentity);
        }
        let (mut signing, mut opening) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        signing.copy_from_slice(&seeds[..32]);
        opening.copy_from_slice(&seeds[32..]);
        Self::from_seeds(signing, opening)
    }

    /// To be kept inside the encrypted book.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&[VERSION][..], &self.signing[..], &self.opening[..]].concat())
    }

    fn from_seeds(
        signing: Zeroizing<[u8; 32]>,
        opening: Zeroizing<[u8; 32]>,
    ) -> Result<Self, LinkError> {
        let signer =
            Ed25519KeyPair::from_seed_unchecked(&*signing).map_err(|_| LinkError::BadIdentity)?;
        let seal_key = seal_key_of(&age_identity(&opening)?)?;
        let certificate = certificate(&signing).map_err(|_| LinkError::BadIdentity)?;
        Ok(Self { signing, opening, signer, seal_key, certificate })
    }

    /// Who this device is to others.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint_of_key(&self.public_key())
    }

    /// What its bundles are sealed to.
    pub fn seal_key(&self) -> SealKey {
        self.seal_key
    }

    pub(super) fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.signer.public_key().as_ref());
        key
    }

    pub(super) fn sign(&self, what: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.signer.sign(what).as_ref());
        signature
    }

    pub(super) fn opener(&self) -> Result<x25519::Identity, LinkError> {
        age_identity(&self.opening)
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8(&self.signing).to_vec()))
    }
}

fn pkcs8(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&PKCS8_HEAD[..], seed].concat())
}

fn certificate(seed: &[u8; 32]) -> Result<CertificateDer<'static>, rcgen::Error> {
    let pkcs8 = pkcs8(seed);
    let pkcs8 = PrivatePkcs8KeyDer::from(&pkcs8[..]);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ED25519)?;
    let name = blake3::derive_key("seldinger 2026 certificate name", seed);
    let name = blake3::Hash::from_bytes(name).to_hex();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, &name[..16]);
    Ok(params.self_signed(&key)?.der().clone())
}

/// Who has this certificate's public key, as it stands in there.
pub(super) fn fingerprint_of(public_key_info: &[u8]) -> Fingerprint {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, public_key_info).as_ref());
    Fingerprint(hash)
}

/// Who signs by this key.
pub(super) fn fingerprint_of_key(key: &[u8; 32]) -> Fingerprint {
    fingerprint_of(&[&SPKI_HEAD[..], key].concat())
}

/// The X25519 key pair of a seed. The age crate takes keys as text only.
pub(super) fn age_identity(seed: &[u8; 32]) -> Result<x25519::Identity, LinkError> {
    let prefix = Hrp::parse("age-secret-key-").map_err(|_| LinkError::BadIdentity)?;
    let text =
        bech32::encode::<bech32::Bech32>(prefix, seed).map_err(|_| LinkError::BadIdentity)?;
    let text = Zeroizing::new(Zeroizing::new(text).to_uppercase());
    x25519::Identity::from_str(&text).map_err(|_| LinkError::BadIdentity)
}

/// What is sealed for `identity` is sealed to this.
pub(super) fn seal_key_of(identity: &x25519::Identity) -> Result<SealKey, LinkError> {
    let text = identity.to_public().to_string();
    let (_, key) = bech32::decode(&text).map_err(|_| LinkError::BadIdentity)?;
    Ok(SealKey(key.try_into().map_err(|_| LinkError::BadIdentity)?))
}

/// The key as the age crate takes it.
pub(super) fn age_recipient(key: SealKey) -> Result<x25519::Recipient, LinkError> {
    let prefix = Hrp::parse("age").map_err(|_| LinkError::BadIdentity)?;
    let text =
        bech32::encode::<bech32::Bech32>(prefix, &key.0).map_err(|_| LinkError::BadIdentity)?;
    x25519::Recipient::from_str(&text).map_err(|_| LinkError::BadIdentity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;
    use rustls::server::ParsedCertificate;

    #[test]
    fn keys_read_back_and_make_the_same_certificate() {
        let device = DeviceIdentity::generate(&SystemIds).unwrap();
        let again = DeviceIdentity::from_bytes(&device.to_bytes()).unwrap();
        assert_eq!(again.fingerprint(), device.fingerprint());
        assert_eq!(again.seal_key(), device.seal_key());
        assert_eq!(again.certificate(), device.certificate());
        let other = DeviceIdentity::generate(&SystemIds).unwrap();
        assert_ne!(other.fingerprint(), device.fingerprint());
        assert_ne!(other.seal_key(), device.seal_key());
        assert_eq!(format!("{device:?}"), "DeviceIdentity { .. }");
    }

    #[test]
    fn the_fingerprint_is_that_of_the_certificate() {
        let device = DeviceIdentity::generate(&SystemIds).unwrap();
        let certificate = device.certificate();
        let parsed = ParsedCertificate::try_from(&certificate).unwrap();
        let found = fingerprint_of(&parsed.subject_public_key_info());
        assert_eq!(found, device.fingerprint());
    }

    #[test]
    fn damaged_keys_are_refused() {
        let whole = DeviceIdentity::generate(&SystemIds).unwrap().to_bytes();
        for bytes in [&[][..], &whole[..64], &[&[2], &whole[1..]].concat()] {
            assert_eq!(DeviceIdentity::from_bytes(bytes).unwrap_err(), LinkError::BadIdentity);
        }
    }
}
