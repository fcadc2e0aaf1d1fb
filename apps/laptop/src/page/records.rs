//! Records as such: those of kinds that have no room yet, what was deleted, and erasing for good.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use seldinger_core::content::words as told;
use seldinger_core::error::Result;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{CASE, DeletedRecord, Logbook};
use seldinger_core::record::Record;
use seldinger_core::time::Moment;
use serde_json::Value;

use super::shell::{Notices, Room, Shell, draw};
use super::trouble::Trouble;
use super::words;
use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/records/{id}", get(record))
        .route("/records/{id}/restore", post(restore))
        .route("/records/{id}/erase", get(ask_erase).post(erase))
        .route("/deleted", get(deleted))
}

#[derive(Template)]
#[template(path = "records/page.html")]
struct RecordPage {
    shell: Shell,
    record: Record,
    lines: Vec<(String, String)>,
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

fn name(book: &Logbook, id: RecordId) -> Result<String> {
    let record = book.record(id)?;
    let case = if record.kind == CASE { Some(book.case(id)?.row) } else { None };
    let named = case.map(|row| row.procedure_name).filter(|name| !name.is_empty());
    Ok(named.unwrap_or_else(|| words::kind(&record.kind)))
}

async fn record(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let record = state.ask(move |book| book.record(id.parse()?)).await?;
    if record.kind == CASE {
        return Ok(Redirect::to(&format!("/cases/{}", record.id)).into_response());
    }
    let mut lines = Vec::new();
    for (name, value) in &record.fields {
        spell_out(&words::kind(name), value, &mut lines);
    }
    draw(&RecordPage { shell: shell.at(Room::Find), record, lines })
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
        let room = if book.record(id)?.kind == CASE { "cases" } else { "records" };
        // Straight there: a page in between would take the notice with it.
        Ok((format!("/{room}/{id}"), change, name(book, id)?))
    });
    let (place, change, name) = restored.await?;
    notices.leave(told("page.restored", &[("what", &name)]), change);
    Ok(Redirect::to(&place))
}

async fn ask_erase(
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
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    state.ask(move |book| book.erase(id.parse()?)).await?;
    notices.leave(told("page.erased", &[]), None);
    Ok(Redirect::to("/deleted"))
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
