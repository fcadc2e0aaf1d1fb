//! A saved consult: to read, to say, and what came of it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::case_log::list::{CaseFilter, CaseRow, CaseSort};
use seldinger_core::content::words as told;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{ConsultView, RecordName, RecordSheet};
use seldinger_core::time::Moment;

use super::paper;
use crate::page::facts::{self, Fact, Shape};
use crate::page::fields::Posted;
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Shown above the rows already.
const IN_HEADING: [&str; 4] = ["question", "age_band", "sex", "requesting_service"];
/// The latest cases that can be linked.
const LINKABLE: usize = 20;

#[derive(Template)]
#[template(path = "consults/page.html")]
struct ConsultPage {
    shell: Shell,
    sheet: RecordSheet,
    view: ConsultView,
    /// An edit is typed and not saved.
    edited: bool,
    /// A case is begun from it and not saved.
    case_begun: bool,
    cases: Vec<RecordName>,
    linkable: Vec<CaseRow>,
    now: Moment,
}

impl ConsultPage {
    fn facts(&self) -> Vec<Fact<'_>> {
        facts::rows(&self.sheet.sections, &IN_HEADING)
    }

    fn text(&self, path: &str) -> String {
        let fields = self.sheet.sections.iter().flat_map(|section| &section.fields);
        let found = fields.into_iter().find(|field| field.path == path);
        found.map(|field| field.texts.join(", ")).unwrap_or_default()
    }

    /// `60s, male, asked by nephrology`.
    fn who(&self) -> String {
        let mut who = vec![self.text("age_band"), self.text("sex").to_lowercase()];
        let service = self.text("requesting_service");
        if !service.is_empty() {
            who.push(format!("asked by {service}"));
        }
        who.retain(|part| !part.is_empty());
        who.join(", ")
    }
}

#[derive(Template)]
#[template(path = "consults/say.html")]
struct SayPage {
    shell: Shell,
    id: RecordId,
    heading: String,
    view: ConsultView,
}

/// One consult.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Consults);
    let page = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        let (sheet, view) = (book.record_sheet(id)?, book.consult(id)?);
        let draft = book.draft_of(&sheet.form, Some(id))?;
        let case_begun = book.case_is_begun_from(id)?;
        let cases = book.cases_of_consult(id)?;
        let newest = book.cases(&CaseFilter::default(), CaseSort::Newest, None)?;
        let is_linked = |row: &&CaseRow| cases.iter().any(|case| case.id == row.id);
        let linkable =
            newest.rows().filter(|row| !is_linked(row)).take(LINKABLE).cloned().collect();
        let edited = draft.is_some_and(|draft| !draft.typed.is_empty());
        Ok(ConsultPage { shell, sheet, view, edited, case_begun, cases, linkable, now: book.now() })
    });
    draw(&page.await?)
}

/// What is said, in large letters, part by part.
pub async fn say(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Consults);
    let page = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        let heading = words::named(&RecordName::of(&book.record(id)?));
        Ok(SayPage { shell, id, heading, view: book.consult(id)? })
    });
    draw(&page.await?)
}

/// Says that a case followed.
pub async fn link(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let linked = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        Ok((id, book.link_case(posted.one("case").parse()?, Some(id))?))
    });
    let (id, change) = linked.await?;
    notices.leave(told("page.linked", &[]), change);
    Ok(Redirect::to(&format!("/consults/{id}")))
}

/// Says that it did not.
pub async fn unlink(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let unlinked = state.ask(move |book| {
        let id: RecordId = id.parse()?;
        Ok((id, book.link_case(posted.one("case").parse()?, None)?))
    });
    let (id, change) = unlinked.await?;
    notices.leave(told("page.unlinked", &[]), change);
    Ok(Redirect::to(&format!("/consults/{id}")))
}
