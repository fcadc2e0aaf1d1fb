//! Bundles: what a device lacks as a file, where the network keeps the two apart.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use seldinger_core::content::words as told;
use seldinger_core::link::bundle::MAX_BUNDLE;
use seldinger_core::logbook::{BundleTo, ImportSource, TakenBundle};

use super::list::named;
use crate::exchange::host_name;
use crate::page::arriving::each_piece;
use crate::page::fields::Posted;
use crate::page::proof::Proven;
use crate::page::shell::{Room, Shell, draw};
use crate::page::transfer::Buffer;
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "devices/carry.html")]
struct CarryPage {
    shell: Shell,
    fingerprint: String,
    name: String,
    /// Records that look as if they named a patient.
    flagged: u64,
}

#[derive(Template)]
#[template(path = "devices/taken.html")]
struct TakenPart {
    taken: TakenBundle,
    csrf: String,
    /// The answer to a first bundle is sealed by its code.
    code: Option<String>,
}

impl TakenPart {
    fn line(&self) -> String {
        let records = self.taken.records.to_string();
        told("app.bundle_taken", &[("name", &self.taken.name), ("records", &records)])
    }
}

/// What the file is for, before it is made.
pub async fn ask(
    State(state): State<AppState>,
    shell: Shell,
    Path(fingerprint): Path<String>,
) -> Result<Response, Trouble> {
    let name = named(&state, &fingerprint).await?;
    let flagged = state.ask_own(|book| Ok(book.identifier_job(None)?.run(|_| {})?.flagged.len()));
    let flagged = flagged.await? as u64;
    draw(&CarryPage { shell: shell.at(Room::Devices), fingerprint, name, flagged })
}

/// Makes the file.
pub async fn make(
    _proven: Proven,
    State(state): State<AppState>,
    Path(fingerprint): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Response, Trouble> {
    let code = Some(posted.one("code").to_owned()).filter(|code| !code.is_empty());
    let bytes = state.ask_own(|book| {
        let buffer = Buffer::default();
        let to = BundleTo::Device { fingerprint, code };
        book.make_bundle_to_job(Box::new(buffer.clone()), &to, &host_name())?.run(|_| {})?;
        Ok(buffer.take())
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"seldinger.bundle\""),
    ];
    Ok((headers, bytes.await?).into_response())
}

/// Takes a file in. The code of a first one comes in a header: an address would be remembered. It pairs
/// who made the file, so it is asked who is there.
pub async fn take(
    proven: Result<Proven, Response>,
    State(state): State<AppState>,
    shell: Shell,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    let code = headers.get("x-code").and_then(|code| code.to_str().ok()).map(str::to_owned);
    if let (Some(_), Err(asked)) = (&code, proven) {
        return Ok(asked);
    }
    let mut bytes = Vec::new();
    each_piece(body, MAX_BUNDLE, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })
    .await?;
    let by_code = code.clone();
    let taken = state.ask_own(move |book| {
        let source = ImportSource::Bytes(Arc::from(bytes));
        book.take_bundle_job(&source, by_code.as_deref())?.run(|_| {})
    });
    draw(&TakenPart { taken: taken.await?, csrf: shell.csrf, code })
}
