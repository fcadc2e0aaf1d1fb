//! Sessions between two books.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use seldinger_core::link::{Incoming, Listener, Pin, Traffic, Wire};
use seldinger_core::logbook::Logbook;
use seldinger_core::sync::Fingerprint;
use seldinger_core::sync::session::{Effect, Event, Session};

use super::Device;
use crate::measure::Outcome;

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_mins(2);

/// One end of a session.
pub struct End<'a> {
    book: &'a Logbook,
    peer: Fingerprint,
    session: Session,
    todo: VecDeque<Effect>,
    /// Both sides have everything.
    pub in_step: bool,
    /// Frames sent.
    pub frames: usize,
    /// What taking in took.
    pub taking_in: Duration,
}

impl<'a> End<'a> {
    fn new(book: &'a Logbook, peer: Fingerprint) -> Outcome<Self> {
        let (session, todo) = (Session::default(), VecDeque::new());
        let taking_in = Duration::ZERO;
        let mut end = Self { book, peer, session, todo, in_step: false, frames: 0, taking_in };
        end.tell(Event::Start(book.greet(peer)?));
        Ok(end)
    }

    fn tell(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.session.step(0, event, &mut effects);
        self.todo.extend(effects);
    }

    /// Does what there is to do.
    fn work(&mut self, mut send: impl FnMut(&[u8]) -> Outcome<()>) -> Outcome<()> {
        while let Some(effect) = self.todo.pop_front() {
            match &effect {
                Effect::Send(frame) => {
                    self.frames += 1;
                    send(frame)?;
                }
                Effect::Close(why) => return Err(format!("closed: {why:?}").into()),
                Effect::Differs => return Err("the books differ".into()),
                _ => self.in_step |= effect == Effect::InStep,
            }
            let begun = Instant::now();
            let event = self.book.perform(self.peer, &effect)?;
            if matches!(effect, Effect::Apply(_)) {
                self.taking_in += begun.elapsed();
            }
            if let Some(event) = event {
                self.tell(event);
            }
        }
        Ok(())
    }
}

/// A session in memory; gives what each side did.
pub fn meet<'a>(one: &'a Device, other: &'a Device) -> Outcome<[End<'a>; 2]> {
    let mut ends =
        [End::new(&one.bench.book, other.key())?, End::new(&other.bench.book, one.key())?];
    loop {
        let mut frames = [Vec::new(), Vec::new()];
        for (end, frames) in ends.iter_mut().zip(&mut frames) {
            end.work(|frame| {
                frames.push(frame.to_vec());
                Ok(())
            })?;
        }
        if frames.iter().all(Vec::is_empty) {
            let in_step = ends.iter().all(|end| end.in_step);
            return if in_step { Ok(ends) } else { Err("not in step".into()) };
        }
        for (end, frames) in ends.iter_mut().rev().zip(frames) {
            for frame in frames {
                end.tell(Event::Frame(frame));
            }
        }
    }
}

/// What a session over TLS took.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// From the call until both sides knew that they have everything.
    pub time: Duration,
    /// What went over the caller's socket.
    pub traffic: Traffic,
    /// Frames of both sides.
    pub frames: usize,
}

/// One device calls the other; ends when both have everything.
pub fn call(caller: &Device, answerer: &Arc<Device>) -> Outcome<Called> {
    let (told, ended) = channel();
    let (this, trusted) = (Arc::clone(answerer), caller.key());
    let serve = move |wire: Wire| {
        let done = End::new(&this.bench.book, trusted)
            .and_then(|end| run(end, wire, false))
            .map_err(|failure| failure.to_string());
        drop(told.send(done));
    };
    let trust = Arc::new(move |peer: &Fingerprint| *peer == trusted);
    let listener = Listener::bind("127.0.0.1:0", &answerer.keys, trust, Arc::new(serve))?;
    let address = listener.address().to_string();
    let begun = Instant::now();
    let wire = Wire::connect(&address, LONG, &caller.keys, Pin::Device(answerer.key()))?;
    let end = End::new(&caller.bench.book, answerer.key())?;
    let (traffic, mine) = run(end, wire, true)?;
    let (_, theirs) = ended.recv_timeout(LONG)??;
    Ok(Called { time: begun.elapsed(), traffic, frames: mine + theirs })
}

/// Until both have everything, or the other hangs up.
fn run(mut end: End<'_>, mut wire: Wire, hangs_up: bool) -> Outcome<(Traffic, usize)> {
    loop {
        end.work(|frame| Ok(wire.send(frame)?))?;
        if end.in_step && hangs_up {
            let traffic = wire.traffic();
            wire.finish();
            return Ok((traffic, end.frames));
        }
        match wire.next(LONG) {
            Incoming::Frame(frame) => end.tell(Event::Frame(frame)),
            Incoming::Closed(_) if end.in_step => return Ok((wire.traffic(), end.frames)),
            other => return Err(format!("{other:?}").into()),
        }
    }
}
