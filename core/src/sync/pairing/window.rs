//! The inviting side: two minutes in which one device may claim the pairing.

use super::{
    Channel, DeviceName, PairKey, PairMessage, Party, ProofKind, Session, Voice, Why, commitment,
    same,
};
use crate::sync::{Invitation, PairingSecret, TypedSecret};
use crate::time::UtcMillis;

/// How long a window is open.
pub const WINDOW_MS: i64 = 120_000;
/// Wrong proofs that close it.
const MAX_WRONG_PROOFS: u32 = 10;
/// Times that one device may claim it; a phone whose connection breaks comes again.
const MAX_CLAIMS: u32 = 5;
/// Wrong entries of digits that close it.
const MAX_WRONG_DIGITS: u32 = 3;

/// Why a window closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Two minutes were over.
    Expired,
    /// The user closed it.
    ByUser,
    /// Somebody tried too often: ten wrong proofs, or a device that came again and again.
    TooManyProofs,
    /// Two devices knew the secret: somebody saw or photographed the code.
    TwoClaimants,
    /// The digits that were typed were wrong three times: perhaps another device claimed it.
    WrongDigits,
    /// The digits were right, but the device could not be written down.
    NotSaved,
    /// The device that came knows the secret and has revoked our key: new keys are to be made.
    OwnKeyRevoked,
}

/// What the inviting device shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowState {
    /// The code is shown and nobody has come yet.
    Open {
        /// Until when.
        until: UtcMillis,
        /// How often somebody came without the secret.
        wrong_proofs: u32,
    },
    /// A device came that knows the secret; the user types the digits that it shows.
    Claimed {
        /// What it says it is called.
        name: DeviceName,
        /// Until when.
        until: UtcMillis,
        /// How often somebody came without the secret.
        wrong_proofs: u32,
        /// How often the digits were wrong.
        wrong_digits: u32,
    },
    /// Done.
    Paired {
        /// The new device.
        name: DeviceName,
    },
    /// Over, without a pair.
    Closed {
        /// Why.
        why: Closed,
        /// How often somebody came without the secret.
        wrong_proofs: u32,
    },
}

/// What became of typed digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum DigitsAnswer {
    /// Right: the device is paired.
    Paired,
    /// Wrong.
    Wrong {
        /// How many tries are left; at none the window is closed.
        left: u32,
    },
    /// Not six digits; nothing is counted.
    NotDigits,
    /// Nobody is waiting for digits.
    NobodyWaits,
    /// Right, but the device could not be written down; the window is closed.
    NotSaved,
}

/// Both secrets' keys; gone as soon as nothing can be proven any more.
struct Keys {
    secret: PairingSecret,
    scanned: PairKey,
    typed: PairKey,
}

struct Claim {
    by: Party,
    on: Channel,
    key: PairKey,
    commitment: [u8; 32],
    nonce: [u8; 32],
    /// Known after the joiner has opened its commitment.
    digits: Option<String>,
}

enum Stage {
    Open,
    Claimed(Claim),
    /// The digits were right; the device is being written down.
    Accepted {
        by: Party,
        on: Channel,
    },
    Paired {
        by: Party,
        on: Channel,
    },
    Closed(Closed, Option<Channel>),
}

/// A window for one pairing.
pub struct Window {
    me: Party,
    /// What the nonces of claims are made from.
    seed: [u8; 32],
    keys: Option<Keys>,
    opened: UtcMillis,
    claims: u32,
    wrong_proofs: u32,
    wrong_digits: u32,
    stage: Stage,
}
quiet_debug!(Window);

impl Window {
    /// Opens a window. `secret` and `seed` are fresh random bytes.
    pub fn open(me: Party, secret: PairingSecret, seed: [u8; 32], now: UtcMillis) -> Self {
        let (scanned, typed) = (PairKey::scanned(&secret), PairKey::typed(&secret.typed()));
        let keys = Some(Keys { secret, scanned, typed });
        let stage = Stage::Open;
        Self { me, seed, keys, opened: now, claims: 0, wrong_proofs: 0, wrong_digits: 0, stage }
    }

    /// What the QR says; nothing once the window is over.
    pub fn invitation(&self, addresses: &[String]) -> Option<Invitation> {
        let secret = self.keys.as_ref()?.secret.clone();
        Some(Invitation::new(self.me.fingerprint, secret, addresses, self.until()))
    }

    /// What can be typed instead; nothing once the window is over.
    pub fn typed_code(&self) -> Option<TypedSecret> {
        Some(self.keys.as_ref()?.secret.typed())
    }

    /// Whether unknown devices may connect.
    pub fn is_open(&self, now: UtcMillis) -> bool {
        matches!(self.state(now), WindowState::Open { .. } | WindowState::Claimed { .. })
    }

    /// What to show.
    pub fn state(&self, now: UtcMillis) -> WindowState {
        let (until, wrong_proofs) = (self.until(), self.wrong_proofs);
        match &self.stage {
            Stage::Paired { by, .. } => WindowState::Paired { name: by.name.clone() },
            Stage::Accepted { by, .. } => WindowState::Claimed {
                name: by.name.clone(),
                until,
                wrong_proofs,
                wrong_digits: self.wrong_digits,
            },
            Stage::Closed(why, _) => WindowState::Closed { why: *why, wrong_proofs },
            _ if self.is_over(now) => WindowState::Closed { why: Closed::Expired, wrong_proofs },
            Stage::Open => WindowState::Open { until, wrong_proofs },
            Stage::Claimed(claim) => WindowState::Claimed {
                name: claim.by.name.clone(),
                until,
                wrong_proofs,
                wrong_digits: self.wrong_digits,
            },
        }
    }

    /// The device whose digits were right and that is to be written down; then comes `saved`.
    pub fn accepted(&self) -> Option<&Party> {
        match &self.stage {
            Stage::Accepted { by, .. } => Some(by),
            _ => None,
        }
    }

    /// Whether the device that came has revoked our key: new keys are to be made.
    pub fn own_key_is_revoked(&self) -> bool {
        matches!(self.stage, Stage::Closed(Closed::OwnKeyRevoked, _))
    }

    /// The accepted device was written down, or could not be.
    pub fn saved(&mut self, is_saved: bool) {
        if let Stage::Accepted { by, on } = &self.stage {
            self.stage = if is_saved {
                Stage::Paired { by: by.clone(), on: *on }
            } else {
                Stage::Closed(Closed::NotSaved, Some(*on))
            };
        }
    }

    /// The new device, once it is paired.
    #[cfg(test)]
    pub(super) fn paired(&self) -> Option<&Party> {
        match &self.stage {
            Stage::Paired { by, .. } => Some(by),
            _ => None,
        }
    }

    /// Takes what was said on a connection and gives what is answered there. After `Refused` the
    /// connection is of no more use. `is_revoked` where the device's key is revoked here: where it knows the
    /// secret, it is told so, to come again under new keys, and claims nothing.
    pub fn receive(
        &mut self,
        on: &Channel,
        said: PairMessage,
        now: UtcMillis,
        is_revoked: bool,
    ) -> Option<PairMessage> {
        self.expire(now);
        let refused = |why| Some(PairMessage::Refused(why));
        match (&mut self.stage, said) {
            (Stage::Accepted { .. } | Stage::Paired { .. }, _) => refused(Why::Closed),
            (Stage::Closed(why, _), _) => refused(outcome(*why)),
            (_, PairMessage::Proof { kind, proof, name, seal_key, commitment }) => {
                let by = Party { fingerprint: on.peer, name, seal_key };
                Some(self.proof(on, by, (kind, proof), commitment, is_revoked))
            }
            (Stage::Claimed(claim), PairMessage::Revoked { proof }) if claim.on == *on => {
                let inviter = self.me.fingerprint;
                let session = Session { exporter: &on.exporter, joiner: on.peer, inviter };
                if !same(proof, claim.key.joiner_proof(&session)) {
                    return Some(self.wrong_proof());
                }
                self.shut(Closed::OwnKeyRevoked);
                refused(Why::Closed)
            }
            (Stage::Claimed(claim), PairMessage::Reveal { nonce })
                if claim.on == *on && claim.digits.is_none() =>
            {
                if !same(commitment(&nonce), claim.commitment) {
                    return Some(self.wrong_proof());
                }
                let session = Session {
                    exporter: &on.exporter,
                    joiner: on.peer,
                    inviter: self.me.fingerprint,
                };
                let joiner = Voice { party: &claim.by, nonce: &nonce };
                let inviter = Voice { party: &self.me, nonce: &claim.nonce };
                claim.digits = Some(claim.key.digits(&session, joiner, inviter));
                None
            }
            _ => refused(Why::OutOfTurn),
        }
    }

    fn proof(
        &mut self,
        on: &Channel,
        by: Party,
        (kind, proof): (ProofKind, [u8; 32]),
        commitment: [u8; 32],
        is_revoked: bool,
    ) -> PairMessage {
        let Some(keys) = &self.keys else { return PairMessage::Refused(Why::Closed) };
        let key = match kind {
            ProofKind::Scanned => keys.scanned.clone(),
            ProofKind::Typed => keys.typed.clone(),
        };
        let inviter = self.me.fingerprint;
        let session = Session { exporter: &on.exporter, joiner: on.peer, inviter };
        if on.peer == inviter || !same(proof, key.joiner_proof(&session)) {
            return self.wrong_proof();
        }
        if matches!(&self.stage, Stage::Claimed(claim) if claim.by.fingerprint != on.peer) {
            self.shut(Closed::TwoClaimants);
            return PairMessage::Refused(Why::TwoClaimants);
        }
        // The same device may come again after its connection broke. Every time it shows other digits;
        // nobody may try until they fit.
        self.claims += 1;
        if self.claims > MAX_CLAIMS {
            self.shut(Closed::TooManyProofs);
            return PairMessage::Refused(Why::Closed);
        }
        if is_revoked {
            return PairMessage::Revoked { proof: key.inviter_proof(&session) };
        }
        let nonce = self.fresh_nonce(on);
        let answer = PairMessage::Proven {
            proof: key.inviter_proof(&session),
            name: self.me.name.clone(),
            seal_key: self.me.seal_key,
            nonce,
        };
        self.stage = Stage::Claimed(Claim { by, on: *on, key, commitment, nonce, digits: None });
        answer
    }

    /// The user typed the digits that a device shows. Where they are right, the device is accepted: it is
    /// paired, and hears of it, once it is written down.
    pub fn digits(&mut self, typed: &str, now: UtcMillis) -> DigitsAnswer {
        self.expire(now);
        let typed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let Stage::Claimed(Claim { by, on, digits: Some(shown), .. }) = &self.stage else {
            return DigitsAnswer::NobodyWaits;
        };
        if typed.len() != 6 || !typed.bytes().all(|c| c.is_ascii_digit()) {
            return DigitsAnswer::NotDigits;
        }
        let hash = |text: &str| *blake3::hash(text.as_bytes()).as_bytes();
        if same(hash(&typed), hash(shown)) {
            self.stage = Stage::Accepted { by: by.clone(), on: *on };
            self.keys = None;
            return DigitsAnswer::Paired;
        }
        self.wrong_digits += 1;
        let left = MAX_WRONG_DIGITS.saturating_sub(self.wrong_digits);
        if left == 0 {
            self.shut(Closed::WrongDigits);
        }
        DigitsAnswer::Wrong { left }
    }

    /// What the device that claimed the window is told now, on the connection that it claimed it by;
    /// nothing while the user has not typed the digits.
    pub fn verdict(&mut self, on: &Channel, now: UtcMillis) -> Option<PairMessage> {
        self.expire(now);
        match &self.stage {
            Stage::Paired { on: by, .. } if by == on => Some(PairMessage::Done),
            Stage::Closed(why, Some(by)) if by == on => Some(PairMessage::Refused(outcome(*why))),
            _ => None,
        }
    }

    /// The user closed the window.
    pub fn close(&mut self, now: UtcMillis) {
        self.expire(now);
        if matches!(self.stage, Stage::Open | Stage::Claimed(_)) {
            self.shut(Closed::ByUser);
        }
    }

    /// This device has made new keys, of which whoever comes here does not know.
    pub fn end(&mut self) {
        if matches!(self.stage, Stage::Open | Stage::Claimed(_)) {
            self.shut(Closed::OwnKeyRevoked);
        }
    }

    /// Counts a wrong proof.
    fn wrong_proof(&mut self) -> PairMessage {
        self.wrong_proofs += 1;
        if self.wrong_proofs < MAX_WRONG_PROOFS {
            return PairMessage::Refused(Why::WrongProof);
        }
        self.shut(Closed::TooManyProofs);
        PairMessage::Refused(Why::Closed)
    }

    /// Another nonce for every claim: whoever has seen one cannot choose a commitment by it.
    fn fresh_nonce(&self, on: &Channel) -> [u8; 32] {
        let claim = [&on.exporter[..], &self.claims.to_be_bytes()].concat();
        *blake3::keyed_hash(&self.seed, &claim).as_bytes()
    }

    fn shut(&mut self, why: Closed) {
        let claimed = match &self.stage {
            Stage::Claimed(claim) => Some(claim.on),
            _ => None,
        };
        self.stage = Stage::Closed(why, claimed);
        self.keys = None;
    }

    fn expire(&mut self, now: UtcMillis) {
        if matches!(self.stage, Stage::Open | Stage::Claimed(_)) && self.is_over(now) {
            self.shut(Closed::Expired);
        }
    }

    fn until(&self) -> UtcMillis {
        UtcMillis(self.opened.0.saturating_add(WINDOW_MS))
    }

    /// Over, too, when somebody set the clock back: it no longer says how long the window was open.
    fn is_over(&self, now: UtcMillis) -> bool {
        now >= self.until() || now < self.opened
    }
}

fn outcome(why: Closed) -> Why {
    match why {
        Closed::Expired => Why::Expired,
        Closed::ByUser => Why::ByUser,
        Closed::TooManyProofs | Closed::NotSaved | Closed::OwnKeyRevoked => Why::Closed,
        Closed::TwoClaimants => Why::TwoClaimants,
        Closed::WrongDigits => Why::WrongDigits,
    }
}
