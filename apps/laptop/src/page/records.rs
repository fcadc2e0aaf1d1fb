//! Records as such: the page that any kind can be shown on, what was deleted, and erasing for good.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use seldinger_core::content::words as told;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{AlsoWritten, DeletedRecord, Keep, Logbook, RecordName, RecordSheet};
use seldinger_core::record::Record;
use seldinger_core::time::Moment;
use serde_json::Value;

use super::facts::{self, Fact, Shape};
use super::fields::Posted;
use super::places;
use super::proof::Proven;
use super::shell::{Notices, Room, Shell, draw};
use super::trouble::Trouble;
use super::words;
use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/records/{id}", get(record))
        .route("/records/{id}/delete", post(delete))
        .route("/records/{id}/restore", post(restore))
        .route("/records/{id}/settle", post(settle))
        .route("/records/{id}/erase", get(ask_erase).post(erase))
        .route("/deleted", get(deleted))
}

/// A record that a form is known for.
#[derive(Template)]
#[template(path = "records/page.html")]
struct RecordPage {
    shell: Shell,
    sheet: RecordSheet,
    /// An edit is typed and not saved.
    edited: bool,
    now: Moment,
}

impl RecordPage {
    fn facts(&self) -> Vec<Fact<'_>> {
        facts::rows(&self.sheet.sections, &[])
    }
}

/// One that nothing here knows the meaning of.
#[derive(Template)]
#[template(path = "records/plain.html")]
struct PlainPage {
    shell: Shell,
    record: Record,
    lines: Vec<(String, String)>,
    also: Vec<AlsoWritten>,
    now: Moment,
}

#[derive(Template)]
#[template(path = "records/deleted.html")]
struct DeletedPage {
    shell: Shell,
    deleted: Vec<DeletedRecord>,
    now: Moment,
}

impl DeletedPage {
    fn removed(&self, record: &DeletedRecord) -> String {
        let removed = self.now.at(record.removed);
        format!("{}, {}", removed.day().short(), removed.clock_time())
    }
}

#[derive(Template)]
#[template(path = "records/erase.html")]
struct ErasePage {
    shell: Shell,
    id: RecordId,
    name: String,
}

/// What a deleted record is called.
fn title(record: &DeletedRecord) -> String {
    match &record.case {
        Some(row) if !row.procedure_name.is_empty() => row.procedure_name.clone(),
        _ => words::kind(&record.kind),
    }
}

/// What a record is called in a line.
pub fn name(book: &Logbook, id: RecordId) -> Result<String> {
    let RecordName { kind, name, .. } = RecordName::of(&book.record(id)?);
    Ok(if name.is_empty() { words::kind(&kind) } else { name })
}

async fn record(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Find);
    let found = state.ask(move |book| {
        let record = book.record(id.parse()?)?;
        let place = places::of(&record.kind, record.id);
        if !place.starts_with("/records/") {
            return Ok(Found::Elsewhere(place));
        }
        let sheet = match book.record_sheet(record.id) {
            Ok(sheet) => Some(sheet),
            Err(LogbookError::UnknownDefinition) => None,
            Err(error) => return Err(error),
        };
        let Some(sheet) = sheet else {
            let also = book.also_written(record.id)?;
            return Ok(Found::Plain(record, also, book.now()));
        };
        let draft = book.draft_of(&sheet.form, Some(record.id))?;
        Ok(Found::Sheet(sheet, draft.is_some_and(|draft| !draft.typed.is_empty()), book.now()))
    });
    match found.await? {
        Found::Elsewhere(place) => Ok(Redirect::to(&place).into_response()),
        Found::Sheet(sheet, edited, now) => draw(&RecordPage { shell, sheet, edited, now }),
        Found::Plain(record, also, now) => {
            let mut lines = Vec::new();
            for (name, value) in &record.fields {
                spell_out(&words::kind(name), value, &mut lines);
            }
            draw(&PlainPage { shell, record, lines, also, now })
        }
    }
}

/// How a record is shown.
enum Found {
    /// On a page of its own room.
    Elsewhere(String),
    /// By its form, with whether an edit is typed and not saved, and what time it is.
    Sheet(RecordSheet, bool, Moment),
    /// As it is stored, with what was written twice in it.
    Plain(Record, Vec<AlsoWritten>, Moment),
}

/// A value in lines of a name and a text each.
fn spell_out(name: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(parts) => {
            for (part, value) in parts {
                spell_out(&format!("{name}, {}", part.replace('_', " ")), value, lines);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                spell_out(name, entry, lines);
            }
        }
        Value::String(text) => lines.push((name.to_owned(), text.clone())),
        other => lines.push((name.to_owned(), other.to_string())),
    }
}

async fn deleted(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Deleted);
    let page = state.ask(move |book| {
        Ok(DeletedPage { shell, deleted: book.recently_deleted()?, now: book.now() })
    });
    draw(&page.await?)
}

async fn restore(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let restored = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        let change = book.restore_record(id)?;
        // Straight there: a page in between would take the notice with it.
        Ok((places::of(book.record(id)?.kind, id), change, name(book, id)?))
    });
    let (place, change, name) = restored.await?;
    notices.leave(told("page.restored", &[("what", &name)]), change);
    Ok(Redirect::to(&place))
}

/// To the recently deleted.
async fn delete(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let deleted = state.ask(move |book| {
        let id = id.parse()?;
        let (kind, name) = (book.record(id)?.kind, name(book, id)?);
        Ok((places::list_of(kind), name, book.delete(id)?))
    });
    let (list, name, change) = deleted.await?;
    notices.leave(told("page.deleted", &[("what", &name)]), change);
    Ok(Redirect::to(list))
}

async fn ask_erase(
    _proven: Proven,
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Deleted);
    let page = state.ask(move |book| {
        let id = id.parse()?;
        Ok(ErasePage { shell, id, name: name(book, id)? })
    });
    draw(&page.await?)
}

async fn erase(
    _proven: Proven,
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    state.ask(move |book| book.erase(id.parse()?)).await?;
    notices.leave(told("page.erased", &[]), None);
    Ok(Redirect::to("/deleted"))
}

/// Chooses between what a field shows and what was written there too.
async fn settle(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let keep = match posted.one("keep") {
        "shown" => Keep::Shown,
        "both" => Keep::Both { text: posted.one("text").to_owned() },
        which => Keep::Other { which: which.to_owned() },
    };
    let is_both = matches!(keep, Keep::Both { .. });
    let key = if is_both { "page.both_kept" } else { "page.settled" };
    let settled = state.ask(move |book| {
        let id = id.parse()?;
        let change = book.settle(id, posted.one("path"), &keep, posted.one("seen"))?;
        Ok((places::of(book.record(id)?.kind, id), change))
    });
    let (place, change) = settled.await?;
    if change.is_some() {
        notices.leave(told(key, &[]), change);
    }
    Ok(Redirect::to(&place))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_of_any_shape_is_spelled_out() {
        let mut lines = Vec::new();
        spell_out("Labs", &json!({"inr": 1.4, "hgb": null, "drain_ml_24h": [15, "x"]}), &mut lines);
        let line = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let wanted = [
            line("Labs, drain ml 24h", "15"),
            line("Labs, drain ml 24h", "x"),
            line("Labs, inr", "1.4"),
        ];
        lines.sort();
        assert_eq!(lines, wanted);
    }
}
