//! Into the sample rotation and back.

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::post;
use seldinger_core::error::LogbookError;

use super::trouble::Trouble;
use crate::serve::AppState;

/// Actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new().route("/sample/open", post(open)).route("/sample/leave", post(leave))
}

async fn open(State(state): State<AppState>) -> Result<Redirect, Trouble> {
    // Making the book imports a whole rotation.
    let opened = tokio::task::spawn_blocking(move || state.open_sample()).await;
    opened.unwrap_or(Err(LogbookError::Io))?;
    Ok(Redirect::to("/"))
}

async fn leave(State(state): State<AppState>) -> Redirect {
    state.leave_sample();
    Redirect::to("/")
}
