//! `import` and `export`: records in and out.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use seldinger_core::content::words;
use seldinger_core::logbook::{
    ExportFormat, ExportOptions, ImportOptions, ImportReport, ImportSource, Logbook,
};
use serde_json::json;

use super::{back_up_if_due, job, look, tell_recovery_code};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, Pipe};

/// What is imported.
#[derive(Args)]
pub struct ImportArgs {
    /// JSON lines, as `export` writes them; - is standard input.
    file: PathBuf,
    /// Leave out lines that cannot be read, and list them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
    /// The outcome as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is exported.
#[derive(Args)]
pub struct ExportArgs {
    /// Where to; - is standard output.
    file: PathBuf,
    /// JSON lines hold everything and can be imported again; CSV is a table for spreadsheets.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only records of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
}

/// A file format.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

/// Flagged records that are named; the rest are counted.
const MOST_NAMED: usize = 10;

fn is_dash(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Imports.
pub fn import(home: &Home, args: &ImportArgs) -> Result<(), Failure> {
    let source = source(&args.file)?;
    let opened = home.existing_or_new()?;
    if let Some(code) = &opened.recovery_code {
        tell_recovery_code(code, opened.vault.mode);
    }
    let options = ImportOptions { skip_bad: args.skip_bad };
    let report = job::run(opened.book.import_job(source, options)?, "Importing")?;
    for bad in &report.bad_lines {
        let told = bad.reason.wording(bad.line);
        say::note(&told.what);
    }
    let mut out = Out::new();
    if args.json {
        out.line(report_json(&report))?;
    } else {
        out.line(summary(&report))?;
    }
    out.flush()?;
    back_up_if_due(&opened.book);
    Ok(())
}

/// Everything that can be read again: a file; else what it holds, since it is read twice.
fn source(file: &Path) -> Result<ImportSource, Failure> {
    let unreadable = |error| Failure::unreadable(file, &error);
    if is_dash(file) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
        return Ok(ImportSource::Bytes(Arc::from(bytes)));
    }
    let about = std::fs::metadata(file).map_err(unreadable)?;
    if about.is_dir() {
        return Err(Failure::CannotRead(file.to_owned()));
    }
    if about.is_file() {
        return Ok(ImportSource::Path(file.to_owned()));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    Ok(ImportSource::Bytes(Arc::from(bytes)))
}

fn summary(report: &ImportReport) -> String {
    let mut parts = vec![format!("{} new", report.added)];
    for (count, what) in
        [(report.known, "known already"), (report.gone, "erased here"), (report.bad, "left out")]
    {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

fn report_json(report: &ImportReport) -> serde_json::Value {
    let bad_lines = report.bad_lines.iter().map(|bad| {
        let reason = bad.reason.wording(bad.line).what;
        json!({ "line": bad.line, "reason": reason })
    });
    json!({
        "added": report.added,
        "known": report.known,
        "gone": report.gone,
        "bad": report.bad,
        "bad_lines": bad_lines.collect::<Vec<_>>(),
    })
}

/// Exports.
pub fn export(home: &Home, args: &ExportArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    let kind = match args.format {
        Format::Jsonl => args.kind.as_deref(),
        Format::Csv => Some(args.kind.as_deref().unwrap_or("case")),
    };
    let format = match args.format {
        Format::Jsonl => ExportFormat::Jsonl,
        Format::Csv => ExportFormat::Csv,
    };
    let options = ExportOptions { kind: kind.map(str::to_owned), replace: args.force };
    if is_dash(&args.file) {
        let (output, reader_gone) = Pipe::new();
        warn_of_identifiers(&book, kind)?;
        let job = book.export_to_job(Box::new(output), format, &options)?;
        let outcome = job::run(job, "Exporting");
        let gone = reader_gone.load(Ordering::Relaxed);
        return if gone { Err(Failure::Pipe) } else { outcome.map(drop) };
    }
    // A name that is taken is told before anything else.
    let job = book.export_job(&args.file, format, &options)?;
    warn_of_identifiers(&book, kind)?;
    let report = job::run(job, "Exporting")?;
    say::note(&format!("Records written to {}: {}", args.file.display(), report.records));
    Ok(())
}

/// Names the records whose text looks as if it named a patient, before they leave the book.
pub fn warn_of_identifiers(book: &Logbook, kind: Option<&str>) -> Result<(), Failure> {
    let report = job::run(book.identifier_job(kind)?, "Looking for identifiers")?;
    if report.flagged.is_empty() {
        return Ok(());
    }
    let count = report.flagged.len().to_string();
    say::note(&words("app.identifiers_in_export", &[("count", &count)]));
    for flagged in report.flagged.iter().take(MOST_NAMED) {
        say::note(&format!("    {} {}", flagged.kind, look::short_id(flagged.id)));
    }
    if report.flagged.len() > MOST_NAMED {
        say::note(&format!("    and {} more", report.flagged.len() - MOST_NAMED));
    }
    Ok(())
}
