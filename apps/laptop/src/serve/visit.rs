//! A browser that was let in, for tests of pages: no socket, but everything behind it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use seldinger_core::logbook::Logbook;
use seldinger_core::store::Place;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::guard::cookie_name;
use super::{AppState, Doors, router};
use crate::data_dir::{Places, write_private};
use crate::open::{Home, Opened};
use crate::vault::{Sealed, Vault, VaultMode};

/// A browser on the page of a book of its own.
pub struct Visit {
    router: Router,
    cookie: String,
    /// The page behind it.
    pub state: AppState,
    folder: Arc<TempDir>,
}

/// An answer, read to its end.
pub struct Seen {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: String,
}

const PORT: u16 = 8000;

impl Visit {
    pub fn new() -> Self {
        Self::with(Doors::new(None))
    }

    /// The same on a page that locks after a while.
    pub fn idle_after(limit: Duration) -> Self {
        Self::with(Doors::new(Some(limit)))
    }

    fn with(doors: Doors) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        let home = Home { places, wanted: Some(VaultMode::KeyFile) };
        let opened = home.existing_or_new().unwrap();
        Self::of(AppState::new(opened, home, doors, PORT, "secret"), Arc::new(folder))
    }

    /// The same where a passphrase seals the key.
    pub fn under(passphrase: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        Sealed::open_or_make(&places.sealed_keys(), passphrase).unwrap();
        write_private(&places.vault_note(), br#"{"version":1,"mode":"passphrase"}"#).unwrap();
        let vault = Vault::under(&places, passphrase).unwrap();
        let home = Home { places, wanted: None };
        let setup = home.setup(Place::new(home.places.own_book()), &vault);
        let (book, code) = Logbook::create(setup).unwrap();
        let opened = Opened { book, vault, recovery_code: Some(code) };
        Self::of(AppState::new(opened, home, Doors::new(None), PORT, "secret"), Arc::new(folder))
    }

    fn of(state: AppState, folder: Arc<TempDir>) -> Self {
        let token = state.doors().new_token();
        let cookie = state.doors().enter(&token, Instant::now()).unwrap();
        let cookie = format!("{}={cookie}", cookie_name(PORT));
        Self { router: router(state.clone()), cookie, state, folder }
    }

    /// Another browser on the same page, let in by a fresh address.
    pub fn another(&self) -> Self {
        Self::of(self.state.clone(), self.folder.clone())
    }

    /// Takes the cookie that an answer sets.
    pub fn with_cookie_of(&self, answer: &Seen) -> Self {
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        let (state, folder) = (self.state.clone(), self.folder.clone());
        Self { router: self.router.clone(), cookie: cookie.to_owned(), state, folder }
    }

    /// A browser that was never let in.
    pub fn stranger(&self) -> Self {
        let (state, folder) = (self.state.clone(), self.folder.clone());
        Self { router: self.router.clone(), cookie: String::new(), state, folder }
    }

    /// Where its log is.
    pub fn places(&self) -> Places {
        Places::in_folder(self.folder.path())
    }

    /// What this browser's user has shown of themselves is too long ago.
    pub fn forget_proof(&self) {
        self.state.doors().forget_proofs();
    }

    /// Posts a form of the door, which carries no page token.
    pub fn post_door(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.send_with(path, fields, false, None)
    }

    pub fn get(&self, path: &str) -> Seen {
        self.ask(self.request("GET", path).body(Body::empty()).unwrap())
    }

    /// The same for a part of a page.
    pub fn get_part(&self, path: &str) -> Seen {
        let request = self.request("GET", path).header("hx-request", "true");
        self.ask(request.body(Body::empty()).unwrap())
    }

    /// Posts a form, as a plain one does.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.send(path, fields, false)
    }

    /// Posts a form for a part of a page.
    pub fn post_part<T: AsRef<str>>(&self, path: &str, fields: &[(&str, T)]) -> Seen {
        self.send(path, fields, true)
    }

    /// Posts a file.
    pub fn post_file(&self, path: &str, bytes: &str) -> Seen {
        let request = self.request("POST", path).header("x-csrf-token", self.token());
        self.ask(request.header("hx-request", "true").body(Body::from(bytes.to_owned())).unwrap())
    }

    /// The same with a code.
    pub fn post_file_with(&self, path: &str, bytes: &str, code: &str) -> Seen {
        let request = self.request("POST", path).header("x-csrf-token", self.token());
        let request = request.header("hx-request", "true").header("x-code", code);
        self.ask(request.body(Body::from(bytes.to_owned())).unwrap())
    }

    fn send<T: AsRef<str>>(&self, path: &str, fields: &[(&str, T)], part: bool) -> Seen {
        self.send_with(path, fields, part, Some(self.token()))
    }

    fn send_with<T: AsRef<str>>(
        &self,
        path: &str,
        fields: &[(&str, T)],
        part: bool,
        token: Option<String>,
    ) -> Seen {
        let pair =
            |(name, value): &(&str, T)| format!("{}={}", escaped(name), escaped(value.as_ref()));
        let mut body: Vec<String> = fields.iter().map(pair).collect();
        body.extend(token.map(|token| format!("csrf={token}")));
        let mut request = self.request("POST", path);
        if part {
            request = request.header("hx-request", "true");
        }
        let kind = "application/x-www-form-urlencoded";
        self.ask(request.header("content-type", kind).body(Body::from(body.join("&"))).unwrap())
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let host = format!("127.0.0.1:{PORT}");
        let origin = format!("http://{host}");
        let request = Request::builder().method(method).uri(path).header("host", host);
        request.header("origin", origin).header("cookie", &self.cookie)
    }

    fn token(&self) -> String {
        let settings = self.get("/settings");
        settings.value("csrf")
    }

    /// Waits for something that a handler would wait for.
    #[allow(clippy::unused_self, reason = "it reads like what a browser does")]
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(1).enable_time().build().unwrap().block_on(work)
    }

    fn ask(&self, request: Request<Body>) -> Seen {
        self.wait(async {
            let answer: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            Seen { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }
}

impl Seen {
    /// What stands in the first field called `name`.
    pub fn value(&self, name: &str) -> String {
        let field = self.body.split(&format!("name=\"{name}\"")).nth(1).expect(name);
        let value = field.split("value=\"").nth(1).expect(name);
        value.split('"').next().unwrap_or_default().to_owned()
    }

    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        self.headers.get("location").map_or("", |place| place.to_str().unwrap())
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02x}"))
}
