//! Answers calls, each on a thread of its own.
//!
//! Whoever calls is a stranger until TLS has seen a trusted key. Calls that have proved nothing share a
//! few places, and none of them is worth more than a call that comes now: where the places are taken,
//! the oldest call is cut of those addresses that hold most of them. An honest handshake takes
//! milliseconds, so what is cut is what said nothing. A device that has proved a paired key has places
//! of its own, which no stranger can take; of its calls the newest count. A stranger's call that an open
//! pairing window has kept (`Wire::keep`) holds none of the shared places either, and is not cut.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{DeviceIdentity, LinkError, Trust, Wire, tls};
use crate::sync::Fingerprint;

/// Calls at once that have proved nothing, or nothing but a key that is not paired.
const MAX_UNPROVED: usize = 24;
/// The same from one address.
const MAX_OF_ADDRESS: usize = 8;
/// Calls at once of one paired device: one that is live, and one that takes its place.
const MAX_OF_DEVICE: usize = 2;
/// Calls that were cut and whose threads have not ended yet: beyond that a new call waits for one to.
const MAX_LEAVING: usize = 48;
/// How long to wait after the system refused to accept.
const BREATH: Duration = Duration::from_millis(100);
/// How often a call that finds no place waits for one before it is turned away.
const BREATHS: u32 = 50;

/// What is done with a connection; it ends when this returns.
pub type Serve = dyn Fn(Wire) + Send + Sync;

/// Who called so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListenerCounts {
    /// Trusted devices.
    pub answered: u64,
    /// Devices that are not trusted.
    pub strangers: u64,
    /// Whatever spoke something else, damaged something, or stalled.
    pub noise: u64,
    /// Those that were cut for another call, or came when no place could be made.
    pub turned_away: u64,
}

#[derive(Default)]
struct Counters {
    answered: AtomicU64,
    strangers: AtomicU64,
    noise: AtomicU64,
    turned_away: AtomicU64,
}

/// What a call has shown so far.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Unproved,
    Paired(Fingerprint),
    /// It was cut, and is ending.
    Leaving,
}

struct Call {
    socket: TcpStream,
    from: IpAddr,
    standing: Standing,
    /// A pairing window has something to wait for.
    kept: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Call {
    fn is_unproved(&self) -> bool {
        self.standing == Standing::Unproved && !self.kept.load(Ordering::Relaxed)
    }

    fn cut(&mut self) {
        self.standing = Standing::Leaving;
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// By number: the oldest comes first.
#[derive(Default)]
struct Calls {
    stopped: bool,
    next: u64,
    open: BTreeMap<u64, Call>,
}

impl Calls {
    fn count(&self, fits: impl Fn(&Call) -> bool) -> usize {
        self.open.values().filter(|call| fits(call)).count()
    }

    /// Cuts the oldest call that fits.
    fn cut_oldest(&mut self, fits: impl Fn(&Call) -> bool) -> bool {
        let oldest = self.open.values_mut().find(|call| fits(call));
        oldest.map(Call::cut).is_some()
    }

    /// Makes a place for a call that has proved nothing; whether one had to be cut for it, or `None` where
    /// too many are ending already.
    fn make_place(&mut self, from: IpAddr) -> Option<bool> {
        let held = self.held();
        let of_address = held.get(&from).is_some_and(|count| *count >= MAX_OF_ADDRESS);
        let is_full = held.values().sum::<usize>() >= MAX_UNPROVED;
        if !of_address && !is_full {
            return Some(false);
        }
        if self.count(|call| call.standing == Standing::Leaving) >= MAX_LEAVING {
            return None;
        }
        let most = held.values().max();
        let is_crowded = |address: &IpAddr| {
            if of_address { *address == from } else { held.get(address) == most }
        };
        Some(self.cut_oldest(|call| call.is_unproved() && is_crowded(&call.from)))
    }

    /// How many of the places each address holds.
    fn held(&self) -> BTreeMap<IpAddr, usize> {
        let mut held: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for call in self.open.values().filter(|call| call.is_unproved()) {
            *held.entry(call.from).or_default() += 1;
        }
        held
    }
}

struct Shared {
    trust: Arc<dyn Trust>,
    answering: Mutex<tls::Answering>,
    serve: Arc<Serve>,
    calls: Mutex<Calls>,
    /// A call has ended, or all shall.
    changed: Condvar,
    counters: Counters,
}

/// Listens until it is stopped or dropped.
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}
quiet_debug!(Listener);

impl Listener {
    /// Listens at `address`, such as `0.0.0.0:0` for any free port.
    ///
    /// # Errors
    /// `CannotListen`, `BadIdentity`.
    pub fn bind(
        address: &str,
        me: &DeviceIdentity,
        trust: Arc<dyn Trust>,
        serve: Arc<Serve>,
    ) -> Result<Self, LinkError> {
        let answering = Mutex::new(tls::answering(me, Arc::clone(&trust))?);
        let socket = TcpListener::bind(address).map_err(|_| LinkError::CannotListen)?;
        let address = socket.local_addr().map_err(|_| LinkError::CannotListen)?;
        let (calls, changed, counters) = Default::default();
        let shared = Arc::new(Shared { trust, answering, serve, calls, changed, counters });
        let accepting = Arc::clone(&shared);
        let accepting = thread::Builder::new()
            .name("seldinger-listener".to_owned())
            .spawn(move || accepting.accept(&socket))
            .map_err(|_| LinkError::CannotListen)?;
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers under other keys from now on.
    ///
    /// # Errors
    /// `BadIdentity`.
    pub fn renew(&self, me: &DeviceIdentity) -> Result<(), LinkError> {
        let answering = tls::answering(me, Arc::clone(&self.shared.trust))?;
        *self.shared.answering.lock().unwrap_or_else(PoisonError::into_inner) = answering;
        Ok(())
    }

    /// Who called so far.
    pub fn counts(&self) -> ListenerCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.shared.counters;
        ListenerCounts {
            answered: of(&counters.answered),
            strangers: of(&counters.strangers),
            noise: of(&counters.noise),
            turned_away: of(&counters.turned_away),
        }
    }

    /// How many calls are open, those included that are ending.
    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        self.shared.calls().open.len()
    }

    /// Stops listening, cuts every connection and waits for their threads.
    pub fn stop(mut self) -> ListenerCounts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        self.shared.calls().stopped = true;
        self.shared.changed.notify_all();
        // A call of our own is what wakes the thread that waits for calls.
        let awake = TcpStream::connect_timeout(&reachable(self.address), Duration::from_secs(1));
        if awake.is_ok() {
            let _ = accepting.join();
        }
        let open = std::mem::take(&mut self.shared.calls().open);
        for call in open.values() {
            let _ = call.socket.shutdown(Shutdown::Both);
        }
        for call in open.into_values() {
            // A connection may be what stops the listener; it cannot wait for itself.
            if call.thread.thread().id() != thread::current().id() {
                let _ = call.thread.join();
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.end();
    }
}

/// An address of this device that leads to the socket.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, socket: &TcpListener) {
        loop {
            let call = socket.accept();
            let mut calls = self.calls();
            if calls.stopped {
                return;
            }
            if let Ok((call, from)) = call {
                self.take(call, from.ip(), calls);
            } else {
                // Out of sockets, or the network went away: a call that said nothing makes room, and
                // both pass.
                if calls.cut_oldest(Call::is_unproved) {
                    self.counters.turned_away.fetch_add(1, Ordering::Relaxed);
                }
                let waited = self.changed.wait_timeout(calls, BREATH);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// Gives a call a thread; `calls` stay locked until it is written down.
    fn take(self: &Arc<Self>, call: TcpStream, from: IpAddr, mut calls: MutexGuard<'_, Calls>) {
        // Where too many are ending, the next waits in the system's queue until one of them has.
        let mut place = calls.make_place(from);
        for _ in 0..BREATHS {
            if place.is_some() || calls.stopped {
                break;
            }
            let waited = self.changed.wait_timeout(calls, BREATH);
            calls = waited.unwrap_or_else(PoisonError::into_inner).0;
            place = calls.make_place(from);
        }
        if place != Some(false) {
            self.counters.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        if place.is_none() || calls.stopped {
            return;
        }
        let id = calls.next;
        calls.next += 1;
        let Ok(socket) = call.try_clone() else { return };
        let kept = Arc::<AtomicBool>::default();
        let (shared, keep) = (Arc::clone(self), Arc::clone(&kept));
        let answer = move || {
            let ending = Ending { shared, id };
            ending.shared.answer(id, call, keep);
        };
        let thread = thread::Builder::new().name("seldinger-call".to_owned()).spawn(answer);
        if let Ok(thread) = thread {
            let standing = Standing::Unproved;
            calls.open.insert(id, Call { socket, from, standing, kept, thread });
        }
    }

    fn answer(&self, id: u64, call: TcpStream, keep: Arc<AtomicBool>) {
        let counters = &self.counters;
        let answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counter = match Wire::accept(call, &answering) {
            Ok(wire) => {
                if !self.note_proved(id, wire.peer()) {
                    return;
                }
                counters.answered.fetch_add(1, Ordering::Relaxed);
                return (self.serve)(wire.kept_by(keep));
            }
            Err(LinkError::OtherDevice) => &counters.strangers,
            Err(_) => &counters.noise,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has shown a key that may come in; `false` where it was cut meanwhile.
    fn note_proved(&self, id: u64, peer: Fingerprint) -> bool {
        let is_paired = self.trust.is_paired(&peer);
        let mut calls = self.calls();
        if calls.open.get(&id).is_none_or(|call| call.standing == Standing::Leaving) {
            return false;
        }
        if is_paired {
            let same = Standing::Paired(peer);
            if calls.count(|call| call.standing == same) >= MAX_OF_DEVICE {
                calls.cut_oldest(|call| call.standing == same);
            }
            if let Some(call) = calls.open.get_mut(&id) {
                call.standing = same;
            }
        }
        true
    }
}

/// Gives a call's place free, even when its thread panics.
struct Ending {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.calls().open.remove(&self.id);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(from: u8) -> Call {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let (standing, kept) = (Standing::Unproved, Arc::default());
        let thread = thread::spawn(|| {});
        Call { socket, from: Ipv4Addr::from([10, 0, 0, from]).into(), standing, kept, thread }
    }

    #[test]
    fn of_equally_crowded_addresses_the_oldest_call_is_cut() {
        let mut calls = Calls::default();
        let from = |n: usize| match n {
            ..MAX_OF_ADDRESS => 1,
            _ if n.is_multiple_of(2) => 2,
            _ => 3,
        };
        calls.open = (0..).zip((0..MAX_UNPROVED).map(from).map(call)).collect();
        let cut = |calls: &Calls| -> Vec<u64> {
            let leaving = calls.open.iter().filter(|(_, call)| call.standing == Standing::Leaving);
            leaving.map(|(id, _)| *id).collect()
        };
        let stranger = Ipv4Addr::from([10, 0, 0, 9]).into();
        assert_eq!(calls.make_place(stranger), Some(true));
        assert_eq!(cut(&calls), [0]);
        // The first address holds one less now: the next is one of the two that hold more.
        calls.open.insert(99, call(9));
        assert_eq!(calls.make_place(stranger), Some(true));
        assert_eq!(cut(&calls), [0, 8]);
    }
}
