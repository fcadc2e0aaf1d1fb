//! Who may come in: invitations, sessions, page tokens, proofs, and the locks.
//!
//! Other programs of this machine can reach the port and other pages in the browser can point at it.
//! The token keeps the first out, the cookie (same site, not readable by scripts) and the page token
//! keep the second out.
//!
//! A browser whose session ended, by the Lock button or after a while without use, keeps its cookie. It
//! shows nothing of the log; with it the page can be unlocked: under a passphrase by typing that, where
//! the keyring or a file keeps the key by a click.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use blake3::Hash;

use super::invitations::{Invitations, Typed};
use crate::open::random_word;
use crate::page::Told;

/// Browsers that are let in at a time.
const MOST_SESSIONS: usize = 16;
/// How long somebody is taken for who they have shown to be, before what cannot be undone or takes the
/// log out of its encryption.
const PROOF_LASTS: Duration = Duration::from_mins(5);

/// One browser that was let in.
#[derive(Clone)]
pub struct Session {
    page_key: [u8; 32],
    cookie: Hash,
    proved: Option<Instant>,
    told: Told,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The user locked the page.
    Asked,
    /// Nobody used it for a while.
    Idle,
}

struct Visitor {
    cookie: Hash,
    session: Session,
    last: Instant,
    locked: Option<Lock>,
}

#[derive(Default)]
struct Inner {
    invitations: Invitations,
    visitors: Vec<Visitor>,
    /// The last open session was idle for too long, and nobody was told yet.
    idle: bool,
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

    /// What is given out to let somebody in, and what was used.
    pub fn invitations<T>(&self, work: impl FnOnce(&mut Invitations) -> T) -> T {
        work(&mut self.inner().invitations)
    }

    /// A token that lets one browser in, once.
    #[cfg(test)]
    pub fn new_token(&self) -> String {
        self.invitations(|invitations| invitations.add().1)
    }

    /// Trades a token for a cookie. Whoever holds a fresh one has shown who they are.
    pub fn enter(&self, token: &str, now: Instant) -> Option<String> {
        let mut inner = self.inner();
        inner.invitations.take(token).then(|| inner.let_in(now, Some(now)))
    }

    /// Trades a typed code for a cookie.
    pub fn enter_by_code(&self, code: &str, now: Instant) -> Result<String, Typed> {
        let mut inner = self.inner();
        inner.invitations.take_code(code, now)?;
        Ok(inner.let_in(now, Some(now)))
    }

    /// The session of a cookie, unless it has been idle for too long. A request that the page makes by
    /// itself is no `use` of it.
    pub fn session(&self, cookie: &str, now: Instant, is_use: bool) -> Option<Session> {
        let hash = blake3::hash(cookie.as_bytes());
        let mut inner = self.inner();
        self.let_out(&mut inner, now);
        let mut open = inner.visitors.iter_mut().filter(|visitor| visitor.locked.is_none());
        let visitor = open.find(|visitor| visitor.cookie == hash)?;
        if is_use {
            visitor.last = now;
        }
        Some(visitor.session.clone())
    }

    /// Why the session of a cookie ended; `None` where it never was one, or goes on.
    pub fn locked(&self, cookie: &str, now: Instant) -> Option<Lock> {
        let hash = blake3::hash(cookie.as_bytes());
        let mut inner = self.inner();
        self.let_out(&mut inner, now);
        inner.visitors.iter().find(|visitor| visitor.cookie == hash)?.locked
    }

    /// Lets the browser in again whose session ended; its new cookie. Whether that is due, the caller
    /// has to know: `proved` where its user has shown who they are.
    pub fn unlock(&self, cookie: &str, now: Instant, proved: bool) -> Option<String> {
        let hash = blake3::hash(cookie.as_bytes());
        let mut inner = self.inner();
        let is_it = |visitor: &Visitor| visitor.cookie == hash && visitor.locked.is_some();
        let place = inner.visitors.iter().position(is_it)?;
        inner.visitors.remove(place);
        Some(inner.let_in(now, proved.then_some(now)))
    }

    /// The user of a session has shown who they are.
    pub fn prove(&self, session: &Session, now: Instant) {
        let mut inner = self.inner();
        for visitor in inner.visitors.iter_mut().filter(|v| v.cookie == session.cookie) {
            visitor.session.proved = Some(now);
        }
    }

    /// Every proof is too old from now on.
    #[cfg(test)]
    pub fn forget_proofs(&self) {
        for visitor in &mut self.inner().visitors {
            visitor.session.proved = None;
        }
    }

    /// Ends the sessions that have been idle for too long; whether the last one ended so, told once.
    pub fn lock_idle(&self, now: Instant) -> bool {
        let mut inner = self.inner();
        self.let_out(&mut inner, now);
        std::mem::take(&mut inner.idle)
    }

    /// Ends every session, and takes back what was given out and not used.
    pub fn lock(&self) {
        let mut inner = self.inner();
        for visitor in &mut inner.visitors {
            visitor.locked = Some(Lock::Asked);
        }
        inner.invitations.forget_all();
    }

    /// With the last session what was given out and not used is taken back, as by `lock`.
    fn let_out(&self, inner: &mut Inner, now: Instant) {
        let Some(limit) = self.lock_after else { return };
        let before = inner.open();
        for visitor in inner.visitors.iter_mut().filter(|visitor| visitor.locked.is_none()) {
            if now.saturating_duration_since(visitor.last) >= limit {
                visitor.locked = Some(Lock::Idle);
            }
        }
        if before > 0 && inner.open() == 0 {
            inner.idle = true;
            inner.invitations.forget_all();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn open(&self) -> usize {
        self.visitors.iter().filter(|visitor| visitor.locked.is_none()).count()
    }

    /// A new session; its cookie.
    fn let_in(&mut self, now: Instant, proved: Option<Instant>) -> String {
        let word = random_word();
        let cookie = blake3::hash(word.as_bytes());
        let page_key = *blake3::hash(random_word().as_bytes()).as_bytes();
        if self.visitors.len() == MOST_SESSIONS {
            // Rather one that ended than one that goes on.
            let ended = self.visitors.iter().position(|visitor| visitor.locked.is_some());
            self.visitors.remove(ended.unwrap_or(0));
        }
        let session = Session { page_key, cookie, proved, told: Told::default() };
        self.visitors.push(Visitor { cookie, session, last: now, locked: None });
        word
    }
}

impl Session {
    /// Whether its user has shown lately who they are.
    pub fn is_proven(&self, now: Instant) -> bool {
        self.proved.is_some_and(|at| now.saturating_duration_since(at) < PROOF_LASTS)
    }

    /// What its pages are yet to tell.
    pub fn told(&self) -> &Told {
        &self.told
    }

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
        assert_eq!(doors.locked(&cookie, idle), Some(Lock::Idle));
    }

    #[test]
    fn the_last_idle_session_is_told_whoever_notices_and_takes_invitations_back() {
        let limit = Duration::from_mins(1);
        let (doors, start) = (Doors::new(Some(limit)), Instant::now());
        let cookie = doors.enter(&doors.new_token(), start).unwrap();
        let unused = doors.new_token();
        assert!(doors.session(&cookie, start + limit, false).is_none());
        assert!(doors.enter(&unused, start + limit).is_none(), "given out before the lock");
        assert!(doors.lock_idle(start + limit));
        assert!(!doors.lock_idle(start + limit), "told once");
    }

    #[test]
    fn a_locked_cookie_asks_to_be_let_in_again_and_does_nothing_else() {
        let (doors, now) = (Doors::new(None), Instant::now());
        let waiting = doors.new_token();
        let cookie = doors.enter(&doors.new_token(), now).unwrap();
        assert_eq!(doors.locked(&cookie, now), None);
        assert!(doors.unlock(&cookie, now, false).is_none(), "it is not locked");
        doors.lock();
        assert!(doors.enter(&waiting, now).is_none(), "given out before the lock");
        assert!(doors.session(&cookie, now, true).is_none());
        assert_eq!((doors.locked(&cookie, now), doors.locked("x", now)), (Some(Lock::Asked), None));
        assert!(doors.unlock("x", now, true).is_none());
        let again = doors.unlock(&cookie, now, false).unwrap();
        assert!(doors.session(&again, now, true).is_some_and(|session| !session.is_proven(now)));
        assert!(doors.unlock(&cookie, now, true).is_none(), "once");
    }

    #[test]
    fn a_proof_lasts_five_minutes() {
        let (doors, start) = (Doors::new(None), Instant::now());
        let cookie = doors.enter(&doors.new_token(), start).unwrap();
        let at = |seconds| start + Duration::from_secs(seconds);
        let session = |now| doors.session(&cookie, now, true).unwrap();
        assert!(session(at(299)).is_proven(at(299)));
        assert!(!session(at(300)).is_proven(at(300)), "use alone proves nothing");
        doors.prove(&session(at(400)), at(400));
        assert!(session(at(699)).is_proven(at(699)) && !session(at(700)).is_proven(at(700)));
    }
}
