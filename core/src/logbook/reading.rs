//! Reads the book as it is at one moment, record by record, for long work.

use crate::error::Result;
use crate::job::JobProgress;
use crate::record::{self, Listed, NewRecord};
use crate::store::{OwnConnection, is_own_writing};

/// Places found in one step; few in a test, so that it takes several.
const STEP_PLACES: u32 = if cfg!(test) { 6 } else { 5_000 };
/// Records of one step, and bytes of their fields.
const STEP_RECORDS: usize = 100;
const STEP_BYTES: usize = 128 << 10;

/// Every record that a person wrote and did not delete, or those of one kind, in the order of `at`. No index has that order:
/// first the places are found, then the records are read; both in steps.
pub(super) struct Reading {
    conn: OwnConnection,
    kind: Option<String>,
    /// The last place found; `None` once all are.
    last: Option<Listed>,
    /// `at` and row number.
    places: Vec<(i64, i64)>,
    next: usize,
}

impl Reading {
    /// Of the book as it is now, whatever is written meanwhile.
    pub(super) fn begin(conn: OwnConnection, kind: Option<&str>) -> Result<Self> {
        conn.freeze()?;
        let (last, kind) = (Some(Listed::before(kind)), kind.map(str::to_owned));
        Ok(Self { conn, kind, last, places: Vec::new(), next: 0 })
    }

    /// The next records; none while places are being found.
    pub(super) fn batch(&mut self) -> Result<Vec<NewRecord>> {
        if let Some(last) = self.last.take() {
            self.find_places(&last)?;
            return Ok(Vec::new());
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some((_, k)) = self.places.get(self.next)
            && batch.len() < STEP_RECORDS
            && bytes < STEP_BYTES
        {
            let (record, its_bytes) = self.conn.read(|conn| record::load_new(conn, *k))?;
            batch.push(record);
            bytes += its_bytes;
            self.next += 1;
        }
        Ok(batch)
    }

    fn find_places(&mut self, last: &Listed) -> Result<()> {
        let found = self.conn.read(|conn| record::listed(conn, last, STEP_PLACES))?;
        let wanted = |place: &&Listed| self.kind.as_ref().is_none_or(|kind| *kind == place.kind);
        let all = found.len() < STEP_PLACES as usize || !found.iter().all(|place| wanted(&place));
        let written = |place: &&Listed| place.alive && is_own_writing(&place.kind);
        let alive = found.iter().filter(wanted).filter(written);
        self.places.extend(alive.map(|place| (place.at_ms, place.k)));
        if all {
            self.places.sort_unstable();
        } else {
            self.last = found.into_iter().next_back();
        }
        Ok(())
    }

    /// From the first record again.
    pub(super) fn again(&mut self) {
        self.next = 0;
    }

    /// How many records there are, once their places are found.
    pub(super) fn all(&self) -> u64 {
        self.places.len() as u64
    }

    /// In records; no total while their places are being found.
    pub(super) fn progress(&self) -> JobProgress {
        if self.last.is_some() {
            return JobProgress::default();
        }
        let finished = self.next == self.places.len();
        JobProgress { done: self.next as u64, total: self.all(), finished }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::{RecordId, SystemIds};
    use crate::logbook::tests::{book, fields};
    use crate::time::{Moment, UtcMillis};

    fn all(mut reading: Reading) -> Vec<(String, i64)> {
        let mut read = Vec::new();
        while !reading.progress().finished {
            read.extend(reading.batch().unwrap().into_iter().map(|new| (new.kind, new.at.utc.0)));
        }
        assert_eq!(reading.all(), read.len() as u64);
        read
    }

    #[test]
    fn every_record_is_read_once_in_the_order_of_at() {
        let (_folder, book) = book();
        let made = |n: i64| {
            let at = Moment { utc: UtcMillis((n * 7 % 40) * 60_000), offset_min: None };
            // Done in another order than typed.
            let fields =
                fields(json!({"performed_at": format!("2026-10-{:02}T10:00:00Z", n % 28 + 1)}));
            let kind = ["case", "consult", "person"][usize::try_from(n % 3).unwrap()].to_owned();
            NewRecord { id: RecordId::new(at.utc, &SystemIds), kind, at, fields }
        };
        let new: Vec<NewRecord> = (0..40).map(made).collect();
        let deleted = [new[3].id, new[4].id];
        let wanted = |kind: Option<&str>| {
            let mut wanted: Vec<_> = new
                .iter()
                .filter(|new| {
                    !deleted.contains(&new.id) && kind.is_none_or(|kind| kind == new.kind)
                })
                .map(|new| (new.kind.clone(), new.at.utc.0))
                .collect();
            wanted.sort_by_key(|(_, at)| *at);
            wanted
        };
        let expected =
            [None, Some("case"), Some("consult"), Some("none")].map(|kind| (kind, wanted(kind)));
        book.transact(|tx| new.into_iter().try_for_each(|new| tx.create(new).map(drop))).unwrap();
        for id in deleted {
            book.delete(id).unwrap();
        }
        for (kind, expected) in expected {
            let reading = Reading::begin(book.store.connect().unwrap(), kind).unwrap();
            assert_eq!(all(reading), expected, "{kind:?}");
        }
    }
}
