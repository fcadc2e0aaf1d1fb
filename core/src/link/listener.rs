//! Answers calls: at most eight at once, each on a thread of its own.
//!
//! Whoever calls is a stranger until TLS has seen a trusted key. Strangers cost one thread for ten
//! seconds at most, and are counted; nothing that they send is looked at.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::ServerConfig;

use super::{DeviceIdentity, LinkError, Trust, Wire, tls};

/// Connections at once, those that still agree included.
const MAX_CALLS: usize = 8;
/// How long to wait after the system refused to accept.
const BREATH: Duration = Duration::from_millis(100);

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
    /// Those that came when eight were there already.
    pub turned_away: u64,
}

#[derive(Default)]
struct Counters {
    answered: AtomicU64,
    strangers: AtomicU64,
    noise: AtomicU64,
    turned_away: AtomicU64,
}

struct Call {
    socket: TcpStream,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Calls {
    stopped: bool,
    next: u64,
    open: HashMap<u64, Call>,
}

struct Shared {
    config: Arc<ServerConfig>,
    serve: Arc<Serve>,
    calls: Mutex<Calls>,
    stopping: Condvar,
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
        let config = tls::answering(me, trust)?;
        let socket = TcpListener::bind(address).map_err(|_| LinkError::CannotListen)?;
        let address = socket.local_addr().map_err(|_| LinkError::CannotListen)?;
        let (calls, stopping, counters) = Default::default();
        let shared = Arc::new(Shared { config, serve, calls, stopping, counters });
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

    /// Stops listening, cuts every connection and waits for their threads.
    pub fn stop(mut self) -> ListenerCounts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        self.shared.calls().stopped = true;
        self.shared.stopping.notify_all();
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
            let calls = self.calls();
            if calls.stopped {
                return;
            }
            if let Ok((call, _)) = call {
                self.take(call, calls);
            } else {
                // Out of sockets, or the network went away: both pass.
                let waited = self.stopping.wait_timeout(calls, BREATH);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// Gives a call a thread; `calls` stay locked until it is written down.
    fn take(self: &Arc<Self>, call: TcpStream, mut calls: MutexGuard<'_, Calls>) {
        if calls.open.len() >= MAX_CALLS {
            self.counters.turned_away.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let id = calls.next;
        calls.next += 1;
        let Ok(socket) = call.try_clone() else { return };
        let shared = Arc::clone(self);
        let answer = move || {
            let ending = Ending { shared, id };
            ending.shared.answer(call);
        };
        let thread = thread::Builder::new().name("seldinger-call".to_owned()).spawn(answer);
        if let Ok(thread) = thread {
            calls.open.insert(id, Call { socket, thread });
        }
    }

    fn answer(&self, call: TcpStream) {
        let counters = &self.counters;
        let counter = match Wire::accept(call, &self.config) {
            Ok(wire) => {
                counters.answered.fetch_add(1, Ordering::Relaxed);
                return (self.serve)(wire);
            }
            Err(LinkError::OtherDevice) => &counters.strangers,
            Err(_) => &counters.noise,
        };
        counter.fetch_add(1, Ordering::Relaxed);
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
    }
}
