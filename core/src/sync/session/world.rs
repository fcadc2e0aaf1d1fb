//! Replicas in memory whose sessions are cut, killed and begun again between any two effects.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::record::sums::Digest;

/// A record is the set of the writes that it has taken in: nothing may ever be missing from it.
pub(super) type Writes = BTreeSet<u64>;

#[derive(Clone, Default)]
pub(super) struct Known {
    pub(super) replica: Option<DeviceId>,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) receipt: Receipt,
    /// Sequences that came from there and stand as they came.
    pub(super) echo: BTreeSet<u64>,
}

#[derive(Clone)]
pub(super) struct Replica {
    pub(super) device: DeviceId,
    pub(super) head: u64,
    pub(super) records: BTreeMap<RecordId, (u64, Writes)>,
    pub(super) peers: Vec<Known>,
}

#[derive(Default)]
pub(super) struct End {
    pub(super) session: Session,
    pub(super) todo: VecDeque<Effect>,
    pub(super) inbox: VecDeque<Vec<u8>>,
    pub(super) in_step: bool,
}

pub(super) struct Link {
    pub(super) who: [usize; 2],
    pub(super) ends: [End; 2],
}

pub(super) fn encode(id: RecordId, writes: &Writes) -> Vec<u8> {
    let mut bytes = id.bytes().to_vec();
    bytes.extend(writes.iter().flat_map(|write| write.to_be_bytes()));
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Option<(RecordId, Writes)> {
    let (id, writes) = bytes.split_first_chunk::<16>()?;
    let writes = writes.chunks(8).map(|chunk| Some(u64::from_be_bytes(chunk.try_into().ok()?)));
    Some((RecordId::from_bytes(*id), writes.collect::<Option<_>>()?))
}

/// Small, so that sessions have many pages.
pub(super) const PAGE: usize = 3;

impl Replica {
    pub(super) fn new(device: u64, peers: usize) -> Self {
        let peers = vec![Known::default(); peers];
        Self { device: DeviceId(device), head: 0, records: BTreeMap::new(), peers }
    }

    pub(super) fn put(&mut self, id: RecordId, writes: Writes) {
        self.head += 1;
        self.records.insert(id, (self.head, writes));
    }

    pub(super) fn write(&mut self, record: u8, write: u64) {
        let id = RecordId::from_bytes([record; 16]);
        let mut writes = self.records.get(&id).map(|(_, w)| w.clone()).unwrap_or_default();
        writes.insert(write);
        self.put(id, writes);
    }

    pub(super) fn sums(&self) -> Box<Sums> {
        let mut sums = Box::<Sums>::default();
        for (id, (_, writes)) in &self.records {
            let mut digest = [0; 16];
            digest.copy_from_slice(&blake3::hash(&encode(*id, writes)).as_bytes()[..16]);
            sums.add(*id, Digest(digest));
        }
        sums
    }

    pub(super) fn greeting(&self, peer: usize) -> Greeting {
        let known = &self.peers[peer];
        Greeting {
            schema: 2,
            replica: self.device,
            knows: known.replica.map(|replica| (replica, known.received)),
            head: self.head,
            waiting: 0,
            sums: self.sums(),
            now: UtcMillis(0),
            receipt: known.receipt,
            receipts: ReceiptKey([7; 32]),
        }
    }

    pub(super) fn read(&self, peer: usize, after: u64, buckets: Option<&[u8]>) -> Batch {
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

    pub(super) fn apply(&mut self, peer: usize, incoming: &Incoming) -> Applied {
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
            self.peers[peer].receipt = incoming.receipt;
        }
        applied
    }
}

pub(super) struct World {
    pub(super) replicas: Vec<Replica>,
    pub(super) backups: Vec<Replica>,
    pub(super) link: Option<Link>,
    pub(super) writes: u64,
    pub(super) devices: u64,
    pub(super) now: Ms,
}

impl World {
    pub(super) fn new(count: usize) -> Self {
        let replicas: Vec<_> = (0..count).map(|n| Replica::new(n as u64 + 1, count)).collect();
        let backups = replicas.clone();
        Self { replicas, backups, link: None, writes: 0, devices: count as u64, now: 0 }
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) {
        self.cut();
        if a != b {
            self.link = Some(Link { who: [a, b], ends: [End::default(), End::default()] });
            for side in 0..2 {
                let greeting = self.replicas[[a, b][side]].greeting([b, a][side]);
                self.event(side, Event::Start(greeting));
            }
        }
    }

    pub(super) fn cut(&mut self) {
        self.link = None;
    }

    pub(super) fn event(&mut self, side: usize, event: Event) {
        let Some(link) = &mut self.link else { return };
        self.now += 1;
        let end = &mut link.ends[side];
        let mut effects = Vec::new();
        end.session.step(self.now, event, &mut effects);
        end.todo.extend(effects);
    }

    /// Executes one effect of a side; `false` where there is none.
    pub(super) fn perform(&mut self, side: usize) -> bool {
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

    pub(super) fn deliver(&mut self, side: usize) -> bool {
        let frame = self.link.as_mut().and_then(|link| link.ends[side].inbox.pop_front());
        frame.is_some_and(|frame| {
            self.event(side, Event::Frame(frame));
            true
        })
    }

    pub(super) fn renew(&mut self, who: usize) {
        self.devices += 1;
        let replica = &mut self.replicas[who];
        replica.device = DeviceId(self.devices);
        for peer in &mut replica.peers {
            peer.sent = 0;
            peer.echo.clear();
        }
    }

    pub(super) fn write(&mut self, who: usize, record: u8) {
        self.writes += 1;
        self.replicas[who].write(record, self.writes);
        let side = self.link.as_ref().and_then(|link| link.who.iter().position(|w| *w == who));
        if let Some(side) = side {
            self.event(side, Event::LocalCommit);
        }
    }

    pub(super) fn run(&mut self) {
        while (0..2).any(|side| self.perform(side) || self.deliver(side)) {}
    }

    /// Connects every pair until all have everything.
    pub(super) fn settle(&mut self) {
        for _ in 0..4 {
            for a in 0..self.replicas.len() {
                for b in a + 1..self.replicas.len() {
                    self.connect(a, b);
                    self.run();
                }
            }
        }
    }

    pub(super) fn all_equal(&self) -> bool {
        let said = |replica: &Replica| replica.sums().root();
        self.replicas.iter().all(|replica| said(replica) == said(&self.replicas[0]))
    }
}
