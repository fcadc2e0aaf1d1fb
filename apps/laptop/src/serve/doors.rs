//! Who may come in: one-time tokens, sessions, page tokens, and the lock after a while without a
//! request.
//!
//! Other programs of this machine can reach the port and other pages in the browser can point at it.
//! The token keeps the first out, the cookie (same site, not readable by scripts) and the page token
//! keep the second out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use blake3::Hash;

use crate::open::random_word;

/// Addresses that were given out and not used yet; more than this many are not waiting for anybody.
const MOST_TOKENS: usize = 8;
/// Browsers that are let in at a time.
const MOST_SESSIONS: usize = 16;

/// One browser that was let in.
#[derive(Clone)]
pub struct Session {
    page_key: [u8; 32],
}

struct Visitor {
    cookie: Hash,
    session: Session,
    last: Instant,
}

#[derive(Default)]
struct Inner {
    tokens: Vec<Hash>,
    visitors: Vec<Visitor>,
}

/// The doors of one running page.
pub struct Doors {
    inner: Mutex<Inner>,
    lock_after: Option<Duration>,
}

impl Doors {
    /// Doors that lock after `lock_after` without a request; `None`: never.
    pub fn new(lock_after: Option<Duration>) -> Self {
        Self { inner: Mutex::default(), lock_after }
    }

    /// A token that lets one browser in, once.
    pub fn new_token(&self) -> String {
        let token = random_word();
        let mut inner = self.inner();
        if inner.tokens.len() == MOST_TOKENS {
            inner.tokens.remove(0);
        }
        inner.tokens.push(blake3::hash(token.as_bytes()));
        token
    }

    /// Trades a token for a cookie.
    pub fn enter(&self, token: &str, now: Instant) -> Option<String> {
        let hash = blake3::hash(token.as_bytes());
        let mut inner = self.inner();
        let place = inner.tokens.iter().position(|known| *known == hash)?;
        inner.tokens.remove(place);
        let cookie = random_word();
        let page_key = *blake3::hash(random_word().as_bytes()).as_bytes();
        if inner.visitors.len() == MOST_SESSIONS {
            inner.visitors.remove(0);
        }
        inner.visitors.push(Visitor {
            cookie: blake3::hash(cookie.as_bytes()),
            session: Session { page_key },
            last: now,
        });
        Some(cookie)
    }

    /// The session of a cookie, unless it has been idle for too long. A request that the page makes by
    /// itself is no `use` of it.
    pub fn session(&self, cookie: &str, now: Instant, is_use: bool) -> Option<Session> {
        let hash = blake3::hash(cookie.as_bytes());
        let mut inner = self.inner();
        self.let_out(&mut inner, now);
        let visitor = inner.visitors.iter_mut().find(|visitor| visitor.cookie == hash)?;
        if is_use {
            visitor.last = now;
        }
        Some(visitor.session.clone())
    }

    /// Ends the sessions that have been idle for too long; whether that was the last one.
    pub fn lock_idle(&self, now: Instant) -> bool {
        let mut inner = self.inner();
        let before = inner.visitors.len();
        self.let_out(&mut inner, now);
        before > 0 && inner.visitors.is_empty()
    }

    /// Ends every session.
    pub fn lock(&self) {
        self.inner().visitors.clear();
    }

    fn let_out(&self, inner: &mut Inner, now: Instant) {
        if let Some(limit) = self.lock_after {
            inner.visitors.retain(|v| now.saturating_duration_since(v.last) < limit);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// A token for one page: what is posted from it carries it along as the field `csrf` or the header
    /// `x-csrf-token`.
    pub fn page_token(&self) -> String {
        let nonce = random_word();
        let mac = blake3::keyed_hash(&self.page_key, nonce.as_bytes());
        format!("{nonce}.{}", mac.to_hex())
    }

    /// Whether a page of this session carried the token.
    pub fn accepts(&self, token: &str) -> bool {
        let Some((nonce, mac)) = token.split_once('.') else { return false };
        let Ok(mac) = Hash::from_hex(mac) else { return false };
        // Hashes are compared in constant time.
        mac == blake3::keyed_hash(&self.page_key, nonce.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_once() {
        let (doors, now) = (Doors::new(None), Instant::now());
        let token = doors.new_token();
        assert!(doors.enter("wrong", now).is_none());
        let cookie = doors.enter(&token, now).unwrap();
        assert!(doors.enter(&token, now).is_none());
        assert!(doors.session(&cookie, now, true).is_some());
        assert!(doors.session(&token, now, true).is_none());
    }

    #[test]
    fn tokens_that_nobody_uses_run_out() {
        let (doors, now) = (Doors::new(None), Instant::now());
        let first = doors.new_token();
        for _ in 0..MOST_TOKENS {
            doors.new_token();
        }
        assert!(doors.enter(&first, now).is_none());
    }

    #[test]
    fn a_page_token_belongs_to_its_session() {
        let (doors, now) = (Doors::new(None), Instant::now());
        let enter = || {
            let cookie = doors.enter(&doors.new_token(), now).unwrap();
            doors.session(&cookie, now, true).unwrap()
        };
        let (one, other) = (enter(), enter());
        let token = one.page_token();
        assert!(one.accepts(&token) && !other.accepts(&token));
        assert_ne!(token, one.page_token());
        for wrong in ["", ".", "a.b", &token[1..], &token.replace('.', "")] {
            assert!(!one.accepts(wrong), "{wrong}");
        }
    }

    #[test]
    fn idle_doors_lock_and_used_ones_do_not() {
        let limit = Duration::from_mins(1);
        let (doors, start) = (Doors::new(Some(limit)), Instant::now());
        let cookie = doors.enter(&doors.new_token(), start).unwrap();
        let later = start + Duration::from_secs(59);
        assert!(!doors.lock_idle(later));
        assert!(doors.session(&cookie, later, true).is_some());
        assert!(doors.session(&cookie, later + Duration::from_secs(59), true).is_some());
        let asked_by_itself = later + Duration::from_secs(90);
        assert!(doors.session(&cookie, asked_by_itself, false).is_some());
        let idle = later + Duration::from_secs(59) + limit;
        assert!(doors.lock_idle(idle));
        assert!(!doors.lock_idle(idle), "told once");
        assert!(doors.session(&cookie, idle, true).is_none());
    }
}
