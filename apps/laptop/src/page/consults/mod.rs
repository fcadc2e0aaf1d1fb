//! Consults: what IR asks, what is said about it, and the case that follows.

mod entry;
mod list;
mod paper;
mod templates;
mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/consults", get(list::page))
        .route("/consults/new", get(entry::begin))
        .route("/consults/keep", post(entry::keep))
        .route("/consults/switch", post(entry::switch))
        .route("/consults/templates", get(templates::list))
        .route("/consults/templates/copy", post(templates::copy))
        .route("/consults/templates/{id}", get(templates::page))
        .route("/consults/templates/{id}/text", post(templates::save))
        .route("/consults/templates/{id}/change", post(templates::change))
        .route("/consults/wording", get(templates::wording).post(templates::save_wording))
        .route("/consults/{id}", get(view::page))
        .route("/consults/{id}/edit", get(entry::edit))
        .route("/consults/{id}/say", get(view::say))
        .route("/consults/{id}/link", post(view::link))
        .route("/consults/{id}/unlink", post(view::unlink))
}
