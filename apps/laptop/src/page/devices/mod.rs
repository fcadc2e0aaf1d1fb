//! Devices: who this log is exchanged with, how that goes, and pairing with another one.

mod badge;
mod carry;
mod join;
mod list;
mod pair;

use axum::Router;
use axum::http::HeaderName;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use seldinger_core::time::Moment;

use crate::serve::AppState;
pub use badge::Badge;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/devices", get(list::page))
        .route("/devices/sync", post(list::sync_now))
        .route("/devices/{fingerprint}/revoke", get(list::ask_revoke).post(list::revoke))
        .route("/devices/{fingerprint}/bundle", get(carry::ask).post(carry::make))
        .route("/devices/bundle", post(carry::take))
        .route("/devices/pair", get(pair::page).post(pair::open))
        .route("/devices/pair/digits", post(pair::digits))
        .route("/devices/pair/close", post(pair::close))
        .route("/devices/join", get(join::page).post(join::begin))
        .route("/devices/join/stop", post(join::stop))
        .route("/live/badge", get(badge::live))
        .route("/live/devices", get(list::live))
        .route("/live/pair", get(pair::live))
        .route("/live/join", get(join::live))
}

/// Takes the page that asked for a part back to the list.
fn to_devices() -> Response {
    [(HeaderName::from_static("hx-redirect"), "/devices")].into_response()
}

/// `21 Oct, 13:44`.
fn day_and_time(moment: &Moment) -> String {
    format!("{}, {}", moment.day().short(), moment.clock_time())
}
