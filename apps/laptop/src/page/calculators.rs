//! Calculators: forms drawn from their definitions, answered by the core. Nothing of it is kept.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use seldinger_core::calculator::{self, Calculator, CalculatorResult, calculators};
use seldinger_core::content::Wording;
use seldinger_core::error::LogbookError;
use seldinger_core::form::{self, FieldKind, FormView, TypedField};

use super::fields::Posted;
use super::form::drawn;
use super::shell::{Room, Shell, draw};
use super::trouble::Trouble;
use crate::serve::AppState;

/// Pages of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/calculators", get(list))
        .route("/calculators/{id}", get(empty).post(filled))
}

#[derive(Template)]
#[template(path = "calculators/list.html")]
struct ListPage {
    shell: Shell,
    all: Vec<&'static Calculator>,
    local_policy: String,
}

#[derive(Template)]
#[template(path = "calculators/page.html")]
struct CalculatorPage {
    shell: Shell,
    id: String,
    name: String,
    view: FormView,
    answer: Answer,
}

#[derive(Template)]
#[template(path = "calculators/answer.html")]
struct AnswerPart {
    answer: Answer,
}

/// What stands beneath the form.
enum Answer {
    /// Nothing was asked yet.
    None,
    /// Why there is no result.
    Told(Wording),
    /// A result.
    Result(Box<CalculatorResult>),
}

async fn list(shell: Shell) -> Result<Response, Trouble> {
    let (all, local_policy) = (calculators().collect(), calculator::local_policy());
    draw(&ListPage { shell: shell.at(Room::Calculators), all, local_policy })
}

/// Nothing typed yet but what the address names.
async fn empty(
    shell: Shell,
    Path(id): Path<String>,
    Query(filled): Query<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    let typed = |(path, text)| TypedField { path, texts: vec![text] };
    page(shell, &id, &filled.into_iter().map(typed).collect::<Vec<_>>(), Answer::None)
}

async fn filled(
    shell: Shell,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Response, Trouble> {
    let typed = posted.typed();
    let known = calculator::calculator(&id).ok_or(LogbookError::UnknownDefinition)?;
    let answer = match form::calculate_typed(&id, &typed) {
        Ok(result) => Answer::Result(Box::new(result)),
        Err(error) => Answer::Told(error.wording_on(known)),
    };
    if shell.part { draw(&AnswerPart { answer }) } else { page(shell, &id, &typed, answer) }
}

fn page(shell: Shell, id: &str, typed: &[TypedField], answer: Answer) -> Result<Response, Trouble> {
    let view = form::calculator_form(id, typed).map_err(|_| LogbookError::UnknownDefinition)?;
    let (id, name) = (id.to_owned(), view.title.clone());
    draw(&CalculatorPage { shell: shell.at(Room::Calculators), id, name, view, answer })
}

#[cfg(test)]
mod tests {
    use crate::serve::visit::Visit;

    const LABS: [(&str, &str); 3] =
        [("f.bilirubin_mg_dl", "106 µmol/L"), ("f.inr", "1.4"), ("f.creatinine_mg_dl", "1")];

    #[test]
    fn every_calculator_is_listed_and_has_its_form() {
        let visit = Visit::new();
        let list = visit.get("/calculators").body;
        for one in super::calculators() {
            let address = format!("/calculators/{}", one.id);
            assert!(list.contains(&format!("href=\"{address}\"")), "{}", one.id);
            let page = visit.get(&address).body;
            for input in &one.inputs {
                assert!(page.contains(&format!("name=\"f.{}\"", input.name)), "{}", input.name);
            }
        }
        assert!(list.contains("Local policy wins"));
        assert!(visit.get("/calculators/apache").body.contains("no such"));
    }

    #[test]
    fn a_form_is_answered_with_source_and_policy_with_scripts_and_without() {
        let visit = Visit::new();
        let part = visit.post_part("/calculators/meld", &LABS).body;
        let page = visit.post("/calculators/meld", &LABS).body;
        for answer in [&part, &page] {
            for wanted in ["17", "6.2", "Kamath", "Local policy wins"] {
                assert!(answer.contains(wanted), "{wanted}: {answer}");
            }
        }
        assert!(!part.contains("<form") && page.contains("value=\"106 µmol/L\""));
        let told = visit.post_part("/calculators/meld", &LABS[..1]).body;
        assert!(told.contains("Missing: INR, Creatinine"), "{told}");
    }
}
