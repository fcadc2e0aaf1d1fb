//! What this side sends: a page at a time, the next one made while the last is on its way.

use super::super::frame::{Frame, Packer, Page, Refusal, Why};
use super::{Batch, Effect, Merged, Out, Session};
use crate::ids::RecordId;

#[derive(Default)]
pub(super) struct Sending {
    /// The local sequence up to which pages were read, and up to which the other has them.
    read_to: u64,
    acked: u64,
    reading: Option<Reading>,
    /// The page that is on its way.
    in_flight: Option<Sent>,
    /// The page after that.
    next: Option<(Page, Sent)>,
    /// There is more than was read.
    dirty: bool,
    /// What goes to the other only if it should not take in what was sent before.
    merged: Vec<Merged>,
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
        (self.read_to, self.acked) = (cursor, cursor);
        // What was written since the greeting is not in its head.
        self.dirty |= head > cursor;
    }

    pub(super) fn begin_repair(&mut self, buckets: Vec<u8>) {
        self.repair = Some(Repair { buckets, read_to: 0 });
    }

    /// Keeps in mind what came of records whose older form is on its way to the other; gives those that
    /// it has already.
    pub(super) fn sort_merged(&mut self, mut merged: Vec<Merged>) -> Vec<u64> {
        merged.retain(|merged| merged.before <= self.read_to);
        self.merged.append(&mut merged);
        self.known_merged()
    }

    fn known_merged(&mut self) -> Vec<u64> {
        let acked = self.acked;
        let known = self.merged.extract_if(.., |merged| merged.before <= acked);
        known.map(|merged| merged.after).filter(|after| *after > acked).collect()
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
        // What the page on its way will make known need not be read.
        let waits = sending.dirty && !sending.merged.is_empty() && sending.in_flight.is_some();
        if sending.reading.is_some() || sending.next.is_some() || waits {
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

    pub(super) fn take_batch(&mut self, mut batch: Batch) {
        let sending = &mut self.sending;
        let Some(reading) = sending.reading.take() else { return };
        if batch.left_out {
            self.comparing.outdated();
        }
        let is_repair = reading == Reading::Repair;
        if !is_repair && !sending.merged.is_empty() {
            batch.cut_before(&sending.merged.iter().map(|merged| merged.id).collect());
        }
        let (to, more) = (batch.to, batch.more);
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
        let receipt = if is_repair { None } else { self.greeting.as_ref() };
        let receipt = receipt.map(|greeting| greeting.receipts.receipt(greeting.replica, to));
        let (page, ids) = batch.into_page(from, is_repair, receipt.unwrap_or_default(), pack);
        sending.next = Some((page, Sent { to, is_repair, ids }));
    }

    pub(super) fn take_ack(&mut self, to: u64, refused: &[Refusal], out: Out<'_>) {
        let Some(sent) = self.sending.in_flight.take().filter(|sent| sent.to == to) else {
            return self.refuse(Why::Nonsense, out);
        };
        // Each place once: a page is answered by no more than it holds.
        if !refused.is_sorted_by(|one, next| one.place < next.place) {
            return self.refuse(Why::Nonsense, out);
        }
        let named = refused
            .iter()
            .map(|refusal| Some((*sent.ids.get(refusal.place as usize)?, refusal.why)));
        let Some(refused) = named.collect::<Option<Vec<_>>>() else {
            return self.refuse(Why::Nonsense, out);
        };
        if !refused.is_empty() {
            self.comparing.outdated();
        }
        let sending = &mut self.sending;
        sending.merged.retain(|merged| !refused.iter().any(|(id, _)| *id == merged.id));
        let to = (!sent.is_repair).then_some(to);
        sending.acked = to.unwrap_or(sending.acked);
        let also = sending.known_merged();
        out.push(Effect::Acked { to, refused, also });
        self.progress(sent.ids.len(), out);
    }
}
