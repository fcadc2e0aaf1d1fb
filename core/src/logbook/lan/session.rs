//! One session over one wire, from the first frame to the last.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use super::{Line, Shared, SyncTrouble, lock};
use crate::error::{LogbookError, Result};
use crate::link::{Incoming, LinkError, Wire, now};
use crate::sync::Fingerprint;
use crate::sync::frame::Why;
use crate::sync::pairing::PairMessage;
use crate::sync::session::{Effect, Event, Ms, Session};
use crate::time::MINUTE_MS;

/// How long a device that called may think before it says anything.
const FIRST_WORD: Duration = Duration::from_secs(15);
/// How often a session looks whether another program has written to the book.
const LOOK: Duration = Duration::from_secs(2);

impl Shared {
    /// A device has called.
    pub(super) fn answer(&self, mut wire: Wire) {
        let Incoming::Frame(first) = wire.next(FIRST_WORD) else { return };
        if PairMessage::is_one(&first) {
            self.invite(wire, &first);
        } else if self.book.trusts(wire.peer()).unwrap_or(false) {
            self.run(wire, Some(first));
        }
    }

    /// Runs a session until it ends; what went wrong is nothing that calling again soon would mend.
    pub(super) fn run(&self, wire: Wire, first: Option<Vec<u8>>) -> Option<SyncTrouble> {
        let (own, peer) = (wire.own(), wire.peer());
        let number = self.begin_line(peer, &wire);
        let begun = Talk::begin(self, wire, number);
        let why = begun.and_then(|talk| talk.go_on(first));
        let trouble = match why {
            Ok(Over::Said(why)) => SyncTrouble::of(why),
            Ok(Over::Broke(LinkError::Refused)) => Some(SyncTrouble::NotTrusted),
            Ok(Over::Broke(LinkError::Revoked)) => {
                if self.book.trusts(peer).unwrap_or(false) {
                    // It is told again whenever it is called.
                    let _ = self.book.note_own_key_revoked(own);
                }
                Some(SyncTrouble::OwnKeyRevoked)
            }
            Ok(Over::Broke(LinkError::TooLong { .. })) => Some(SyncTrouble::Nonsense),
            Ok(Over::Broke(_)) => None,
            Err(_) => Some(SyncTrouble::Book),
        };
        self.end_line(peer, number, trouble);
        trouble
    }

    /// The newest connection to a device is the one that counts.
    fn begin_line(&self, peer: Fingerprint, wire: &Wire) -> u64 {
        let mut lines = lock(&self.lines);
        let old = lines.remove(&peer).unwrap_or_default();
        if let Some(poker) = &old.poker {
            poker.cut();
        }
        let line = Line {
            poker: Some(wire.poker()),
            thread: Some(thread::current().id()),
            number: old.number + 1,
            ..Line::default()
        };
        let number = line.number;
        lines.insert(peer, line);
        drop(lines);
        // Whoever stopped sync meanwhile has cut the lines that were there, and not this one.
        if lock(&self.calls).is_stopped() {
            wire.poker().cut();
        }
        self.tell();
        number
    }

    fn end_line(&self, peer: Fingerprint, number: u64, trouble: Option<SyncTrouble>) {
        self.with_line(peer, number, |line| {
            (line.poker, line.thread, line.progress) = (None, None, None);
            line.trouble = trouble.or(line.trouble.filter(|_| !line.in_step));
        });
        // Whoever is not connected any more may be called again.
        self.ring();
    }

    fn with_line(&self, peer: Fingerprint, number: u64, change: impl FnOnce(&mut Line)) {
        let mut lines = lock(&self.lines);
        if let Some(line) = lines.get_mut(&peer).filter(|line| line.number == number) {
            change(line);
        }
        drop(lines);
        self.tell();
    }
}

enum Over {
    Said(Why),
    Broke(LinkError),
}

struct Talk<'a> {
    shared: &'a Shared,
    wire: Wire,
    peer: Fingerprint,
    number: u64,
    session: Session,
    todo: VecDeque<Effect>,
    begun: Instant,
    tick: Option<Instant>,
    on_disk: i64,
}

impl<'a> Talk<'a> {
    fn begin(shared: &'a Shared, wire: Wire, number: u64) -> Result<Self> {
        let peer = wire.peer();
        let mut talk = Self {
            shared,
            peer,
            number,
            wire,
            session: Session::default(),
            todo: VecDeque::new(),
            begun: now(),
            tick: None,
            on_disk: shared.book.version_on_disk()?,
        };
        talk.step(Event::Start(shared.book.greet(peer)?));
        Ok(talk)
    }

    fn go_on(mut self, first: Option<Vec<u8>>) -> Result<Over> {
        if let Some(frame) = first {
            self.step(Event::Frame(frame));
        }
        loop {
            if let Some(over) = self.perform()? {
                self.wire.finish();
                return Ok(over);
            }
            let event = match self.wire.next(self.patience()) {
                Incoming::Frame(frame) => Event::Frame(frame),
                Incoming::Poked => Event::LocalCommit,
                Incoming::TimedOut if self.is_due() => Event::Tick,
                Incoming::TimedOut if self.was_written_elsewhere()? => {
                    // That may have been the end of the trust.
                    if !self.shared.book.trusts(self.peer)? {
                        return Ok(Over::Broke(LinkError::Cut));
                    }
                    Event::LocalCommit
                }
                Incoming::TimedOut => continue,
                Incoming::Closed(why) => return Ok(Over::Broke(why)),
            };
            self.step(event);
        }
    }

    fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.session.step(self.elapsed(), event, &mut effects);
        self.todo.extend(effects);
    }

    /// Executes what is to be done; `Some` once it is over.
    fn perform(&mut self) -> Result<Option<Over>> {
        while let Some(effect) = self.todo.pop_front() {
            let done = self.shared.book.perform(self.peer, &effect);
            let event = match done {
                Ok(event) => event,
                // What came, or another program, has just ended the trust: there is nothing to say.
                Err(LogbookError::KeyRevoked { .. }) => {
                    return Ok(Some(Over::Broke(LinkError::Cut)));
                }
                Err(error) => {
                    // The other side need not wait for what will not come.
                    self.step(Event::Stop(Why::Failed));
                    for effect in std::mem::take(&mut self.todo) {
                        if let Effect::Send(frame) = effect {
                            let _ = self.wire.send(&frame);
                        }
                    }
                    return Err(error);
                }
            };
            if let Some(event) = event {
                self.step(event);
            }
            match effect {
                Effect::Send(frame) => {
                    if let Err(broke) = self.wire.send(&frame) {
                        return Ok(Some(Over::Broke(broke)));
                    }
                }
                Effect::Timer(ms) => self.tick = Some(now() + Duration::from_millis(ms)),
                Effect::Close(why) => return Ok(Some(Over::Said(why))),
                other => self.show(&other),
            }
        }
        Ok(None)
    }

    fn show(&self, effect: &Effect) {
        let number = self.number;
        let line = |change: &dyn Fn(&mut Line)| {
            self.shared.with_line(self.peer, number, |line| change(line));
        };
        match effect {
            Effect::Progress { done, total } => line(&|line| {
                line.progress = Some((*done, *total));
                line.in_step = false;
            }),
            Effect::InStep => line(&|line| {
                (line.in_step, line.progress, line.trouble) = (true, None, None);
            }),
            Effect::Differs => line(&|line| line.trouble = Some(SyncTrouble::Differs)),
            Effect::ClockOff(ms) => {
                let minutes = i32::try_from(ms / MINUTE_MS).unwrap_or(i32::MAX);
                line(&|line| line.clock_ahead_min = Some(minutes));
            }
            _ => {}
        }
    }

    fn patience(&self) -> Duration {
        let until_tick = self.tick.map(|tick| tick.saturating_duration_since(now()));
        until_tick.unwrap_or(LOOK).min(LOOK)
    }

    fn is_due(&self) -> bool {
        self.tick.is_some_and(|tick| tick <= now())
    }

    /// The command line beside the page writes to the same book.
    fn was_written_elsewhere(&mut self) -> Result<bool> {
        let on_disk = self.shared.book.version_on_disk()?;
        Ok(std::mem::replace(&mut self.on_disk, on_disk) != on_disk)
    }

    fn elapsed(&self) -> Ms {
        u64::try_from(now().duration_since(self.begun).as_millis()).unwrap_or(Ms::MAX)
    }
}
