//! Replicas in memory whose sessions are cut, killed and begun again between any two effects.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::record::sums::Digest;
use crate::sync::frame::{Page, pack};

/// A record is the set of the writes that it has taken in: nothing may ever be missing from it.
type Writes = BTreeSet<u64>;

#[derive(Clone, Default)]
struct Known {
    replica: Option<DeviceId>,
    received: u64,
    sent: u64,
    /// Sequences that came from there and stand as they came.
    echo: BTreeSet<u64>,
}

#[derive(Clone)]
struct Replica {
    device: DeviceId,
    head: u64,
    records: BTreeMap<RecordId, (u64, Writes)>,
    peers: Vec<Known>,
}

#[derive(Default)]
struct End {
    session: Session,
    todo: VecDeque<Effect>,
    inbox: VecDeque<Vec<u8>>,
    in_step: bool,
}

struct Link {
    who: [usize; 2],
    ends: [End; 2],
}

fn encode(id: RecordId, writes: &Writes) -> Vec<u8> {
    let mut bytes = id.bytes().to_vec();
    bytes.extend(writes.iter().flat_map(|write| write.to_be_bytes()));
    bytes
}

fn decode(bytes: &[u8]) -> Option<(RecordId, Writes)> {
    let (id, writes) = bytes.split_first_chunk::<16>()?;
    let writes = writes.chunks(8).map(|chunk| Some(u64::from_be_bytes(chunk.try_into().ok()?)));
    Some((RecordId::from_bytes(*id), writes.collect::<Option<_>>()?))
}

/// Small, so that sessions have many pages.
const PAGE: usize = 3;

impl Replica {
    fn new(device: u64, peers: usize) -> Self {
        let peers = vec![Known::default(); peers];
        Self { device: DeviceId(device), head: 0, records: BTreeMap::new(), peers }
    }

    fn put(&mut self, id: RecordId, writes: Writes) {
        self.head += 1;
        self.records.insert(id, (self.head, writes));
    }

    fn write(&mut self, record: u8, write: u64) {
        let id = RecordId::from_bytes([record; 16]);
        let mut writes = self.records.get(&id).map(|(_, w)| w.clone()).unwrap_or_default();
        writes.insert(write);
        self.put(id, writes);
    }

    fn sums(&self) -> Box<Sums> {
        let mut sums = Box::<Sums>::default();
        for (id, (_, writes)) in &self.records {
            let mut digest = [0; 16];
            digest.copy_from_slice(&blake3::hash(&encode(*id, writes)).as_bytes()[..16]);
            sums.add(*id, Digest(digest));
        }
        sums
    }

    fn greeting(&self, peer: usize) -> Greeting {
        let known = &self.peers[peer];
        Greeting {
            schema: 2,
            replica: self.device,
            knows: known.replica.map(|replica| (replica, known.received)),
            head: self.head,
            waiting: 0,
            sums: self.sums(),
            now: UtcMillis(0),
        }
    }

    fn read(&self, peer: usize, after: u64, buckets: Option<&[u8]>) -> Batch {
        let wanted = |id: &RecordId, lseq: u64| match buckets {
            Some(buckets) => buckets.contains(&id.bytes()[15]),
            None => !self.peers[peer].echo.contains(&lseq),
        };
        let mut found: Vec<_> = self
            .records
            .iter()
            .filter(|(id, (lseq, _))| *lseq > after && wanted(id, *lseq))
            .map(|(id, (lseq, writes))| (*lseq, *id, encode(*id, writes)))
            .collect();
        found.sort();
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let last = found.last().map_or(after, |(lseq, ..)| *lseq);
        let to = if more || buckets.is_some() { last } else { self.head };
        let records =
            found.into_iter().map(|(lseq, id, bytes)| Outgoing { lseq, id, bytes }).collect();
        Batch { records, to, more, left_out: false }
    }

    fn apply(&mut self, peer: usize, incoming: &Incoming) -> Applied {
        let mut applied = Applied::default();
        for (id, theirs) in incoming.records.iter().filter_map(|bytes| decode(bytes)) {
            let (before, ours) = self.records.get(&id).cloned().unzip();
            let ours: Writes = ours.unwrap_or_default();
            let joined: Writes = ours.union(&theirs).copied().collect();
            if joined != ours {
                let is_echo = joined == theirs;
                self.put(id, joined);
                applied.changed = true;
                match before {
                    _ if is_echo => drop(self.peers[peer].echo.insert(self.head)),
                    Some(before) => applied.merged.push(Merged { id, before, after: self.head }),
                    None => {}
                }
            }
        }
        if let Some(cursor) = incoming.cursor {
            self.peers[peer].received = cursor;
        }
        applied
    }
}

struct World {
    replicas: Vec<Replica>,
    backups: Vec<Replica>,
    link: Option<Link>,
    writes: u64,
    devices: u64,
    now: Ms,
}

impl World {
    fn new(count: usize) -> Self {
        let replicas: Vec<_> = (0..count).map(|n| Replica::new(n as u64 + 1, count)).collect();
        let backups = replicas.clone();
        Self { replicas, backups, link: None, writes: 0, devices: count as u64, now: 0 }
    }

    fn connect(&mut self, a: usize, b: usize) {
        self.cut();
        if a != b {
            self.link = Some(Link { who: [a, b], ends: [End::default(), End::default()] });
            for side in 0..2 {
                let greeting = self.replicas[[a, b][side]].greeting([b, a][side]);
                self.event(side, Event::Start(greeting));
            }
        }
    }

    fn cut(&mut self) {
        self.link = None;
    }

    fn event(&mut self, side: usize, event: Event) {
        let Some(link) = &mut self.link else { return };
        self.now += 1;
        let end = &mut link.ends[side];
        let mut effects = Vec::new();
        end.session.step(self.now, event, &mut effects);
        end.todo.extend(effects);
    }

    /// Executes one effect of a side; `false` where there is none.
    fn perform(&mut self, side: usize) -> bool {
        let Some(link) = &mut self.link else { return false };
        let (me, peer) = (link.who[side], link.who[1 - side]);
        let Some(effect) = link.ends[side].todo.pop_front() else { return false };
        let replica = &mut self.replicas[me];
        match effect {
            Effect::Send(bytes) => link.ends[1 - side].inbox.push_back(bytes),
            Effect::Read { after, buckets } => {
                let batch = replica.read(peer, after, buckets.as_deref());
                self.event(side, Event::Read(batch));
            }
            Effect::Apply(incoming) => {
                let applied = replica.apply(peer, &incoming);
                self.event(side, Event::Applied(applied));
            }
            Effect::Restart(device) => {
                // It may have lost what it once sent, too.
                replica.peers[peer] = Known { replica: Some(device), ..Known::default() };
            }
            Effect::Acked { to, also, .. } => {
                let known = &mut replica.peers[peer];
                known.sent = to.unwrap_or(known.sent);
                known.echo.extend(also);
                known.echo.retain(|lseq| *lseq > known.sent);
            }
            Effect::Sum => {
                let (head, sums) = (replica.head, replica.sums());
                self.event(side, Event::Summed { head, sums });
            }
            Effect::InStep => link.ends[side].in_step = true,
            Effect::Renew => self.renew(me),
            Effect::Close(_) => self.cut(),
            Effect::Differs => panic!("the same was sent twice and still differs"),
            Effect::Progress { .. } | Effect::ClockOff(_) | Effect::Timer(_) => {}
        }
        true
    }

    fn deliver(&mut self, side: usize) -> bool {
        let frame = self.link.as_mut().and_then(|link| link.ends[side].inbox.pop_front());
        frame.is_some_and(|frame| {
            self.event(side, Event::Frame(frame));
            true
        })
    }

    fn renew(&mut self, who: usize) {
        self.devices += 1;
        let replica = &mut self.replicas[who];
        replica.device = DeviceId(self.devices);
        for peer in &mut replica.peers {
            peer.sent = 0;
            peer.echo.clear();
        }
    }

    fn write(&mut self, who: usize, record: u8) {
        self.writes += 1;
        self.replicas[who].write(record, self.writes);
        let side = self.link.as_ref().and_then(|link| link.who.iter().position(|w| *w == who));
        if let Some(side) = side {
            self.event(side, Event::LocalCommit);
        }
    }

    fn run(&mut self) {
        while (0..2).any(|side| self.perform(side) || self.deliver(side)) {}
    }

    /// Connects every pair until all have everything.
    fn settle(&mut self) {
        for _ in 0..4 {
            for a in 0..self.replicas.len() {
                for b in a + 1..self.replicas.len() {
                    self.connect(a, b);
                    self.run();
                }
            }
        }
    }

    fn all_equal(&self) -> bool {
        let said = |replica: &Replica| replica.sums().root();
        self.replicas.iter().all(|replica| said(replica) == said(&self.replicas[0]))
    }
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, u8),
    Connect(usize, usize),
    Perform(usize),
    Deliver(usize),
    Run,
    Cut,
    /// Quietly damages a record, as a bug or a bad disk would.
    Forget(usize, u8),
    BackUp(usize),
    /// A restored book that notices, or one that does not.
    Restore(usize, bool),
}

fn steps(forgetful: bool, restoring: bool) -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..3;
    let step = prop_oneof![
        8 => (who.clone(), 0u8..12).prop_map(|(who, record)| Step::Write(who, record)),
        3 => (who.clone(), who.clone()).prop_map(|(a, b)| Step::Connect(a, b)),
        12 => (0usize..2).prop_map(Step::Perform),
        8 => (0usize..2).prop_map(Step::Deliver),
        2 => Just(Step::Run),
        1 => Just(Step::Cut),
        u32::from(forgetful) => (who.clone(), 0u8..12).prop_map(|(who, record)| Step::Forget(who, record)),
        u32::from(restoring) => who.clone().prop_map(Step::BackUp),
        u32::from(restoring) => (who, any::<bool>()).prop_map(|(who, notices)| Step::Restore(who, notices)),
    ];
    prop::collection::vec(step, 1..120)
}

fn take(world: &mut World, step: &Step) {
    match *step {
        Step::Write(who, record) => world.write(who, record),
        Step::Connect(a, b) => world.connect(a, b),
        Step::Perform(side) => drop(world.perform(side)),
        Step::Deliver(side) => drop(world.deliver(side)),
        Step::Run => world.run(),
        Step::Cut => world.cut(),
        Step::Forget(who, record) => {
            world.cut();
            world.replicas[who].records.remove(&RecordId::from_bytes([record; 16]));
        }
        Step::BackUp(who) => world.backups[who] = world.replicas[who].clone(),
        Step::Restore(who, notices) => {
            world.cut();
            world.replicas[who] = world.backups[who].clone();
            if notices {
                world.renew(who);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(2_000)))]

    #[test]
    fn whatever_is_cut_nothing_written_is_lost(steps in steps(false, false)) {
        let mut world = World::new(3);
        for step in &steps {
            take(&mut world, step);
        }
        world.settle();
        prop_assert!(world.all_equal());
        let written: Writes = (1..=world.writes).collect();
        let kept: Writes = world.replicas[0].records.values().flat_map(|(_, w)| w.clone()).collect();
        prop_assert_eq!(kept, written);
    }

    #[test]
    fn what_differs_is_sent_again(steps in steps(true, false)) {
        let mut world = World::new(3);
        for step in &steps {
            take(&mut world, step);
        }
        world.settle();
        prop_assert!(world.all_equal());
    }

    /// Whatever is on any device when they meet again is on all of them afterwards, even where a book
    /// was restored and does not know it.
    #[test]
    fn a_restored_book_gets_back_what_it_had_sent(steps in steps(false, true)) {
        let mut world = World::new(3);
        for step in &steps {
            take(&mut world, step);
        }
        let all = |world: &World| -> Writes {
            world.replicas.iter().flat_map(|r| r.records.values().flat_map(|(_, w)| w.clone())).collect()
        };
        let before = all(&world);
        world.settle();
        prop_assert!(world.all_equal());
        prop_assert_eq!(all(&world), before);
    }
}

fn two(records: u8) -> World {
    let mut world = World::new(2);
    for record in 0..records {
        world.write(0, record);
    }
    world
}

#[test]
fn nothing_new_takes_one_frame_each_way() {
    let mut world = two(10);
    world.connect(0, 1);
    world.run();
    world.connect(0, 1);
    let mut frames = 0;
    while (0..2).any(|side| world.perform(side)) {}
    for side in 0..2 {
        while world.deliver(side) {
            frames += 1;
            while world.perform(side) {}
        }
    }
    world.run();
    assert_eq!(frames, 2);
    let link = world.link.unwrap();
    assert!(link.ends.iter().all(|end| end.in_step));
}

#[test]
fn what_is_written_while_connected_goes_over_at_once() {
    let mut world = two(4);
    world.connect(0, 1);
    world.run();
    world.write(1, 9);
    world.run();
    assert!(world.all_equal());
    assert_eq!(world.replicas[0].records.len(), 5);
}

/// What a side that stands there says first.
fn hello(greeting: Greeting) -> Vec<u8> {
    let mut out = Vec::new();
    Session::default().step(0, Event::Start(greeting), &mut out);
    let Some(Effect::Send(frame)) = out.into_iter().next() else { panic!("no hello") };
    frame
}

#[test]
fn strange_frames_end_the_session_and_change_nothing() {
    let begin = |session: &mut Session| {
        session.step(0, Event::Start(Replica::new(1, 2).greeting(1)), &mut Vec::new());
        hello(Replica::new(2, 2).greeting(0))
    };
    let page = |from, to, count| {
        let packed = pack([b"x".as_slice()].into_iter());
        Frame::Page(Page { from, to, more: false, is_repair: false, count, packed }).encode()
    };
    let strange = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        Vec::new(),
        page(5, 6, 1),
        page(0, 0, 1),
        page(0, 1, 2),
        page(0, 1, 0),
        Frame::Ack { to: 7, refused: Vec::new() }.encode(),
    ];
    for bytes in strange {
        let mut session = Session::default();
        let first = begin(&mut session);
        let mut out = Vec::new();
        session.step(1, Event::Frame(first.clone()), &mut out);
        out.clear();
        session.step(2, Event::Frame(bytes), &mut out);
        assert!(out.contains(&Effect::Close(Why::Nonsense)), "{out:?}");
        assert!(!out.iter().any(|effect| matches!(effect, Effect::Apply(_))));
    }
    let mut session = Session::default();
    let first = begin(&mut session);
    let mut out = Vec::new();
    session.step(1, Event::Frame(page(0, 1, 1)), &mut out);
    assert!(session.is_closed(), "a page before the hello");
    out.clear();
    session.step(2, Event::Frame(first), &mut out);
    assert!(out.is_empty(), "what is over stays over");
}

#[test]
fn who_announces_records_and_sends_none_is_silent() {
    let still = || Event::Frame(Frame::Still.encode());
    for (head, closes) in [(u64::MAX, true), (0, false)] {
        let (mut session, mut out) = (Session::default(), Vec::new());
        session.step(0, Event::Start(Replica::new(1, 2).greeting(1)), &mut out);
        let liar = Greeting { head, ..Replica::new(2, 2).greeting(0) };
        session.step(1, Event::Frame(hello(liar)), &mut out);
        session.step(GIVE_UP, still(), &mut out);
        session.step(GIVE_UP + 1, Event::Tick, &mut out);
        assert_eq!(out.ends_with(&[Effect::Close(Why::Silent)]), closes, "head {head}");
    }
}

#[test]
fn silence_is_noticed_and_versions_are_told_apart() {
    let start = |session: &mut Session, out: &mut Vec<Effect>| {
        session.step(0, Event::Start(Replica::new(1, 2).greeting(1)), out);
    };
    let (mut session, mut out) = (Session::default(), Vec::new());
    start(&mut session, &mut out);
    session.step(SAY_STILL, Event::Tick, &mut out);
    assert_eq!(out.iter().filter(|e| **e == Effect::Send(Frame::Still.encode())).count(), 1);
    session.step(GIVE_UP, Event::Tick, &mut out);
    assert!(out.ends_with(&[Effect::Close(Why::Silent)]));
    for (versions, why) in [((2, 3), Why::OursTooOld), ((0, 0), Why::TheirsTooOld)] {
        let (mut session, mut out) = (Session::default(), Vec::new());
        start(&mut session, &mut out);
        let theirs = Replica::new(2, 2).greeting(0);
        let hello = Frame::Hello(Hello {
            protocol: versions,
            schema: 9,
            replica: theirs.replica,
            knows: None,
            head: 0,
            waiting: 0,
            root: theirs.sums.root(),
            now: UtcMillis(0),
        });
        session.step(1, Event::Frame(hello.encode()), &mut out);
        assert!(out.ends_with(&[Effect::Close(why)]), "{out:?}");
    }
}
