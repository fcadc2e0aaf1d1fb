//! What has just happened, told by the next whole page: a plain form is answered by sending the browser
//! to another page.
//!
//! A notice belongs to the session whose request left it, and there to the page that the request was
//! answered with: a second browser never sees it, and a second tab only where it opens that very page
//! first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use seldinger_core::record::Change;

use crate::serve::Session;

/// Notices that wait in one session; the rest were for pages that nobody opened.
const MOST: usize = 8;
/// How long one waits.
const WAITS: Duration = Duration::from_mins(1);

/// Something that has just happened, for the bar at the bottom.
#[derive(Clone)]
pub struct Notice {
    /// What is said.
    pub text: String,
    /// What undoes it.
    pub undo: Option<Change>,
    /// What it is about.
    pub link: Option<String>,
}

/// What one request leaves for the page that follows it.
#[derive(Clone, Default)]
pub struct Notices(Arc<Mutex<Option<Notice>>>);

impl Notices {
    /// Leaves a notice for the next page.
    pub fn leave(&self, text: impl Into<String>, undo: Option<Change>) {
        let notice = Notice { text: text.into(), undo, link: None };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice);
    }
}

struct Waiting {
    notice: Notice,
    /// The page that it is for; none where the request was answered by no page.
    place: Option<String>,
    left: Instant,
}

/// What waits to be told in one session.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Waiting>>>);

impl Told {
    fn leave(&self, notice: Notice, place: Option<String>, left: Instant) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MOST {
            waiting.remove(0);
        }
        waiting.push(Waiting { notice, place, left });
    }

    /// What the page at `path` tells, once.
    pub fn take(&self, path: &str, now: Instant) -> Option<Notice> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| now.saturating_duration_since(one.left) < WAITS);
        let is_here = |one: &Waiting| one.place.as_deref().is_none_or(|place| place == path);
        let place = waiting.iter().position(is_here)?;
        Some(waiting.remove(place).notice)
    }
}

/// Keeps what a request leaves for the page that it is answered with.
pub async fn keep(mut request: Request, next: Next) -> Response {
    let notices = Notices::default();
    let told = request.extensions().get::<Session>().map(|session| session.told().clone());
    request.extensions_mut().insert(notices.clone());
    let response = next.run(request).await;
    let left = notices.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let (Some(notice), Some(told)) = (left, told) {
        told.leave(notice, place_of(response.headers()), Instant::now());
    }
    response
}

/// Where an answer sends the browser.
fn place_of(headers: &HeaderMap) -> Option<String> {
    let place = headers.get("location").or_else(|| headers.get("hx-redirect"))?.to_str().ok()?;
    Some(place.split(['?', '#']).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(text: &str) -> Notice {
        Notice { text: text.to_owned(), undo: None, link: None }
    }

    #[test]
    fn a_notice_is_told_once_on_its_page_and_not_for_long() {
        let (told, now) = (Told::default(), Instant::now());
        told.leave(notice("one"), Some("/cases/1".to_owned()), now);
        told.leave(notice("any"), None, now);
        let take = |path: &str, now| told.take(path, now).map(|notice| notice.text);
        assert_eq!(take("/tally", now).as_deref(), Some("any"));
        assert_eq!(take("/tally", now), None);
        assert_eq!(take("/cases/1", now).as_deref(), Some("one"));
        assert_eq!(take("/cases/1", now), None);
        told.leave(notice("old"), None, now);
        assert_eq!(take("/", now + WAITS), None);
        for n in 0..20 {
            told.leave(notice(&n.to_string()), None, now);
        }
        assert_eq!(take("/", now).as_deref(), Some("12"));
    }
}
