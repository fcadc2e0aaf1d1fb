//! What this side sends: a page at a time, the next one made while the last is on its way.

use super::super::frame::{Frame, Packer, Page, Refusal, Why};
use super::{Batch, Effect, Out, Session};
use crate::ids::RecordId;

#[derive(Default)]
pub(super) struct Sending {
    /// The local sequence up to which pages were read.
    read_to: u64,
    reading: Option<Reading>,
    /// The page that is on its way.
    in_flight: Option<Sent>,
    /// The page after that.
    next: Option<(Page, Sent)>,
    /// There is more than was read.
    dirty: bool,
    repair: Option<Repair>,
    packer: Packer,
}

#[derive(Clone, Copy, PartialEq)]
enum Reading {
    News,
    Repair,
}

struct Sent {
    to: u64,
    is_repair: bool,
    ids: Vec<RecordId>,
}

struct Repair {
    buckets: Vec<u8>,
    read_to: u64,
}

impl Sending {
    pub(super) fn begin_at(&mut self, cursor: u64, head: u64) {
        self.read_to = cursor;
        self.dirty = head > cursor;
    }

    pub(super) fn begin_repair(&mut self, buckets: Vec<u8>) {
        self.repair = Some(Repair { buckets, read_to: 0 });
    }

    pub(super) fn is_idle(&self) -> bool {
        self.reading.is_none()
            && self.in_flight.is_none()
            && self.next.is_none()
            && self.repair.is_none()
            && !self.dirty
    }
}

impl Session {
    /// Something was written here.
    pub(super) fn note_written(&mut self) {
        self.sending.dirty = true;
        self.comparing.outdated();
    }

    pub(super) fn send_next(&mut self, out: Out<'_>) {
        let sending = &mut self.sending;
        if sending.in_flight.is_none()
            && let Some((page, sent)) = sending.next.take()
        {
            Self::send(&Frame::Page(page), out);
            sending.in_flight = Some(sent);
        }
        if sending.reading.is_some() || sending.next.is_some() {
            return;
        }
        if sending.dirty {
            sending.dirty = false;
            sending.reading = Some(Reading::News);
            out.push(Effect::Read { after: sending.read_to, buckets: None });
        } else if let Some(Repair { buckets, read_to }) = &sending.repair {
            sending.reading = Some(Reading::Repair);
            out.push(Effect::Read { after: *read_to, buckets: Some(buckets.clone()) });
        }
    }

    pub(super) fn take_batch(&mut self, batch: Batch) {
        let sending = &mut self.sending;
        let Some(reading) = sending.reading.take() else { return };
        let (to, more) = (batch.to, batch.more);
        if batch.left_out {
            self.comparing.outdated();
        }
        let is_repair = reading == Reading::Repair;
        let from = if is_repair { 0 } else { std::mem::replace(&mut sending.read_to, to) };
        if is_repair {
            let rest = sending.repair.take().filter(|_| more);
            sending.repair = rest.map(|repair| Repair { read_to: to, ..repair });
        } else {
            sending.dirty |= more;
            if to == from {
                return;
            }
        }
        let pack = |records: &[Vec<u8>]| sending.packer.pack(records.iter().map(Vec::as_slice));
        let (page, ids) = batch.into_page(from, is_repair, pack);
        sending.next = Some((page, Sent { to, is_repair, ids }));
    }

    pub(super) fn take_ack(&mut self, to: u64, refused: &[Refusal], out: Out<'_>) {
        let Some(sent) = self.sending.in_flight.take().filter(|sent| sent.to == to) else {
            return self.refuse(Why::Nonsense, out);
        };
        let named = refused
            .iter()
            .map(|refusal| Some((*sent.ids.get(refusal.place as usize)?, refusal.why)));
        let Some(refused) = named.collect::<Option<Vec<_>>>() else {
            return self.refuse(Why::Nonsense, out);
        };
        if !refused.is_empty() {
            self.comparing.outdated();
        }
        out.push(Effect::Acked { to: (!sent.is_repair).then_some(to), refused });
        self.progress(sent.ids.len(), out);
    }
}
