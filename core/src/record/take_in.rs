//! Taking in what another device sent.

use super::beside;
use super::history::{remember_other, remember_replaced};
use super::merge::{State, Whole, hear};
use super::rows::{self, FeedEntry};
use super::travel::{Gone, Seen, Traveling};
use super::write::{Change, Tx, What};
use crate::error::Result;
use crate::store::Connection;
use crate::time::{DAY_MS, Hlc, UtcMillis};

/// What became of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenIn {
    /// Something changed here.
    Changed {
        /// The write.
        change: Change,
        /// What stands now is just what was sent.
        is_echo: bool,
    },
    /// All of it was known.
    Known,
    /// It was set aside: the record says that it was written in another century.
    Refused,
}

/// A clock that is this far ahead is broken beyond use; stamping above it would take all others along.
const MOST_AHEAD_MS: i64 = 100 * 366 * DAY_MS;

impl Tx<'_> {
    /// Takes in one record, or that one is gone. Taking in the same again changes nothing.
    pub(crate) fn take_in(&mut self, sent: Traveling) -> Result<TakenIn> {
        match sent {
            Traveling::Record(whole) => self.take_in_record(*whole),
            Traveling::Gone(gone) => self.take_in_gone(&gone),
        }
    }

    fn take_in_record(&mut self, sent: Whole) -> Result<TakenIn> {
        // What stands beside a record has been taken in by its stamps, or it cannot be read.
        if self.is_too_far_ahead(sent.record.meta.highest()) {
            return Ok(TakenIn::Refused);
        }
        let id = sent.record.id;
        if let Some(gone) = rows::gone(self.conn(), id)? {
            if gone.erased || covers(&gone.seen, &sent.record.meta.seen()) {
                return Ok(TakenIn::Known);
            }
            rows::unbury(self.conn(), id)?;
            let revived = State::of(&sent).knowing(&gone.seen).whole(0, sent.record.fields);
            return Ok(TakenIn::Changed { change: self.put_new(&revived)?, is_echo: false });
        }
        let Some((k, record)) = rows::load_row(self.conn(), id)? else {
            // What came twice in there is kept once.
            let sent = if sent.has_beside() {
                State::of(&sent).whole(0, sent.record.fields)
            } else {
                sent
            };
            return Ok(TakenIn::Changed { change: self.put_new(&sent)?, is_echo: true });
        };
        let before = beside::whole(self.conn(), k, record)?;
        let (ours, theirs) = (State::of(&before), State::of(&sent));
        let joined = ours.clone().join(theirs.clone());
        if joined == ours {
            return Ok(TakenIn::Known);
        }
        let is_echo = joined == theirs;
        self.observe(joined.highest());
        let lseq = self.next_lseq();
        let after = joined.whole(lseq, before.record.fields.clone());
        remember_replaced(self.conn(), k, &before.record, &after.record, self.now())?;
        let others = if before.has_beside() { ours.others() } else { Vec::new() };
        for other in others {
            if !joined.says(&other.path, other.value.as_ref()) {
                remember_other(self.conn(), k, &other, (self.now(), lseq))?;
            }
        }
        let what = match (before.record.alive, after.record.alive) {
            (true, false) => What::Deleted,
            (false, true) => What::Restored,
            _ => What::Edited,
        };
        let removed = if after.record.alive { None } else { Some(self.now().0) };
        let words = rows::indexed_words(self.conn(), k)?;
        rows::update(self.conn(), k, &after.record, removed)?;
        rows::unindex(self.conn(), k, words)?;
        beside::keep(self.conn(), k, &after.siblings, &after.documents)?;
        let change = self.changed(id, &after.record.kind, what);
        Ok(TakenIn::Changed { change, is_echo })
    }

    fn put_new(&mut self, sent: &Whole) -> Result<Change> {
        let mut record = sent.record.clone();
        self.observe(record.meta.highest());
        record.lseq = self.next_lseq();
        let removed = if record.alive { None } else { Some(self.now().0) };
        rows::insert(self.conn(), &record, removed)?;
        let k = i64::try_from(record.lseq).unwrap_or(i64::MAX);
        if sent.has_beside() {
            beside::keep(self.conn(), k, &sent.siblings, &sent.documents)?;
        }
        Ok(self.changed(record.id, &record.kind, What::Created))
    }

    fn take_in_gone(&mut self, gone: &Gone) -> Result<TakenIn> {
        let highest = gone.seen.values().fold(gone.stamp.hlc, |highest, hlc| highest.max(*hlc));
        if self.is_too_far_ahead(highest) {
            return Ok(TakenIn::Refused);
        }
        let known = rows::gone(self.conn(), gone.id)?;
        let local = rows::load_row(self.conn(), gone.id)?;
        let merged = match (&known, &local) {
            (Some(known), _) => join_gone(known, gone),
            (None, Some((_, record)))
                if !gone.erased && !covers(&gone.seen, &record.meta.seen()) =>
            {
                // Something here is newer than what was purged there; they will hear of it.
                return Ok(TakenIn::Known);
            }
            (None, _) => gone.clone(),
        };
        if known.as_ref() == Some(&merged) {
            return Ok(TakenIn::Known);
        }
        self.observe(merged.stamp.hlc);
        let kind = local.as_ref().map(|(_, record)| record.kind.clone()).unwrap_or_default();
        let lseq = self.next_lseq();
        rows::bury(self.conn(), local.map(|(k, _)| k), &merged, lseq)?;
        let change = self.changed(gone.id, &kind, What::Erased);
        Ok(TakenIn::Changed { change, is_echo: merged == *gone })
    }

    fn is_too_far_ahead(&self, hlc: Hlc) -> bool {
        hlc > Hlc::from_ms(UtcMillis(self.now().0 + MOST_AHEAD_MS))
    }
}

/// An entry as it travels.
pub(crate) fn traveling(conn: &Connection, what: &FeedEntry) -> Result<Traveling> {
    match what {
        FeedEntry::Record(k) => Ok(Traveling::Record(Box::new(beside::at(conn, *k)?))),
        FeedEntry::Gone(lseq) => rows::gone_at(conn, *lseq).map(Traveling::Gone),
    }
}

fn covers(seen: &Seen, other: &Seen) -> bool {
    other.iter().all(|(device, hlc)| seen.get(device) >= Some(hlc))
}

fn join_gone(one: &Gone, other: &Gone) -> Gone {
    let mut seen = one.seen.clone();
    hear(&mut seen, &other.seen);
    let erased = one.erased || other.erased;
    Gone { id: one.id, erased, stamp: one.stamp.max(other.stamp), seen }
}
