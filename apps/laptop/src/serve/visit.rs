//! A browser that was let in, for tests of pages: no socket, but everything behind it.

use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::guard::cookie_name;
use super::{AppState, Doors, router};
use crate::data_dir::Places;
use crate::open::Home;
use crate::vault::VaultMode;

/// A browser on the page of a book of its own.
pub struct Visit {
    router: Router,
    cookie: String,
    /// The page behind it.
    pub state: AppState,
    _folder: TempDir,
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
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        let home = Home { places, wanted: Some(VaultMode::KeyFile) };
        let opened = home.existing_or_new().unwrap();
        let state = AppState::new(opened, home, Doors::new(None), PORT, "secret");
        let token = state.doors().new_token();
        let cookie = state.doors().enter(&token, Instant::now()).unwrap();
        let cookie = format!("{}={cookie}", cookie_name(PORT));
        Self { router: router(state.clone()), cookie, state, _folder: folder }
    }

    pub fn get(&self, path: &str) -> Seen {
        self.ask(self.request("GET", path).body(Body::empty()).unwrap())
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

    fn send<T: AsRef<str>>(&self, path: &str, fields: &[(&str, T)], part: bool) -> Seen {
        let pair =
            |(name, value): &(&str, T)| format!("{}={}", escaped(name), escaped(value.as_ref()));
        let mut body: Vec<String> = fields.iter().map(pair).collect();
        body.push(format!("csrf={}", self.token()));
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

    fn ask(&self, request: Request<Body>) -> Seen {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async {
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
