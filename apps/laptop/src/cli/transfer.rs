//! `import` and `export`: records in and out.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use seldinger_core::content::words;
use seldinger_core::export::csv::CsvFor;
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
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct ImportArgs {
    /// JSON lines, as `export` writes them; - is standard input.
    file: PathBuf,
    /// Leave out lines that cannot be read, and list them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
    /// Write what a line says over the record that has its id, as an edit that is kept in the history. A
    /// field that the line does not name stays as it is.
    #[arg(long)]
    update: bool,
    /// Bring records back that were deleted here.
    #[arg(long)]
    restore: bool,
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
    /// A table for this program: excel-en (comma, decimal point; what CSV is without it), excel-de
    /// (semicolon, decimal comma; also French, Spanish and others), excel-ch (semicolon, decimal point),
    /// tab (tab, decimal point).
    #[arg(long, value_name = "PROGRAM", value_parser = program)]
    csv_for: Option<CsvFor>,
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

fn program(name: &str) -> Result<CsvFor, String> {
    let names = CsvFor::ALL.map(|(_, name)| name).join(", ");
    CsvFor::parse(name).ok_or_else(|| format!("one of: {names}"))
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
    let (skip_bad, update, restore) = (args.skip_bad, args.update, args.restore);
    let options = ImportOptions { skip_bad, update, restore };
    let report = job::run(opened.book.import_job(source, options)?, "Importing")?;
    for bad in &report.bad_lines {
        let told = bad.reason.wording(bad.line);
        say::note(&told.what);
    }
    tell_unread(&report);
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
        return Ok(ImportSource::read_once(std::io::stdin().lock())?);
    }
    let about = std::fs::metadata(file).map_err(unreadable)?;
    if about.is_dir() {
        return Err(Failure::CannotRead(file.to_owned()));
    }
    if about.is_file() {
        return Ok(ImportSource::Path(file.to_owned()));
    }
    // A pipe or a device.
    Ok(ImportSource::read_once(std::fs::File::open(file).map_err(unreadable)?)?)
}

/// Names the values that nobody can be certain of.
fn tell_unread(report: &ImportReport) {
    if report.unread == 0 {
        return;
    }
    say::note(&words("app.import_unread", &[("count", &report.unread.to_string())]));
    for value in report.unread_values.iter().take(MOST_NAMED) {
        say::note(&format!("    line {}: {}", value.line, value.path));
    }
    let more = report.unread.saturating_sub(MOST_NAMED as u64);
    if more > 0 {
        say::note(&format!("    and {more} more; --json lists the first 1,000"));
    }
}

fn summary(report: &ImportReport) -> String {
    let mut parts = vec![format!("{} new", report.added)];
    for (count, what) in [
        (report.updated, "updated"),
        (report.restored, "restored"),
        (report.known, "known already"),
        (report.differ, "different here, left alone (--update takes what the file says)"),
        (report.deleted, "deleted here, left so (--restore brings them back)"),
        (report.gone, "erased here"),
        (report.bad, "left out"),
    ] {
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
    let unread = report.unread_values.iter();
    let unread = unread.map(|value| json!({ "line": value.line, "field": value.path }));
    json!({
        "added": report.added,
        "known": report.known,
        "differ": report.differ,
        "updated": report.updated,
        "deleted": report.deleted,
        "restored": report.restored,
        "gone": report.gone,
        "bad": report.bad,
        "bad_lines": bad_lines.collect::<Vec<_>>(),
        "unread": report.unread,
        "unread_values": unread.collect::<Vec<_>>(),
    })
}

/// Exports.
pub fn export(home: &Home, args: &ExportArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    // A program that tables are for says that this is one.
    let format = if args.csv_for.is_some() { Format::Csv } else { args.format };
    let kind = match format {
        Format::Jsonl => args.kind.as_deref(),
        Format::Csv => Some(args.kind.as_deref().unwrap_or("case")),
    };
    let format = match format {
        Format::Jsonl => ExportFormat::Jsonl,
        Format::Csv => ExportFormat::Csv,
    };
    let options =
        ExportOptions { kind: kind.map(str::to_owned), csv_for: args.csv_for, replace: args.force };
    if is_dash(&args.file) {
        let (output, reader_gone) = Pipe::new();
        warn_of_identifiers(&book, kind)?;
        let job = book.export_to_job(Box::new(output), format, &options)?;
        let outcome = job::run(job, "Exporting");
        let gone = reader_gone.load(Ordering::Relaxed);
        return if gone { Err(Failure::Pipe) } else { outcome.map(drop) };
    }
    home.places.check_output(&args.file)?;
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
