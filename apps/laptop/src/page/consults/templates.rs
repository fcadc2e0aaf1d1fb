//! Templates and wording of the user's own.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::content::words as told;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{
    ConsultTemplate, FieldToAdd, PresentationWording, TemplateChange, TemplateText,
};

use crate::page::fields::Posted;
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "consults/templates.html")]
struct ListPage {
    shell: Shell,
    all: Vec<ConsultTemplate>,
}

#[derive(Template)]
#[template(path = "consults/template.html")]
struct TemplatePage {
    shell: Shell,
    id: RecordId,
    alive: bool,
    template: TemplateText,
}

#[derive(Template)]
#[template(path = "consults/wording.html")]
struct WordingPage {
    shell: Shell,
    wording: PresentationWording,
}

/// Every template.
pub async fn list(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Consults);
    let page = state.ask(move |book| Ok(ListPage { shell, all: book.consult_templates()? }));
    draw(&page.await?)
}

/// Makes one of the user's own.
pub async fn copy(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let made = state.ask(move |book| Ok(book.copy_template(posted.one("form"))?.id));
    Ok(Redirect::to(&format!("/consults/templates/{}", made.await?)))
}

/// One of the user's own.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Consults);
    let page = state.ask(move |book| {
        let id = id.parse()?;
        let (template, alive) = (book.template_text(id)?, book.record(id)?.alive);
        Ok(TemplatePage { shell, id, alive, template })
    });
    draw(&page.await?)
}

/// Saves its text.
pub async fn save(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let saved = state.ask(move |book| book.save_template(id.parse()?, posted.one("text"))).await?;
    notices.leave(told("page.template_kept", &[]), saved.change);
    Ok(Redirect::to(&format!("/consults/templates/{}", saved.id)))
}

/// Changes it without TOML.
pub async fn change(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let path = posted.one("path").to_owned();
    let change = match posted.one("what") {
        "rename" => TemplateChange::Rename { title: posted.one("title").to_owned() },
        "drop" => TemplateChange::Drop { path },
        "ask" => TemplateChange::Ask { path, asked: true },
        "ask_not" => TemplateChange::Ask { path, asked: false },
        _ => TemplateChange::Add {
            label: posted.one("label").to_owned(),
            kind: if posted.one("kind") == "number" {
                FieldToAdd::Number
            } else {
                FieldToAdd::Text
            },
            unit: posted.one("unit").to_owned(),
        },
    };
    let saved = state.ask(move |book| book.change_template(id.parse()?, &change)).await?;
    notices.leave(told("page.template_kept", &[]), saved.change);
    Ok(Redirect::to(&format!("/consults/templates/{}", saved.id)))
}

/// How presentations are worded.
pub async fn wording(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Consults);
    let page =
        state.ask(move |book| Ok(WordingPage { shell, wording: book.presentation_wording()? }));
    draw(&page.await?)
}

/// Saves the user's own.
pub async fn save_wording(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let saved = state.ask(move |book| book.save_presentation_wording(posted.one("text"))).await?;
    notices.leave(told("page.wording_kept", &[]), saved.change);
    Ok(Redirect::to("/consults/wording"))
}
