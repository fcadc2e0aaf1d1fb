//! A consult being filled in, with what it says beside it.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use seldinger_core::error::Result;
use seldinger_core::form::{FieldKind, FieldView, TypedField};
use seldinger_core::ids::{DraftId, RecordId};
use seldinger_core::logbook::{ConsultTemplate, ConsultView, Logbook, OpenForm};

use super::{list, paper};
use crate::page::fields::Posted;
use crate::page::form::drawn;
use crate::page::form::keep::kept;
use crate::page::form::view::{opened, opened_filled, typed_in};
use crate::page::shell::{Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "consults/form.html")]
struct EntryPage {
    shell: Shell,
    open: OpenForm,
    view: ConsultView,
    /// When it was, or is.
    about: String,
    /// Something was typed before and not saved.
    typed_before: bool,
    /// Other templates that it could be begun with.
    others: Vec<ConsultTemplate>,
}

#[derive(Template)]
#[template(path = "consults/kept.html")]
struct KeptPart {
    fields: Vec<FieldView>,
    view: Option<ConsultView>,
}

/// A new consult; `form` is its template, what else the address names is filled in already.
pub async fn begin(
    State(state): State<AppState>,
    shell: Shell,
    Query(mut filled): Query<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    let Some(form) = filled.remove("form") else {
        return Ok(Redirect::to("/consults").into_response());
    };
    let page = state.ask(move |book| {
        let (open, typed, typed_before) = opened_filled(book, &form, filled)?;
        let now = book.now();
        let about = format!("{}, {}", now.day().long(), now.clock_time());
        page(book, shell, open, &typed, about, typed_before)
    });
    draw(&page.await?)
}

/// A saved consult.
pub async fn edit(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        let sheet = book.record_sheet(id)?;
        let (open, typed_before) = opened(book, &sheet.form, Some(id))?;
        let typed = if typed_before { typed_in(book, open.draft)? } else { Vec::new() };
        let about = format!("{}, {}", sheet.day_long, sheet.name.clock_time);
        page(book, shell, open, &typed, about, typed_before)
    });
    draw(&page.await?)
}

fn page(
    book: &Logbook,
    shell: Shell,
    open: OpenForm,
    typed: &[TypedField],
    about: String,
    typed_before: bool,
) -> Result<EntryPage> {
    let view = book.look_over_consult(&open, typed)?;
    let mut others = book.consult_templates()?;
    others.retain(|other| open.record.is_none() && other.form != open.view.id);
    let shell = shell.at(Room::Consults);
    Ok(EntryPage { shell, open, view, about, typed_before, others })
}

/// Keeps what stands in the form, and says how it stands now.
pub async fn keep(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let part = state.ask(move |book| {
        let Some((open, typed)) = kept(book, &posted)? else {
            return Ok(KeptPart { fields: Vec::new(), view: None });
        };
        let view = Some(book.look_over_consult(&open, &typed)?);
        let fields = open.view.sections.into_iter().flat_map(|section| section.fields).collect();
        Ok(KeptPart { fields, view })
    });
    draw(&part.await?)
}

/// Goes on with another template, with what is kept of what was typed. A form of its own: within the
/// consult's, Enter would press its first button.
pub async fn switch(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Redirect, Trouble> {
    let form = state.ask(move |book| {
        let to = posted.one("to").to_owned();
        let draft = posted.one("draft").parse::<DraftId>().ok();
        let typed = typed_in(book, draft)?;
        Ok(book.switch_consult(posted.one("form"), draft, &typed, &to)?.view.id)
    });
    let form = form.await?.replace('/', "%2F");
    Ok(Redirect::to(&format!("/consults/new?form={form}")))
}
