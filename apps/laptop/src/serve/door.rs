//! The door: where a one-time address becomes a cookie, and what is shown before it.

use std::time::Instant;

use axum::extract::{Query, State};
use axum::http::header::{self, HeaderMap};
use axum::http::{StatusCode, header::HeaderName};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use seldinger_core::content::wording;
use serde::Deserialize;

use super::guard::{cookie_name, session};
use super::state::AppState;
use super::{STYLE, again};

/// The token in the opened address.
#[derive(Deserialize)]
pub struct Opening {
    #[serde(default)]
    token: String,
}

/// Trades the one-time token for the cookie.
pub async fn open(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(opening): Query<Opening>,
) -> Response {
    let Some(cookie) = state.doors().enter(&opening.token, Instant::now()) else {
        // The address was used already: by this browser, or it is worth nothing.
        return match session(&state, &headers, true) {
            Some(_) => Redirect::to("/").into_response(),
            None => locked(&headers),
        };
    };
    let name = cookie_name(state.port());
    let cookie = format!("{name}={cookie}; HttpOnly; SameSite=Strict; Path=/");
    let from_a_page = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    let answer = if from_a_page {
        // A redirect that another site began would not carry the cookie along; a step that our own
        // page takes does.
        Html(page("<meta http-equiv=\"refresh\" content=\"0;url=/\">", "")).into_response()
    } else {
        Redirect::to("/").into_response()
    };
    ([(header::SET_COOKIE, cookie)], answer).into_response()
}

/// Gives another start of the app a fresh address, when it can show that it reads our files.
pub async fn another(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if again::shows_secret(&state, &headers) {
        state.new_address().into_response()
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

/// The style of the door's own pages.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("door.css")).into_response()
}

/// What is shown to a browser that was not let in, or no longer is.
pub fn locked(headers: &HeaderMap) -> Response {
    let told = wording("app.page_locked", &[]);
    let body = format!(
        "<main><h1>Seldinger</h1><p>{}</p><p>{}</p><p>{}</p></main>",
        told.what, told.kept, told.todo
    );
    let answer = (StatusCode::UNAUTHORIZED, Html(page("", &body))).into_response();
    if headers.contains_key("hx-request") {
        // A part of a page cannot show the door: the whole page goes there.
        return ([(HeaderName::from_static("hx-refresh"), "true")], answer).into_response();
    }
    answer
}

fn page(head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en-US\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Seldinger</title><link rel=\"stylesheet\" href=\"{STYLE}\">{head}</head>\
         <body>{body}</body></html>"
    )
}
