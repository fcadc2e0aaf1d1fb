//! The case list.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use seldinger_core::case_log::list::{CaseChoices, CaseRow, CaseSort};
use seldinger_core::case_log::values::Role;
use seldinger_core::content::{Category, Content};
use seldinger_core::error::Result;
use seldinger_core::logbook::Logbook;

use super::query::{CaseQuery, NO_ROLE, WHOLE_CATEGORY};
use crate::page::shell::{Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Some rows of the list.
pub struct Rows {
    rows: Vec<CaseRow>,
    next: Option<String>,
    /// How many cases the filter lets through.
    count: u64,
    narrows: bool,
    /// Days stand where the list is in their order.
    by_day: bool,
}

impl Rows {
    fn read(book: &Logbook, query: &CaseQuery) -> Result<Self> {
        let filter = query.filter();
        let page = book.cases(&filter, query.sort(), query.after())?;
        Ok(Self {
            rows: page.rows,
            next: page.next,
            count: book.count_cases(&filter)?,
            narrows: query.narrows(),
            by_day: matches!(query.sort(), CaseSort::Newest | CaseSort::Oldest),
        })
    }

    /// Whether a row's day was written by the row above it.
    fn same_day(&self, at: &usize) -> bool {
        let above = at.checked_sub(1).and_then(|above| self.rows.get(above));
        self.by_day && above.map(|row| row.day) == self.rows.get(*at).map(|row| row.day)
    }
}

#[derive(Template)]
#[template(path = "cases/page.html")]
struct CasesPage {
    shell: Shell,
    query: CaseQuery,
    choices: CaseChoices,
    list: Rows,
}

#[derive(Template)]
#[template(path = "cases/list.html")]
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
    /// The choice of a whole category.
    fn whole(&self, category: &Category) -> String {
        format!("{WHOLE_CATEGORY}{}", category.id)
    }

    /// The procedures on record, by category.
    fn groups(&self) -> Vec<(&'static Category, Vec<&str>)> {
        let content = Content::shipped();
        let of = |category: &'static Category| {
            let is_in =
                |id: &&str| content.procedure(id).is_some_and(|p| p.category == category.id);
            (category, self.choices.procedures.iter().map(String::as_str).filter(is_in).collect())
        };
        content
            .categories()
            .iter()
            .map(of)
            .filter(|(_, ids): &(_, Vec<_>)| !ids.is_empty())
            .collect()
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
    let shell = shell.at(Room::Cases);
    let page = state.ask(move |book| {
        let (list, choices) = (Rows::read(book, &query)?, book.case_choices()?);
        Ok(CasesPage { shell, query, choices, list })
    });
    draw(&page.await?)
}
