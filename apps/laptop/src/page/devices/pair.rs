//! The inviting side: a code for a camera and for fingers, then the digits that the other device shows.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::content::words as told;
use seldinger_core::logbook::lan::{PairingView, SyncResult, WindowView};
use seldinger_core::sync::pairing::DigitsAnswer;

use super::to_devices;
use crate::exchange::Exchange;
use crate::page::fields::Posted;
use crate::page::live::{Seen, look, unless_seen};
use crate::page::proof::Proven;
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::qr::Qr;
use crate::serve::AppState;

/// The window as it is drawn.
struct Window {
    view: WindowView,
    seconds_left: i64,
    /// What was wrong with what was typed.
    typed: Option<String>,
}

impl Window {
    fn is_open(&self) -> bool {
        self.view.state == PairingView::Open
    }

    fn wants_digits(&self) -> bool {
        self.view.state == PairingView::Digits
    }

    fn is_over(&self) -> bool {
        matches!(self.view.state, PairingView::Closed | PairingView::Paired)
    }

    fn qr(&self) -> Option<Qr> {
        self.view.qr.as_deref().and_then(Qr::of)
    }

    fn look(&self) -> String {
        let view = &self.view;
        let (code, tried) =
            (view.code.as_deref().unwrap_or_default(), view.tried.as_deref().unwrap_or_default());
        look(&[code, &view.told.line(), tried])
    }
}

#[derive(Template)]
#[template(path = "devices/pair.html")]
struct PairPage {
    shell: Shell,
    window: Option<Window>,
}

#[derive(Template)]
#[template(path = "devices/window.html")]
struct WindowPart {
    window: Window,
    csrf: String,
}

fn window(exchange: &Exchange) -> Option<Window> {
    let view = exchange.service().window()?;
    let seconds_left = ((view.until.utc.0 - exchange.now().utc.0) / 1000).max(0);
    Some(Window { view, seconds_left, typed: None })
}

async fn shown(state: &AppState) -> SyncResult<Option<Window>> {
    state.ask_exchange(|exchange| Ok(window(exchange))).await
}

/// The window, or a way to open one.
pub async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let window = shown(&state).await?.filter(|window| window.view.state != PairingView::Paired);
    draw(&PairPage { shell: shell.at(Room::Devices), window })
}

/// Opens the window, in place of one that is open.
pub async fn open(_proven: Proven, State(state): State<AppState>) -> Result<Redirect, Trouble> {
    if state.is_sample() {
        return Ok(Redirect::to("/devices"));
    }
    state.ask_exchange(|exchange| exchange.invite().map(drop)).await?;
    Ok(Redirect::to("/devices/pair"))
}

/// The window again.
pub async fn live(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Query(seen): Query<Seen>,
) -> Result<Response, Trouble> {
    let Some(window) = shown(&state).await? else { return Ok(to_devices()) };
    if window.view.state == PairingView::Paired {
        return Ok(paired(&window, &notices));
    }
    let look = window.look();
    unless_seen(&WindowPart { window, csrf: shell.csrf }, &look, &seen)
}

fn paired(window: &Window, notices: &Notices) -> Response {
    notices.leave(window.view.told.line(), None);
    to_devices()
}

/// Takes the digits.
pub async fn digits(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Form(posted): Form<Posted>,
) -> Result<Response, Trouble> {
    let is_part = shell.part;
    let typed = posted.one("digits").to_owned();
    let answered = state.ask_exchange(move |exchange| {
        let answer = exchange.service().type_digits(&typed);
        Ok((answer, window(exchange)))
    });
    let (answer, window) = answered.await?;
    let Some(mut window) = window else { return Ok(to_devices()) };
    if answer == DigitsAnswer::Paired {
        let shown = paired(&window, &notices);
        return Ok(if is_part { shown } else { Redirect::to("/devices").into_response() });
    }
    if !is_part {
        // Without scripts the page says itself what is wrong.
        return Ok(Redirect::to("/devices/pair").into_response());
    }
    window.typed = match answer {
        DigitsAnswer::NotDigits => Some(told("app.not_digits", &[])),
        DigitsAnswer::NobodyWaits if !window.is_over() => Some(told("app.nobody_waits", &[])),
        _ => None,
    };
    draw(&WindowPart { window, csrf: shell.csrf })
}

/// Closes the window.
pub async fn close(State(state): State<AppState>) -> Result<Redirect, Trouble> {
    state
        .ask_exchange(|exchange| {
            exchange.service().close_window();
            exchange.tend()
        })
        .await?;
    Ok(Redirect::to("/devices"))
}
