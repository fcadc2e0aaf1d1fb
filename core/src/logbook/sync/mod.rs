//! Sync: the devices that this book is exchanged with, and the effects of a session on it. Who carries
//! the frames is not this room's business.

#[cfg(test)]
#[cfg(feature = "ffi")]
mod any_value_phone_tests;
#[cfg(test)]
mod any_value_tests;
#[cfg(test)]
mod bedside_tests;
#[cfg(test)]
mod budget_tests;
#[cfg(test)]
#[cfg(feature = "lan")]
mod bundle_tests;
#[cfg(feature = "lan")]
mod bundles;
#[cfg(test)]
mod large_tests;
mod peers;
mod revocation;
#[cfg(test)]
mod revocation_tests;
mod rows;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twice_tests;

#[cfg(feature = "lan")]
pub use bundles::{BundleTo, MadeBundle, TakenBundle};
pub(super) use peers::names;
pub use peers::{DEVICE, Peer, RecordSync, SyncCounts};
#[cfg(feature = "lan")]
pub(super) use revocation::may_revoke;
pub use revocation::{REVOCATION, Revocation, RevokedBy};
pub(super) use rows::{forget_peers, forget_sent};

use std::sync::atomic::Ordering;

use super::{Logbook, identity};
use crate::error::Result;
use crate::ids::{DeviceId, RecordId};
use crate::record::sums::Sums;
use crate::record::{self, SenderHasIt, TakenIn, Traveling, Tx};
use crate::store::Connection;
use crate::store::SCHEMA;
use crate::sync::Fingerprint;
use crate::sync::frame::{PAGE_BYTES, PAGE_RECORDS, Receipt, Refusal, WhyRefused, id_of};
use crate::sync::session::{Applied, Batch, Effect, Event, Greeting, Incoming, Merged, Outgoing};

/// A record that weighs more than that on an average is heavy.
const MEDIUM: usize = 8 << 10;
/// How many entries are looked at in one go.
const STEP: u32 = 501;

impl Logbook {
    /// Where this side stands towards a peer, as a session begins.
    pub fn greet(&self, peer: Fingerprint) -> Result<Greeting> {
        self.retry_set_aside(peer)?;
        let (head, sums) = self.sums(peer)?;
        let known = self.read(|conn| rows::peer(conn, peer))?;
        let receipts = identity::receipt_key(&self.store, &*self.ids)?;
        Ok(Greeting {
            schema: SCHEMA,
            replica: self.device(),
            knows: known.replica.map(|replica| (replica, known.received)),
            head,
            waiting: self.read(|conn| rows::waiting(conn, peer, known.sent))?.0,
            sums: Box::new(sums),
            now: self.now().utc,
            receipt: known.receipt,
            receipts,
        })
    }

    /// Does what a session asks of the book; what is asked of the line or the clock is somebody else's.
    pub fn perform(&self, peer: Fingerprint, effect: &Effect) -> Result<Option<Event>> {
        match effect {
            Effect::Read { after, buckets } => self
                .read_batch(peer, *after, buckets.as_deref())
                .map(|batch| Some(Event::Read(batch))),
            Effect::Apply(incoming) => {
                self.apply(peer, incoming).map(|applied| Some(Event::Applied(applied)))
            }
            Effect::Sum => {
                let (head, sums) = self.sums(peer)?;
                Ok(Some(Event::Summed { head, sums: Box::new(sums) }))
            }
            Effect::Restart(replica) => {
                self.store.write(|conn| rows::restart(conn, peer, *replica))?;
                Ok(None)
            }
            // It was restored from an older copy.
            Effect::Renew => self.renew_device(|_| Ok(())).map(|()| None),
            Effect::Acked { to, refused, also } => {
                self.store.write(|conn| {
                    to.map_or(Ok(()), |to| rows::note_sent(conn, peer, to))?;
                    note_echo(conn, peer, also)?;
                    refused
                        .iter()
                        .try_for_each(|(id, why)| rows::refuse(conn, peer, *id, *why, None))
                })?;
                Ok(None)
            }
            Effect::InStep => {
                let now = self.now().utc;
                self.store.write(|conn| rows::note_in_step(conn, peer, now))?;
                Ok(None)
            }
            Effect::Send(_)
            | Effect::Progress { .. }
            | Effect::ClockOff(_)
            | Effect::Timer(_)
            | Effect::Differs
            | Effect::Close(_) => Ok(None),
        }
    }

    /// What all records say, but for those that one of both sides has set aside.
    fn sums(&self, peer: Fingerprint) -> Result<(u64, Sums)> {
        loop {
            let summed = self.store.write(|conn| {
                let Some((head, mut sums)) = record::sum_up(conn)? else { return Ok(None) };
                record::without(conn, &mut sums, &rows::refused(conn, peer)?)?;
                Ok(Some((head, sums)))
            })?;
            if let Some(summed) = summed {
                return Ok(summed);
            }
        }
    }

    /// What another version set aside, this one may be able to take in; a record at a time.
    fn retry_set_aside(&self, peer: Fingerprint) -> Result<()> {
        while let Some((id, bytes)) = self.read(|conn| rows::next_aside(conn, peer))? {
            let read = read_one(&bytes);
            self.transact(|tx| {
                if bytes.is_empty() {
                    return rows::take_all_again(tx.conn(), peer);
                }
                match take_one(tx, read)? {
                    Ok(_) => rows::accept(tx.conn(), peer, id),
                    Err(why) => rows::refuse(tx.conn(), peer, id, why, Some(&bytes)),
                }
            })?;
        }
        Ok(())
    }

    fn read_batch(&self, peer: Fingerprint, after: u64, buckets: Option<&[u8]>) -> Result<Batch> {
        let (mut batch, too_large) = self.read(|conn| {
            revocation::refuse_revoked(conn, peer)?;
            batch(conn, peer, after, buckets)
        })?;
        let mut again = Vec::new();
        self.read(|conn| {
            if !rows::has_refused(conn, peer)? {
                return Ok(());
            }
            for Outgoing { id, .. } in &batch.records {
                if rows::is_refused(conn, peer, *id)? {
                    again.push(*id);
                }
            }
            Ok(())
        })?;
        if !too_large.is_empty() || !again.is_empty() {
            batch.left_out = true;
            self.store.write(|conn| {
                again.iter().try_for_each(|id| rows::send_again(conn, peer, *id))?;
                too_large
                    .iter()
                    .try_for_each(|id| rows::refuse(conn, peer, *id, WhyRefused::TooLarge, None))
            })?;
        }
        Ok(batch)
    }

    /// Takes in a page and moves the cursor. What can be done before is done before anybody is kept from
    /// writing; a page that weighs much is taken in by pieces, each a transaction of its own, and the
    /// cursor moves with the last. What cannot be taken in is set aside and never stops the rest; taking in
    /// the same again changes nothing.
    fn apply(&self, peer: Fingerprint, incoming: &Incoming) -> Result<Applied> {
        let read: Vec<Read> = incoming.records.iter().map(|bytes| read_one(bytes)).collect();
        let weights: Vec<usize> = read.iter().map(weight_of).collect();
        let ends = record::pieces(&weights);
        let mut read = (0..).zip(&incoming.records).zip(read);
        let mut applied = Applied::default();
        let mut from = 0;
        for (number, end) in ends.iter().enumerate() {
            let is_heavy = weights[from..*end].iter().sum::<usize>() > (end - from) * MEDIUM;
            let piece = Piece {
                records: read.by_ref().take(end - from).collect(),
                cursor: incoming
                    .cursor
                    .filter(|_| number + 1 == ends.len())
                    .map(|cursor| (cursor, incoming.receipt)),
                is_heavy,
            };
            let taken = self.transact(|tx| take_piece(tx, peer, piece))?;
            applied.changed |= !taken.changes.is_empty();
            applied.refused.extend(taken.value.refused);
            applied.merged.extend(taken.value.merged);
            from = *end;
        }
        Ok(applied)
    }

    pub(super) fn device(&self) -> DeviceId {
        DeviceId(self.device.load(Ordering::Relaxed))
    }
}

/// A record that came, read and weighed, or why it cannot be taken in.
type Read = std::result::Result<(Traveling, usize), WhyRefused>;

/// Records that are taken in at once, each with its place in the page and as it came.
struct Piece<'a> {
    records: Vec<((u32, &'a Vec<u8>), Read)>,
    /// Where the sender is afterwards; with the last piece.
    cursor: Option<(u64, Receipt)>,
    /// So much text is not left for a save of the user's to index.
    is_heavy: bool,
}

fn take_piece(tx: &mut Tx<'_>, peer: Fingerprint, piece: Piece<'_>) -> Result<Applied> {
    revocation::refuse_revoked(tx.conn(), peer)?;
    let mut applied = Applied::default();
    let mut echo = Vec::new();
    let has_aside = rows::has_refused(tx.conn(), peer)?;
    let mut set_aside = Vec::new();
    for ((place, bytes), read) in piece.records {
        let id = id_of(bytes);
        let is_aside = match id {
            Some(id) if has_aside => rows::is_refused(tx.conn(), peer, id)?,
            _ => false,
        };
        match (take_one(tx, read)?, id) {
            // What was set aside goes back even where it is an echo: the other side may hold on to an
            // older form.
            (Ok(_), Some(id)) if is_aside => rows::accept(tx.conn(), peer, id)?,
            (Ok(TakenIn::Changed { change, sender }), _) => match sender {
                SenderHasIt::Now => echo.push(change.lseq),
                SenderHasIt::After(before) => {
                    let (id, after) = (change.id, change.lseq);
                    applied.merged.push(Merged { id, before, after });
                }
                SenderHasIt::WhenSent => {}
            },
            (Ok(_), _) => {}
            (Err(why), id) => {
                applied.refused.push(Refusal { place, why });
                // Without an id there is nothing to keep it under: the sender still has it.
                if let Some(id) = id {
                    rows::refuse(tx.conn(), peer, id, why, Some(bytes))?;
                    set_aside.push(id);
                }
            }
        }
    }
    revocation::heed(tx, &set_aside)?;
    note_echo(tx.conn(), peer, &echo)?;
    if let Some((cursor, receipt)) = piece.cursor {
        rows::note_received(tx.conn(), peer, cursor, receipt)?;
    }
    if piece.is_heavy && !tx.changes.is_empty() {
        tx.index_now()?;
    }
    Ok(applied)
}

/// Reads what came, without the book.
fn read_one(bytes: &[u8]) -> Read {
    if record::is_too_large(bytes) {
        return Err(WhyRefused::TooLarge);
    }
    if bytes.len() > record::MOST_RECORD_BYTES {
        return Err(WhyRefused::TooMuch);
    }
    let traveling = record::decode_traveling(bytes).map_err(|_| WhyRefused::Unreadable)?;
    let weight = record::weigh(&traveling, bytes.len()).ok_or(WhyRefused::TooMuch)?;
    Ok((traveling, weight))
}

fn weight_of(read: &Read) -> usize {
    read.as_ref().map_or(0, |(_, weight)| *weight)
}

/// Takes a record in, or says why not.
fn take_one(tx: &mut Tx<'_>, read: Read) -> Result<std::result::Result<TakenIn, WhyRefused>> {
    let (traveling, _) = match read {
        Ok(read) => read,
        Err(why) => return Ok(Err(why)),
    };
    Ok(match tx.take_in(traveling)? {
        TakenIn::Refused => Err(WhyRefused::FarAhead),
        TakenIn::TooMuch => Err(WhyRefused::TooMuch),
        taken => Ok(taken),
    })
}

/// Notes what a peer has beyond its cursor.
fn note_echo(conn: &Connection, peer: Fingerprint, lseqs: &[u64]) -> Result<()> {
    let mut stretches = stretches(lseqs).into_iter();
    stretches.try_for_each(|(first, last)| rows::note_echo(conn, peer, first, last))
}

/// The next page for a peer, and what of it is too large for any page.
fn batch(
    conn: &Connection,
    peer: Fingerprint,
    after: u64,
    buckets: Option<&[u8]>,
) -> Result<(Batch, Vec<RecordId>)> {
    let echo = if buckets.is_some() { Vec::new() } else { rows::echo(conn, peer, after)? };
    let is_echo = |lseq| {
        // Stretches do not overlap and are in order.
        let before = echo.partition_point(|(first, _)| *first <= lseq);
        before.checked_sub(1).is_some_and(|at| lseq <= echo[at].1)
    };
    let mut batch = Batch { to: after, ..Batch::default() };
    let (mut size, mut too_large) = (0, Vec::new());
    loop {
        let entries = match buckets {
            Some(buckets) => record::entries_of(conn, batch.to, STEP, buckets)?,
            None => record::entries(conn, batch.to, STEP)?,
        };
        let is_last = entries.len() < STEP as usize;
        for entry in entries {
            if is_echo(entry.lseq) {
                batch.to = entry.lseq;
                continue;
            }
            if batch.records.len() == PAGE_RECORDS {
                batch.more = true;
                return Ok((batch, too_large));
            }
            let traveling = record::traveling(conn, &entry.what)?;
            let (id, mut bytes) = (traveling.id(), record::encode_traveling(&traveling));
            if bytes.len() > record::MOST_RECORD_BYTES {
                too_large.push(id);
                bytes = record::too_large(id);
            }
            if !batch.records.is_empty() && size + bytes.len() > PAGE_BYTES {
                batch.more = true;
                return Ok((batch, too_large));
            }
            size += bytes.len();
            batch.records.push(Outgoing { lseq: entry.lseq, id, bytes });
            batch.to = entry.lseq;
        }
        if is_last {
            return Ok((batch, too_large));
        }
    }
}

/// Rising numbers as stretches without a gap.
fn stretches(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => found.push((*number, *number)),
        }
    }
    found
}
