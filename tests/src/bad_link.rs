//! A bad link between two processes: slow, late, it stalls and breaks. It sleeps to shape the traffic;
//! nothing waits for it but by reading and writing. It keeps what it carried.

#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::SeededIds;

/// What travels at once.
const PIECE: usize = 1_460;

/// How bad it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Each way; 0 is as fast as it goes.
    pub bits_per_s: u64,
    /// Each way.
    pub delay: Duration,
    /// One piece in so many waits for up to a second; 0 is none.
    pub stalls: usize,
    /// A connection breaks after about so many bytes, half to one and a half times; 0 is never.
    pub cut_after: usize,
    /// Nobody gets through; what is connected stays so.
    pub is_down: bool,
}

struct Shared {
    weather: Mutex<Weather>,
    to: String,
    random: SeededIds,
    cuts: AtomicU64,
    /// What was taken from the caller and from the called.
    carried: [Mutex<Vec<u8>>; 2],
    over: AtomicBool,
}

/// A link to an address.
pub struct BadLink {
    /// Where to call instead, `host:port`.
    pub at: String,
    shared: Arc<Shared>,
}

/// One connection over the link.
struct Call {
    near: TcpStream,
    far: TcpStream,
    /// Bytes until it breaks.
    left: AtomicU64,
    broken: AtomicBool,
}

impl BadLink {
    /// A link to `to` that is fast until it is told otherwise, with whims that a seed repeats.
    ///
    /// # Panics
    /// Without a free port.
    pub fn to(to: &str, seed: u64) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let at = socket.local_addr().expect("a socket has an address").to_string();
        let shared = Arc::new(Shared {
            weather: Mutex::default(),
            to: to.to_owned(),
            random: SeededIds::new(seed),
            cuts: AtomicU64::new(0),
            carried: Default::default(),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for call in socket.incoming() {
                if accepting.over.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(near) = call {
                    accepting.carry(near);
                }
            }
        });
        Self { at, shared }
    }

    /// How it is from now on.
    pub fn set(&self, weather: Weather) {
        *lock(&self.shared.weather) = weather;
    }

    /// How often it broke a connection.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }

    /// What it took from the caller and from the called, delivered or not.
    pub fn carried(&self) -> [Vec<u8>; 2] {
        [0, 1].map(|side| lock(&self.shared.carried[side]).clone())
    }
}

impl Drop for BadLink {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for calls.
        let _ = TcpStream::connect(&self.at);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn carry(self: &Arc<Self>, near: TcpStream) {
        let Weather { cut_after, is_down, .. } = *lock(&self.weather);
        let Some(far) = TcpStream::connect(&self.to).ok().filter(|_| !is_down) else { return };
        for socket in [&near, &far] {
            let _ = socket.set_nodelay(true);
        }
        let left = if cut_after == 0 {
            u64::MAX
        } else {
            (cut_after / 2 + self.random.below(cut_after)) as u64
        };
        let call = Arc::new(Call { near, far, left: left.into(), broken: false.into() });
        for side in 0..2 {
            let (sent, due) = channel();
            let (shared, reading, writing) = (self.clone(), call.clone(), call.clone());
            thread::spawn(move || shared.take(side, &reading, &sent));
            thread::spawn(move || deliver(side, &writing, &due));
        }
    }

    /// Reads no faster than the link carries.
    fn take(&self, side: usize, call: &Call, sent: &Sender<(Instant, Vec<u8>)>) {
        let mut piece = [0; PIECE];
        while let Ok(read @ 1..) = call.end(side).read(&mut piece) {
            lock(&self.carried[side]).extend_from_slice(&piece[..read]);
            let Weather { bits_per_s, delay, stalls, .. } = *lock(&self.weather);
            if let Some(micros) = (read as u64 * 8_000_000).checked_div(bits_per_s) {
                thread::sleep(Duration::from_micros(micros));
            }
            if stalls > 0 && self.random.below(stalls) == 0 {
                thread::sleep(Duration::from_millis(self.random.below(1_000) as u64));
            }
            let bytes = read as u64;
            let left = call.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(if left == u64::MAX { left } else { left.saturating_sub(bytes) })
            });
            if left.is_ok_and(|left| left <= bytes) {
                if !call.broken.swap(true, Ordering::Relaxed) {
                    self.cuts.fetch_add(1, Ordering::Relaxed);
                }
                return call.end_it();
            }
            if sent.send((Instant::now() + delay, piece[..read].to_vec())).is_err() {
                return;
            }
        }
    }
}

/// Writes what was taken when its time has come; what was taken last is the end.
fn deliver(side: usize, call: &Call, due: &Receiver<(Instant, Vec<u8>)>) {
    for (when, bytes) in due {
        thread::sleep(when.saturating_duration_since(Instant::now()));
        if call.broken.load(Ordering::Relaxed) || call.end(1 - side).write_all(&bytes).is_err() {
            return call.end_it();
        }
    }
    let _ = call.end(1 - side).shutdown(Shutdown::Write);
}

impl Call {
    /// Sockets are read and written through a reference.
    fn end(&self, side: usize) -> &TcpStream {
        if side == 0 { &self.near } else { &self.far }
    }

    fn end_it(&self) {
        for socket in [&self.near, &self.far] {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
