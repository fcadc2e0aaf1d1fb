//! Procedures: the list by group, and the page of one.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use seldinger_core::content::{BleedingRisk, Category, Content, Procedure};
use seldinger_core::library::Article;
use seldinger_core::logbook::ProcedurePage as Shown;

use crate::page::shell::{Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "library/list.html")]
struct ListPage {
    shell: Shell,
    /// Cases by procedure.
    cases: BTreeMap<String, u64>,
}

impl ListPage {
    /// `3 cases`; empty for none.
    fn own(&self, procedure: &Procedure) -> String {
        let count = self.cases.get(&procedure.id).copied().unwrap_or_default();
        if count == 0 { String::new() } else { words::counted(count, "case", "cases") }
    }
}

/// Procedures by group.
fn groups() -> Vec<(&'static Category, Vec<&'static Procedure>)> {
    let content = Content::shipped();
    let group = |category: &'static Category| {
        (category, content.in_category(&category.id).collect::<Vec<_>>())
    };
    content.categories().iter().map(group).collect()
}

/// The word beside a procedure in the list.
fn risk(procedure: &Procedure) -> &'static str {
    match procedure.bleeding_risk {
        BleedingRisk::Low => "Low risk",
        BleedingRisk::High => "High risk",
        BleedingRisk::Ask => "Ask",
    }
}

#[derive(Template)]
#[template(path = "library/page.html")]
struct ProcedurePage {
    shell: Shell,
    shown: Shown,
    category: String,
}

impl ProcedurePage {
    fn article(&self) -> &Article {
        &self.shown.article
    }
}

/// Every procedure.
pub async fn list(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Procedures);
    let page = state.ask(move |book| Ok(ListPage { shell, cases: book.cases_by_procedure()? }));
    draw(&page.await?)
}

/// One procedure.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Procedures);
    let page = state.ask(move |book| {
        let shown = book.procedure_page(&id)?;
        let content = Content::shipped();
        let category = content.procedure(&id).and_then(|known| content.category(&known.category));
        let category = category.map(|category| category.name.clone()).unwrap_or_default();
        Ok(ProcedurePage { shell, shown, category })
    });
    draw(&page.await?)
}

#[cfg(test)]
mod tests {
    use seldinger_core::content::Content;
    use seldinger_core::library::procedure_article;

    use crate::serve::visit::Visit;

    #[test]
    fn every_procedure_is_listed_and_read_in_whole() {
        let visit = Visit::new();
        let list = visit.get("/procedures").body;
        for procedure in Content::shipped().procedures() {
            let address = format!("/procedures/{}", procedure.id);
            assert!(list.contains(&format!("href=\"{address}\"")), "{}", procedure.id);
            let page = visit.get(&address).body;
            let article = procedure_article(&procedure.id).unwrap();
            for section in &article.sections {
                assert!(page.contains(&format!("id=\"{}\"", section.id)), "{}", section.id);
                assert_eq!(page.matches(&section.title).count(), 2, "{}", section.title);
            }
            for number in 1..=article.sources.len() {
                assert!(page.contains(&format!("id=\"source-{number}\"")), "{}", procedure.id);
            }
            assert!(page.contains("Local policy wins"));
        }
        assert_eq!(visit.get("/procedures/none").status, 404);
    }
}
