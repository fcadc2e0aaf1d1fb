//! Checklists: what there is to tick, runs of them, and the stages of a procedure.

mod list;
mod run;

use axum::Router;
use axum::routing::{get, post};

use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/checklists", get(list::page).post(list::begin))
        .route("/checklists/{id}", get(run::page))
        .route("/checklists/{id}/{act}", post(run::act))
        .route("/stages/{id}", post(run::write_stages))
        .route("/live/checklists/{id}", get(run::live))
}
