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
#[cfg(feature = "lan")]
mod bundle_tests;
#[cfg(feature = "lan")]
mod bundles;
#[cfg(test)]
mod large_tests;
mod peers;
mod rows;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twice_tests;

#[cfg(feature = "lan")]
pub use bundles::{BundleTo, MadeBundle, TakenBundle};
pub(super) use peers::names;
pub use peers::{DEVICE, Peer, RecordSync, SyncCounts};
pub(super) use rows::{forget_peers, forget_sent};

use std::sync::atomic::Ordering;

use super::{Logbook, identity};
use crate::error::Result;
use crate::ids::{DeviceId, RecordId};
use crate::record::sums::Sums;
use crate::record::{self, SenderHasIt, TakenIn, Tx};
use crate::store::Connection;
use crate::store::SCHEMA;
use crate::sync::Fingerprint;
use crate::sync::frame::{MOST_BYTES, PAGE_BYTES, PAGE_RECORDS, Refusal, WhyRefused, id_of};
use crate::sync::session::{Applied, Batch, Effect, Event, Greeting, Incoming, Merged, Outgoing};

/// A record must leave room for the frame around it.
const LARGEST: usize = MOST_BYTES - 1024;
/// How many entries are looked at in one go.
const STEP: u32 = 501;

impl Logbook {
    /// Where this side stands towards a peer, as a session begins.
    pub fn greet(&self, peer: Fingerprint) -> Result<Greeting> {
        self.retry_set_aside(peer)?;
        let (head, sums) = self.sums(peer)?;
        let known = self.read(|conn| rows::peer(conn, peer))?;
        Ok(Greeting {
            schema: SCHEMA,
            replica: self.device(),
            knows: known.replica.map(|replica| (replica, known.received)),
            head,
            waiting: self.read(|conn| rows::waiting(conn, peer, known.sent))?.0,
            sums: Box::new(sums),
            now: self.now().utc,
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
            Effect::Renew => self.renew().map(|()| None),
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
        self.store.write(|conn| {
            let (head, mut sums) = record::sum_up(conn)?;
            record::without(conn, &mut sums, &rows::refused(conn, peer)?)?;
            Ok((head, sums))
        })
    }

    /// What an older version set aside, this one may be able to read.
    fn retry_set_aside(&self, peer: Fingerprint) -> Result<()> {
        let aside = self.read(|conn| rows::set_aside(conn, peer))?;
        if aside.is_empty() {
            return Ok(());
        }
        self.transact(|tx| {
            for (id, bytes) in &aside {
                if take_one(tx, bytes)?.is_ok() {
                    rows::accept(tx.conn(), peer, *id)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// From now on this book writes under a new device id: it was restored from an older copy.
    fn renew(&self) -> Result<()> {
        let device = identity::renew(&self.store, &*self.ids)?;
        self.device.store(device.0, Ordering::Relaxed);
        Ok(())
    }

    fn read_batch(&self, peer: Fingerprint, after: u64, buckets: Option<&[u8]>) -> Result<Batch> {
        let (mut batch, too_large) = self.read(|conn| batch(conn, peer, after, buckets))?;
        let aside = self.read(|conn| rows::refused(conn, peer))?;
        let again = batch.records.iter().map(|record| record.id).filter(|id| aside.contains(id));
        let again: Vec<RecordId> = again.collect();
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

    /// Takes in a page and moves the cursor, in one transaction. What cannot be read is set aside and
    /// never stops the rest; taking in the same again changes nothing.
    fn apply(&self, peer: Fingerprint, incoming: &Incoming) -> Result<Applied> {
        let taken = self.transact(|tx| {
            let mut applied = Applied::default();
            let mut echo = Vec::new();
            let aside = rows::refused(tx.conn(), peer)?;
            for (place, bytes) in (0..).zip(&incoming.records) {
                let id = id_of(bytes);
                match (take_one(tx, bytes)?, id) {
                    // What was set aside goes back even where it is an echo: the other side may hold on
                    // to an older form.
                    (Ok(_), Some(id)) if aside.contains(&id) => rows::accept(tx.conn(), peer, id)?,
                    (Ok(TakenIn::Changed { change, sender }), _) => match sender {
                        SenderHasIt::Now => echo.push(change.lseq),
                        SenderHasIt::After(before) => {
                            applied.merged.push(Merged {
                                id: change.id,
                                before,
                                after: change.lseq,
                            });
                        }
                        SenderHasIt::WhenSent => {}
                    },
                    (Ok(_), _) => {}
                    (Err(why), id) => {
                        applied.refused.push(Refusal { place, why });
                        // Without an id there is nothing to keep it under: the sender still has it.
                        if let Some(id) = id {
                            rows::refuse(tx.conn(), peer, id, why, Some(bytes))?;
                        }
                    }
                }
            }
            note_echo(tx.conn(), peer, &echo)?;
            if let Some(cursor) = incoming.cursor {
                rows::note_received(tx.conn(), peer, cursor)?;
            }
            Ok(applied)
        })?;
        Ok(Applied { changed: !taken.changes.is_empty(), ..taken.value })
    }

    pub(super) fn device(&self) -> DeviceId {
        DeviceId(self.device.load(Ordering::Relaxed))
    }
}

/// Takes a record in, or says why not.
fn take_one(tx: &mut Tx<'_>, bytes: &[u8]) -> Result<std::result::Result<TakenIn, WhyRefused>> {
    if record::is_too_large(bytes) {
        return Ok(Err(WhyRefused::TooLarge));
    }
    let Ok(traveling) = record::decode_traveling(bytes) else {
        return Ok(Err(WhyRefused::Unreadable));
    };
    Ok(match tx.take_in(traveling)? {
        TakenIn::Refused => Err(WhyRefused::FarAhead),
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
    let is_echo = |lseq| echo.iter().any(|(first, last)| (*first..=*last).contains(&lseq));
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
            if bytes.len() > LARGEST {
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
