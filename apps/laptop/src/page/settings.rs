//! Where things are, how the page looks, and locking it.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use seldinger_core::content::words as told;
use serde::Deserialize;

use super::shell::{Room, Shell, THEME_COOKIE, draw};
use super::trouble::Trouble;
use crate::serve::{AppState, lock_means};
use crate::vault::VaultMode;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings", get(page))
        .route("/settings/theme", post(theme))
        .route("/settings/code", post(code))
        .route("/lock", post(lock))
}

#[derive(Template)]
#[template(path = "settings/page.html")]
struct SettingsPage {
    shell: Shell,
    data_folder: String,
    key_folder: String,
    /// Who keeps the key.
    key: String,
    key_in_file: bool,
    /// What locking keeps out, and what it does not.
    lock_means: String,
}

#[derive(Template)]
#[template(path = "settings/code.html")]
struct CodePage {
    shell: Shell,
    /// The recovery code, the one time that it is shown.
    code: Option<String>,
}

async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let mode = state.vault_mode();
    let key = match mode {
        VaultMode::Keyring => "app.key_in_keyring",
        VaultMode::Passphrase => "app.key_under_passphrase",
        VaultMode::KeyFile => "app.key_in_file",
    };
    draw(&SettingsPage {
        shell: shell.at(Room::Settings),
        data_folder: state.data_folder(),
        key_folder: state.key_folder(),
        key: told(key, &[]),
        key_in_file: mode == VaultMode::KeyFile,
        lock_means: told(lock_means(mode), &[]),
    })
}

#[derive(Deserialize)]
struct Theme {
    theme: String,
}

async fn theme(Form(chosen): Form<Theme>) -> Response {
    // A word for the eyes, which only the server reads; the sheet comes with the page.
    let (value, seconds) = match chosen.theme.as_str() {
        "light" => ("light", 31_536_000),
        "dark" => ("dark", 31_536_000),
        _ => ("", 0),
    };
    let cookie =
        format!("{THEME_COOKIE}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict; Path=/");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/settings")).into_response()
}

async fn code(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let code = state.take_recovery_code();
    draw(&CodePage { shell: Shell { code_waiting: false, ..shell.at(Room::Settings) }, code })
}

async fn lock(State(state): State<AppState>) -> Redirect {
    state.lock().await;
    Redirect::to("/")
}
