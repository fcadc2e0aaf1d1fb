//! Undo: the bar at the bottom gives back what was done.

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Form, Router};
use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use seldinger_core::record::{Change, What};
use serde::Deserialize;

use super::places;
use super::shell::{Notices, Shell};
use super::trouble::Trouble;
use crate::serve::AppState;

/// Actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new().route("/undo", post(undo))
}

/// A change as the bar's form carries it.
#[derive(Deserialize)]
struct Done {
    id: String,
    kind: String,
    what: String,
    lseq: u64,
}

impl Done {
    fn change(self) -> Result<Change, LogbookError> {
        let what = match self.what.as_str() {
            "created" => What::Created,
            "edited" => What::Edited,
            "deleted" => What::Deleted,
            "restored" => What::Restored,
            _ => return Err(LogbookError::UnknownDefinition),
        };
        Ok(Change { id: self.id.parse()?, kind: self.kind, what, lseq: self.lseq })
    }
}

async fn undo(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Form(done): Form<Done>,
) -> Result<Response, Trouble> {
    let change = done.change()?;
    let place = match change.what {
        What::Created => places::list_of(&change.kind).to_owned(),
        _ => places::of(&change.kind, change.id),
    };
    state.ask(move |book| book.undo(&change)).await?;
    notices.leave(words("page.undone", &[]), None);
    if shell.part {
        return Ok([(HeaderName::from_static("hx-redirect"), place)].into_response());
    }
    Ok(Redirect::to(&place).into_response())
}
