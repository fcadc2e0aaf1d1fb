//! Parts of a page that change by themselves. They ask again under `/live/`: such a request says what it
//! has seen, is answered only where there is something else to see, and is no use of the page that would
//! keep it unlocked.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::shell::draw;
use super::trouble::Trouble;

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
