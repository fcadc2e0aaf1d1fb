//! The inviting side: the window that the user opened, and those who come to it.

use std::time::Duration;

use super::SyncResult;
use super::{Shared, SyncService, lock};
use crate::content::{Wording, wording, words};
use crate::ids::random;
use crate::link::{Incoming, LinkError, Poker, Wire};
use crate::sync::PairingSecret;
use crate::sync::pairing::{
    Channel, DeviceName, DigitsAnswer, PairMessage, Why, Window, WindowState,
};
use crate::time::{Moment, UtcMillis};

/// How long to wait for the next word of a device that pairs.
const WORD: Duration = Duration::from_secs(5);

/// An open window, and who is waiting at it.
pub(super) struct Open {
    pub(super) window: Window,
    addresses: Vec<String>,
    waiting: Option<(Channel, Poker)>,
}

impl Open {
    /// Lets who waits look where the window stands.
    fn poke(&self) {
        if let Some((_, poker)) = &self.waiting {
            poker.poke();
        }
    }

    /// This device has new keys: what is shown here names the old ones.
    pub(super) fn end(&mut self) {
        self.window.end();
        self.poke();
    }

    fn waits(&self, on: &Channel) -> bool {
        self.waiting.as_ref().is_some_and(|(waiting, _)| waiting == on)
    }

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
    pub told: Wording,
    /// That somebody came without the code, where that is so.
    pub tried: Option<String>,
}

quiet_debug!(WindowView);

impl SyncService {
    /// Opens the window for two minutes, in place of one that is open. `addresses` are where this
    /// device can be reached, `host:port`.
    ///
    /// # Errors
    /// `Link` where nothing listens.
    pub fn open_window(&self, addresses: &[String]) -> SyncResult<WindowView> {
        if self.port().is_none() {
            return Err(LinkError::CannotListen.into());
        }
        let shared = &self.shared;
        shared.refresh_keys()?;
        let secret = PairingSecret::new(shared.ids());
        let window = Window::open(shared.keys().me, secret, random(shared.ids()), shared.now());
        let open = Open { window, addresses: addresses.to_vec(), waiting: None };
        let view = open.view(shared.book.now());
        if let Some(before) = lock(&shared.window).replace(open) {
            before.poke();
        }
        Ok(view)
    }

    /// The window as it is now; nothing where none was opened.
    pub fn window(&self) -> Option<WindowView> {
        let now = self.shared.book.now();
        lock(&self.shared.window).as_ref().map(|open| open.view(now))
    }

    /// The digits that the other device shows. Where they are right, the device is written down before
    /// anybody hears of it.
    pub fn type_digits(&self, typed: &str) -> DigitsAnswer {
        let (answer, accepted) = {
            let mut window = lock(&self.shared.window);
            let Some(open) = window.as_mut() else { return DigitsAnswer::NobodyWaits };
            let answer = open.window.digits(typed, self.shared.now());
            open.poke();
            (answer, open.window.accepted().cloned())
        };
        let Some(party) = accepted.filter(|_| answer == DigitsAnswer::Paired) else {
            return answer;
        };
        // Not with the window in hand: observers hear of what is written, and may ask for the window.
        let is_saved = self.shared.book.add_peer(&party).is_ok();
        if let Some(open) = lock(&self.shared.window).as_mut() {
            open.window.saved(is_saved);
            open.poke();
        }
        if is_saved { answer } else { DigitsAnswer::NotSaved }
    }

    /// Closes the window.
    pub fn close_window(&self) {
        if let Some(open) = lock(&self.shared.window).as_mut() {
            open.window.close(self.shared.now());
            open.poke();
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
            tried: tried(&state),
        }
    }
}

fn told(state: &WindowState) -> Wording {
    let named = |key: &str, name: &DeviceName| wording(key, &[("name", name.as_str())]);
    match state {
        WindowState::Open { .. } => wording("sync.show_code", &[]),
        WindowState::Claimed { name, wrong_digits: 0, .. } => named("sync.type_digits", name),
        WindowState::Claimed { name, .. } => named("sync.type_digits_again", name),
        WindowState::Paired { name } => named("sync.paired", name),
        WindowState::Closed { why, .. } => why.wording(),
    }
}

fn tried(state: &WindowState) -> Option<String> {
    let times = match state {
        WindowState::Open { wrong_proofs, .. }
        | WindowState::Claimed { wrong_proofs, .. }
        | WindowState::Closed { wrong_proofs, .. } => *wrong_proofs,
        WindowState::Paired { .. } => 0,
    };
    (times > 0).then(|| words("sync.someone_tried", &[("times", &times.to_string())]))
}

impl Shared {
    /// A device has come to the window, or to where one was.
    pub(super) fn invite(&self, mut wire: Wire, first: &[u8]) {
        let on = Channel { peer: wire.peer(), exporter: wire.exporter() };
        let _spoken = self.speak_with(on.peer);
        let mut said = first.to_vec();
        loop {
            let answer = self.hear(&wire, &on, &said);
            let is_over = is_over(answer.as_ref());
            if let Some(answer) = answer
                && (wire.send(&answer.to_bytes()).is_err() || is_over)
            {
                break;
            }
            self.tell();
            match self.wait(&mut wire, &on) {
                Some(Heard::Frame(frame)) => said = frame,
                Some(Heard::Verdict(verdict)) => {
                    let told = wire.send(&verdict.to_bytes()).is_ok();
                    self.tell();
                    if verdict == PairMessage::Done && told {
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

    /// What the window answers, if anything.
    fn hear(&self, wire: &Wire, on: &Channel, said: &[u8]) -> Option<PairMessage> {
        let Ok(message) = PairMessage::read(said) else {
            return Some(PairMessage::Refused(Why::OutOfTurn));
        };
        // Where the book cannot say, a device that may be revoked is not paired.
        let is_revoked = self.book.is_revoked(on.peer).unwrap_or(true);
        let mut window = lock(&self.window);
        let Some(open) = window.as_mut() else { return Some(PairMessage::Refused(Why::Closed)) };
        let was_ours = open.window.own_key_is_revoked();
        let answer = open.window.receive(on, message, self.now(), is_revoked);
        // Another device may have ended it, or the same one may have come by another connection.
        open.poke();
        if !is_over(answer.as_ref()) {
            open.waiting = Some((*on, wire.poker()));
            wire.keep();
        }
        // Only once: the window stays closed for that, and the keys that it spoke of are gone by then.
        let is_ours = open.window.own_key_is_revoked() && !was_ours;
        drop(window);
        if is_ours && self.book.note_own_key_revoked(wire.own()).is_ok() {
            // What fails now is done when the next window opens.
            let _ = self.refresh_keys();
        }
        answer
    }

    fn wait(&self, wire: &mut Wire, on: &Channel) -> Option<Heard> {
        loop {
            if let Some(verdict) = self.verdict(on) {
                return Some(Heard::Verdict(verdict));
            }
            match wire.next(WORD) {
                Incoming::Frame(frame) => return Some(Heard::Frame(frame)),
                Incoming::Poked | Incoming::TimedOut => {}
                Incoming::Closed(_) => return None,
            }
        }
    }

    fn verdict(&self, on: &Channel) -> Option<PairMessage> {
        match lock(&self.window).as_mut().filter(|open| open.waits(on)) {
            Some(open) => open.window.verdict(on, self.now()),
            // Another window is open, or the device came again: nobody types what this one shows.
            None => Some(PairMessage::Refused(Why::Closed)),
        }
    }
}

/// Whether nothing comes after this.
fn is_over(answer: Option<&PairMessage>) -> bool {
    matches!(answer, Some(PairMessage::Refused(_) | PairMessage::Revoked { .. }))
}

enum Heard {
    Frame(Vec<u8>),
    Verdict(PairMessage),
}
