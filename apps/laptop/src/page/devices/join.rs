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
use crate::page::proof::Proven;
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::serve::AppState;

#[derive(Template)]
#[template(path = "devices/join.html")]
struct JoinPage {
    shell: Shell,
    joining: Option<JoinView>,
    /// What was wrong with what was typed, or why the last try did not work.
    told: Option<Wording>,
    code: String,
    at: String,
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
    let (joining, told) = match now(&state).await? {
        Some(JoinView::Failed { told }) => {
            // Told once; the next try begins afresh.
            stop_joining(&state).await?;
            (None, Some(told))
        }
        joining => (joining.filter(goes_on), None),
    };
    let shell = shell.at(Room::Devices);
    draw(&JoinPage { shell, joining, told, code: String::new(), at: String::new() })
}

/// Takes a code to where it leads.
pub async fn begin(
    _proven: Proven,
    State(state): State<AppState>,
    shell: Shell,
    Form(posted): Form<Posted>,
) -> Result<Response, Trouble> {
    if state.is_sample() {
        return Ok(Redirect::to("/devices").into_response());
    }
    let (code, at) = (posted.one("code").to_owned(), posted.one("at").trim().to_owned());
    let (typed, place) = (code.clone(), at.clone());
    let begun = state.ask_exchange(move |exchange| {
        exchange.service().join(&typed, Some(place.as_str()).filter(|at| !at.is_empty()))
    });
    match begun.await {
        Ok(()) => Ok(Redirect::to("/devices/join").into_response()),
        Err(SyncError::Code { error }) => {
            let shell = shell.at(Room::Devices);
            let told = Some(error.wording());
            draw(&JoinPage { shell, joining: None, told, code, at })
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
    stop_joining(&state).await?;
    Ok(Redirect::to("/devices"))
}

async fn stop_joining(state: &AppState) -> Result<(), SyncError> {
    state
        .ask_exchange(|exchange| {
            exchange.service().stop_joining();
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::serve::visit::Visit;

    #[test]
    fn a_try_that_failed_says_why_and_not_only_an_empty_form() {
        let visit = Visit::new();
        let shows = Visit::new();
        shows.post("/devices/pair", &[]);
        let window = shows.get("/devices/pair").body;
        let code = window.split("aria-labelledby=\"typed\">").nth(1).unwrap();
        let code = code.split('<').next().unwrap().to_owned();

        let typed = visit.post("/devices/join", &[("code", "nonsense"), ("at", "127.0.0.1:1")]);
        assert!(typed.body.contains("class=\"told\""), "{}", typed.body);
        assert_eq!(
            (typed.value("code"), typed.value("at")),
            ("nonsense".into(), "127.0.0.1:1".into())
        );

        visit.post("/devices/join", &[("code", &code), ("at", "127.0.0.1:1")]);
        let until = Instant::now() + Duration::from_secs(20);
        let page = loop {
            let page = visit.get("/devices/join").body;
            if !page.contains("id=\"joining\"") {
                break page;
            }
            assert!(Instant::now() < until, "it looks for ever");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(page.contains("class=\"told\""), "{page}");
        assert!(!visit.get("/devices/join").body.contains("class=\"told\""), "told once");
    }
}
