//! The joining side: takes a code to the device that shows it, and shows the digits to type there.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::content::{Wording, words as told};
use seldinger_core::logbook::lan::{JoinView, SyncError};

use super::to_devices;
use crate::page::fields::Posted;
use crate::page::live::{Seen, look, unless_seen};
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "devices/join.html")]
struct JoinPage {
    shell: Shell,
    joining: Option<JoinView>,
    /// What was wrong with what was typed.
    told: Option<Wording>,
}

#[derive(Template)]
#[template(path = "devices/joining.html")]
struct JoiningPart {
    joining: JoinView,
    csrf: String,
}

fn goes_on(joining: &JoinView) -> bool {
    matches!(joining, JoinView::Looking | JoinView::Digits { .. })
}

fn type_these(name: &str) -> String {
    told("app.type_these", &[("name", name)])
}

fn look_of(joining: &JoinView) -> String {
    match joining {
        JoinView::Looking => look(&["looking"]),
        JoinView::Digits { digits, name } => look(&[digits, name]),
        JoinView::Paired { name } => look(&["paired", name]),
        JoinView::Failed { told } => look(&["failed", &told.line()]),
    }
}

async fn now(state: &AppState) -> Result<Option<JoinView>, SyncError> {
    state.ask_exchange(|exchange| Ok(exchange.service().joining())).await
}

/// How it goes, or a form to begin.
pub async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let joining = now(&state).await?;
    let joining = joining.filter(goes_on);
    draw(&JoinPage { shell: shell.at(Room::Devices), joining, told: None })
}

/// Takes a code to where it leads.
pub async fn begin(
    State(state): State<AppState>,
    shell: Shell,
    Form(posted): Form<Posted>,
) -> Result<Response, Trouble> {
    if state.is_sample() {
        return Ok(Redirect::to("/devices").into_response());
    }
    let (code, at) = (posted.one("code").to_owned(), posted.one("at").trim().to_owned());
    let begun = state.ask_exchange(move |exchange| {
        exchange.service().join(&code, Some(at.as_str()).filter(|at| !at.is_empty()))
    });
    match begun.await {
        Ok(()) => Ok(Redirect::to("/devices/join").into_response()),
        Err(SyncError::Code { error }) => {
            let shell = shell.at(Room::Devices);
            draw(&JoinPage { shell, joining: None, told: Some(error.wording()) })
        }
        Err(error) => Err(error.into()),
    }
}

/// How it goes.
pub async fn live(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Query(seen): Query<Seen>,
) -> Result<Response, Trouble> {
    let Some(joining) = now(&state).await? else { return Ok(to_devices()) };
    if let JoinView::Paired { name } = &joining {
        notices.leave(told("sync.paired", &[("name", name)]), None);
        return Ok(to_devices());
    }
    let look = look_of(&joining);
    unless_seen(&JoiningPart { joining, csrf: shell.csrf }, &look, &seen)
}

/// Gives up.
pub async fn stop(State(state): State<AppState>) -> Result<Redirect, Trouble> {
    state
        .ask_exchange(|exchange| {
            exchange.service().stop_joining();
            Ok(())
        })
        .await?;
    Ok(Redirect::to("/devices"))
}
