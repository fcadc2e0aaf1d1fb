//! The joining side: proves the secret, shows six digits, learns the outcome.

use super::{
    Channel, DeviceName, PairKey, PairMessage, Party, ProofKind, Session, Voice, Why, commitment,
    same,
};
use crate::sync::{Fingerprint, Invitation, TypedSecret};

/// What the joining device shows.
#[derive(Clone, PartialEq, Eq)]
pub enum JoinState {
    /// The two devices are proving the secret to each other.
    Proving,
    /// The user types these digits into the other device.
    Showing {
        /// Six of them.
        digits: String,
        /// What the other device is called.
        name: DeviceName,
    },
    /// Done.
    Paired(Party),
    /// The other device has revoked our key, and knows the secret: new keys are to be made for another try.
    OwnKeyRevoked,
    /// Over, without a pair.
    Failed(Why),
}
quiet_debug!(JoinState);

enum Stage {
    New,
    Proving(Channel),
    Showing { on: Channel, digits: String, inviter: Party },
    Paired(Party),
    OwnKeyRevoked,
    Failed(Why),
}

/// One try to join.
pub struct Joiner {
    me: Party,
    kind: ProofKind,
    key: PairKey,
    pin: Option<Fingerprint>,
    nonce: [u8; 32],
    stage: Stage,
}
quiet_debug!(Joiner);

impl Joiner {
    /// After a scan. `nonce` is fresh random bytes.
    pub fn scanned(me: Party, invitation: &Invitation, nonce: [u8; 32]) -> Self {
        let (key, pin) = (PairKey::scanned(&invitation.secret), Some(invitation.fingerprint));
        Self { me, kind: ProofKind::Scanned, key, pin, nonce, stage: Stage::New }
    }

    /// After typing. `nonce` is fresh random bytes.
    pub fn typed(me: Party, secret: &TypedSecret, nonce: [u8; 32]) -> Self {
        let key = PairKey::typed(secret);
        Self { me, kind: ProofKind::Typed, key, pin: None, nonce, stage: Stage::New }
    }

    /// The one key that the connection must be pinned to; a typed code names none.
    pub fn pin(&self) -> Option<Fingerprint> {
        self.pin
    }

    /// The first message on a new connection; nothing where the wrong device is at its other end, or
    /// this try is used up.
    pub fn begin(&mut self, on: Channel) -> Option<PairMessage> {
        if self.pin.is_some_and(|pin| pin != on.peer) || on.peer == self.me.fingerprint {
            self.stage = Stage::Failed(Why::WrongProof);
        }
        if !matches!(self.stage, Stage::New) {
            return None;
        }
        let message = PairMessage::Proof {
            kind: self.kind,
            proof: self.key.joiner_proof(&self.session(&on)),
            name: self.me.name.clone(),
            seal_key: self.me.seal_key,
            commitment: commitment(&self.nonce),
        };
        self.stage = Stage::Proving(on);
        Some(message)
    }

    /// Takes what the other device said and gives what it is answered.
    pub fn receive(&mut self, said: PairMessage) -> Option<PairMessage> {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed(Why::OutOfTurn));
        let mut answer = None;
        self.stage = match (stage, said) {
            (stage @ (Stage::Paired(_) | Stage::OwnKeyRevoked | Stage::Failed(_)), _) => stage,
            (_, PairMessage::Refused(why)) => Stage::Failed(why),
            (Stage::Proving(on), PairMessage::Proven { proof, name, seal_key, nonce }) => {
                if same(proof, self.key.inviter_proof(&self.session(&on))) {
                    let inviter = Party { fingerprint: on.peer, name, seal_key };
                    let mine = Voice { party: &self.me, nonce: &self.nonce };
                    let theirs = Voice { party: &inviter, nonce: &nonce };
                    let digits = self.key.digits(&self.session(&on), mine, theirs);
                    answer = Some(PairMessage::Reveal { nonce: self.nonce });
                    Stage::Showing { on, digits, inviter }
                } else {
                    Stage::Failed(Why::WrongProof)
                }
            }
            (Stage::Proving(on), PairMessage::Revoked { proof })
                if same(proof, self.key.inviter_proof(&self.session(&on))) =>
            {
                Stage::OwnKeyRevoked
            }
            (Stage::Showing { inviter, .. }, PairMessage::Done) => Stage::Paired(inviter),
            _ => Stage::Failed(Why::OutOfTurn),
        };
        answer
    }

    /// The inviting device has proved the secret, but its key is revoked here: what it is told. Nothing where
    /// it has proved nothing yet.
    pub fn turn_away(&mut self) -> Option<PairMessage> {
        let Stage::Showing { on, .. } = &self.stage else { return None };
        let proof = self.key.joiner_proof(&self.session(on));
        self.stage = Stage::Failed(Why::RevokedThere);
        Some(PairMessage::Revoked { proof })
    }

    /// What to show.
    pub fn state(&self) -> JoinState {
        match &self.stage {
            Stage::New | Stage::Proving(_) => JoinState::Proving,
            Stage::Showing { digits, inviter, .. } => {
                JoinState::Showing { digits: digits.clone(), name: inviter.name.clone() }
            }
            Stage::Paired(inviter) => JoinState::Paired(inviter.clone()),
            Stage::OwnKeyRevoked => JoinState::OwnKeyRevoked,
            Stage::Failed(why) => JoinState::Failed(*why),
        }
    }

    fn session<'a>(&self, on: &'a Channel) -> Session<'a> {
        Session { exporter: &on.exporter, joiner: self.me.fingerprint, inviter: on.peer }
    }
}
