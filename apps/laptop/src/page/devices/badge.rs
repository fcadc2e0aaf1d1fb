//! The sync badge: two ends of a wire, this device and the others.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use seldinger_core::content::words;
use seldinger_core::logbook::lan::{SyncState, SyncStatus};

use crate::page::live::{Seen, look, unless_seen};
use crate::page::trouble::Trouble;
use crate::serve::AppState;

/// A state as it is drawn.
#[derive(Clone, PartialEq, Eq)]
pub struct Badge {
    /// `kept`, `sending`, `refused` or `both`; empty where nothing is shown.
    pub class: &'static str,
    /// Beside it.
    pub text: String,
}

#[derive(Template)]
#[template(path = "devices/badge.html")]
struct BadgePart {
    badge: Badge,
}

impl Badge {
    /// Nothing to show.
    pub fn none() -> Self {
        Self { class: "", text: String::new() }
    }

    /// Of one state, with what waits.
    pub fn of(state: &SyncState, waiting: u64) -> Self {
        let class = match state {
            SyncState::Alone => "",
            SyncState::Offline => "kept",
            SyncState::Syncing { .. } => "sending",
            SyncState::Failed { .. } => "refused",
            SyncState::UpToDate { .. } => "both",
        };
        let mut text = state.text();
        if *state == SyncState::Offline && waiting > 0 {
            text.push_str(", ");
            text.push_str(&words("badge.waiting", &[("count", &waiting.to_string())]));
        }
        Self { class, text }
    }

    fn of_status(status: &SyncStatus) -> Self {
        Self::of(&status.state, status.waiting)
    }

    /// The badge of the page as it is now.
    pub async fn now(state: &AppState) -> Self {
        if state.is_sample() {
            return Self::none();
        }
        let status = state.ask_exchange(|exchange| exchange.service().status()).await;
        match status {
            Ok(status) => Self::of_status(&status),
            Err(_) => Self { class: "refused", text: words("badge.failed", &[]) },
        }
    }

    /// What tells it from others.
    pub fn look(&self) -> String {
        look(&[self.class, &self.text])
    }
}

/// The badge again.
pub async fn live(
    State(state): State<AppState>,
    Query(seen): Query<Seen>,
) -> Result<Response, Trouble> {
    let badge = Badge::now(&state).await;
    let look = badge.look();
    unless_seen(&BadgePart { badge }, &look, &seen)
}
