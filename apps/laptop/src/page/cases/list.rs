//! The case list.

use std::borrow::Borrow;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use seldinger_core::case_log::list::{CaseChoices, CaseDay, CaseList, CaseRow, CaseSort};
use seldinger_core::case_log::values::Role;
use seldinger_core::content::Wording;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{CASE, Logbook, SnippetPiece};

use super::jot::JotBox;
use super::query::{self, CaseQuery, Group, NO_ROLE};
use crate::page::fields::Posted;
use crate::page::shell::{Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Some rows of the list.
pub struct Rows {
    pub(super) days: Vec<CaseDay>,
    pub(super) next: Option<String>,
    /// How many cases the filter lets through.
    pub(super) count: u64,
    pub(super) narrows: bool,
    /// What is said of names that mean nothing here.
    pub(super) told: Vec<String>,
    /// A day stands once where the list is in the order of days, else with each case.
    pub(super) by_day: bool,
    /// Where the words that were looked for stand, case by case.
    found: Vec<(RecordId, Vec<SnippetPiece>)>,
}

impl Rows {
    /// The rows that the query asks for.
    pub fn read(book: &Logbook, query: &CaseQuery) -> Result<Self> {
        let filter = query.filter();
        let CaseList { page, count, told } =
            book.case_list(&filter, query.sort(), query.after())?;
        let ids: Vec<RecordId> = page.rows().map(|row| row.id).collect();
        Ok(Self {
            found: match &filter.text {
                Some(text) => book.found_in(text, &ids)?,
                None => Vec::new(),
            },
            days: page.days,
            next: page.next,
            count,
            narrows: query.narrows(),
            told: told.iter().map(Wording::line).collect(),
            by_day: matches!(query.sort(), CaseSort::Newest | CaseSort::Oldest),
        })
    }

    /// The stretch of a case's text in which words were found.
    pub(super) fn pieces(&self, row: &CaseRow) -> Option<&[SnippetPiece]> {
        let found = self.found.iter().find(|(id, _)| *id == row.id);
        found.map(|(_, pieces)| pieces.as_slice())
    }

    /// Whether the day above is of another month, or there is none on this page.
    pub(super) fn begins_month(&self, at: impl Borrow<usize>) -> bool {
        let at = *at.borrow();
        let month = |day: &CaseDay| day.month.clone();
        let above = at.checked_sub(1).and_then(|above| self.days.get(above));
        above.map(month) != self.days.get(at).map(month)
    }
}

#[derive(Template)]
#[template(path = "cases/page.html")]
struct CasesPage {
    shell: Shell,
    jot: JotBox,
    /// A new case is typed into the form and not saved.
    half_typed: bool,
    /// The recovery code of the user's own log is not confirmed.
    code_waits: bool,
    query: CaseQuery,
    choices: CaseChoices,
    list: Rows,
}

#[derive(Template)]
#[template(path = "cases/filtered.html")]
struct ListPart {
    shell: Shell,
    list: Rows,
}

#[derive(Template)]
#[template(path = "cases/rows.html")]
struct MoreRows {
    list: Rows,
}

impl CasesPage {
    /// The procedures on record, by category.
    fn groups(&self) -> Vec<Group<'_>> {
        query::groups(&self.choices)
    }
}

/// The whole page.
pub async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    whole(state, shell, CaseQuery::default()).await
}

/// The list as the filter form asks for it.
pub async fn filtered(
    State(state): State<AppState>,
    shell: Shell,
    Form(query): Form<CaseQuery>,
) -> Result<Response, Trouble> {
    if !shell.part {
        return whole(state, shell, query).await;
    }
    let list = state.ask(move |book| Rows::read(book, &query)).await?;
    draw(&ListPart { shell, list })
}

/// The rows of the next page.
pub async fn more(
    State(state): State<AppState>,
    Form(query): Form<CaseQuery>,
) -> Result<Response, Trouble> {
    draw(&MoreRows { list: state.ask(move |book| Rows::read(book, &query)).await? })
}

async fn whole(state: AppState, shell: Shell, query: CaseQuery) -> Result<Response, Trouble> {
    drawn(state, shell, query, None).await
}

/// The whole page with a line that could not be saved, and why.
pub(super) async fn unsaved(
    state: AppState,
    shell: Shell,
    posted: Arc<Posted>,
    why: LogbookError,
) -> Result<Response, Trouble> {
    let mut page = drawn(state, shell.unsaved(&why), CaseQuery::of(&posted), Some(posted)).await?;
    *page.status_mut() = StatusCode::INSUFFICIENT_STORAGE;
    Ok(page)
}

async fn drawn(
    state: AppState,
    shell: Shell,
    query: CaseQuery,
    unsaved: Option<Arc<Posted>>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Cases);
    let asks = !shell.sample;
    let page = state.ask(move |book| {
        let code_waits = asks && book.has_unconfirmed_code()?;
        let half_typed = book.draft_of(CASE, None)?.is_some_and(|draft| !draft.typed.is_empty());
        let (list, choices) = (Rows::read(book, &query)?, book.case_choices()?);
        let jot = match unsaved {
            Some(posted) => JotBox::unsaved(book, &posted)?,
            None => JotBox::restore(book)?,
        };
        Ok(CasesPage { shell, jot, half_typed, code_waits, query, choices, list })
    });
    draw(&page.await?)
}
