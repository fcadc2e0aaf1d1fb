//! Calls the devices that are not connected: where they were reached last, then where discovery sees
//! them. What failed is tried again after a pause that grows; a change of the network ends the pause.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Shared, SyncTrouble, lock};
use crate::error::{LogbookError, Result};
use crate::ids::random;
use crate::link::discovery::{Discovery, addresses_of};
use crate::link::{DeviceIdentity, LinkError, Pin, Wire, now};
use crate::sync::{Backoff, Fingerprint};

/// How long an address may be silent.
const PATIENCE: Duration = Duration::from_secs(4);
/// A device is looked for at least so often.
const ROUND: Duration = Duration::from_mins(5);
/// What was written is gathered for so long before a device is called for it.
const GATHER: Duration = Duration::from_secs(2);

/// Who is called when.
#[derive(Default)]
pub(super) struct Calls {
    stopped: bool,
    /// Something has changed since it was last looked who is due.
    rung: bool,
    backoff: HashMap<Fingerprint, Backoff>,
    due: HashMap<Fingerprint, Instant>,
    calling: HashSet<Fingerprint>,
}

impl Calls {
    pub(super) fn hurry(&mut self) {
        self.due.clear();
        self.backoff.clear();
    }

    pub(super) fn hurry_a_little(&mut self) {
        let soon = now() + GATHER;
        for due in self.due.values_mut() {
            *due = (*due).min(soon);
        }
    }

    pub(super) fn is_calling(&self, peer: &Fingerprint) -> bool {
        self.calling.contains(peer)
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

pub(super) fn start(shared: &Arc<Shared>) -> Result<JoinHandle<()>> {
    let shared = Arc::downgrade(shared);
    let thread = thread::Builder::new().name("seldinger-caller".to_owned());
    thread.spawn(move || keep_calling(&shared)).map_err(|_| LogbookError::Io)
}

fn keep_calling(weak: &Weak<Shared>) {
    loop {
        let Some(shared) = weak.upgrade() else { return };
        {
            let mut calls = lock(&shared.calls);
            if calls.stopped {
                return;
            }
            calls.rung = false;
        }
        // Where that fails now, it is tried again with the next round.
        let _ = shared.take_over_keys();
        for peer in shared.due() {
            let weak = weak.clone();
            let thread = thread::Builder::new().name("seldinger-call".to_owned());
            if thread.spawn(move || call(&weak, peer)).is_err() {
                lock(&shared.calls).calling.remove(&peer);
            }
        }
        let mut calls = lock(&shared.calls);
        if calls.rung {
            continue;
        }
        let next = calls.due.iter().filter(|(peer, _)| !calls.calling.contains(*peer));
        let next = next.map(|(_, due)| due.saturating_duration_since(now())).min();
        let wait = next.unwrap_or(ROUND).clamp(Duration::from_millis(20), ROUND);
        calls = shared
            .bell
            .wait_timeout(calls, wait)
            .map_or_else(|poisoned| poisoned.into_inner().0, |(calls, _)| calls);
        drop(calls);
    }
}

/// Calls a device. While it connects it holds nothing: whoever lets go of sync has let go of the book.
fn call(weak: &Weak<Shared>, peer: Fingerprint) {
    let Some(way) = weak.upgrade().map(|shared| Way::to(peer, &shared)) else { return };
    let reached = way.reach();
    if let Some(shared) = weak.upgrade() {
        shared.called(peer, reached);
    }
}

/// Where a device may be, and as whom it is called.
struct Way {
    peer: Fingerprint,
    identity: Arc<DeviceIdentity>,
    remembered: Vec<String>,
    discovery: Option<Arc<dyn Discovery>>,
}

impl Way {
    fn to(peer: Fingerprint, shared: &Shared) -> Self {
        Self {
            peer,
            identity: shared.keys().identity,
            remembered: shared.book.addresses(peer).unwrap_or_default(),
            discovery: shared.discovery.clone(),
        }
    }

    /// A wire to the device and where it was found.
    fn reach(&self) -> std::result::Result<(Wire, String), LinkError> {
        let mut last = LinkError::Unreachable;
        let seen = || {
            let around = self.discovery.as_ref().and_then(|discovery| discovery.around().ok());
            addresses_of(&self.peer, &around.unwrap_or_default())
        };
        let mut tried = HashSet::new();
        let places: [&dyn Fn() -> Vec<String>; 2] = [&|| self.remembered.clone(), &seen];
        for place in places {
            for address in place() {
                if !tried.insert(address.clone()) {
                    continue;
                }
                match Wire::connect(&address, PATIENCE, &self.identity, Pin::Device(self.peer)) {
                    Ok(wire) => return Ok((wire, address)),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }
}

/// A device with which somebody talks already: while this lives, it is not called.
pub(super) struct Spoken<'a> {
    shared: &'a Shared,
    peer: Fingerprint,
}

impl Drop for Spoken<'_> {
    fn drop(&mut self) {
        lock(&self.shared.calls).calling.remove(&self.peer);
        self.shared.ring();
    }
}

impl Shared {
    /// Lets the caller look again who is due, also where it is about to wait.
    pub(super) fn ring(&self) {
        lock(&self.calls).rung = true;
        self.bell.notify_all();
    }

    /// To be taken before a device is written down: whoever is written down is called.
    pub(super) fn speak_with(&self, peer: Fingerprint) -> Spoken<'_> {
        lock(&self.calls).calling.insert(peer);
        Spoken { shared: self, peer }
    }

    /// The devices to call now; they count as being called from here on.
    fn due(&self) -> Vec<Fingerprint> {
        let known = self.book.trusted().unwrap_or_default();
        let connected: HashSet<Fingerprint> = lock(&self.lines)
            .iter()
            .filter(|(_, line)| line.poker.is_some())
            .map(|(peer, _)| *peer)
            .collect();
        let mut calls = lock(&self.calls);
        let now = now();
        let due: Vec<Fingerprint> = known
            .into_iter()
            .filter(|peer| !connected.contains(peer) && !calls.calling.contains(peer))
            .filter(|peer| calls.due.get(peer).is_none_or(|due| *due <= now))
            .collect();
        calls.calling.extend(&due);
        due
    }

    /// A device was called: talks with it, and plans the next call.
    fn called(&self, peer: Fingerprint, reached: std::result::Result<(Wire, String), LinkError>) {
        if lock(&self.calls).stopped {
            return;
        }
        let ended = reached.map(|(wire, address)| {
            // It is only a hint where to look first.
            let _ = self.book.note_address(peer, &address);
            self.run(wire, None)
        });
        let mut calls = lock(&self.calls);
        calls.calling.remove(&peer);
        let backoff = calls.backoff.entry(peer).or_default();
        if matches!(ended, Ok(None)) {
            backoff.reset();
        }
        let pause = backoff.failed(u64::from_be_bytes(random(self.ids())));
        calls.due.insert(peer, now() + Duration::from_millis(pause));
        drop(calls);
        self.ring();
        if matches!(ended, Err(LinkError::Refused)) {
            self.note_refused(peer);
        }
    }

    fn note_refused(&self, peer: Fingerprint) {
        lock(&self.lines).entry(peer).or_default().trouble = Some(SyncTrouble::NotTrusted);
        self.tell();
    }
}
