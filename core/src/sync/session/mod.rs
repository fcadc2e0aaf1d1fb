//! One session between two devices: events in, effects out.
//!
//! Both sides run the same machine. Each says how far it has taken in the other, then sends what lies
//! beyond in pages, one at a time: the next goes out when the last is saved on the other side. Whatever
//! cuts a session, at most one page is sent twice. Once both have sent all, they compare what they say;
//! where that differs they send the differing buckets again, once. Then the session stays open, and what
//! is written on one side goes to the other at once.
//!
//! Whoever runs it executes the effects in order and gives back their outcomes; reading and applying
//! end with an event of their own.

mod comparing;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::collections::BTreeSet;

use comparing::Comparing;
use receiving::Receiving;
use sending::Sending;

use super::frame::{Frame, Hello, PROTOCOL, Page, Receipt, ReceiptKey, Refusal, Why, WhyRefused};
use crate::ids::{DeviceId, RecordId};
use crate::record::sums::Sums;
use crate::time::{MINUTE_MS, UtcMillis};

/// Milliseconds of a clock that only goes forward.
pub type Ms = u64;

/// After so long without a word a side says that it is still there,
const SAY_STILL: Ms = 30_000;
/// and after so long without a word from the other it gives up.
const GIVE_UP: Ms = 90_000;
/// Clocks that differ more are told to the user.
const CLOCKS_DIFFER_MS: i64 = 5 * MINUTE_MS;

/// Where this side stands when a session begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The schema of the book.
    pub schema: u32,
    /// Our device id.
    pub replica: DeviceId,
    /// The other's device id as last heard, and how far it was taken in.
    pub knows: Option<(DeviceId, u64)>,
    /// Our highest local sequence.
    pub head: u64,
    /// How many records we have for the other.
    pub waiting: u64,
    /// What our records say.
    pub sums: Box<Sums>,
    /// The wall clock.
    pub now: UtcMillis,
    /// The other's receipt for how far it was taken in.
    pub receipt: Receipt,
    /// What our own receipts are made with.
    pub receipts: ReceiptKey,
}

impl Greeting {
    /// What the other is told of it.
    pub(crate) fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            schema: self.schema,
            replica: self.replica,
            knows: self.knows,
            head: self.head,
            waiting: self.waiting,
            root: self.sums.root(),
            now: self.now,
            receipt: self.receipt,
        }
    }
}

/// A record to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its local sequence.
    pub lseq: u64,
    /// Which it is.
    pub id: RecordId,
    /// As it travels.
    pub bytes: Vec<u8>,
}

quiet_debug!(Outgoing);

/// Records to send, in order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Which.
    pub records: Vec<Outgoing>,
    /// Up to here the other has everything afterwards.
    pub to: u64,
    /// There is more behind.
    pub more: bool,
    /// What is set aside has changed: no page holds a record, or one that was set aside goes again.
    pub left_out: bool,
}

quiet_debug!(Batch);

impl Batch {
    /// Ends it before a record that is one of these.
    fn cut_before(&mut self, ids: &BTreeSet<RecordId>) {
        if let Some(place) = self.records.iter().position(|record| ids.contains(&record.id)) {
            self.to = self.records[place].lseq.saturating_sub(1);
            self.more = true;
            self.records.truncate(place);
        }
    }

    /// As a page for a receiver that has everything up to `from`, and which records are in it.
    pub(crate) fn into_page(
        self,
        from: u64,
        is_repair: bool,
        receipt: Receipt,
        pack: impl FnOnce(&[Vec<u8>]) -> Vec<u8>,
    ) -> (Page, Vec<RecordId>) {
        let Self { records, to, more, .. } = self;
        let (ids, bytes): (Vec<_>, Vec<_>) =
            records.into_iter().map(|record| (record.id, record.bytes)).unzip();
        let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let packed = pack(&bytes);
        (Page { from, to, more, is_repair, receipt, count, packed }, ids)
    }
}

/// Records to take in, in one transaction with the cursor.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Where the sender is afterwards; a repair moves nothing.
    pub cursor: Option<u64>,
    /// Its receipt for that.
    pub receipt: Receipt,
    /// As they travel.
    pub records: Vec<Vec<u8>>,
}

quiet_debug!(Incoming);

/// What taking records in did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Something is different here than before.
    pub changed: bool,
    /// What was set aside.
    pub refused: Vec<Refusal>,
    /// What was written on both sides.
    pub merged: Vec<Merged>,
}

/// A record that both sides had written: each makes the same of both, so that nobody sends what came of it
/// once each has the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Which.
    pub id: RecordId,
    /// Where ours stood in our local sequence.
    pub before: u64,
    /// Where it stands now.
    pub after: u64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The other is reached.
    Start(Greeting),
    /// It sent a frame.
    Frame(Vec<u8>),
    /// `Effect::Read` is done.
    Read(Batch),
    /// `Effect::Apply` is done and saved.
    Applied(Applied),
    /// `Effect::Sum` is done, as of the local sequence `head`.
    Summed {
        /// Our highest local sequence.
        head: u64,
        /// What our records say.
        sums: Box<Sums>,
    },
    /// Something was written here.
    LocalCommit,
    /// Time has passed.
    Tick,
    /// The session must end.
    Stop(Why),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send a frame.
    Send(Vec<u8>),
    /// Read a page of what was written after a local sequence, of some buckets only for a repair.
    Read {
        /// The local sequence.
        after: u64,
        /// `None`: all of them.
        buckets: Option<Vec<u8>>,
    },
    /// Take records in.
    Apply(Incoming),
    /// The other is a new incarnation: forget how far it was taken in, and what came from it.
    Restart(DeviceId),
    /// This book must write under a new device id from now on.
    Renew,
    /// The other has everything up to here; what of it was set aside there.
    Acked {
        /// A local sequence; `None`: it moves nothing.
        to: Option<u64>,
        /// Which records it set aside.
        refused: Vec<(RecordId, WhyRefused)>,
        /// What it has beyond, as local sequences.
        also: Vec<u64>,
    },
    /// Sum up what all records say.
    Sum,
    /// Records sent and taken in so far, and how many are expected in all.
    Progress {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// Both sides have everything.
    InStep,
    /// The other's clock is ahead by so much; behind, where negative.
    ClockOff(i64),
    /// Send a `Tick` after so long.
    Timer(Ms),
    /// Both books say different things although everything was sent twice.
    Differs,
    /// Hang up.
    Close(Why),
}

/// A session. Made for one connection, thrown away with it.
#[derive(Default)]
pub struct Session {
    greeting: Option<Greeting>,
    greeted: bool,
    closed: bool,
    /// When this side last said something, and the other.
    said: Ms,
    heard: Ms,
    done: u64,
    total: u64,
    sending: Sending,
    receiving: Receiving,
    comparing: Comparing,
}

type Out<'a> = &'a mut Vec<Effect>;

impl Session {
    /// One step. `now` only goes forward.
    pub fn step(&mut self, now: Ms, event: Event, out: Out<'_>) {
        if self.closed {
            return;
        }
        let before = out.len();
        match event {
            Event::Start(greeting) => self.start(now, greeting, out),
            Event::Frame(bytes) => self.hear(now, &bytes, out),
            Event::Read(batch) => self.take_batch(batch),
            Event::Applied(applied) => self.applied(applied, out),
            Event::Summed { head, sums } => self.summed(head, sums),
            Event::LocalCommit => self.note_written(),
            Event::Tick => self.tick(now, out),
            Event::Stop(why) => self.refuse(why, out),
        }
        self.go_on(out);
        if out[before..].iter().any(|effect| matches!(effect, Effect::Send(_))) {
            self.said = now;
        }
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn send(frame: &Frame, out: Out<'_>) {
        out.push(Effect::Send(frame.encode()));
    }

    fn close(&mut self, why: Why, out: Out<'_>) {
        self.closed = true;
        out.push(Effect::Close(why));
    }

    /// Says why, and closes.
    fn refuse(&mut self, why: Why, out: Out<'_>) {
        Self::send(&Frame::Bye(why), out);
        self.close(why, out);
    }

    fn start(&mut self, now: Ms, greeting: Greeting, out: Out<'_>) {
        (self.said, self.heard) = (now, now);
        self.receiving.cursor = greeting.knows.map_or(0, |(_, cursor)| cursor);
        self.comparing.summed_up(greeting.head, greeting.sums.clone());
        let hello = greeting.hello();
        self.greeting = Some(greeting);
        Self::send(&Frame::Hello(hello), out);
        out.push(Effect::Timer(SAY_STILL));
    }

    fn tick(&mut self, now: Ms, out: Out<'_>) {
        if now.saturating_sub(self.heard) >= GIVE_UP {
            return self.refuse(Why::Silent, out);
        }
        if now.saturating_sub(self.said) >= SAY_STILL {
            Self::send(&Frame::Still, out);
        }
        out.push(Effect::Timer(SAY_STILL));
    }

    fn hear(&mut self, now: Ms, bytes: &[u8], out: Out<'_>) {
        let Ok(frame) = Frame::decode(bytes) else { return self.refuse(Why::Nonsense, out) };
        // Who has announced a page and sends none is silent, whatever else it says.
        if !self.receiving.awaits_page() || matches!(frame, Frame::Page(_) | Frame::Ack { .. }) {
            self.heard = now;
        }
        match (self.greeted, frame) {
            (_, Frame::Bye(why)) => self.close(mirrored(why), out),
            (false, Frame::Hello(hello)) => self.greet(&hello, out),
            (true, Frame::Page(page)) => self.take_page(&page, out),
            (true, Frame::Ack { to, refused }) => self.take_ack(to, &refused, out),
            (true, Frame::Root { head, cursor, root }) => {
                self.comparing.theirs = Some((head, cursor, root));
            }
            (true, Frame::Sums(sums)) => self.take_sums(sums, out),
            (true, Frame::Still) => {}
            _ => self.refuse(Why::Nonsense, out),
        }
    }

    fn greet(&mut self, hello: &Hello, out: Out<'_>) {
        let Some(greeting) = &self.greeting else { return self.refuse(Why::Nonsense, out) };
        if hello.protocol.1 < PROTOCOL.0 {
            return self.refuse(Why::TheirsTooOld, out);
        }
        if hello.protocol.0 > PROTOCOL.1 {
            return self.refuse(Why::OursTooOld, out);
        }
        let known = hello.knows.filter(|(replica, _)| *replica == greeting.replica);
        let mut cursor = known.map_or(0, |(_, cursor)| cursor);
        if hello.replica == greeting.replica {
            // Whoever has other keys has another device id, too.
            return self.refuse(Why::Nonsense, out);
        }
        if cursor > greeting.head {
            if greeting.receipts.made(hello.receipt, greeting.replica, cursor) {
                // It has more of us than we have: this book was restored from an older copy.
                out.push(Effect::Renew);
                return self.refuse(Why::Renewed, out);
            }
            // We never sent that: it has nothing of us.
            cursor = 0;
        }
        let ahead = hello.now.0.saturating_sub(greeting.now.0);
        if ahead.saturating_abs() > CLOCKS_DIFFER_MS {
            out.push(Effect::ClockOff(ahead));
        }
        if greeting.knows.map(|(replica, _)| replica) != Some(hello.replica) {
            out.push(Effect::Restart(hello.replica));
            self.receiving.cursor = 0;
        }
        self.greeted = true;
        self.total = greeting.waiting.saturating_add(hello.waiting);
        self.receiving.more = hello.head > self.receiving.cursor;
        self.sending.begin_at(cursor, greeting.head);
        self.comparing.theirs = Some((hello.head, cursor, hello.root));
        self.comparing.told = self.comparing.mine.map(|(head, root)| {
            // What our own Hello said.
            (head, self.receiving.cursor, root)
        });
        out.push(Effect::Acked { to: Some(cursor), refused: Vec::new(), also: Vec::new() });
    }

    /// Whatever is next.
    fn go_on(&mut self, out: Out<'_>) {
        if self.greeted && !self.closed {
            self.send_next(out);
            if self.sending.is_idle() && self.receiving.is_idle() {
                self.compare(out);
            }
        }
    }

    fn progress(&mut self, records: usize, out: Out<'_>) {
        if records > 0 {
            self.done += records as u64;
            self.total = self.total.max(self.done);
            out.push(Effect::Progress { done: self.done, total: self.total });
        }
    }
}

/// The other's reason, as it reads on this side.
fn mirrored(why: Why) -> Why {
    match why {
        Why::TheirsTooOld => Why::OursTooOld,
        Why::OursTooOld => Why::TheirsTooOld,
        Why::Renewed => Why::Stopped,
        other => other,
    }
}
