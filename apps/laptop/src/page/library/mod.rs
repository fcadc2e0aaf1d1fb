//! The library: procedures to read up on, each beside the user's own notes and cases.

mod imaging;
mod procedures;

use axum::Router;
use axum::routing::get;

use crate::serve::AppState;

/// Pages of these rooms.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/procedures", get(procedures::list))
        .route("/procedures/{id}", get(procedures::page))
        .route("/imaging", get(imaging::page))
        .route("/imaging/{id}", get(imaging::topic))
}
