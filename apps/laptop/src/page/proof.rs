//! What asks again who is there: what takes the log out of its encryption, and what cannot be undone.
//!
//! A handler that takes `Proven` runs only where the user of this browser has shown lately who they are;
//! otherwise they are asked to. Under a passphrase that is the passphrase; where the keyring or a file
//! keeps the key there is none, and a fresh address takes its place, which only they can get. The way
//! back is the path that was asked for, so it has to answer GET too.

use askama::Template;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Form, Router};
use seldinger_core::content::Wording;
use serde::Deserialize;

use super::fields::Posted;
use super::shell::{Room, Shell, draw};
use super::trouble::Trouble;
use crate::serve::{AppState, Session, refusal};
use crate::vault::VaultMode;

/// Actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new().route("/prove", get(asked).post(prove))
}

/// The user of this browser has shown lately who they are.
pub struct Proven;

#[derive(Template)]
#[template(path = "proof.html")]
struct ProofPage {
    shell: Shell,
    /// Where to go on.
    to: String,
    by_passphrase: bool,
    /// What was wrong with what was typed.
    told: Option<Wording>,
}

/// Leads from a part of a page to where its user is asked.
#[derive(Template)]
#[template(path = "part/proof.html")]
struct ProofPart {
    /// Where to go on.
    to: String,
}

impl FromRequestParts<AppState> for Proven {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session = parts.extensions.get::<Session>();
        if session.is_some_and(|session| session.is_proven(std::time::Instant::now())) {
            return Ok(Self);
        }
        let shell = Shell::from_request_parts(parts, state).await;
        let shell = shell.map_err(Trouble::into_response)?;
        let to = way_back(parts.uri.path());
        if shell.part {
            let drawn = draw(&ProofPart { to }).map_err(Trouble::into_response)?;
            return Err((StatusCode::FORBIDDEN, drawn).into_response());
        }
        Err(ask(state, shell, to, None))
    }
}

/// What is downloaded, or sent as a file, has no page of its own to come back to.
fn way_back(path: &str) -> String {
    let page = match path {
        "/devices/bundle" => "/devices",
        path if path.starts_with("/export/") => "/export",
        path => path,
    };
    page.to_owned()
}

/// A path within this page, or else the front page. A second slash would lead to another machine; browsers
/// take a backslash for one and pass over tabs and line ends.
fn within(path: &str) -> String {
    let is_plain = |c: char| c != '\\' && !c.is_control();
    let is_within = path.starts_with('/') && !path.starts_with("//") && path.chars().all(is_plain);
    if is_within { path.to_owned() } else { "/".to_owned() }
}

fn ask(state: &AppState, shell: Shell, to: String, told: Option<Wording>) -> Response {
    let by_passphrase = state.vault_mode() == VaultMode::Passphrase;
    let page = ProofPage { shell: shell.at(Room::Settings), to, by_passphrase, told };
    match draw(&page) {
        Ok(page) => (StatusCode::FORBIDDEN, page).into_response(),
        Err(trouble) => trouble.into_response(),
    }
}

/// Where to go on, as the address says.
#[derive(Deserialize)]
struct To {
    #[serde(default)]
    to: String,
}

/// Asks who is there, and goes on at once where that is known.
async fn asked(
    proven: Result<Proven, Response>,
    State(state): State<AppState>,
    shell: Shell,
    Query(asked): Query<To>,
) -> Response {
    let to = within(&asked.to);
    if proven.is_ok() { Redirect::to(&to).into_response() } else { ask(&state, shell, to, None) }
}

/// Takes the passphrase and goes on.
async fn prove(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    shell: Shell,
    Form(mut posted): Form<Posted>,
) -> Result<Response, Trouble> {
    let to = within(posted.one("to"));
    if state.vault_mode() != VaultMode::Passphrase {
        return Ok(ask(&state, shell, to, None));
    }
    match refusal(state.admit(Some(posted.secret("passphrase"))).await) {
        None => {
            state.prove(&session);
            Ok(Redirect::to(&to).into_response())
        }
        told => Ok(ask(&state, shell, to, told)),
    }
}

#[cfg(test)]
mod tests {
    use crate::serve::visit::Visit;

    #[test]
    fn after_five_minutes_it_is_asked_again() {
        let visit = Visit::new();
        assert_eq!(visit.get("/export/cases.csv").status, 200);
        visit.post_part("/jot", &[("jot", "R port, observed")]);
        let page = visit.get("/").body;
        let place = page.split("href=\"/cases/").find_map(|rest| {
            let id = rest.split('"').next()?;
            (id.len() > 30).then(|| format!("/cases/{id}"))
        });
        let place = place.unwrap();
        let erase = format!("/records/{}/erase", place.trim_start_matches("/cases/"));
        assert!(visit.get(&erase).body.contains("Erase for good"));
        visit.forget_proof();
        for path in ["/export/cases.csv", "/export/logbook.jsonl", &erase] {
            let asked = visit.get(path);
            assert_eq!(asked.status, 403, "{path}");
            assert!(asked.body.contains("seldinger once more"), "{}", asked.body);
            assert!(!asked.headers.contains_key("content-disposition"));
        }
        for path in [&erase, "/devices/00/revoke"] {
            assert_eq!(visit.post(path, &[]).status, 403, "{path}");
        }
        assert_eq!(visit.get(&place).status, 200, "it was not erased, and reading needs no proof");
        // There is no passphrase to type, and no word stands for one.
        assert_eq!(visit.post("/prove", &[("passphrase", "x"), ("to", "/export")]).status, 403);
        let again = visit.another();
        assert_eq!(again.get("/export/cases.csv").status, 200, "a fresh address is a proof");
    }

    #[test]
    fn under_a_passphrase_it_is_typed_again() {
        let visit = Visit::under("four plain words here");
        visit.forget_proof();
        let asked = visit.get("/export/cases.csv");
        assert_eq!((asked.status, asked.value("to")), (403, "/export".to_owned()));
        let typed = |text: &str| visit.post("/prove", &[("passphrase", text), ("to", "/export")]);
        assert_eq!(typed("").status, 403);
        let wrong = typed("four plain words");
        assert!(wrong.status == 403 && wrong.body.contains("That is not the passphrase."));
        assert_eq!(visit.get("/export/cases.csv").status, 403);
        assert_eq!(typed("four plain words here").location(), "/export");
        assert_eq!(visit.get("/export/cases.csv").status, 200);
        for outside in [
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "",
        ] {
            let outside = [("passphrase", "four plain words here"), ("to", outside)];
            assert_eq!(visit.post("/prove", &outside).location(), "/", "{outside:?}");
        }
        assert_eq!(visit.get("/prove?to=//evil.example").location(), "/");
    }

    #[test]
    fn pairing_in_every_way_asks_who_is_there() {
        let visit = Visit::new();
        visit.forget_proof();
        for (path, code) in
            [("/devices/pair", ""), ("/devices/join", "code"), ("/devices/00/bundle", "code")]
        {
            assert_eq!(visit.post(path, &[("code", code)]).status, 403, "{path}");
        }
        assert!(!visit.get("/devices/pair").body.contains("Scan this code"));
        let taken = |visit: &Visit| visit.post_file_with("/devices/bundle", "x", "A CODE");
        let asked = taken(&visit);
        assert_eq!(asked.status, 403);
        assert!(asked.body.contains("href=\"/prove?to=/devices\""), "{}", asked.body);
        assert_eq!(visit.get("/prove?to=/devices").status, 403);
        let again = visit.another();
        assert_eq!(again.get("/prove?to=/devices").location(), "/devices");
        assert_ne!(taken(&again).status, 403);
        // Without a code it is of a device that is paired.
        assert_ne!(visit.post_file("/devices/bundle", "x").status, 403);
    }
}
