//! The door: where a one-time address or a typed code becomes a cookie, what a locked page shows, and
//! where it is unlocked.

use std::time::Instant;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use seldinger_core::content::{Wording, wording};
use seldinger_core::error::LogbookError;
use serde::Deserialize;

use super::doors::Lock;
use super::guard::{self, cookie_name, cookie_value, session};
use super::invitations::Typed;
use super::state::{AppState, Refused};
use super::{CODE, STYLE, UNLOCK};
use crate::page::Posted;
use crate::vault::VaultMode;

/// The token in the opened address, or in the form of the opening file.
#[derive(Deserialize)]
pub struct Opening {
    #[serde(default)]
    token: String,
}

/// Trades the one-time token of an address for the cookie. Only a user who goes there uses it up: not a
/// browser that looks ahead, and not `HEAD`.
pub async fn open(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Query(opening): Query<Opening>,
) -> Response {
    if method == Method::HEAD {
        return StatusCode::NO_CONTENT.into_response();
    }
    if looks_ahead(&headers) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    enter(&state, &headers, &opening.token).await
}

/// The same for a token that the opening file posts. A file is of no origin, which browsers call
/// `null`. So is a frame that a page of the web put into a sandbox: what protects this route is that
/// only the token lets in.
pub async fn open_posted(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(opening): Form<Opening>,
) -> Response {
    let origin = headers.get(header::ORIGIN).map(header::HeaderValue::as_bytes);
    if origin.is_some_and(|origin| origin != b"null") {
        return StatusCode::FORBIDDEN.into_response();
    }
    enter(&state, &headers, &opening.token).await
}

/// Trades a code that its user typed.
pub async fn open_by_code(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(posted): Form<Posted>,
) -> Response {
    if !guard::is_from_our_page(&headers, state.port()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match state.doors().enter_by_code(posted.one("code"), Instant::now()) {
        Ok(cookie) => let_in(&state, &headers, &cookie).await,
        Err(Typed::Wrong) => locked_and(&state, &headers, &wording("app.code_wrong", &[])),
        Err(Typed::Over) => locked_and(&state, &headers, &wording("app.code_over", &[])),
    }
}

fn looks_ahead(headers: &HeaderMap) -> bool {
    let purposes = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
    let values = purposes.into_iter().flat_map(|name| headers.get_all(name));
    values.filter_map(|value| value.to_str().ok()).any(|value| {
        let value = value.to_ascii_lowercase();
        ["prefetch", "prerender", "preview"].iter().any(|word| value.contains(word))
    })
}

async fn enter(state: &AppState, headers: &HeaderMap, token: &str) -> Response {
    match state.doors().enter(token, Instant::now()) {
        Some(cookie) => let_in(state, headers, &cookie).await,
        // The address was used already: by this browser, or it is worth nothing.
        None => match session(state, headers, true) {
            Some(_) => Redirect::to("/").into_response(),
            None => locked(state, headers),
        },
    }
}

/// Hands the cookie out, with the book open behind it.
pub(super) async fn let_in(state: &AppState, headers: &HeaderMap, cookie: &str) -> Response {
    // Under a passphrase whoever gave the address has opened it already.
    if !state.is_open()
        && let Some(told) = refusal(state.open_for(cookie).await)
    {
        // "Lock now" may have come first.
        let goes_on = state.doors().session(cookie, Instant::now(), false).is_some();
        return if goes_on { locked_and(state, headers, &told) } else { locked(state, headers) };
    }
    let name = cookie_name(state.port());
    let cookie = format!("{name}={cookie}; HttpOnly; SameSite=Strict; Path=/");
    let from_elsewhere = headers
        .get("sec-fetch-site")
        .is_some_and(|site| !["none", "same-origin"].iter().any(|ours| site == ours));
    let answer = if from_elsewhere {
        // A redirect that another site or a file began would not carry the cookie along; a step that
        // our own page takes does.
        // Without an icon of its own the browser would ask for one that is not there.
        let head =
            "<meta http-equiv=\"refresh\" content=\"0;url=/\"><link rel=\"icon\" href=\"data:,\">";
        Html(page(head, "")).into_response()
    } else {
        Redirect::to("/").into_response()
    };
    ([(header::SET_COOKIE, cookie)], answer).into_response()
}

/// Lets a browser in again whose session ended: under a passphrase by that, otherwise by its cookie
/// alone.
pub async fn unlock(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(mut posted): Form<Posted>,
) -> Response {
    if !guard::is_from_our_page(&headers, state.port()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let now = Instant::now();
    let cookie = cookie_value(&headers, state.port()).map(str::to_owned);
    let Some(cookie) = cookie.filter(|cookie| state.doors().locked(cookie, now).is_some()) else {
        return locked(&state, &headers);
    };
    if let Some(told) = refusal(state.admit(Some(posted.secret("passphrase"))).await) {
        return locked_and(&state, &headers, &told);
    }
    // Only a passphrase shows who is there.
    let proved = state.vault_mode() == VaultMode::Passphrase;
    match state.doors().unlock(&cookie, Instant::now(), proved) {
        Some(cookie) => let_in(&state, &headers, &cookie).await,
        None => locked(&state, &headers),
    }
}

/// What is said to somebody who was not let in again; nothing where they were.
pub fn refusal(admitted: Result<(), Refused>) -> Option<Wording> {
    match admitted {
        Ok(()) => None,
        Err(Refused::Needed) => Some(wording("app.passphrase_asked", &[])),
        Err(Refused::Wrong) => Some(wording("app.passphrase_wrong", &[])),
        Err(Refused::Wait(wait)) => {
            let seconds = (wait.as_secs() + 1).to_string();
            Some(wording("app.passphrase_wait", &[("seconds", &seconds)]))
        }
        Err(Refused::Trouble(failure)) => {
            Some(failure.wording().unwrap_or_else(|| LogbookError::Io.wording()))
        }
    }
}

/// The style of the door's own pages.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("door.css")).into_response()
}

/// What is shown to a browser that was not let in, or no longer is.
pub fn locked(state: &AppState, headers: &HeaderMap) -> Response {
    answer(headers, &locked_body(state, headers, None))
}

fn locked_and(state: &AppState, headers: &HeaderMap, told: &Wording) -> Response {
    answer(headers, &locked_body(state, headers, Some(told)))
}

fn answer(headers: &HeaderMap, body: &str) -> Response {
    let answer = (StatusCode::UNAUTHORIZED, Html(page("", body))).into_response();
    if headers.contains_key("hx-request") {
        // A part of a page cannot show the door: the whole page goes there.
        return ([(HeaderName::from_static("hx-refresh"), "true")], answer).into_response();
    }
    answer
}

/// Nothing of the book stands here, and nothing of what a browser sent.
fn locked_body(state: &AppState, headers: &HeaderMap, told: Option<&Wording>) -> String {
    let now = Instant::now();
    let lock =
        cookie_value(headers, state.port()).and_then(|cookie| state.doors().locked(cookie, now));
    let mode = state.vault_mode();
    let mut body = String::from("<main><h1>Seldinger</h1>");
    if let Some(told) = told {
        body += "<div class=\"told\" role=\"alert\">";
        body += &said(told);
        body += "</div>";
    }
    body += &said(&match lock {
        None => wording("app.page_locked", &[]),
        Some(Lock::Asked) if !state.is_open() && state.is_closing() => {
            wording("app.page_locked_soon", &[])
        }
        Some(Lock::Asked) if !state.is_open() => wording("app.page_locked_asked", &[]),
        Some(_) => wording("app.page_locked_idle", &[]),
    });
    if lock.is_some() {
        body += &unlock_form(mode);
        body += &said(&wording(lock_means(mode), &[]));
    }
    if state.doors().invitations(|invitations| invitations.takes_code(now)) {
        body += CODE_FORM.replace("{CODE}", CODE).as_str();
    }
    body + "</main>"
}

/// What a lock keeps out and what it does not, by who keeps the key.
pub fn lock_means(mode: VaultMode) -> &'static str {
    match mode {
        VaultMode::Keyring => "app.lock_keyring",
        VaultMode::Passphrase => "app.lock_passphrase",
        VaultMode::KeyFile => "app.lock_file",
    }
}

const CODE_FORM: &str = "<form method=\"post\" action=\"{CODE}\"><label>Code in the terminal \
    <input name=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" \
    required></label> <button>Open</button></form>";

fn unlock_form(mode: VaultMode) -> String {
    let passphrase = if mode == VaultMode::Passphrase {
        "<label>Passphrase <input type=\"password\" name=\"passphrase\" autocomplete=\"off\" \
         required autofocus></label> "
    } else {
        ""
    };
    format!("<form method=\"post\" action=\"{UNLOCK}\">{passphrase}<button>Unlock</button></form>")
}

fn said(told: &Wording) -> String {
    [&told.what, &told.kept, &told.todo]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| ["<p>", &escaped(part), "</p>"].concat())
        .collect()
}

/// Wordings may name files.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn page(head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en-US\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Seldinger</title><link rel=\"stylesheet\" href=\"{STYLE}\">{head}</head>\
         <body>{body}</body></html>"
    )
}
