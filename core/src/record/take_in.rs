//! Taking in what another device sent.

use super::beside;
use super::budget::fits;
use super::history::{changes, remember_other, remember_replaced};
use super::merge::{State, Whole, hear};
use super::narrow::apart;
use super::path::ChangedPath;
use super::rows::{self, FeedEntry};
use super::travel::{Gone, Seen, Traveling};
use super::write::{Change, Tx, What};
use crate::error::Result;
use crate::store::{Connection, words};
use crate::time::{DAY_MS, Hlc, UtcMillis};

/// What became of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenIn {
    /// Something changed here.
    Changed {
        /// The write.
        change: Change,
        /// When the sender has what stands now.
        sender: SenderHasIt,
    },
    /// All of it was known.
    Known,
    /// It was set aside: the record says that it was written in another century.
    Refused,
    /// It was set aside: with what stands here it would be more than any record may be.
    TooMuch,
}

/// When the sender of a record has what stands here now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderHasIt {
    /// It is just what it sent.
    Now,
    /// Once it takes in what stood here before, at this local sequence: it makes the same of both.
    After(u64),
    /// Once it is sent.
    WhenSent,
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
        let Some((k, record)) = rows::load_row(self.conn(), id)? else {
            return self.take_in_new(sent);
        };
        let (seen, sent_seen) = (record.meta.seen(), sent.record.meta.seen());
        let knows_all = covers(&seen, &sent_seen);
        if knows_all && seen != sent_seen {
            return Ok(TakenIn::Known);
        }
        let before = beside::whole(self.conn(), k, record)?;
        if knows_all && before.says_the_same(&sent) {
            return Ok(TakenIn::Known);
        }
        let had_beside = before.has_beside();
        let (ours, theirs, mut rest) = apart(before, sent, !knows_all);
        // Only who knows all of the other can come out as it went in.
        let unchanged = knows_all.then(|| ours.clone());
        let echo = covers(&sent_seen, &seen).then(|| theirs.clone());
        let others = if had_beside { ours.others() } else { Vec::new() };
        let joined = ours.join(theirs);
        if unchanged.is_some_and(|ours| ours == joined) {
            return Ok(TakenIn::Known);
        }
        let sender = if echo.is_some_and(|theirs| theirs == joined) {
            SenderHasIt::Now
        } else {
            SenderHasIt::After(rest.was.lseq)
        };
        let narrow = joined.whole(0, rest.was.fields.clone());
        let mut after = narrow.clone();
        rest.put_back(&mut after.record);
        // What a user has written here at length is no reason to hear nobody else of that record.
        if !fits(&after) && fits(&beside::at(self.conn(), k)?) {
            return Ok(TakenIn::TooMuch);
        }
        self.observe(joined.highest());
        let lseq = self.next_lseq();
        after.record.lseq = lseq;
        let (was, is) = (&rest.was, &narrow.record);
        let changed = changes(was, is);
        let keeps_words = was.kind == is.kind && changed.iter().all(ChangedPath::is_wordless);
        remember_replaced(self.conn(), k, &changed, &was.meta, (self.now(), lseq))?;
        for other in others {
            if !joined.says(&other.path, other.dot.value.as_ref()) {
                remember_other(self.conn(), k, &other, (self.now(), lseq))?;
            }
        }
        let what = match (was.alive, is.alive) {
            (true, false) => What::Deleted,
            (false, true) => What::Restored,
            _ => What::Edited,
        };
        let removed = if after.record.alive { None } else { Some(self.now().0) };
        let indexed = words::before(self.conn(), k, keeps_words)?;
        rows::update(self.conn(), k, &after.record, removed)?;
        words::after(self.conn(), k, indexed)?;
        beside::keep(self.conn(), k, had_beside, &after)?;
        let change = self.changed(id, &after.record.kind, what);
        Ok(TakenIn::Changed { change, sender })
    }

    fn take_in_new(&mut self, sent: Whole) -> Result<TakenIn> {
        if let Some(gone) = rows::gone(self.conn(), sent.record.id)? {
            if gone.erased || covers(&gone.seen, &sent.record.meta.seen()) {
                return Ok(TakenIn::Known);
            }
            rows::unbury(self.conn(), sent.record.id)?;
            let revived = State::of(&sent).knowing(&gone.seen).whole(0, sent.record.fields);
            let change = self.put_new(revived)?;
            return Ok(TakenIn::Changed { change, sender: SenderHasIt::WhenSent });
        }
        // What came twice in there is kept once.
        let sent =
            if sent.has_beside() { State::of(&sent).whole(0, sent.record.fields) } else { sent };
        Ok(TakenIn::Changed { change: self.put_new(sent)?, sender: SenderHasIt::Now })
    }

    fn put_new(&mut self, mut sent: Whole) -> Result<Change> {
        self.observe(sent.record.meta.highest());
        sent.record.lseq = self.next_lseq();
        let record = &sent.record;
        let removed = if record.alive { None } else { Some(self.now().0) };
        rows::insert(self.conn(), record, removed)?;
        let k = i64::try_from(record.lseq).unwrap_or(i64::MAX);
        beside::keep(self.conn(), k, false, &sent)?;
        Ok(self.changed(record.id, &record.kind, What::Created))
    }

    fn take_in_gone(&mut self, gone: &Gone) -> Result<TakenIn> {
        let gone = &gone.clone().for_good();
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
        let sender = if merged == *gone { SenderHasIt::Now } else { SenderHasIt::WhenSent };
        Ok(TakenIn::Changed { change, sender })
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

pub(super) fn covers(seen: &Seen, other: &Seen) -> bool {
    other.iter().all(|(device, hlc)| seen.get(device) >= Some(hlc))
}

fn join_gone(one: &Gone, other: &Gone) -> Gone {
    let mut seen = one.seen.clone();
    hear(&mut seen, &other.seen);
    let erased = one.erased || other.erased;
    Gone { id: one.id, erased, stamp: one.stamp.max(other.stamp), seen }.for_good()
}
