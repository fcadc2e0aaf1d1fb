//! The words for what can go wrong between two devices.

use crate::content::{Wording, wording};
use crate::link::LinkError;
use crate::link::bundle::BundleError;
use crate::sync::CodeError;
use crate::sync::pairing::{Closed, Why};

impl LinkError {
    /// What is said to the user.
    pub fn wording(&self) -> Wording {
        let name = match self {
            Self::NotAnAddress => "link.not_an_address",
            Self::Unreachable => "link.unreachable",
            Self::Stalled => "link.stalled",
            Self::OtherProtocol => "link.other_protocol",
            Self::OtherDevice => "link.other_device",
            Self::Refused => "link.refused",
            Self::Revoked => "link.revoked",
            Self::Ended => "link.ended",
            Self::Lost => "link.lost",
            Self::Cut => "link.cut",
            Self::Damaged => "link.damaged",
            Self::TooLong { bytes } => {
                return wording("link.too_long", &[("bytes", &bytes.to_string())]);
            }
            Self::CannotListen => "link.cannot_listen",
            Self::BadIdentity => "link.bad_identity",
        };
        wording(name, &[])
    }
}

impl BundleError {
    /// What is said to the user.
    pub fn wording(&self) -> Wording {
        let name = match self {
            Self::NotABundle => "bundle.not_a_bundle",
            Self::NewerVersion { found } => {
                return wording("bundle.newer_version", &[("found", &found.to_string())]);
            }
            Self::Truncated => "bundle.truncated",
            Self::Damaged => "bundle.damaged",
            Self::NotForThisDevice => "bundle.not_for_this_device",
            Self::CodeUsed => "bundle.code_used",
            Self::NotPaired => "bundle.not_paired",
            Self::TooLarge { bytes } => {
                return wording("bundle.too_large", &[("bytes", &bytes.to_string())]);
            }
            Self::ReadAlready => "bundle.read_already",
            Self::EarlierMissing => "bundle.earlier_missing",
            Self::BadKeys => "bundle.bad_keys",
        };
        wording(name, &[])
    }
}

impl CodeError {
    /// What is said to the user.
    pub fn wording(&self) -> Wording {
        let name = match self {
            Self::NotACode => "code.not_a_code",
            Self::Damaged => "code.damaged",
            Self::NewerVersion { found } => {
                return wording("code.newer_version", &[("found", &found.to_string())]);
            }
            Self::Expired => "code.expired",
        };
        wording(name, &[])
    }
}

impl Why {
    /// What is said to the user of the joining device.
    pub fn wording(&self) -> Wording {
        let name = match self {
            Self::WrongProof => "pairing.wrong_proof",
            Self::Closed => "pairing.closed",
            Self::Expired => "pairing.expired",
            Self::TwoClaimants => "pairing.two_claimants",
            Self::WrongDigits => "pairing.wrong_digits",
            Self::ByUser => "pairing.by_user",
            Self::OutOfTurn => "pairing.out_of_turn",
            Self::RevokedThere => "pairing.revoked_there",
            Self::Unknown => "pairing.unknown",
        };
        wording(name, &[])
    }
}

impl Closed {
    /// What is said to the user of the inviting device.
    pub fn wording(&self) -> Wording {
        let name = match self {
            Self::Expired => "pairing.expired",
            Self::ByUser => "pairing.by_user",
            Self::TooManyProofs => "pairing.too_many_proofs",
            Self::TwoClaimants => "pairing.two_claimants",
            Self::WrongDigits => "pairing.wrong_digits",
            Self::NotSaved => "pairing.not_saved",
            Self::OwnKeyRevoked => "pairing.revoked_here",
        };
        wording(name, &[])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::content::Messages;

    #[test]
    fn every_key_has_its_words_and_every_word_its_key() {
        let source = include_str!("link_words.rs").split("#[cfg(test)]").next().unwrap();
        let keys: BTreeSet<&str> = source.split('"').filter(|text| ours(text)).collect();
        let words: BTreeSet<&str> = Messages::shipped().keys().filter(|key| ours(key)).collect();
        assert_eq!(keys, words);
        assert!(keys.len() > 30, "{keys:?}");
    }

    fn ours(key: &str) -> bool {
        ["link.", "bundle.", "code.", "pairing."].iter().any(|room| key.starts_with(room))
    }

    #[test]
    fn numbers_are_filled_in() {
        for told in [
            LinkError::TooLong { bytes: 7 }.wording(),
            BundleError::TooLarge { bytes: 7 }.wording(),
            BundleError::NewerVersion { found: 7 }.wording(),
            CodeError::NewerVersion { found: 7 }.wording(),
        ] {
            let told = told.line();
            assert!(told.contains('7') && !told.contains('{'), "{told}");
        }
    }
}
