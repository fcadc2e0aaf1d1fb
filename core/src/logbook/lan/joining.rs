//! The joining side: takes a code to where it leads, shows six digits, and syncs as soon as the other
//! side has typed them.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Keys, Shared, SyncError, SyncResult, SyncService, lock};
use crate::content::Wording;
use crate::error::LogbookError;
use crate::ids::random;
use crate::link::{Incoming, LinkError, Pin, Poker, Wire, now};
use crate::sync::pairing::{Channel, JoinState, Joiner, PairMessage, Party, Why};
use crate::sync::{CodeError, Fingerprint, Invitation, TypedSecret};

const PATIENCE: Duration = Duration::from_secs(4);
/// How long devices are looked for that announce themselves.
const SEARCH: Duration = Duration::from_secs(6);
/// How often it is looked who is around.
const LOOK: Duration = Duration::from_millis(100);
/// The other side's user may take as long as its window is open.
const VERDICT: Duration = Duration::from_secs(130);

/// What the joining device shows.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum JoinView {
    /// The other device is being looked for.
    Looking,
    /// Type these into the other device.
    Digits {
        /// Six digits.
        digits: String,
        /// What the other device is called.
        name: String,
    },
    /// Done; records go over.
    Paired {
        /// What the other device is called.
        name: String,
    },
    /// It did not work; what to do.
    Failed {
        /// What happened, was kept and is to do.
        told: Wording,
    },
}

quiet_debug!(JoinView);

/// A try that is under way, or was.
pub(super) struct Joining {
    view: JoinView,
    number: u64,
    poker: Option<Poker>,
}

/// Why it did not work at one address, and whether the others need not be tried.
struct Elsewhere {
    told: Wording,
    is_over: bool,
    /// The key of ours that is revoked there.
    revoked: Option<Fingerprint>,
}

impl Elsewhere {
    fn over(told: Wording) -> Self {
        Self { told, is_over: true, revoked: None }
    }
}

enum Code {
    Scanned(Box<Invitation>),
    Typed(TypedSecret),
}

impl SyncService {
    /// Takes a code, scanned or typed, to the device that shows it. `at` is where that is, `host:port`,
    /// where the code does not say and nothing is announced. Ask `joining` how it goes.
    ///
    /// # Errors
    /// `Code`.
    pub fn join(&self, code: &str, at: Option<&str>) -> SyncResult<()> {
        let shared = Arc::clone(&self.shared);
        let code = read(code, &shared)?;
        shared.refresh_keys()?;
        let at = at.map(str::to_owned);
        let number = {
            let mut joining = lock(&shared.joining);
            let number = joining.as_ref().map_or(0, |joining| joining.number) + 1;
            let begun = Joining { view: JoinView::Looking, number, poker: None };
            if let Some(Joining { poker: Some(poker), .. }) = joining.replace(begun) {
                poker.cut();
            }
            number
        };
        let thread = thread::Builder::new().name("seldinger-join".to_owned());
        let spawned = thread.spawn(move || shared.join(&code, at.as_deref(), number));
        spawned.map(drop).map_err(|_| LogbookError::Io.into())
    }

    /// How joining goes; nothing where nobody joined.
    pub fn joining(&self) -> Option<JoinView> {
        lock(&self.shared.joining).as_ref().map(|joining| joining.view.clone())
    }

    /// Gives up joining.
    pub fn stop_joining(&self) {
        self.shared.forget_joining();
    }
}

/// A scanned code says so at its beginning; everything else was typed.
fn read(code: &str, shared: &Shared) -> std::result::Result<Code, CodeError> {
    match Invitation::read(code, shared.now()) {
        Err(CodeError::NotACode) => code.parse().map(Code::Typed),
        invitation => Ok(Code::Scanned(Box::new(invitation?))),
    }
}

impl Shared {
    pub(super) fn forget_joining(&self) {
        if let Some(Joining { poker: Some(poker), .. }) = lock(&self.joining).take() {
            poker.cut();
        }
    }

    fn join(&self, code: &Code, at: Option<&str>, number: u64) {
        let mut why = LinkError::Unreachable.wording();
        let is_told = at.is_some()
            || matches!(code, Code::Scanned(invitation) if !invitation.addresses.is_empty());
        let looks_around = self.discovery.is_some() && !is_told;
        let (until, mut tried) = (now() + SEARCH, HashSet::new());
        while self.goes_on(number) {
            let places = self.places(code, at);
            let fresh: Vec<String> =
                places.into_iter().filter(|place| tried.insert(place.clone())).collect();
            for address in fresh {
                match self.join_at(code, &address, number) {
                    Ok(()) => return,
                    Err(Elsewhere { told, is_over, .. }) => {
                        why = told;
                        if is_over {
                            return self.show_joining(number, failed(why));
                        }
                    }
                }
            }
            if !looks_around || now() >= until {
                break;
            }
            drop(self.bell.wait_timeout(lock(&self.calls), LOOK));
        }
        self.show_joining(number, failed(why));
    }

    /// Whether this try was neither given up nor replaced.
    fn goes_on(&self, number: u64) -> bool {
        lock(&self.joining).as_ref().is_some_and(|joining| joining.number == number)
    }

    /// Tries one address; where the device that shows the code has revoked our key, once more under new
    /// keys.
    fn join_at(&self, code: &Code, address: &str, number: u64) -> Result<(), Elsewhere> {
        let tried = self.try_at(code, address, number);
        let Err(Elsewhere { revoked: Some(own), .. }) = tried else { return tried };
        let noted = self.book.note_own_key_revoked(own).map_err(SyncError::from);
        let renewed = noted.and_then(|()| self.refresh_keys());
        renewed.map_err(|error| Elsewhere::over(error.wording()))?;
        self.try_at(code, address, number).map_err(|elsewhere| Elsewhere::over(elsewhere.told))
    }

    /// Tries one address under the keys of now. What comes of it once digits were shown is shown there.
    fn try_at(&self, code: &Code, address: &str, number: u64) -> Result<(), Elsewhere> {
        let Keys { me, identity } = self.keys();
        let own = me.fingerprint;
        let mut joiner = joiner(code, me, random(self.ids()));
        let pin = joiner.pin().map_or(Pin::Anyone, Pin::Device);
        let wire = Wire::connect(address, PATIENCE, &identity, pin);
        let wire =
            wire.map_err(|why| Elsewhere { told: why.wording(), is_over: false, revoked: None })?;
        let Some(told) = self.prove(&mut joiner, wire, address, number) else { return Ok(()) };
        let state = joiner.state();
        let is_found = state == JoinState::Failed(Why::RevokedThere);
        Err(Elsewhere {
            told,
            // A typed code does not say whose it is: the next device may know it, unless this one did.
            is_over: is_found || matches!(pin, Pin::Device(_)),
            revoked: Some(own).filter(|_| state == JoinState::OwnKeyRevoked),
        })
    }

    /// Where the device may be that shows the code. Where nobody said, it is whoever is announced: a
    /// device that has begun to look around just now hears of the first a moment later.
    fn places(&self, code: &Code, at: Option<&str>) -> Vec<String> {
        let mut places: Vec<String> = at.map(str::to_owned).into_iter().collect();
        if let Code::Scanned(invitation) = code {
            places.extend(invitation.addresses.iter().cloned());
        }
        if places.is_empty()
            && let Some(around) = self.discovery.as_ref().and_then(|d| d.around().ok())
        {
            places.extend(around.into_iter().flat_map(|device| device.addresses));
        }
        places
    }

    /// Proves the code to whoever is there; gives why they do not know it. Nothing once digits were shown:
    /// what comes of them is shown too.
    fn prove(
        &self,
        joiner: &mut Joiner,
        mut wire: Wire,
        address: &str,
        number: u64,
    ) -> Option<Wording> {
        match lock(&self.joining).as_mut().filter(|joining| joining.number == number) {
            Some(joining) => joining.poker = Some(wire.poker()),
            // It was given up while it connected.
            None => return None,
        }
        let channel = Channel { peer: wire.peer(), exporter: wire.exporter() };
        let _spoken = self.speak_with(channel.peer);
        let mut say = joiner.begin(channel);
        let mut is_known = false;
        let why = loop {
            if let Some(message) = say.take()
                && let Err(why) = wire.send(&message.to_bytes())
            {
                break told(why);
            }
            match joiner.state() {
                JoinState::Proving => {}
                JoinState::Showing { digits, name } => {
                    is_known = true;
                    let name = name.as_str().to_owned();
                    self.show_joining(number, JoinView::Digits { digits, name });
                }
                JoinState::Paired(party) => {
                    // It is shown once it is saved: the app may end at any moment.
                    if let Err(error) = self.book.add_peer(&party) {
                        break error.wording();
                    }
                    let _ = self.book.note_address(party.fingerprint, address);
                    let name = party.name.as_str().to_owned();
                    self.show_joining(number, JoinView::Paired { name });
                    self.run(wire, None);
                    return None;
                }
                JoinState::OwnKeyRevoked => {
                    wire.finish();
                    break LinkError::Revoked.wording();
                }
                JoinState::Failed(why) => {
                    wire.finish();
                    break why.wording();
                }
            }
            let said = match wire.next(VERDICT) {
                Incoming::Frame(frame) => PairMessage::read(&frame).ok(),
                Incoming::Poked => continue,
                Incoming::TimedOut => None,
                Incoming::Closed(why) => break told(why),
            };
            say = joiner.receive(said.unwrap_or(PairMessage::Refused(Why::OutOfTurn)));
            // It has proved the secret; its key is no more to be trusted for that.
            if matches!(joiner.state(), JoinState::Showing { .. })
                && self.book.is_revoked(channel.peer).unwrap_or(true)
            {
                say = joiner.turn_away();
            }
        };
        if !is_known {
            return Some(why);
        }
        self.show_joining(number, failed(why));
        None
    }

    fn show_joining(&self, number: u64, view: JoinView) {
        if let Some(joining) = lock(&self.joining).as_mut().filter(|j| j.number == number) {
            joining.view = view;
        }
        self.tell();
    }
}

/// Whoever has no open window lets no stranger in.
fn told(why: LinkError) -> Wording {
    if matches!(why, LinkError::Refused | LinkError::Revoked) {
        Why::Closed.wording()
    } else {
        why.wording()
    }
}

fn joiner(code: &Code, me: Party, nonce: [u8; 32]) -> Joiner {
    match code {
        Code::Scanned(invitation) => Joiner::scanned(me, invitation, nonce),
        Code::Typed(secret) => Joiner::typed(me, secret, nonce),
    }
}

fn failed(told: Wording) -> JoinView {
    JoinView::Failed { told }
}
