//! Parts of a page that change by themselves. They ask again under `/live/`: such a request says what it
//! has seen, is answered only where there is something else to see, and is no use of the page that would
//! keep it unlocked. So does a form that asks for a token of its own before it saves.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;

use super::shell::draw;
use super::trouble::Trouble;
use crate::serve::{AppState, Session};

/// What belongs to no room.
pub fn routes() -> Router<AppState> {
    Router::new().route("/live/token", get(token))
}

/// A token for a page whose session has ended and begun again: what was typed there can be saved.
async fn token(Extension(session): Extension<Session>) -> String {
    session.page_token()
}

/// What a part that asks again has seen.
#[derive(Deserialize)]
pub struct Seen {
    #[serde(default)]
    seen: String,
}

/// A word for what is shown: equal for what looks the same.
pub fn look(of: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in of {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

/// The part, unless it was seen already.
pub fn unless_seen(
    part: &impl askama::Template,
    look: &str,
    seen: &Seen,
) -> Result<Response, Trouble> {
    if seen.seen == look {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    draw(part)
}
