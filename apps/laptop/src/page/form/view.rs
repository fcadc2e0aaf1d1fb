//! A form as a page.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use seldinger_core::case_log::debrief::{DebriefPhase, DebriefTimer};
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::form::{FieldKind, TypedField};
use seldinger_core::ids::{DraftId, RecordId};
use seldinger_core::logbook::{CASE, DEBRIEF, Draft, Logbook, OpenForm, RecordName};

use super::drawn;
use crate::page::shell::{Shell, draw};
use crate::page::trouble::{Trouble, is_unsaved};
use crate::page::words;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "form/page.html")]
struct FormPage {
    shell: Shell,
    heading: String,
    /// What the case is, where there is one already.
    about: String,
    open: OpenForm,
    /// Something was typed before and not saved.
    typed_before: bool,
    timer: Option<DebriefTimer>,
}

impl FormPage {
    /// What the way back is called.
    fn back_name(&self) -> String {
        match (self.open.record, self.open.view.kind.as_str()) {
            (None, CASE) => "Cases".to_owned(),
            (_, kind) => words::kind(kind),
        }
    }
}

/// An empty case form.
pub async fn new_case(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let (open, typed_before) = opened(book, CASE, None)?;
        let (heading, about) = ("A new case".to_owned(), String::new());
        Ok(FormPage { shell, heading, about, open, typed_before, timer: None })
    });
    draw(&page.await?)
}

/// An empty form of any kind; what the address names is filled in already.
pub async fn new_record(
    State(state): State<AppState>,
    shell: Shell,
    Path(form): Path<String>,
    Query(filled): Query<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let (open, _, typed_before) = opened_filled(book, &form, filled)?;
        let (heading, about) = (open.view.title.clone(), String::new());
        Ok(FormPage { shell, heading, about, open, typed_before, timer: None })
    });
    draw(&page.await?)
}

/// The form of any record over it.
pub async fn edit_record(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let sheet = book.record_sheet(id.parse()?)?;
        let name = sheet.name;
        let (open, typed_before) = opened(book, &sheet.form, Some(name.id))?;
        let about = format!("{}, {}", sheet.day_long, name.clock_time);
        let heading = open.view.title.clone();
        Ok(FormPage { shell, heading, about, open, typed_before, timer: None })
    });
    draw(&page.await?)
}

/// The case form over a case.
pub async fn edit_case(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let id = id.parse()?;
        let about = about(book, id)?;
        let (open, typed_before) = opened(book, CASE, Some(id))?;
        let heading = "Edit the case".to_owned();
        Ok(FormPage { shell, heading, about, open, typed_before, timer: None })
    });
    draw(&page.await?)
}

/// The case form, filled with what a consult says.
pub async fn case_of_consult(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        let open = book.begin_case_from_consult(id)?;
        let about = format!("from {}", words::named(&RecordName::of(&book.record(id)?)));
        let heading = "A case from a consult".to_owned();
        Ok(FormPage { shell, heading, about, open, typed_before: false, timer: None })
    });
    draw(&page.await?)
}

/// One to two minutes after a case.
pub async fn debrief(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let id = id.parse()?;
        let about = about(book, id)?;
        let (open, typed_before) = opened(book, DEBRIEF, Some(id))?;
        let timer = open.draft.map(|draft| book.debrief_timer(draft)).transpose()?;
        Ok(FormPage { shell, heading: open.view.title.clone(), about, open, typed_before, timer })
    });
    draw(&page.await?)
}

fn about(book: &Logbook, id: RecordId) -> Result<String> {
    let case = book.case(id)?;
    let row = case.row;
    let name = if row.procedure_name.is_empty() { "Case" } else { row.procedure_name.as_str() };
    Ok(format!("{name}, {}, {}", case.day_long, row.clock_time))
}

/// The form with its draft, which is begun before the first letter: a request that the save overtakes
/// then finds it gone, and brings nothing back.
pub fn opened(book: &Logbook, form: &str, record: Option<RecordId>) -> Result<(OpenForm, bool)> {
    let kept = book.draft_of(form, record)?;
    match kept {
        Some(kept) if !kept.typed.is_empty() => return Ok((book.open_draft(kept.id)?, true)),
        // Nothing was typed: the minutes go on, the rest begins anew on the case as it is now.
        Some(kept) if form == DEBRIEF && !is_over(book, kept.id)? && is_current(book, &kept)? => {
            return Ok((book.open_draft(kept.id)?, false));
        }
        // A full disk must not keep the form from being shown.
        Some(kept) => match book.drop_draft(kept.id) {
            Err(error) if !is_unsaved(&error) => return Err(error),
            _ => {}
        },
        None => {}
    }
    // A full disk must not keep the form from being shown.
    match book.begin_draft(form, record) {
        Ok(draft) => Ok((book.open_draft(draft.id)?, false)),
        Err(error) if is_unsaved(&error) => Ok((book.open_form(form, record)?, false)),
        Err(error) => Err(error),
    }
}

/// A form that could not be saved, with what was typed into it and why.
pub async fn unsaved(
    state: AppState,
    shell: Shell,
    (form, record, opened): (String, Option<RecordId>, u64),
    typed: Vec<TypedField>,
    why: LogbookError,
) -> Result<Response, Trouble> {
    let shell = shell.unsaved(&why);
    let page = state.ask(move |book| {
        let open = OpenForm { opened, ..book.open_form(&form, record)? };
        let open = book.look_over(open, &typed)?;
        let (heading, about) = (open.view.title.clone(), String::new());
        Ok(FormPage { shell, heading, about, open, typed_before: false, timer: None })
    });
    let mut drawn = draw(&page.await?)?;
    *drawn.status_mut() = axum::http::StatusCode::INSUFFICIENT_STORAGE;
    Ok(drawn)
}

/// A form for a new record, with what was typed into it before, else with what an address fills in; what
/// that is, and whether it was typed before.
pub fn opened_filled(
    book: &Logbook,
    form: &str,
    filled: BTreeMap<String, String>,
) -> Result<(OpenForm, Vec<TypedField>, bool)> {
    let (open, typed_before) = opened(book, form, None)?;
    if typed_before {
        let typed = typed_in(book, open.draft)?;
        return Ok((open, typed, true));
    }
    let typed = |(path, text)| TypedField { path, texts: vec![text] };
    let typed: Vec<TypedField> = filled.into_iter().map(typed).collect();
    let open = if typed.is_empty() { open } else { book.look_over(open, &typed)? };
    Ok((open, typed, false))
}

/// What stands in a draft.
pub fn typed_in(book: &Logbook, draft: Option<DraftId>) -> Result<Vec<TypedField>> {
    Ok(draft.map(|id| book.draft(id)).transpose()?.map(|draft| draft.typed).unwrap_or_default())
}

fn is_over(book: &Logbook, draft: DraftId) -> Result<bool> {
    Ok(book.debrief_timer(draft)?.phase == DebriefPhase::Over)
}

fn is_current(book: &Logbook, draft: &Draft) -> Result<bool> {
    let record = draft.record.map(|id| book.record(id)).transpose()?;
    Ok(record.is_none_or(|record| record.lseq == draft.opened))
}
