//! Reads the book as it is at one moment, record by record, for long work.

use crate::error::Result;
use crate::job::JobProgress;
use crate::record::{self, Listed, NewRecord};
use crate::store::OwnConnection;

/// Places found in one step.
const STEP_PLACES: u32 = 5_000;
/// Records of one step, and bytes of their fields.
const STEP_RECORDS: usize = 100;
const STEP_BYTES: usize = 128 << 10;

/// Every record that is not deleted, or those of one kind, in the order of `at`. No index has that order:
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
        let alive = found.iter().filter(wanted).filter(|place| place.alive);
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
