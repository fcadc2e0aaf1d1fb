//! One case: what is written, and what can be done with it.

mod actions;
mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/cases/{id}", get(view::page))
        .route("/cases/{id}/interesting", post(actions::interesting))
        .route("/cases/{id}/duplicate", post(actions::duplicate))
}
