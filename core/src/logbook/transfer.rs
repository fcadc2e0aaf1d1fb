//! Records out: export as long work.

use std::io::Write;
use std::path::Path;

use super::reading::Reading;
use super::{CASE, Logbook};
use crate::error::{LogbookError, Result, StopReason};
use crate::export::csv::{Columns, CsvFor, Table};
use crate::export::jsonl;
use crate::ids::RecordId;
use crate::job::{Job, JobProgress, Work};
use crate::privacy;
use crate::record::NewRecord;
use crate::store::{Existing, WholeFile};

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
    /// For which program a table is written; without one, with commas and decimal points.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub csv_for: Option<CsvFor>,
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

impl Logbook {
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
        let to_pipe = matches!(output, Output::Open(_));
        let stage = match format {
            ExportFormat::Jsonl => Stage::Lines(output),
            ExportFormat::Csv => Stage::Gathering(output, Columns::of(kind.unwrap_or(CASE))),
        };
        Ok(Job::new(Export {
            reading,
            stage: Some(stage),
            csv_for: options.csv_for.unwrap_or_default(),
            to_pipe,
            written: 0,
        }))
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
    csv_for: CsvFor,
    /// Whether what is written is gone at once.
    to_pipe: bool,
    /// Records that went into a pipe, the last of them perhaps not all of it.
    written: u64,
}

impl Work for Export {
    type Output = ExportReport;

    fn step(&mut self) -> Result<JobProgress> {
        let batch = self.reading.batch()?;
        let JobProgress { done, total, finished } = self.reading.progress();
        let (stage, progress) = match self.stage.take().ok_or(LogbookError::Cancelled)? {
            Stage::Lines(mut output) => {
                for record in &batch {
                    let line = jsonl::line_of(record)?;
                    self.written += u64::from(self.to_pipe);
                    writeln!(output, "{line}")?;
                }
                if finished && self.to_pipe {
                    output.flush()?;
                }
                (Stage::Lines(output), JobProgress { done, total, finished })
            }
            Stage::Gathering(output, mut columns) => {
                for record in &batch {
                    columns.add(&record.fields);
                }
                let stage = if finished {
                    self.reading.again();
                    Stage::Rows(Box::new(Table::new(output, columns, self.csv_for)?))
                } else {
                    Stage::Gathering(output, columns)
                };
                (stage, JobProgress { done, total: 2 * total, finished: false })
            }
            Stage::Rows(mut table) => {
                for record in &batch {
                    self.written += u64::from(self.to_pipe);
                    table.row(record)?;
                }
                if finished && self.to_pipe {
                    table.flush()?;
                }
                (Stage::Rows(table), JobProgress { done: total + done, total: 2 * total, finished })
            }
        };
        self.stage = Some(stage);
        Ok(progress)
    }

    /// What went through a pipe cannot be taken back; a file was not there yet.
    fn stopped(&self, error: LogbookError) -> LogbookError {
        match self.written {
            0 => error,
            records => LogbookError::ExportStopped { reason: StopReason::of(&error), records },
        }
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

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use serde_json::json;

    use super::*;
    use crate::logbook::tests::{book, case};

    /// A pipe that takes what fits into it and breaks when that has to go on.
    struct Breaks;

    impl Write for Breaks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn an_output_that_breaks_at_its_end_says_what_went_into_it() {
        let (_folder, book) = book();
        case(&book, json!({"procedure": "picc"}));
        for format in [ExportFormat::Jsonl, ExportFormat::Csv] {
            let options = ExportOptions::default();
            let job = book.export_to_job(Box::new(Breaks), format, &options).unwrap();
            let stopped = LogbookError::ExportStopped { reason: StopReason::DiskFull, records: 1 };
            assert_eq!(job.run(|_| ()), Err(stopped), "{format:?}");
        }
    }
}
