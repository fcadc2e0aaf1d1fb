//! The inviting side: the window that the user opened, and those who come to it.

use std::time::Duration;

use super::{Shared, SyncService, lock};
use crate::content::words;
use crate::error::{LogbookError, Result};
use crate::ids::random;
use crate::link::{Incoming, Poker, Wire};
use crate::sync::PairingSecret;
use crate::sync::pairing::{
    Channel, Closed, DigitsAnswer, PairMessage, Window, WindowState,
};
use crate::time::{Moment, UtcMillis};

/// How long to wait for the next word of a device that pairs.
const WORD: Duration = Duration::from_secs(5);

/// An open window, and who is waiting at it.
pub(super) struct Open {
    pub(super) window: Window,
    addresses: Vec<String>,
    waiting: Option<Poker>,
}

impl Open {
    pub(super) fn is_open(&self, now: UtcMillis) -> bool {
        self.window.is_open(now)
    }
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum PairingView {
    /// The code is shown.
    Open,
    /// A device has come: type its six digits.
    Digits,
    /// Done.
    Paired,
    /// Over.
    Closed,
}

/// What the inviting device shows.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct WindowView {
    /// Where it stands.
    pub state: PairingView,
    /// What the QR says, while it is open.
    pub qr: Option<String>,
    /// What can be typed instead.
    pub code: Option<String>,
    /// Until when it is open.
    pub until: Moment,
    /// What to tell the user.
    pub told: String,
}

quiet_debug!(WindowView);

impl SyncService {
    /// Opens the window for two minutes, in place of one that is open. `addresses` are where this
    /// device can be reached, `host:port`.
    ///
    /// # Errors
    /// `Io` where nothing listens.
    pub fn open_window(&self, addresses: &[String]) -> Result<WindowView> {
        if self.address().is_none() {
            return Err(LogbookError::Io);
        }
        let shared = &self.shared;
        let secret = PairingSecret::new(shared.ids());
        let window = Window::open(shared.me.clone(), secret, random(shared.ids()), shared.now());
        let open = Open { window, addresses: addresses.to_vec(), waiting: None };
        *lock(&shared.window) = Some(open);
        self.window().ok_or(LogbookError::Io)
    }

    /// The window as it is now; nothing where none was opened.
    pub fn window(&self) -> Option<WindowView> {
        let now = self.shared.book.now();
        lock(&self.shared.window).as_ref().map(|open| open.view(now))
    }

    /// The digits that the other device shows.
    pub fn type_digits(&self, typed: &str) -> DigitsAnswer {
        let mut window = lock(&self.shared.window);
        let Some(open) = window.as_mut() else { return DigitsAnswer::NobodyWaits };
        let answer = open.window.digits(typed, self.shared.now());
        if let Some(poker) = &open.waiting {
            poker.poke();
        }
        answer
    }

    /// Closes the window.
    pub fn close_window(&self) {
        if let Some(open) = lock(&self.shared.window).as_mut() {
            open.window.close(self.shared.now());
            if let Some(poker) = &open.waiting {
                poker.poke();
            }
        }
    }
}

impl Open {
    fn view(&self, now: Moment) -> WindowView {
        let state = self.window.state(now.utc);
        let until = match &state {
            WindowState::Open { until, .. } | WindowState::Claimed { until, .. } => *until,
            WindowState::Paired { .. } | WindowState::Closed { .. } => now.utc,
        };
        let view = match &state {
            WindowState::Open { .. } => PairingView::Open,
            WindowState::Claimed { .. } => PairingView::Digits,
            WindowState::Paired { .. } => PairingView::Paired,
            WindowState::Closed { .. } => PairingView::Closed,
        };
        let is_open = view == PairingView::Open;
        let qr = self.window.invitation(&self.addresses).filter(|_| is_open);
        let code = self.window.typed_code().filter(|_| is_open);
        WindowView {
            state: view,
            qr: qr.map(|invitation| invitation.text().to_string()),
            code: code.map(|code| code.text().to_string()),
            until: now.at(until),
            told: told(&state),
        }
    }
}

fn told(state: &WindowState) -> String {
    let tries = |tries: u32| match tries {
        0 => String::new(),
        tries => format!(" {}", words("pairing.someone_tried", &[("times", &tries.to_string())])),
    };
    match state {
        WindowState::Open { wrong_proofs, .. } => {
            words("pairing.open", &[]) + &tries(*wrong_proofs)
        }
        WindowState::Claimed { name, wrong_digits: 0, wrong_proofs, .. } => {
            words("pairing.digits", &[("name", name.as_str())]) + &tries(*wrong_proofs)
        }
        WindowState::Claimed { name, .. } => {
            words("pairing.wrong_digits", &[("name", name.as_str())])
        }
        WindowState::Paired { name } => words("pairing.paired", &[("name", name.as_str())]),
        WindowState::Closed { why, wrong_proofs } => {
            let key = match why {
                Closed::Expired => "pairing.expired",
                Closed::ByUser => "pairing.by_user",
                Closed::TooManyProofs => "pairing.too_many",
                Closed::TwoClaimants => "pairing.two_claimants",
                Closed::WrongDigits => "pairing.digits_failed",
            };
            words(key, &[]) + &tries(*wrong_proofs)
        }
    }
}

impl Shared {
    /// A device has come to the window, or to where one was.
    pub(super) fn invite(&self, mut wire: Wire, first: &[u8]) {
        let on = Channel { peer: wire.peer(), exporter: wire.exporter() };
        let mut said = first.to_vec();
        loop {
            let Some(answer) = self.hear(&wire, &on, &said) else { break };
            let is_over = matches!(answer, Some(PairMessage::Refused(_)));
            if let Some(answer) = answer
                && (wire.send(&answer.to_bytes()).is_err() || is_over)
            {
                break;
            }
            self.tell();
            match self.wait(&mut wire, &on) {
                Some(Heard::Frame(frame)) => said = frame,
                Some(Heard::Verdict(verdict)) => {
                    let is_paired = verdict == PairMessage::Done && self.welcome(&on);
                    let told = wire.send(&verdict.to_bytes()).is_ok();
                    self.tell();
                    if is_paired && told {
                        self.run(wire, None);
                        return;
                    }
                    break;
                }
                None => break,
            }
        }
        self.tell();
        wire.finish();
    }

    /// What the window answers; `None` where there is none, or what was said is no message.
    fn hear(&self, wire: &Wire, on: &Channel, said: &[u8]) -> Option<Option<PairMessage>> {
        let message = PairMessage::read(said).ok()?;
        let mut window = lock(&self.window);
        let open = window.as_mut()?;
        let answer = open.window.receive(on, message, self.now());
        if !matches!(answer, Some(PairMessage::Refused(_))) {
            open.waiting = Some(wire.poker());
        }
        Some(answer)
    }

    fn wait(&self, wire: &mut Wire, on: &Channel) -> Option<Heard> {
        loop {
            let verdict = lock(&self.window).as_mut()?.window.verdict(on, self.now());
            if let Some(verdict) = verdict {
                return Some(Heard::Verdict(verdict));
            }
            match wire.next(WORD) {
                Incoming::Frame(frame) => return Some(Heard::Frame(frame)),
                Incoming::Poked | Incoming::TimedOut => {}
                Incoming::Closed(_) => return None,
            }
        }
    }

    /// Remembers the device that was let in.
    fn welcome(&self, on: &Channel) -> bool {
        let paired = lock(&self.window).as_ref().and_then(|open| open.window.paired().cloned());
        paired.is_some_and(|party| {
            party.fingerprint == on.peer && self.book.add_peer(&party).is_ok()
        })
    }
}

enum Heard {
    Frame(Vec<u8>),
    Verdict(PairMessage),
}
