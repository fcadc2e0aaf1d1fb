//! The recovery code, until it is confirmed: shown as often as its user wants, then typed from paper.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Form, Router};
use seldinger_core::content::{Wording, wording, words};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::lan::SyncError;
use seldinger_core::store::CodeGroups;
use serde::Deserialize;

use super::proof::Proven;
use super::shell::{Notices, Room, Shell, draw};
use super::trouble::Trouble;
use crate::serve::AppState;

/// Pages and actions of the code.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings/code", get(page).post(show))
        .route("/settings/code/confirm", get(ask).post(confirm))
}

#[derive(Template)]
#[template(path = "settings/code.html")]
struct CodePage {
    shell: Shell,
    /// It is not confirmed yet.
    waits: bool,
    /// The code, where it was asked for.
    code: Option<String>,
    told: Wording,
}

#[derive(Template)]
#[template(path = "settings/confirm.html")]
struct ConfirmPage {
    shell: Shell,
    groups: CodeGroups,
    /// What was wrong with what was typed.
    told: Option<Wording>,
}

async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let waits = state.ask_own(|book| Ok(book.has_unconfirmed_code()?)).await?;
    let told = if waits { "page.code_means" } else { "page.code_on_paper" };
    let (shell, told) = (shell.at(Room::Settings), wording(told, &[]));
    draw(&CodePage { shell, waits, code: None, told })
}

async fn show(
    _proven: Proven,
    State(state): State<AppState>,
    shell: Shell,
) -> Result<Response, Trouble> {
    let code = state.ask_own(|book| Ok(book.unconfirmed_code()?)).await?;
    let (shell, told) = (shell.at(Room::Settings), wording("page.code_means", &[]));
    draw(&CodePage { shell, waits: true, code: Some(code.text().to_string()), told })
}

async fn ask(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    asked(&state, shell, None).await
}

async fn asked(state: &AppState, shell: Shell, told: Option<Wording>) -> Result<Response, Trouble> {
    let groups = state.ask_own(|book| {
        // Nothing is asked for once it is confirmed.
        if book.has_unconfirmed_code()? {
            Ok(book.code_groups())
        } else {
            Err(LogbookError::CodeNotKept.into())
        }
    });
    draw(&ConfirmPage { shell: shell.at(Room::Settings), groups: groups.await?, told })
}

#[derive(Deserialize)]
struct Typed {
    first_group: u8,
    second_group: u8,
    first: String,
    second: String,
}

async fn confirm(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    shell: Shell,
    Form(typed): Form<Typed>,
) -> Result<Response, Trouble> {
    let groups = CodeGroups { first: typed.first_group, second: typed.second_group };
    let confirmed =
        state.ask_own(move |book| Ok(book.confirm_code(groups, &typed.first, &typed.second)?));
    match confirmed.await {
        Err(SyncError::Book { error: error @ LogbookError::CodeDiffers }) => {
            asked(&state, shell, Some(error.wording())).await
        }
        Err(other) => Err(other.into()),
        Ok(()) => {
            notices.leave(words("page.code_confirmed", &[]), None);
            Ok(Redirect::to("/settings").into_response())
        }
    }
}
