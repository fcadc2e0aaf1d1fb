//! Entry forms: whatever the form engine describes is drawn here, with nothing known of its meaning.

pub mod drawn;
pub mod keep;
pub mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/new/{form}", get(view::new_record))
        .route("/records/{id}/edit", get(view::edit_record))
        .route("/consults/{id}/case", get(view::case_of_consult))
        .route("/cases/new", get(view::new_case))
        .route("/cases/{id}/edit", get(view::edit_case))
        .route("/cases/{id}/debrief", get(view::debrief))
        .route("/form/keep", post(keep::keep))
        .route("/form/save", post(keep::save))
        .route("/form/drop", post(keep::drop_draft))
}
