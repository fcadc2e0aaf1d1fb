//! The consults, and the templates to begin one with.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use seldinger_core::logbook::{ConsultPage, ConsultTemplate, Draft};
use serde::Deserialize;

use crate::page::shell::{Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Where a page of the list begins.
#[derive(Deserialize)]
pub struct From {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "consults/list.html")]
struct ListPage {
    shell: Shell,
    templates: Vec<ConsultTemplate>,
    /// Templates with something typed and not saved.
    begun: Vec<ConsultTemplate>,
    consults: ConsultPage,
}

/// What a template is called in a list of templates.
pub fn short(title: &str) -> String {
    let title = title.strip_prefix("Consult: ").unwrap_or(title);
    words::kind(title)
}

/// The consults.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Query(from): Query<From>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Consults);
    let page = state.ask(move |book| {
        let (templates, drafts) = (book.consult_templates()?, book.drafts()?);
        let is_begun = |template: &&ConsultTemplate| {
            let typed = |draft: &&Draft| draft.record.is_none() && !draft.typed.is_empty();
            drafts.iter().filter(typed).any(|draft| draft.form == template.form)
        };
        let begun = templates.iter().filter(is_begun).cloned().collect();
        Ok(ListPage { shell, templates, begun, consults: book.consults(from.after.as_deref())? })
    });
    draw(&page.await?)
}
