//! What another device lacks, and taking in what it sent. Who sends when, and over what, is not this
//! room's business.

use super::Logbook;
use crate::error::Result;
use crate::ids::RecordId;
use crate::record::{self, TakenIn};

/// A record, or that one is gone, as it travels.
#[derive(Clone, PartialEq, Eq)]
pub struct Handed {
    /// Which record.
    pub id: RecordId,
    /// Its local sequence number where it comes from.
    pub lseq: u64,
    /// Readable by `Logbook::take_in` of any device.
    pub bytes: Vec<u8>,
}

quiet_debug!(Handed);

/// Records in the order in which they were written, and how far they reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// In order.
    pub records: Vec<Handed>,
    /// Asked for after this number, the next ones come.
    pub up_to: u64,
    /// There are more.
    pub more: bool,
}

/// What became of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TakenInReport {
    /// Records that changed here.
    pub changed: u64,
    /// Records that were known.
    pub known: u64,
    /// Places, counted from 0, of what was set aside: it cannot be read, or is dated in another century.
    pub refused: Vec<u64>,
}

impl Logbook {
    /// What was written after the local sequence number `after`, at most `limit` records.
    pub fn hand_over(&self, after: u64, limit: u32) -> Result<HandedOver> {
        if !self.read(record::is_shared)? {
            self.store.write(record::note_shared)?;
        }
        let mut found = self.read(|conn| record::feed(conn, after, limit.saturating_add(1)))?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let up_to = found.last().map_or(after, |(lseq, ..)| *lseq);
        let records = found.into_iter().map(|(lseq, id, travelling)| Handed {
            id,
            lseq,
            bytes: record::encode_travelling(&travelling),
        });
        Ok(HandedOver { records: records.collect(), up_to, more })
    }

    /// Takes in records, all in one transaction. What cannot be read is set aside and never stops the
    /// rest; taking in the same again changes nothing.
    pub fn take_in<'a>(
        &self,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<TakenInReport> {
        let taken = self.transact(|tx| {
            let mut report = TakenInReport::default();
            for (place, bytes) in (0..).zip(records) {
                let Ok(travelling) = record::decode_travelling(bytes) else {
                    report.refused.push(place);
                    continue;
                };
                match tx.take_in(travelling)? {
                    TakenIn::Changed(_) => report.changed += 1,
                    TakenIn::Known => report.known += 1,
                    TakenIn::Refused => report.refused.push(place),
                }
            }
            Ok(report)
        })?;
        Ok(taken.value)
    }
}
