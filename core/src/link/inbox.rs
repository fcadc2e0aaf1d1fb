//! What a wire's reading thread and its owner share: bytes that arrived, and the bell.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{LinkError, now};

/// Bytes that wait for the owner before the thread stops reading: one largest frame and a bit more.
const MAX_WAITING: usize = 6 << 20;

/// What came first.
pub(super) enum Arrival {
    Bytes(Vec<u8>),
    Poked,
    TimedOut,
    Over(LinkError),
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Vec<u8>>,
    waiting: usize,
    poked: bool,
    over: Option<LinkError>,
}

/// Bytes in the order of their arrival, with an end.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes bytes in, waiting while there are too many; `false` where nobody wants more.
    pub(super) fn put(&self, bytes: Vec<u8>) -> bool {
        let full = |state: &mut State| state.waiting > MAX_WAITING && state.over.is_none();
        let state = self.state();
        let mut state =
            self.changed.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        if state.over.is_some() {
            return false;
        }
        state.waiting += bytes.len();
        state.chunks.push_back(bytes);
        self.changed.notify_all();
        true
    }

    /// Nothing more arrives; what did is still read, unless this side cut the wire.
    pub(super) fn end(&self, why: LinkError) {
        let mut state = self.state();
        if why == LinkError::Cut {
            state.chunks.clear();
            state.waiting = 0;
            state.over = Some(why);
        }
        state.over.get_or_insert(why);
        self.changed.notify_all();
    }

    pub(super) fn is_cut(&self) -> bool {
        self.state().over == Some(LinkError::Cut)
    }

    pub(super) fn poke(&self) {
        self.state().poked = true;
        self.changed.notify_all();
    }

    /// Whether somebody rang since the last time.
    pub(super) fn take_poke(&self) -> bool {
        std::mem::take(&mut self.state().poked)
    }

    /// Waits until something arrives, no longer than until `until`.
    pub(super) fn take(&self, until: Instant) -> Arrival {
        let mut state = self.state();
        loop {
            if state.over != Some(LinkError::Cut) && std::mem::take(&mut state.poked) {
                return Arrival::Poked;
            }
            if let Some(bytes) = state.chunks.pop_front() {
                state.waiting -= bytes.len();
                self.changed.notify_all();
                return Arrival::Bytes(bytes);
            }
            if let Some(why) = state.over {
                return Arrival::Over(why);
            }
            let left = until.saturating_duration_since(now());
            if left == Duration::ZERO {
                return Arrival::TimedOut;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
