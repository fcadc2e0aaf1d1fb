//! The lists that there are, the runs that go on, and those before.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::checklist::{CHECKLIST_RUN, Checklist, RunPage, checklists};
use seldinger_core::content::{Content, words as told};
use seldinger_core::logbook::Logbook;

use crate::page::fields::Posted;
use crate::page::places;
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "checklists/list.html")]
struct ListPage {
    shell: Shell,
    lists: &'static [Checklist],
    procedures: Vec<String>,
    runs: RunPage,
    /// The first page of runs.
    is_first: bool,
}

/// Names of procedures, those of the latest cases first.
fn procedures(book: &Logbook) -> Result<Vec<String>, seldinger_core::error::LogbookError> {
    let content = Content::shipped();
    let recent = book.recent_choices()?.procedures;
    let mut names: Vec<String> = recent
        .iter()
        .filter_map(|id| content.procedure(id))
        .map(|known| known.name.clone())
        .collect();
    for known in content.procedures() {
        if !names.contains(&known.name) {
            names.push(known.name.clone());
        }
    }
    Ok(names)
}

/// Lists and runs.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Checklists);
    let page = state.ask(move |book| {
        let after = asked.get("after").map(String::as_str);
        let runs = book.checklist_runs(after)?;
        let (lists, procedures) = (checklists(), procedures(book)?);
        Ok(ListPage { shell, lists, procedures, runs, is_first: after.is_none() })
    });
    draw(&page.await?)
}

/// Begins a run.
pub async fn begin(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let begun = state.ask(move |book| {
        let case = Some(posted.one("case")).filter(|case| !case.is_empty());
        let case = case.map(str::parse).transpose()?;
        book.begin_run(posted.one("checklist"), Some(posted.one("procedure")), case)
    });
    let begun = begun.await?;
    let place = places::of(CHECKLIST_RUN, begun.run.row.id);
    notices.leave(told("page.run_begun", &[("what", &begun.run.row.name())]), begun.change);
    Ok(Redirect::to(&place))
}
