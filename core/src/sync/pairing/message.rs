//! What the two devices say while they pair: CBOR arrays `["pair", version, tag, …]`.

use minicbor::{Decoder, Encoder, encode};

use super::{DeviceName, SealKey};

/// The version that is spoken.
const VERSION: u8 = 1;
const MARK: &str = "pair";
/// Bytes of the longest message.
const MAX_BYTES: usize = 1_024;

/// How the secret came to the joiner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// By the QR: 256 bits.
    Scanned,
    /// By hand: 128 bits.
    Typed,
}

/// Why pairing ended without a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The proof is wrong: another code, or another laptop.
    WrongProof,
    /// No window is open, or it has been used.
    Closed,
    /// Its time was over.
    Expired,
    /// Somebody else knew the secret too.
    TwoClaimants,
    /// The digits that were typed were not those that were shown.
    WrongDigits,
    /// The user closed the window.
    ByUser,
    /// What was said made no sense at this point.
    OutOfTurn,
    /// The inviting device's key is revoked on this one; never sent.
    RevokedThere,
    /// Something that this version does not know.
    Unknown,
}

const WHYS: [Why; 8] = [
    Why::WrongProof,
    Why::Closed,
    Why::Expired,
    Why::TwoClaimants,
    Why::WrongDigits,
    Why::ByUser,
    Why::OutOfTurn,
    Why::Unknown,
];

/// A message of pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairMessage {
    /// The joiner knows the secret.
    Proof {
        /// Which secret.
        kind: ProofKind,
        /// That it knows it, in this session.
        proof: [u8; 32],
        /// What it is called.
        name: DeviceName,
        /// What its bundles are sealed to.
        seal_key: SealKey,
        /// The hash of its nonce.
        commitment: [u8; 32],
    },
    /// So does the inviter.
    Proven {
        /// That it knows it, in this session.
        proof: [u8; 32],
        /// What it is called.
        name: DeviceName,
        /// What its bundles are sealed to.
        seal_key: SealKey,
        /// Its nonce.
        nonce: [u8; 32],
    },
    /// The joiner's nonce: both can make the digits now.
    Reveal {
        /// The nonce that it was committed to.
        nonce: [u8; 32],
    },
    /// The digits were right: the inviter trusts the joiner.
    Done,
    /// It does not.
    Refused(Why),
    /// The other's key was revoked on this device: it must come back under new ones. The proof is the
    /// sender's, so that nobody without the secret makes a device change its keys.
    Revoked {
        /// That the sender knows the secret, in this session.
        proof: [u8; 32],
    },
}

/// Why bytes are no message of pairing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairMessageError {
    /// Another frame, or a damaged one.
    #[error("not a pairing message")]
    Damaged,
    /// The other device speaks a newer version.
    #[error("pairing version {found}")]
    NewerVersion {
        /// The version.
        found: u8,
    },
}

impl PairMessage {
    /// Whether a frame belongs to pairing, and not to sync.
    pub fn is_one(frame: &[u8]) -> bool {
        let mut from = Decoder::new(frame);
        matches!(from.array(), Ok(Some(_))) && matches!(from.str(), Ok(MARK))
    }

    /// As it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new(Vec::with_capacity(192));
        // Writing to memory does not fail.
        let _ = self.write(&mut out);
        out.into_writer()
    }

    fn write(
        &self,
        out: &mut Encoder<Vec<u8>>,
    ) -> Result<(), encode::Error<std::convert::Infallible>> {
        let mut head = |tag: u8, parts: u64| -> Result<(), encode::Error<_>> {
            out.array(3 + parts)?.str(MARK)?.u8(VERSION)?.u8(tag)?;
            Ok(())
        };
        match self {
            Self::Proof { kind, proof, name, seal_key, commitment } => {
                head(0, 5)?;
                out.u8(u8::from(*kind == ProofKind::Typed))?.bytes(proof)?.str(name.as_str())?;
                out.bytes(&seal_key.0)?.bytes(commitment)?;
            }
            Self::Proven { proof, name, seal_key, nonce } => {
                head(1, 4)?;
                out.bytes(proof)?.str(name.as_str())?.bytes(&seal_key.0)?.bytes(nonce)?;
            }
            Self::Reveal { nonce } => {
                head(2, 1)?;
                out.bytes(nonce)?;
            }
            Self::Done => head(3, 0)?,
            Self::Refused(why) => {
                head(4, 1)?;
                let at = WHYS.iter().position(|known| known == why).unwrap_or_default();
                out.u8(u8::try_from(at).unwrap_or(u8::MAX))?;
            }
            Self::Revoked { proof } => {
                head(5, 1)?;
                out.bytes(proof)?;
            }
        }
        Ok(())
    }

    /// Reads what was received.
    ///
    /// # Errors
    /// `Damaged`, `NewerVersion`.
    pub fn read(frame: &[u8]) -> Result<Self, PairMessageError> {
        if frame.len() > MAX_BYTES || !Self::is_one(frame) {
            return Err(PairMessageError::Damaged);
        }
        let mut from = Decoder::new(frame);
        let damaged = |_| PairMessageError::Damaged;
        let length = from.array().map_err(damaged)?.unwrap_or_default();
        from.str().map_err(damaged)?;
        let found = from.u8().map_err(damaged)?;
        if found > VERSION {
            return Err(PairMessageError::NewerVersion { found });
        }
        let read = (found == VERSION).then(|| Self::rest(length, &mut from)).flatten();
        read.filter(|_| from.position() == frame.len()).ok_or(PairMessageError::Damaged)
    }

    fn rest(length: u64, from: &mut Decoder<'_>) -> Option<Self> {
        let tag = from.u8().ok()?;
        match (tag, length) {
            (0, 8) => Some(Self::Proof {
                kind: match from.u8().ok()? {
                    0 => ProofKind::Scanned,
                    1 => ProofKind::Typed,
                    _ => return None,
                },
                proof: bytes(from)?,
                name: name(from)?,
                seal_key: SealKey(bytes(from)?),
                commitment: bytes(from)?,
            }),
            (1, 7) => Some(Self::Proven {
                proof: bytes(from)?,
                name: name(from)?,
                seal_key: SealKey(bytes(from)?),
                nonce: bytes(from)?,
            }),
            (2, 4) => Some(Self::Reveal { nonce: bytes(from)? }),
            (3, 3) => Some(Self::Done),
            (4, 4) => {
                let why = WHYS.get(usize::from(from.u8().ok()?));
                Some(Self::Refused(why.copied().unwrap_or(Why::Unknown)))
            }
            (5, 4) => Some(Self::Revoked { proof: bytes(from)? }),
            _ => None,
        }
    }
}

fn bytes(from: &mut Decoder<'_>) -> Option<[u8; 32]> {
    from.bytes().ok()?.try_into().ok()
}

/// The name as it may be shown, whatever was sent.
fn name(from: &mut Decoder<'_>) -> Option<DeviceName> {
    Some(DeviceName::new(from.str().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message() -> impl Strategy<Value = PairMessage> {
        let word = any::<[u8; 32]>();
        let parts = (any::<bool>(), word, any::<String>(), word, word);
        (0..5_u8, 0..WHYS.len(), parts).prop_map(|(tag, why, (typed, proof, name, key, more))| {
            let (name, seal_key) = (DeviceName::new(&name), SealKey(key));
            let kind = if typed { ProofKind::Typed } else { ProofKind::Scanned };
            match tag {
                0 => PairMessage::Proof { kind, proof, name, seal_key, commitment: more },
                1 => PairMessage::Proven { proof, name, seal_key, nonce: more },
                2 => PairMessage::Reveal { nonce: more },
                3 => PairMessage::Done,
                _ => PairMessage::Refused(WHYS[why]),
            }
        })
    }

    proptest! {
        #[test]
        fn messages_read_back(message in message()) {
            let sent = message.to_bytes();
            prop_assert!(PairMessage::is_one(&sent) && sent.len() < MAX_BYTES);
            prop_assert_eq!(PairMessage::read(&sent), Ok(message));
        }

        #[test]
        fn a_cut_or_longer_message_is_none(message in message(), more: u8, cut in 1_usize..400) {
            let mut sent = message.to_bytes();
            let cut = &sent[..sent.len().saturating_sub(cut)];
            prop_assert_eq!(PairMessage::read(cut), Err(PairMessageError::Damaged));
            sent.push(more);
            prop_assert_eq!(PairMessage::read(&sent), Err(PairMessageError::Damaged));
        }
    }

    #[test]
    fn a_newer_version_says_so_and_a_newer_reason_is_unknown() {
        let newer = [0x83, 0x64, b'p', b'a', b'i', b'r', 2, 0];
        assert_eq!(PairMessage::read(&newer), Err(PairMessageError::NewerVersion { found: 2 }));
        let reason = [0x84, 0x64, b'p', b'a', b'i', b'r', 1, 4, 23];
        assert_eq!(PairMessage::read(&reason), Ok(PairMessage::Refused(Why::Unknown)));
        assert!(!PairMessage::is_one(b"GET / HTTP/1.1"));
    }

    #[test]
    fn names_are_made_fit_to_show() {
        let hostile = "\u{1b}[2J\u{202e}Ann's\u{7} phone\n";
        assert_eq!(DeviceName::new(hostile).as_str(), "[2JAnn's phone");
        assert_eq!(DeviceName::new(&"é".repeat(90)).as_str().chars().count(), 40);
        assert_eq!(DeviceName::new(" \u{200b} ").as_str(), "");
    }
}
