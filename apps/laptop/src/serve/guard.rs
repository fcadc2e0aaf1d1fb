//! What stands before every page: Host, session, Origin, page token, and the headers of every answer.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Form, FromRequest as _, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::connections::Known;
use super::doors::Session;
use super::state::AppState;
use super::{AGAIN, CODE, MOST_DOOR_BYTES, OPEN, STYLE, UNLOCK, WAITING, door};

/// The most that a form may hold: a long note many times over.
const MOST_FORM_BYTES: usize = 2 * 1024 * 1024;
/// How long a form may take to come.
const FORM_DEADLINE: Duration = Duration::from_secs(30);
/// The field that carries a page's token.
const FIELD: &str = "csrf";
/// The header that carries it instead.
const HEADER: &str = "x-csrf-token";

/// Where a page asks by itself whether anything is new.
const LIVE: &str = "/live/";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'";

/// The name of the cookie: two pages of one machine differ in nothing but their port, and browsers
/// do not tell cookies apart by it.
pub fn cookie_name(port: u16) -> String {
    format!("seldinger-{port}")
}

/// Lets a request pass, or answers it.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let asset = request.uri().path().starts_with("/assets/");
    let mut response = match check(&state, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal,
    };
    dress(response.headers_mut(), asset);
    response
}

async fn check(state: &AppState, mut request: Request) -> Result<Request, Response> {
    if !is_our_host(request.headers(), state.port()) {
        return Err(StatusCode::MISDIRECTED_REQUEST.into_response());
    }
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    // Each of these looks itself at who asks.
    let is_door = [OPEN, AGAIN, WAITING, CODE, UNLOCK].contains(&path);
    if is_door && !reads {
        let (parts, body) = request.into_parts();
        let bytes = in_time(body, MOST_DOOR_BYTES).await?;
        return Ok(Request::from_parts(parts, Body::from(bytes)));
    }
    if is_door || (reads && (path == STYLE || path.starts_with("/assets/"))) {
        return Ok(request);
    }
    let is_use = !path.starts_with(LIVE);
    let Some(session) = session(state, request.headers(), is_use) else {
        return Err(door::locked(state, request.headers()));
    };
    if let Some(connection) = request.extensions().get::<Known>() {
        connection.mark();
    }
    if !reads {
        if !is_from_our_page(request.headers(), state.port()) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        request = carries_token(&session, request).await?;
    }
    request.extensions_mut().insert(session);
    Ok(request)
}

/// The session that the request's cookie names.
pub fn session(state: &AppState, headers: &HeaderMap, is_use: bool) -> Option<Session> {
    let cookie = cookie_value(headers, state.port())?;
    state.doors().session(cookie, Instant::now(), is_use)
}

/// What the request's cookie says.
pub fn cookie_value(headers: &HeaderMap, port: u16) -> Option<&str> {
    let name = cookie_name(port);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

fn is_our_host(headers: &HeaderMap, port: u16) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    [format!("127.0.0.1:{port}"), format!("localhost:{port}")].iter().any(|ours| host == ours)
}

/// A form of ours says so by its Origin. Because our pages send no referrer, browsers say `null`
/// there for plain forms; then the browser's own word on where the request came from decides.
pub fn is_from_our_page(headers: &HeaderMap, port: u16) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("origin") {
        Some(origin) if origin != "null" => {
            let host = origin.strip_prefix("http://");
            host.is_some() && host == text("host") && is_our_host(headers, port)
        }
        _ => text("sec-fetch-site") == Some("same-origin"),
    }
}

/// The request again, when it carries a token of one of the session's pages.
async fn carries_token(session: &Session, request: Request) -> Result<Request, Response> {
    let refused = || StatusCode::FORBIDDEN.into_response();
    let headers = request.headers();
    let token = headers.get(HEADER);
    let fits = token.is_some_and(|token| token.to_str().is_ok_and(|token| session.accepts(token)));
    let is_form = headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    });
    if token.is_some() && !fits || token.is_none() && !is_form {
        return Err(refused());
    }
    if !is_form {
        // Who takes a file sees to it himself that it comes.
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = in_time(body, MOST_FORM_BYTES).await?;
    if fits {
        return Ok(Request::from_parts(parts, Body::from(bytes)));
    }
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let fields = Form::<Vec<(String, String)>>::from_request(copy, &()).await;
    let fits = fields.is_ok_and(|Form(fields)| {
        fields.iter().any(|(name, value)| name == FIELD && session.accepts(value))
    });
    if fits { Ok(Request::from_parts(parts, Body::from(bytes))) } else { Err(refused()) }
}

/// A body that has to come whole, in time and in bounds.
async fn in_time(body: Body, most: usize) -> Result<Bytes, Response> {
    tokio::time::timeout(FORM_DEADLINE, to_bytes(body, most))
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT.into_response())?
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())
}

/// The headers of every answer. Nothing is kept by the browser but the assets, whose addresses
/// change with their content.
fn dress(headers: &mut HeaderMap, asset: bool) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !asset || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn every_answer_is_dressed_by_exact_names_and_values() {
        let wanted = [
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ];
        let dressed = |asset| {
            let mut headers = HeaderMap::new();
            dress(&mut headers, asset);
            let mut all: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
                .collect();
            all.sort();
            all
        };
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(dressed(false), wanted);
        assert_eq!(dressed(true), wanted, "an asset that does not say how long it is good for");
        let mut kept = headers(&[("cache-control", "max-age=1")]);
        dress(&mut kept, true);
        assert_eq!(kept["cache-control"], "max-age=1");
        let mut page = headers(&[("cache-control", "max-age=1")]);
        dress(&mut page, false);
        assert_eq!(page["cache-control"], "no-store");
    }

    #[test]
    fn only_the_loopback_name_with_its_port_is_ours() {
        for host in ["127.0.0.1:8000", "localhost:8000"] {
            assert!(is_our_host(&headers(&[("host", host)]), 8000));
        }
        for host in ["127.0.0.1", "127.0.0.1:8001", "evil.example:8000", "127.0.0.1.evil:8000"] {
            assert!(!is_our_host(&headers(&[("host", host)]), 8000), "{host}");
        }
        assert!(!is_our_host(&headers(&[]), 8000));
        let two = headers(&[("host", "127.0.0.1:8000"), ("host", "evil.example:8000")]);
        assert!(!is_our_host(&two, 8000));
    }

    #[test]
    fn what_changes_something_comes_from_our_own_page() {
        let host = ("host", "127.0.0.1:8000");
        let from = |more: &[(&'static str, &'static str)]| {
            is_from_our_page(&headers(&[&[host], more].concat()), 8000)
        };
        assert!(from(&[("origin", "http://127.0.0.1:8000")]));
        assert!(from(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(from(&[("sec-fetch-site", "same-origin")]));
        assert!(!from(&[]));
        assert!(!from(&[("origin", "null")]));
        assert!(!from(&[("origin", "null"), ("sec-fetch-site", "same-site")]));
        assert!(!from(&[("origin", "http://localhost:8000")]));
        assert!(!from(&[("origin", "https://127.0.0.1:8000")]));
        let foreign = [("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")];
        assert!(!from(&foreign));
    }
}
