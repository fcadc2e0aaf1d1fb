//! Records in: import as long work. Everything is read and checked first, then written in batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::import_source::ImportSource;
use super::{Logbook, Observers, tell};
use crate::content::reading::{self, Meaning};
use crate::error::{LineProblem, LogbookError, Result, StopReason};
use crate::export::jsonl::{self, Line, Lines, Parsed};
use crate::ids::{DeviceId, RecordId};
use crate::job::{Job, JobProgress, Work};
use crate::record::{BroughtIn, Change, NewRecord, Tx, What, WhenKnown};
use crate::store::OwnConnection;
use crate::time::{Clock, Hlc};

/// How to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ImportOptions {
    /// Leaves out lines that cannot be read, and lists them, instead of stopping before anything is
    /// written.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub skip_bad: bool,
    /// Writes what a line says over the record of its id: an edit like any other, kept in the history.
    /// A field that the line does not name stays. Without it such a record is left alone.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub update: bool,
    /// Brings records back that were deleted here, as they were; with `update` as the line says.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub restore: bool,
}

/// A line that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct BadLineAt {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: LineProblem,
}

/// A value that means nothing certain to the program: it is kept as it is, and no sum counts it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct UnreadValue {
    /// Counted from 1.
    pub line: u64,
    /// The field, as it is stored.
    pub path: String,
}

quiet_debug!(UnreadValue);

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ImportReport {
    /// Records that are new.
    pub added: u64,
    /// Records that were here already, just as the line says.
    pub known: u64,
    /// Records that differ from what is here; they were left alone.
    pub differ: u64,
    /// Records that were edited to what the line says.
    pub updated: u64,
    /// Records that are deleted here; they were left so.
    pub deleted: u64,
    /// Records that were deleted here and came back.
    pub restored: u64,
    /// Records that had been erased or purged here; they do not come back.
    pub gone: u64,
    /// Lines that were left out.
    pub bad: u64,
    /// The first 1,000 of them.
    pub bad_lines: Vec<BadLineAt>,
    /// Values that are kept as they are, but mean nothing certain.
    pub unread: u64,
    /// The first 1,000 of them.
    pub unread_values: Vec<UnreadValue>,
    /// The first 1,000 writes to records that were here before; each can be undone.
    pub changes: Vec<Change>,
}

impl ImportReport {
    /// How many records were written.
    pub fn written(&self) -> u64 {
        self.added + self.updated + self.restored
    }

    fn count(&mut self, brought: BroughtIn) {
        match brought {
            BroughtIn::New => self.added += 1,
            BroughtIn::Same => self.known += 1,
            BroughtIn::Differs => self.differ += 1,
            BroughtIn::Updated => self.updated += 1,
            BroughtIn::Deleted => self.deleted += 1,
            BroughtIn::Restored => self.restored += 1,
            BroughtIn::Gone => self.gone += 1,
        }
    }
}

/// Records of one import transaction; a killed import goes on after the last one when run again.
const BATCH_RECORDS: usize = 200;
const BATCH_BYTES: u64 = 2 << 20;
/// Of lines, values and writes that a report names.
const LISTED: usize = 1_000;

impl Logbook {
    /// Imports JSON lines. Everything is read and checked first; then it is written in batches, each a
    /// transaction. A record that is known already is left alone, unless the options say otherwise: to
    /// run it again adds nothing twice. The progress counts bytes, each of them twice.
    ///
    /// # Errors
    /// `BadLine`, before anything was written, unless `skip_bad`; `NoFile`; those of any write; where
    /// some of it is in by then, `ImportStopped` says how much.
    pub fn import_job(
        &self,
        source: ImportSource,
        options: ImportOptions,
    ) -> Result<Job<ImportReport>> {
        let total = source.bytes()?.saturating_mul(2);
        Ok(Job::new(Import {
            lines: source.open()?,
            source,
            options,
            total,
            checked: None,
            repeats: Repeats::default(),
            conn: self.store.connect()?,
            clock: self.clock.clone(),
            device: self.device(),
            observers: self.observers.clone(),
            report: ImportReport::default(),
        }))
    }
}

struct Import {
    source: ImportSource,
    options: ImportOptions,
    lines: Lines,
    total: u64,
    /// Bytes of the whole source, once all of it is checked.
    checked: Option<u64>,
    repeats: Repeats,
    conn: OwnConnection,
    clock: Arc<dyn Clock>,
    device: DeviceId,
    observers: Observers,
    report: ImportReport,
}

impl Import {
    /// The next record; `None` at the end. A bad line is an error, or left out.
    fn next(&mut self) -> Result<Option<NewRecord>> {
        while let Some(line) = self.lines.next()? {
            let parsed = match line {
                Line::Text(line) => jsonl::parse(&line),
                Line::TooLong => Err(LineProblem::TooLarge),
            };
            match parsed {
                Ok(parsed) if self.checked.is_none() => {
                    self.look_at(&parsed);
                    return Ok(Some(parsed.record));
                }
                Ok(parsed) => return Ok(Some(self.numbered(parsed))),
                Err(reason) if !self.options.skip_bad => {
                    return Err(LogbookError::BadLine { line: self.lines.number, reason });
                }
                Err(reason) => self.left_out(reason),
            }
        }
        Ok(None)
    }

    /// In the first reading: what is to be told of a line, and whether it may stand there twice.
    fn look_at(&mut self, Parsed { record, has_id }: &Parsed) {
        if !has_id {
            self.repeats.note(record.id);
        }
        let line = self.lines.number;
        for (path, meaning) in reading::of_record(&record.kind, &record.fields) {
            if meaning == Meaning::Unread {
                self.report.unread += 1;
                if self.report.unread_values.len() < LISTED {
                    self.report.unread_values.push(UnreadValue { line, path: path.to_owned() });
                }
            }
        }
    }

    /// In the second reading: of equal lines without an id the first has the id of its content, the
    /// others that of their content and number, so that each is a record of its own and stays the same
    /// one when the file is imported again.
    fn numbered(&mut self, Parsed { mut record, has_id }: Parsed) -> NewRecord {
        if !has_id {
            let number = self.repeats.number(record.id);
            if number > 1 {
                record.id = jsonl::repeated_id(&record, number);
            }
        }
        record
    }

    fn left_out(&mut self, reason: LineProblem) {
        // The second reading meets the same lines again.
        if self.checked.is_none() {
            self.report.bad += 1;
            if self.report.bad_lines.len() < LISTED {
                self.report.bad_lines.push(BadLineAt { line: self.lines.number, reason });
            }
        }
    }

    /// The records of one batch, and whether they are the last.
    fn batch(&mut self) -> Result<(Vec<NewRecord>, bool)> {
        let (mut batch, begun) = (Vec::new(), self.lines.bytes);
        while batch.len() < BATCH_RECORDS && self.lines.bytes - begun < BATCH_BYTES {
            match self.next()? {
                // While lines are only checked, none is kept.
                Some(_) if self.checked.is_none() => {}
                Some(record) => batch.push(record),
                None => return Ok((batch, true)),
            }
        }
        Ok((batch, false))
    }

    fn write(&mut self, batch: Vec<NewRecord>) -> Result<()> {
        let (now, device) = (self.clock.now().utc, self.device);
        let known = WhenKnown { update: self.options.update, restore: self.options.restore };
        let (brought, changes) = self.conn.write(|conn| {
            let mut tx = Tx::begin(conn, now, device, Hlc(0))?;
            let brought = batch.into_iter().map(|new| tx.bring_in(new, known));
            let brought = brought.collect::<Result<Vec<BroughtIn>>>()?;
            Ok((brought, tx.end()?))
        })?;
        // Counted once the batch is in, never before.
        for brought in brought {
            self.report.count(brought);
        }
        let room = LISTED - self.report.changes.len();
        let undoable = changes.iter().filter(|change| change.what != What::Created).take(room);
        self.report.changes.extend(undoable.cloned());
        tell(&self.observers, &changes);
        Ok(())
    }
}

impl Work for Import {
    type Output = ImportReport;

    fn step(&mut self) -> Result<JobProgress> {
        let (batch, last) = self.batch()?;
        let done = match self.checked {
            Some(checked) => {
                if !batch.is_empty() {
                    self.write(batch)?;
                }
                checked.saturating_add(self.lines.bytes)
            }
            None if last => {
                self.checked = Some(self.lines.bytes);
                self.repeats.settle();
                self.lines = self.source.open()?;
                return Ok(JobProgress {
                    done: self.total / 2,
                    total: self.total,
                    finished: false,
                });
            }
            None => self.lines.bytes,
        };
        Ok(JobProgress { done: done.min(self.total), total: self.total, finished: last })
    }

    fn finish(self: Box<Self>) -> Result<ImportReport> {
        Ok(self.report)
    }

    fn stopped(&self, error: LogbookError) -> LogbookError {
        match self.report.written() {
            0 => error,
            records => LogbookError::ImportStopped { reason: StopReason::of(&error), records },
        }
    }
}

/// Which lines without an id stand several times in one file. The first reading keeps eight bytes of
/// each, so that a file of half a gigabyte fits; then only what may repeat is remembered.
#[derive(Default)]
struct Repeats {
    seen: Vec<u64>,
    may_repeat: HashSet<u64>,
    met: HashMap<RecordId, u64>,
}

impl Repeats {
    fn note(&mut self, id: RecordId) {
        self.seen.push(Self::short(id));
    }

    /// Ends the first reading.
    fn settle(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_unstable();
        let twice = seen.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        self.may_repeat = twice.collect();
    }

    /// Which of its equals a line is, from 1.
    fn number(&mut self, id: RecordId) -> u64 {
        if !self.may_repeat.contains(&Self::short(id)) {
            return 1;
        }
        let met = self.met.entry(id).or_default();
        *met += 1;
        *met
    }

    /// Two lines that differ may have the same short form; then they are told apart by the whole.
    fn short(id: RecordId) -> u64 {
        let mut last = [0; 8];
        last.copy_from_slice(&id.bytes()[8..]);
        u64::from_be_bytes(last)
    }
}
