//! The writes of one transaction.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Record;
use super::beside;
use super::choice::Intent;
use super::dots::Dot;
use super::history::{changes, remember_other, remember_replaced};
use super::merge::{Put, State};
use super::meta::Meta;
use super::path::{ChangedPath, Fields, flatten, get, is_within, join};
use super::put::put_all;
use super::rows;
use super::shape::{FieldType, Shape};
use super::travel::Gone;
use crate::error::{LogbookError, Result};
use crate::ids::{DeviceId, RecordId};
use crate::store::{Connection, words};
use crate::time::{Hlc, MINUTE_MS, Moment, Stamp, UtcMillis};

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum What {
    /// It is new.
    Created,
    /// Fields of it changed.
    Edited,
    /// It went to the recently deleted.
    Deleted,
    /// It came back.
    Restored,
    /// It is gone for good.
    Erased,
}

/// One record that a transaction changed. Also the token for undoing that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Change {
    /// Which record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// What happened to it.
    pub what: What,
    /// The local sequence of the write.
    pub lseq: u64,
}

/// A record to be written.
#[derive(Clone)]
pub struct NewRecord {
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// When it was typed.
    pub at: Moment,
    /// What was written.
    pub fields: Fields,
}

/// The fields of a record of `kind` with `patch` put in.
pub fn patched(kind: &str, mut fields: Fields, patch: Patch) -> Fields {
    let shape = Shape::of(kind);
    put_all(&mut fields, patch, &|path| shape.field_type(path));
    fields
}

/// Whether a record was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is written.
    New,
    /// A record of this id is there already, deleted or not; nothing changed.
    Known,
    /// A record of this id was erased or purged; it does not come back.
    Gone,
}

/// Fields to be written: a path and its value, or `None` to take it away.
pub type Patch = Vec<(String, Option<Value>)>;

/// A field that somebody else wrote while the form was open; it was left as it is.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct StaleField {
    /// The field.
    pub path: String,
    /// What was typed, as JSON; `None`: taken away.
    pub typed_json: Option<String>,
    /// What stands, as JSON.
    pub current_json: Option<String>,
}

impl std::fmt::Debug for StaleField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaleField").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct EditOutcome {
    /// The write, where anything changed.
    pub change: Option<Change>,
    /// Fields that were not written because they had changed since the form was opened.
    pub stale: Vec<StaleField>,
}

/// The type of a path of a record: as stored with it, else as its kind says.
pub(crate) fn type_of<'a>(kind: &'a str, meta: &'a Meta) -> impl Fn(&str) -> FieldType + 'a {
    let shape = Shape::of(kind);
    move |path| meta.types.get(path).cloned().unwrap_or_else(|| shape.field_type(path))
}

/// The types of the fields that are no plain registers.
fn typed_tops(kind: &str, fields: &Fields) -> impl Iterator<Item = (String, FieldType)> {
    let shape = Shape::of(kind);
    let typed = fields.keys().filter(|name| shape.field_type(name) != FieldType::Register);
    typed.map(|name| join("", name)).map(|path| {
        let field_type = shape.field_type(&path);
        (path, field_type)
    })
}

/// After so many writes the search index follows.
const INDEX_EVERY: u64 = 512;

/// Whether something was written that the search index has not taken in.
pub(crate) fn index_is_behind(conn: &Connection) -> Result<bool> {
    Ok(rows::newest(conn)?.0 > words::indexed(conn)?)
}

/// Lets the search index catch up.
pub(crate) fn catch_up_index(conn: &Connection) -> Result<()> {
    words::index(conn, rows::newest(conn)?.0)
}

/// Makes an index beside it, in memory, of what the search index has not taken in.
pub(crate) fn index_beside(conn: &Connection) -> Result<()> {
    words::gather_lately(conn)
}

/// An open transaction, its clock and what it has changed so far.
pub struct Tx<'c> {
    conn: &'c Connection,
    now: UtcMillis,
    device: DeviceId,
    clock: Hlc,
    lseq: u64,
    /// What changed, in order.
    pub changes: Vec<Change>,
}

impl<'c> Tx<'c> {
    /// Begins on a connection that has a transaction open: the sequence and the clock are read inside
    /// of it, so that two programs on one book never write the same number.
    pub(crate) fn begin(
        conn: &'c Connection,
        now: UtcMillis,
        device: DeviceId,
        clock: Hlc,
    ) -> Result<Self> {
        let (lseq, newest) = rows::newest(conn)?;
        Ok(Self {
            conn,
            now,
            device,
            clock: clock.max(Hlc(newest).min(furthest(now))),
            lseq,
            changes: Vec::new(),
        })
    }

    /// Ends the work of the transaction: lets the search index follow once enough was written.
    pub(crate) fn end(self) -> Result<Vec<Change>> {
        if self.lseq - words::indexed(self.conn)? >= INDEX_EVERY {
            words::index(self.conn, self.lseq)?;
        }
        Ok(self.changes)
    }

    /// Lets the search index follow at once: who takes in much text does not leave it to the next save.
    pub(crate) fn index_now(&self) -> Result<()> {
        words::index(self.conn, self.lseq)
    }

    /// The connection, for a room's own reads within the transaction.
    pub(crate) fn conn(&self) -> &'c Connection {
        self.conn
    }

    pub(crate) fn now(&self) -> UtcMillis {
        self.now
    }

    pub(crate) fn next_lseq(&mut self) -> u64 {
        self.lseq += 1;
        self.lseq
    }

    /// Hears of a stamp of somebody else's; it pulls the clock along by five minutes at the most.
    pub(crate) fn observe(&mut self, hlc: Hlc) {
        self.clock = self.clock.max(hlc.min(furthest(self.now)));
    }

    fn stamp(&mut self, above: Hlc) -> Stamp {
        self.clock = Hlc::tick(self.now, self.clock.max(above));
        Stamp { hlc: self.clock, device: self.device }
    }

    pub(crate) fn changed(&mut self, id: RecordId, kind: &str, what: What) -> Change {
        let change = Change { id, kind: kind.to_owned(), what, lseq: self.lseq };
        self.changes.push(change.clone());
        change
    }

    /// Writes a new record, unless its id is known.
    pub fn create(&mut self, new: NewRecord) -> Result<Created> {
        match rows::known_and_gone(self.conn, new.id)? {
            (_, true) => return Ok(Created::Gone),
            (true, false) => return Ok(Created::Known),
            (false, false) => {}
        }
        let NewRecord { id, kind, at, fields } = new;
        let mut meta = Meta::new(self.stamp(Hlc(0)), BTreeMap::new());
        meta.note_types(typed_tops(&kind, &fields));
        self.lseq += 1;
        let record =
            Record { id, kind: kind.clone(), at, fields, alive: true, lseq: self.lseq, meta };
        rows::insert(self.conn, &record, None)?;
        self.changed(id, &kind, What::Created);
        Ok(Created::New)
    }

    /// Writes the fields of `patch` that differ. With `opened`, the local sequence that a form was
    /// opened at, fields that changed since are left alone and named.
    pub fn edit(&mut self, id: RecordId, patch: Patch, opened: Option<u64>) -> Result<EditOutcome> {
        let (k, record) = self.load(id)?;
        let newer: Vec<String> = match opened {
            Some(opened) if opened < record.lseq => rows::replaced_since(self.conn, k, opened)?
                .into_iter()
                .map(|replaced| replaced.path)
                .collect(),
            _ => Vec::new(),
        };
        let touches =
            |path: &str| newer.iter().any(|other| is_within(other, path) || is_within(path, other));
        let (stale, fresh): (Patch, Patch) = patch.into_iter().partition(|(path, value)| {
            touches(path) && get(&record.fields, path) != value.as_ref()
        });
        let stale = stale
            .into_iter()
            .map(|(path, typed)| stale_field(&record.fields, path, typed.as_ref()));
        let stale = stale.collect::<Result<_>>()?;
        let intent = Intent { patch: fresh, ..Intent::of(What::Edited) };
        Ok(EditOutcome { change: self.write(k, record, intent)?, stale })
    }

    /// Moves a record to the recently deleted; deleting again changes nothing.
    pub fn delete(&mut self, id: RecordId) -> Result<Option<Change>> {
        let (k, record) = self.load(id)?;
        self.write(k, record, Intent::of(What::Deleted))
    }

    /// Brings a deleted record back.
    pub fn restore(&mut self, id: RecordId) -> Result<Option<Change>> {
        let (k, record) = self.load(id)?;
        self.write(k, record, Intent::of(What::Restored))
    }

    /// Drops value, history and index terms of a record, here and, through the tomb, everywhere.
    pub fn erase(&mut self, id: RecordId) -> Result<Change> {
        self.bury(id, true)
    }

    /// Drops the content of what was deleted long ago, and history past its time.
    pub fn purge(&mut self, history_before: UtcMillis, removed_before: UtcMillis) -> Result<()> {
        for id in rows::expired(self.conn, history_before.0, removed_before.0)? {
            self.bury(id, false)?;
        }
        Ok(())
    }

    fn bury(&mut self, id: RecordId, erased: bool) -> Result<Change> {
        let (k, record) = self.load(id)?;
        let stamp = self.stamp(record.meta.highest());
        let lseq = self.next_lseq();
        let gone = Gone { id, erased, stamp, seen: record.meta.seen() }.for_good();
        rows::bury(self.conn, Some(k), &gone, lseq)?;
        Ok(self.changed(id, &record.kind, What::Erased))
    }

    pub(super) fn load(&self, id: RecordId) -> Result<(i64, Record)> {
        rows::load_row(self.conn, id)?.ok_or(LogbookError::NotFound { id })
    }

    /// The one place that changes a record: values, stamps, history, index and sequence together.
    pub(super) fn write(
        &mut self,
        k: i64,
        mut record: Record,
        intent: Intent,
    ) -> Result<Option<Change>> {
        let Intent { what, alive, patch, authors, rewritten, settles, beside } = intent;
        let kind = record.kind.clone();
        record.meta.note_types(patch_types(&kind, &record.meta, &patch).into_iter());
        let old = record.clone();
        let types = type_of(&kind, &old.meta);
        put_all(&mut record.fields, patch, &types);
        record.alive = alive;
        let mut changed = changes(&old, &record);
        let keeps_words = changed.iter().all(ChangedPath::is_wordless);
        for path in rewritten {
            if !changed.iter().any(|other| other.path == path) {
                let stands = flatten(&old.fields, &types).get(&path).copied();
                changed.push(ChangedPath { path, before: stands, after: stands });
            }
        }
        if changed.is_empty() {
            return Ok(None);
        }
        let mut put_back = Vec::new();
        for (path, value, author) in beside {
            let stamp = self.stamp(old.meta.highest());
            put_back.push((path, Dot { value, author: author.unwrap_or(stamp) }, stamp));
        }
        let stamp = self.stamp(old.meta.highest());
        self.lseq += 1;
        remember_replaced(self.conn, k, &changed, &old.meta, (self.now, self.lseq))?;
        let indexed = words::before(self.conn, k, keeps_words)?;
        if alive && old.alive {
            // An edit says that the record lives, whatever a delete elsewhere says meanwhile.
            changed.push(ChangedPath::alive(true, true));
        }
        let removed = if alive { None } else { Some(self.now.0) };
        if !put_back.is_empty() || beside::any(self.conn, k)? {
            let values = changed.into_iter().map(|ChangedPath { path, before, after }| {
                let author = authors.get(&path).copied().unwrap_or(stamp);
                (path, before.cloned(), Dot { value: after.cloned(), author })
            });
            let values = values.collect();
            drop(types);
            let after = record.fields;
            self.write_beside(k, old, Write { values, after, alive, stamp, settles, put_back })?;
        } else {
            let paths: Vec<String> = changed.into_iter().map(|change| change.path).collect();
            let brought_back = authors.into_iter().filter(|(path, _)| paths.contains(path));
            let brought_back: Vec<_> = brought_back.collect();
            record.meta.write(paths.into_iter(), stamp);
            record.meta.authors.extend(brought_back);
            record.lseq = self.lseq;
            rows::update(self.conn, k, &record, removed)?;
        }
        words::after(self.conn, k, indexed)?;
        Ok(Some(self.changed(record.id, &kind, what)))
    }

    /// The same where values of others stand beside the record's, or shall.
    fn write_beside(&self, k: i64, old: Record, write: Write) -> Result<()> {
        let whole = beside::whole(self.conn, k, old)?;
        let had_beside = whole.has_beside();
        let mut state = State::of(&whole);
        let others = state.others();
        let Write { stamp, settles, .. } = write;
        for (path, before, dot) in write.values {
            state.write(Put { path: &path, before: before.as_ref(), dot, stamp, settles });
        }
        for loser in others.iter().filter(|other| !state.holds(&other.path, other.stamp)) {
            remember_other(self.conn, k, loser, (self.now, self.lseq))?;
        }
        for (path, dot, stamp) in write.put_back {
            state.put_beside(&path, dot, stamp);
        }
        let whole = state.whole(self.lseq, write.after);
        let removed = if write.alive { None } else { Some(self.now.0) };
        rows::update(self.conn, k, &whole.record, removed)?;
        beside::keep(self.conn, k, had_beside, &whole)
    }
}

/// What is written to a record.
struct Write {
    /// Path, what was shown there, and what shall stand there.
    values: Vec<(String, Option<Value>, Dot)>,
    /// The fields as they shall be.
    after: Fields,
    alive: bool,
    stamp: Stamp,
    settles: bool,
    /// Values that stand beside what is written, under stamps below it.
    put_back: Vec<(String, Dot, Stamp)>,
}

/// How far a stamp of somebody else's may pull the clock: a clock that is wrong harms its own record only.
fn furthest(now: UtcMillis) -> Hlc {
    Hlc::from_ms(UtcMillis(now.0 + 5 * MINUTE_MS))
}

fn patch_types(kind: &str, meta: &Meta, patch: &Patch) -> Vec<(String, FieldType)> {
    let shape = Shape::of(kind);
    let tops = patch
        .iter()
        .filter_map(|(path, _)| super::path::split(path).first().map(|top| join("", top)));
    tops.filter(|top| !meta.types.contains_key(top))
        .map(|top| (top.clone(), shape.field_type(&top)))
        .collect()
}

fn stale_field(fields: &Fields, path: String, typed: Option<&Value>) -> Result<StaleField> {
    let json = |value: Option<&Value>| {
        value.map(serde_json::to_string).transpose().map_err(rows::json_error)
    };
    let current_json = json(get(fields, &path))?;
    Ok(StaleField { typed_json: json(typed)?, current_json, path })
}
