//! Records in and out: import and export as long work.

use std::fs::File;
use std::io::{BufReader, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::reading::Reading;
use super::{CASE, Logbook, Observers, tell};
use crate::error::{LineProblem, LogbookError, Result};
use crate::export::csv::{Columns, Table};
use crate::export::jsonl::{self, Line, Lines};
use crate::ids::{DeviceId, RecordId};
use crate::job::{Job, JobProgress, Work};
use crate::privacy;
use crate::record::{Created, NewRecord, Tx};
use crate::store::{Existing, OwnConnection, WholeFile};
use crate::time::{Clock, Hlc};

/// Where imported lines come from.
#[derive(Clone)]
pub enum ImportSource {
    /// A file; it is read twice, so no pipe.
    Path(PathBuf),
    /// What was read already.
    Bytes(Arc<[u8]>),
}

impl ImportSource {
    fn open(&self) -> Result<Lines> {
        Ok(Lines::new(match self {
            Self::Path(path) => {
                let file = File::open(path).map_err(|error| LogbookError::reading(&error))?;
                Box::new(BufReader::with_capacity(1 << 16, file))
            }
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        }))
    }

    fn bytes(&self) -> Result<u64> {
        match self {
            Self::Path(path) => {
                let about = std::fs::metadata(path);
                Ok(about.map_err(|error| LogbookError::reading(&error))?.len())
            }
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }
}

/// How to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ImportOptions {
    /// Leaves out lines that cannot be read, and lists them, instead of stopping before anything is
    /// written.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub skip_bad: bool,
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

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ImportReport {
    /// Records that are new.
    pub added: u64,
    /// Records that were there already, deleted ones too; they were left as they are.
    pub known: u64,
    /// Records that had been erased or purged here; they do not come back.
    pub gone: u64,
    /// Lines that were left out.
    pub bad: u64,
    /// The first 1,000 of them.
    pub bad_lines: Vec<BadLineAt>,
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum ExportFormat {
    /// JSON lines: everything, to be imported again.
    Jsonl,
    /// A table for spreadsheets, of one kind; cases where none is named.
    Csv,
}

/// How to export.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ExportOptions {
    /// Only records of this kind; a table without one is of cases.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub kind: Option<String>,
    /// Puts the file in the place of one that has its name, once it is whole. Without it such a file
    /// stays and nothing is written.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub replace: bool,
}

quiet_debug!(ExportOptions);

impl ExportOptions {
    /// For records of one kind.
    pub fn of_kind(kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..Self::default() }
    }
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ExportReport {
    /// Records written.
    pub records: u64,
}

/// A record whose text looks as if it named a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FlaggedRecord {
    /// Which record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// How many places look so.
    pub hits: u32,
}

/// What an export would carry out of the book, shown before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct IdentifierReport {
    /// Records looked at.
    pub records: u64,
    /// Those to look at again, oldest first.
    pub flagged: Vec<FlaggedRecord>,
}

/// Records of one import transaction; a killed import goes on after the last one when run again.
const BATCH_RECORDS: usize = 200;
const BATCH_BYTES: u64 = 2 << 20;
const BAD_LINES_LISTED: usize = 1_000;

impl Logbook {
    /// Imports JSON lines. Everything is read and checked first; then it is written in batches, each a
    /// transaction. Known records are passed over, so that running it again adds nothing twice. The
    /// progress counts bytes, each of them twice.
    ///
    /// # Errors
    /// `BadLine`, before anything was written, unless `skip_bad`; `NoFile`; those of any write.
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
            conn: self.store.connect()?,
            clock: self.clock.clone(),
            device: self.device(),
            observers: self.observers.clone(),
            report: ImportReport::default(),
        }))
    }

    /// Writes every record that is not deleted, or those of one kind, sorted by `at`, to a file that
    /// appears once it is whole. The book may be written to meanwhile; the file shows it as it was.
    ///
    /// # Errors
    /// `FileExists` where something has that name and shall not be replaced.
    pub fn export_job(
        &self,
        path: &Path,
        format: ExportFormat,
        options: &ExportOptions,
    ) -> Result<Job<ExportReport>> {
        let existing = Existing::replaced_if(options.replace);
        self.export(Output::File(WholeFile::create(path, existing)?), format, options)
    }

    /// The same to an output that is open already, such as a pipe.
    pub fn export_to_job(
        &self,
        output: Box<dyn Write + Send>,
        format: ExportFormat,
        options: &ExportOptions,
    ) -> Result<Job<ExportReport>> {
        self.export(Output::Open(output), format, options)
    }

    /// Looks for identifiers in every record that an export of `kind` would write; run it before one.
    pub fn identifier_job(&self, kind: Option<&str>) -> Result<Job<IdentifierReport>> {
        Ok(Job::new(Scan {
            reading: Reading::begin(self.store.connect()?, kind)?,
            report: IdentifierReport::default(),
        }))
    }

    fn export(
        &self,
        output: Output,
        format: ExportFormat,
        options: &ExportOptions,
    ) -> Result<Job<ExportReport>> {
        let kind = options.kind.as_deref();
        let kind = match format {
            ExportFormat::Csv => Some(kind.unwrap_or(CASE)),
            ExportFormat::Jsonl => kind,
        };
        let reading = Reading::begin(self.store.connect()?, kind)?;
        let stage = match format {
            ExportFormat::Jsonl => Stage::Lines(output),
            ExportFormat::Csv => Stage::Gathering(output, Columns::of(kind.unwrap_or(CASE))),
        };
        Ok(Job::new(Export { reading, stage: Some(stage) }))
    }
}

struct Import {
    source: ImportSource,
    options: ImportOptions,
    lines: Lines,
    total: u64,
    /// Bytes of the whole source, once all of it is checked.
    checked: Option<u64>,
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
                Line::Text(line) => jsonl::parse_line(&line),
                Line::TooLong => Err(LineProblem::TooLarge),
            };
            match parsed {
                Ok(record) => return Ok(Some(record)),
                Err(reason) if !self.options.skip_bad => {
                    return Err(LogbookError::BadLine { line: self.lines.number, reason });
                }
                Err(reason) => self.left_out(reason),
            }
        }
        Ok(None)
    }

    fn left_out(&mut self, reason: LineProblem) {
        // The second reading meets the same lines again.
        if self.checked.is_none() {
            self.report.bad += 1;
            if self.report.bad_lines.len() < BAD_LINES_LISTED {
                self.report.bad_lines.push(BadLineAt { line: self.lines.number, reason });
            }
        }
    }

    /// The records of one batch, and whether they are the last.
    fn batch(&mut self) -> Result<(Vec<NewRecord>, bool)> {
        let (mut batch, begun) = (Vec::new(), self.lines.bytes);
        while batch.len() < BATCH_RECORDS && self.lines.bytes - begun < BATCH_BYTES {
            match self.next()? {
                Some(record) => batch.push(record),
                None => return Ok((batch, true)),
            }
        }
        Ok((batch, false))
    }

    fn write(&mut self, batch: Vec<NewRecord>) -> Result<()> {
        let (now, device) = (self.clock.now().utc, self.device);
        let (created, changes) = self.conn.write(|conn| {
            let mut tx = Tx::begin(conn, now, device, Hlc(0))?;
            let created: Vec<Created> =
                batch.into_iter().map(|new| tx.create(new)).collect::<Result<_>>()?;
            Ok((created, tx.end()?))
        })?;
        for created in created {
            match created {
                Created::New => self.report.added += 1,
                Created::Known => self.report.known += 1,
                Created::Gone => self.report.gone += 1,
            }
        }
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
}

/// Where something is written to.
pub(super) enum Output {
    File(WholeFile),
    Open(Box<dyn Write + Send>),
}

impl Output {
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::File(file) => file.finish(),
            Self::Open(mut output) => Ok(output.flush()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Open(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Open(output) => output.flush(),
        }
    }
}

enum Stage {
    Lines(Output),
    Gathering(Output, Columns),
    Rows(Box<Table<Output>>),
}

struct Scan {
    reading: Reading,
    report: IdentifierReport,
}

impl Work for Scan {
    type Output = IdentifierReport;

    fn step(&mut self) -> Result<JobProgress> {
        for record in self.reading.batch()? {
            self.report.records += 1;
            let hits = u32::try_from(privacy::scan_fields(&record.fields).len());
            let hits = hits.unwrap_or(u32::MAX);
            if hits > 0 {
                let NewRecord { id, kind, .. } = record;
                self.report.flagged.push(FlaggedRecord { id, kind, hits });
            }
        }
        Ok(self.reading.progress())
    }

    fn finish(self: Box<Self>) -> Result<IdentifierReport> {
        Ok(self.report)
    }
}

struct Export {
    reading: Reading,
    stage: Option<Stage>,
}

impl Work for Export {
    type Output = ExportReport;

    fn step(&mut self) -> Result<JobProgress> {
        let batch = self.reading.batch()?;
        let JobProgress { done, total, finished } = self.reading.progress();
        let (stage, progress) = match self.stage.take().ok_or(LogbookError::Cancelled)? {
            Stage::Lines(mut output) => {
                for record in &batch {
                    writeln!(output, "{}", jsonl::line_of(record)?)?;
                }
                (Stage::Lines(output), JobProgress { done, total, finished })
            }
            Stage::Gathering(output, mut columns) => {
                for record in &batch {
                    columns.add(&record.fields);
                }
                let stage = if finished {
                    self.reading.again();
                    Stage::Rows(Box::new(Table::new(output, columns)?))
                } else {
                    Stage::Gathering(output, columns)
                };
                (stage, JobProgress { done, total: 2 * total, finished: false })
            }
            Stage::Rows(mut table) => {
                for record in &batch {
                    table.row(record)?;
                }
                (Stage::Rows(table), JobProgress { done: total + done, total: 2 * total, finished })
            }
        };
        self.stage = Some(stage);
        Ok(progress)
    }

    fn finish(self: Box<Self>) -> Result<ExportReport> {
        match self.stage {
            Some(Stage::Lines(output) | Stage::Gathering(output, _)) => output.finish()?,
            Some(Stage::Rows(table)) => table.finish()?.finish()?,
            None => return Err(LogbookError::Cancelled),
        }
        Ok(ExportReport { records: self.reading.all() })
    }
}
