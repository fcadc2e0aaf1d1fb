//! The case list and the jot box above it.

mod jot;
mod list;
pub mod query;

use axum::Router;
use axum::routing::{get, post};

use crate::serve::AppState;

/// Pages of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(list::page))
        .route("/cases", get(list::page).post(list::filtered))
        .route("/cases/more", post(list::more))
        .route("/jot", post(jot::save))
        .route("/jot/read", post(jot::read))
}
