//! The page. Stand-in: the rooms move in here.

use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Extension, Router};

use seldinger_core::case_log::list::CaseFilter;

use crate::serve::{AppState, Session};

/// Every page.
pub fn routes() -> Router<AppState> {
    Router::new().route("/", get(cases))
}

async fn cases(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
) -> Html<String> {
    let counted = state.ask(|book| book.count_cases(&CaseFilter::default())).await.unwrap_or(0);
    let token = state.csrf(&session);
    Html(format!(
        "<!doctype html><title>Seldinger</title><p>{counted} cases</p><input type=\"hidden\" name=\"csrf\" value=\"{token}\">"
    ))
}
