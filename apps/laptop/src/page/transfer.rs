//! Records out of the book and into it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use seldinger_core::content::Wording;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::export::csv::CsvFor;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{
    CASE, ExportFormat, ExportOptions, FlaggedRecord, ImportOptions, ImportReport, ImportSource,
    Logbook, Packer,
};
use seldinger_core::record::Change;
use serde::Deserialize;

use super::arriving::each_piece;
use super::proof::Proven;
use super::shell::{Room, Shell, draw};
use super::trouble::Trouble;
use super::words;
use crate::serve::AppState;

/// The most that is taken in at once; it is held in memory, packed, because a file of it would be
/// readable.
const MOST_IMPORT_BYTES: usize = 512 << 20;
/// Flagged records that are named; the rest are counted.
const MOST_NAMED: usize = 20;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/export", get(page))
        .route("/export/{file}", get(download))
        .route("/import", post(import))
}

#[derive(Template)]
#[template(path = "transfer/page.html")]
struct TransferPage {
    shell: Shell,
    records: u64,
    flagged: u64,
    /// The first of them, with their names.
    named: Vec<(FlaggedRecord, String)>,
}

#[derive(Template)]
#[template(path = "transfer/report.html")]
struct ReportPart {
    shell: Shell,
    report: ImportReport,
    bad_lines: Vec<Wording>,
    /// The first writes to records that were here before, with their names: each can be undone.
    changed: Vec<(Change, String)>,
}

async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Export);
    let page = state.ask(move |book| {
        let report = book.identifier_job(None)?.run(|_| {})?;
        let flagged = report.flagged.len() as u64;
        let named = report.flagged.into_iter().take(MOST_NAMED);
        let named = named.map(|record| Ok((name(book, &record.kind, record.id)?, record)));
        let named = named.map(|pair: Result<_>| pair.map(|(name, record)| (record, name)));
        let named = named.collect::<Result<Vec<_>>>()?;
        Ok(TransferPage { shell, records: report.records, flagged, named })
    });
    draw(&page.await?)
}

fn name(book: &Logbook, kind: &str, id: RecordId) -> Result<String> {
    let case = if kind == CASE { Some(book.case(id)?.row) } else { None };
    let named = case.map(|row| row.procedure_name).filter(|name| !name.is_empty());
    Ok(named.unwrap_or_else(|| words::kind(kind)))
}

/// Where a file is written to before it is sent.
#[derive(Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// What was written.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a table is for.
#[derive(Deserialize)]
struct For {
    #[serde(default, rename = "for")]
    program: String,
}

async fn download(
    _proven: Proven,
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(asked): Query<For>,
) -> Response {
    let options =
        ExportOptions { csv_for: CsvFor::parse(&asked.program), ..ExportOptions::default() };
    let (format, kind) = match file.as_str() {
        "cases.csv" => (ExportFormat::Csv, "text/csv; charset=utf-8"),
        "logbook.jsonl" => (ExportFormat::Jsonl, "application/jsonl"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let written = state.ask(move |book| {
        let buffer = Buffer::default();
        book.export_to_job(Box::new(buffer.clone()), format, &options)?.run(|_| {})?;
        Ok(buffer.take())
    });
    let named = format!("attachment; filename=\"{file}\"");
    match written.await {
        Ok(bytes) => {
            let headers =
                [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, named)];
            (headers, bytes).into_response()
        }
        Err(error) => Trouble::from(error).into_response(),
    }
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    skip_bad: bool,
    #[serde(default)]
    update: bool,
    #[serde(default)]
    restore: bool,
}

async fn import(
    State(state): State<AppState>,
    shell: Shell,
    Query(choice): Query<Choice>,
    body: Body,
) -> Result<Response, Trouble> {
    let source = packed(body).await?;
    let Choice { skip_bad, update, restore } = choice;
    let options = ImportOptions { skip_bad, update, restore };
    let imported = state.ask(move |book| {
        let report = book.import_job(source, options)?.run(|_| {})?;
        let changed = report.changes.iter().take(MOST_NAMED);
        let changed =
            changed.map(|change| Ok((change.clone(), name(book, &change.kind, change.id)?)));
        let changed = changed.collect::<Result<Vec<_>>>()?;
        Ok((report, changed))
    });
    let (report, changed) = imported.await?;
    let bad_lines = report.bad_lines.iter().take(MOST_NAMED);
    let bad_lines = bad_lines.map(|bad| bad.reason.wording(bad.line)).collect();
    draw(&ReportPart { shell, report, bad_lines, changed })
}

/// What the browser sends, packed as it comes: it is never in memory as a whole.
async fn packed(body: Body) -> Result<ImportSource, Trouble> {
    let mut packer = Packer::new()?;
    let bytes = each_piece(body, MOST_IMPORT_BYTES, |piece| packer.add(piece)).await?;
    if bytes == 0 { Err(LogbookError::NoFile.into()) } else { Ok(packer.finish()?) }
}
