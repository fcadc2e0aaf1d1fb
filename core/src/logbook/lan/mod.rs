//! Sync over the local network: runs sessions over links, on threads of its own. A shell starts it,
//! shows its status and may forget it: whatever is cut goes on where it was.

mod caller;
mod error;
mod joining;
mod pairing;
mod session;
mod status;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

pub use error::{SyncError, SyncResult};
pub use joining::JoinView;
pub use pairing::{PairingView, WindowView};
pub use status::{DeviceStatus, SyncState, SyncStatus, SyncTrouble};

use super::sync::may_revoke;
use super::{ChangeObserver, Logbook, ObserverError, Peer, SyncCounts};
use crate::error::Result;
use crate::ids::Ids;
use crate::link::discovery::Discovery;
use crate::link::{DeviceIdentity, Listener, Poker, Trust, now};
use crate::record::Change;
use crate::sync::Fingerprint;
use crate::sync::pairing::{DeviceName, Party};
use caller::Calls;
use joining::Joining;

/// How long sessions that were cut have to end.
const PARTING: Duration = Duration::from_secs(2);

/// Who wants to know that the status changed.
#[cfg_attr(feature = "ffi", uniffi::export(with_foreign))]
pub trait SyncObserver: Send + Sync {
    /// Called from a thread of the core, with no lock held; ask for the status.
    fn sync_changed(&self) -> std::result::Result<(), ObserverError>;
}

/// A device that is connected, or was.
#[derive(Default)]
struct Line {
    poker: Option<Poker>,
    /// The thread that runs its session.
    thread: Option<ThreadId>,
    /// Which of the connections to this device is meant.
    number: u64,
    progress: Option<(u64, u64)>,
    in_step: bool,
    trouble: Option<SyncTrouble>,
    clock_ahead_min: Option<i32>,
}

/// Who this device is to others, until it makes new keys.
#[derive(Clone)]
struct Keys {
    me: Party,
    identity: Arc<DeviceIdentity>,
}

impl Keys {
    fn of(book: &Logbook, name: DeviceName) -> SyncResult<Self> {
        let identity = book.device_identity()?;
        let (fingerprint, seal_key) = (identity.fingerprint(), identity.seal_key());
        Ok(Self { me: Party { fingerprint, name, seal_key }, identity: Arc::new(identity) })
    }
}

struct Shared {
    book: Arc<Logbook>,
    keys: Mutex<Keys>,
    listener: Mutex<Option<Listener>>,
    discovery: Option<Arc<dyn Discovery>>,
    observer: Option<Arc<dyn SyncObserver>>,
    lines: Mutex<HashMap<Fingerprint, Line>>,
    window: Mutex<Option<pairing::Open>>,
    joining: Mutex<Option<Joining>>,
    calls: Mutex<Calls>,
    /// Rung when the caller has something to do.
    bell: Condvar,
}

/// Sync of one book. Dropping it ends every connection.
pub struct SyncService {
    shared: Arc<Shared>,
    caller: Mutex<Option<JoinHandle<()>>>,
}

quiet_debug!(SyncService);

impl SyncService {
    /// Begins: paired devices are called as soon as somebody knows where they are. `name` is what this
    /// device is called on the others.
    ///
    /// # Errors
    /// `Book`; `Link` where the device's keys cannot be used.
    pub fn begin(
        book: Arc<Logbook>,
        name: &str,
        discovery: Option<Arc<dyn Discovery>>,
        observer: Option<Arc<dyn SyncObserver>>,
    ) -> SyncResult<Self> {
        let keys = Keys::of(&book, DeviceName::new(name))?;
        let shared = Arc::new(Shared {
            book,
            keys: Mutex::new(keys),
            listener: Mutex::default(),
            discovery,
            observer,
            lines: Mutex::default(),
            window: Mutex::default(),
            joining: Mutex::default(),
            calls: Mutex::default(),
            bell: Condvar::new(),
        });
        shared.book.observe(Arc::new(Written(Arc::downgrade(&shared))));
        let caller = caller::start(&shared)?;
        Ok(Self { shared, caller: Mutex::new(Some(caller)) })
    }

    /// Answers calls at `address`, such as `0.0.0.0:0` for any free port; gives the port.
    ///
    /// # Errors
    /// `Link` where nothing can listen there.
    pub fn listen(&self, address: &str) -> SyncResult<u16> {
        let trust = Arc::new(Trusted(self.shared.clone()));
        let serve = self.shared.clone();
        let identity = self.shared.keys().identity;
        let serve = Arc::new(move |wire| serve.answer(wire));
        let listener = Listener::bind(address, &identity, trust, serve)?;
        let port = listener.address().port();
        // Whoever ends waits for calls that may ask for the listener: not with the lock in hand.
        let before = lock(&self.shared.listener).replace(listener);
        drop(before);
        Ok(port)
    }

    /// Answers no more calls, and ends those that it answered.
    pub fn stop_listening(&self) {
        let listener = lock(&self.shared.listener).take();
        if let Some(listener) = listener {
            listener.stop();
        }
    }

    /// Whether a device is being called just now.
    pub fn is_calling(&self, peer: &Fingerprint) -> bool {
        lock(&self.shared.calls).is_calling(peer)
    }

    /// The port that it listens at, if it does.
    pub fn port(&self) -> Option<u16> {
        lock(&self.shared.listener).as_ref().map(|listener| listener.address().port())
    }

    /// Who this device is; somebody else once it has made new keys.
    pub fn fingerprint(&self) -> Fingerprint {
        self.shared.keys().me.fingerprint
    }

    /// Calls every device that is not connected, now; also when the network has come back.
    pub fn sync_now(&self) {
        lock(&self.shared.calls).hurry();
        self.shared.ring();
    }

    /// Ends every connection; what was saved stays saved, the rest goes over next time.
    pub fn hang_up(&self) {
        self.shared.hang_up();
    }

    /// Ends the exchange with a device for good, here and wherever that is heard of; `name` is what the
    /// user typed to confirm it.
    ///
    /// # Errors
    /// `Book` with `OtherName`.
    pub fn revoke(&self, peer: Fingerprint, name: &str) -> SyncResult<()> {
        self.shared.book.revoke(peer, name)?;
        Ok(())
    }

    /// What to show.
    pub fn status(&self) -> SyncResult<SyncStatus> {
        Ok(self.shared.status()?)
    }
}

impl Drop for SyncService {
    fn drop(&mut self) {
        lock(&self.shared.calls).stop();
        self.shared.ring();
        self.hang_up();
        self.shared.forget_joining();
        self.stop_listening();
        if let Some(caller) = lock(&self.caller).take() {
            // The caller ends by itself; what it panicked with was said already.
            let _ = caller.join();
        }
        self.shared.until_quiet();
    }
}

impl Shared {
    /// Waits until no session touches the book any more: not for ever, and not for this thread.
    fn until_quiet(&self) {
        let until = now() + PARTING;
        let here = thread::current().id();
        loop {
            let calls = lock(&self.calls);
            let others = |line: &Line| line.thread.is_some_and(|thread| thread != here);
            if !lock(&self.lines).values().any(others) || now() >= until {
                return;
            }
            // Whether it was rung or not, it is looked again.
            drop(self.bell.wait_timeout(calls, PARTING / 100));
        }
    }

    fn keys(&self) -> Keys {
        lock(&self.keys).clone()
    }

    fn hang_up(&self) {
        for line in lock(&self.lines).values() {
            if let Some(poker) = &line.poker {
                poker.cut();
            }
        }
    }

    /// Before this device is paired: where its key is revoked it makes new ones.
    fn refresh_keys(&self) -> SyncResult<()> {
        self.book.renew_if_revoked()?;
        self.take_over_keys()
    }

    /// Takes over the keys that the book has, where they are no longer those of this service: another
    /// program may have made new ones, or a bundle.
    fn take_over_keys(&self) -> SyncResult<()> {
        // In hand while the book is read: who read it before may not put its keys in place of later ones.
        let mut ours = lock(&self.keys);
        let keys = Keys::of(&self.book, ours.me.name.clone())?;
        if keys.me.fingerprint == ours.me.fingerprint {
            return Ok(());
        }
        if let Some(listener) = lock(&self.listener).as_ref() {
            listener.renew(&keys.identity)?;
        }
        *ours = keys;
        drop(ours);
        if let Some(open) = lock(&self.window).as_mut() {
            open.end();
        }
        // Whoever is connected knows the old ones.
        self.hang_up();
        self.tell();
        Ok(())
    }

    fn fingerprint(&self) -> Fingerprint {
        lock(&self.keys).me.fingerprint
    }

    fn now(&self) -> crate::time::UtcMillis {
        self.book.now().utc
    }

    fn tell(&self) {
        if let Some(observer) = &self.observer {
            // Who cannot be told asks sooner or later.
            let _ = observer.sync_changed();
        }
    }

    fn ids(&self) -> &dyn Ids {
        &*self.book.ids
    }

    fn status(&self) -> Result<SyncStatus> {
        let peers: Vec<Peer> = self.book.peers()?;
        let counts = SyncCounts::of(&peers);
        let lines = lock(&self.lines);
        let devices: Vec<DeviceStatus> = peers
            .into_iter()
            .map(|peer| {
                let known = peer.fingerprint.parse().ok();
                let line = known.and_then(|fingerprint| lines.get(&fingerprint));
                device_status(peer, line)
            })
            .collect();
        drop(lines);
        let live = || devices.iter().filter(|device| !device.peer.is_revoked);
        let syncing = live().fold(None, |sum: Option<(u64, u64)>, device| match device.state {
            SyncState::Syncing { done, total } => {
                let (before, of) = sum.unwrap_or_default();
                // What a device says of itself may be any number.
                Some((before.saturating_add(done), of.saturating_add(total)))
            }
            _ => sum,
        });
        let failed = live().find_map(|device| match device.state {
            SyncState::Failed { trouble } => Some(trouble),
            _ => None,
        });
        let all = live().all(|device| matches!(device.state, SyncState::UpToDate { .. }));
        let state = match (syncing, failed, counts.synced) {
            _ if live().next().is_none() => SyncState::Alone,
            (Some((done, total)), ..) => SyncState::Syncing { done, total },
            (None, Some(trouble), _) => SyncState::Failed { trouble },
            (None, None, Some(at)) if all => SyncState::UpToDate { at, devices: counts.devices },
            _ => SyncState::Offline,
        };
        let told = match state {
            SyncState::Failed { trouble } => Some(trouble.wording()),
            _ => None,
        };
        let (waiting, oldest_waiting) = (counts.waiting, counts.oldest_waiting);
        Ok(SyncStatus { text: state.text(), state, told, waiting, oldest_waiting, devices })
    }
}

fn device_status(peer: Peer, line: Option<&Line>) -> DeviceStatus {
    let is_connected = line.is_some_and(|line| line.poker.is_some());
    let state = match line {
        Some(Line { trouble: Some(trouble), .. }) => SyncState::Failed { trouble: *trouble },
        Some(line) if is_connected && !line.in_step => {
            let (done, total) = line.progress.unwrap_or_default();
            SyncState::Syncing { done, total }
        }
        // What was in step stays so until something new is written.
        _ => match peer.synced {
            Some(at) if peer.waiting == 0 => SyncState::UpToDate { at, devices: 2 },
            _ => SyncState::Offline,
        },
    };
    let clock_ahead_min = line.and_then(|line| line.clock_ahead_min);
    DeviceStatus { peer, is_connected, state, clock_ahead_min }
}

/// Whom TLS lets in: a device that is paired, or anyone while a window is open.
struct Trusted(Arc<Shared>);

impl Trust for Trusted {
    fn accepts(&self, peer: &Fingerprint) -> bool {
        let shared = &self.0;
        // This call answers under the keys of its beginning; under new ones the next is answered.
        let own = shared.fingerprint();
        if shared.take_over_keys().is_err() || shared.fingerprint() != own {
            return false;
        }
        let is_open = lock(&shared.window).as_ref().is_some_and(|open| open.is_open(shared.now()));
        is_open || self.is_paired(peer)
    }

    fn is_revoked(&self, peer: &Fingerprint) -> bool {
        self.0.book.is_revoked(*peer).unwrap_or(false)
    }

    fn is_paired(&self, peer: &Fingerprint) -> bool {
        self.0.book.trusts(*peer).unwrap_or(false)
    }
}

/// Hears of what is written on this device and passes it on.
struct Written(Weak<Shared>);

impl ChangeObserver for Written {
    fn changed(&self, changes: Vec<Change>) -> std::result::Result<(), ObserverError> {
        let Some(shared) = self.0.upgrade() else { return Ok(()) };
        let trust_changed = changes.iter().any(|change| may_revoke(&change.kind));
        let lines = lock(&shared.lines);
        let linked: Vec<(Fingerprint, Poker)> = lines
            .iter()
            // A session knows what it has taken in itself.
            .filter(|(_, line)| line.thread != Some(thread::current().id()))
            .filter_map(|(peer, line)| Some((*peer, line.poker.clone()?)))
            .collect();
        let lines_are_empty = lines.values().all(|line| line.poker.is_none());
        drop(lines);
        for (peer, poker) in &linked {
            if trust_changed && !shared.book.trusts(*peer).unwrap_or(true) {
                poker.cut();
            } else {
                poker.poke();
            }
        }
        if lines_are_empty {
            lock(&shared.calls).hurry_a_little();
            shared.ring();
        }
        shared.tell();
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod tests;
