//! Frames over TLS: four bytes of length, big-endian, and as many bytes.
//!
//! The owner drives TLS; a thread reads the socket and leaves what it got in the inbox, so that the
//! owner can wait for bytes, for a poke and for time at once, without looking at any of them twice. It
//! reads on while the owner writes: two devices that send to each other at once do not wait for ever.
//! Dropping a wire closes its socket and ends its thread.

use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::Connection;

use super::inbox::{Arrival, Inbox};
use super::{DeviceIdentity, LinkError, Pin, now, tls};
use crate::sync::Fingerprint;

/// Bytes of the longest frame.
pub const MAX_FRAME: usize = crate::sync::frame::MOST_BYTES;
/// How long a wire waits for an other side that stalls.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// Until the two have agreed.
    pub(super) handshake: Duration,
    /// While nothing of what is sent is read.
    pub(super) write: Duration,
}
const PATIENCE: Patience =
    Patience { handshake: Duration::from_secs(10), write: Duration::from_secs(20) };
/// How long a good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(1);
/// Addresses of one host that are tried.
const MAX_TRIED: usize = 4;
const LENGTH: usize = 4;
/// Bytes that the thread reads at once.
const PIECE: usize = 64 << 10;

/// What `next` came back with.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The other side sent a frame.
    Frame(Vec<u8>),
    /// Somebody on this side called `Poker::poke`, once or more often.
    Poked,
    /// Nothing happened in time.
    TimedOut,
    /// Nothing will ever happen again.
    Closed(LinkError),
}

/// Bytes on the socket, TLS and all; those of the handshake are in the sums as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// All that was sent.
    pub sent: u64,
    /// All that was received.
    pub received: u64,
    /// Sent until the two had agreed.
    pub handshake_sent: u64,
    /// Received until the two had agreed.
    pub handshake_received: u64,
}

/// What the owner, the thread and the pokers share.
struct Shared {
    inbox: Inbox,
    socket: TcpStream,
}

/// Wakes or cuts a wire from another thread; outlives it harmlessly.
#[derive(Clone)]
pub struct Poker(Weak<Shared>);
quiet_debug!(Poker);

impl Poker {
    /// Lets `next` come back with `Poked`.
    pub fn poke(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.inbox.poke();
        }
    }

    /// Cuts the wire now: what arrived and was not taken yet is thrown away, and a send that waits is
    /// given up.
    pub fn cut(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.inbox.end(LinkError::Cut);
            let _ = shared.socket.shutdown(Shutdown::Both);
        }
    }
}

/// A connection to one device.
pub struct Wire {
    session: Connection,
    shared: Arc<Shared>,
    reading: Option<JoinHandle<()>>,
    /// Plain bytes that are not a whole frame yet.
    plain: Vec<u8>,
    /// Where the first frame in `plain` begins.
    start: usize,
    own: Fingerprint,
    peer: Fingerprint,
    exporter: [u8; 32],
    traffic: Traffic,
    over: Option<LinkError>,
    /// Tells the listener that this call keeps its place.
    kept: Arc<AtomicBool>,
}
quiet_debug!(Wire);

impl Wire {
    /// Calls `address`, a `host:port`. `timeout` is for the socket; agreeing takes at most ten seconds
    /// more.
    ///
    /// Whether the other side trusts this device is not known yet: if not, `send` or `next` say
    /// `Refused`.
    ///
    /// # Errors
    /// `NotAnAddress`, `Unreachable`, `Stalled`, `OtherProtocol`, `OtherDevice`, `Lost`.
    pub fn connect(
        address: &str,
        timeout: Duration,
        me: &DeviceIdentity,
        pin: Pin,
    ) -> Result<Self, LinkError> {
        let places = address.to_socket_addrs().map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidInput => LinkError::NotAnAddress,
            _ => LinkError::Unreachable,
        })?;
        let mut places = places.take(MAX_TRIED);
        let socket = places.find_map(|place| TcpStream::connect_timeout(&place, timeout).ok());
        let socket = socket.ok_or(LinkError::Unreachable)?;
        Self::agree(socket, tls::calling(me, pin)?, PATIENCE)
    }

    /// Answers a call.
    pub(super) fn accept(socket: TcpStream, answering: &tls::Answering) -> Result<Self, LinkError> {
        let last = socket.try_clone().map_err(|_| LinkError::Lost)?;
        let agreed = Self::agree(socket, tls::answer(answering)?, PATIENCE);
        if agreed.is_err() {
            let_read(&last);
        }
        agreed
    }

    pub(super) fn agree(
        socket: TcpStream,
        end: tls::End,
        patience: Patience,
    ) -> Result<Self, LinkError> {
        let tls::End { mut session, own } = end;
        let lost = |error: std::io::Error| LinkError::of_socket(&error);
        socket.set_nodelay(true).map_err(lost)?;
        let mut traffic = Traffic::default();
        handshake(&socket, &mut session, &mut traffic, now() + patience.handshake)?;
        let (peer, exporter) = tls::agreed(&session)?;
        traffic.handshake_sent = traffic.sent;
        traffic.handshake_received = traffic.received;
        socket.set_read_timeout(None).map_err(lost)?;
        socket.set_write_timeout(Some(patience.write)).map_err(lost)?;
        let ear = socket.try_clone().map_err(lost)?;
        let shared = Arc::new(Shared { inbox: Inbox::default(), socket });
        let reading = read_into(ear, Arc::clone(&shared))?;
        let (plain, reading) = (Vec::new(), Some(reading));
        let (over, kept) = (None, Arc::default());
        let mut wire = Self {
            session,
            shared,
            reading,
            plain,
            start: 0,
            own,
            peer,
            exporter,
            traffic,
            over,
            kept,
        };
        // The first frame may have come along with the end of the handshake.
        let _ = wire.decrypted();
        Ok(wire)
    }

    /// The key of ours that the other end has seen.
    pub fn own(&self) -> Fingerprint {
        self.own
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Fingerprint {
        self.peer
    }

    /// What the two ends of this session know and nobody else.
    pub fn exporter(&self) -> [u8; 32] {
        self.exporter
    }

    /// A call that was answered is not cut for another one from here on, although its key is not paired.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    pub(super) fn kept_by(mut self, kept: Arc<AtomicBool>) -> Self {
        self.kept = kept;
        self
    }

    /// What went over the socket so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Wakes or cuts this wire from another thread.
    pub fn poker(&self) -> Poker {
        Poker(Arc::downgrade(&self.shared))
    }

    /// Sends a frame. Waits while the other side reads, and no longer than 20 seconds while it does not.
    ///
    /// # Errors
    /// `TooLong` before anything is sent; else the wire is closed: `Refused`, `Stalled`, `Ended`,
    /// `Lost`, `Cut`.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), LinkError> {
        if let Some(why) = self.over {
            return Err(why);
        }
        let length = u32::try_from(frame.len()).ok().filter(|_| frame.len() <= MAX_FRAME);
        let length = length.ok_or(LinkError::TooLong { bytes: frame.len() as u64 })?;
        let head = length.to_be_bytes();
        let mut left = &mut [IoSlice::new(&head), IoSlice::new(frame)][..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            // TLS takes some of it; what it took goes out before it takes more.
            let taken = self.session.writer().write_vectored(left);
            let sent = taken.map_err(|_| LinkError::Lost).and_then(|taken| {
                IoSlice::advance_slices(&mut left, taken);
                self.flush()
            });
            sent.map_err(|why| self.why_not_sent(why))?;
        }
        Ok(())
    }

    /// Waits for a frame, a poke or the end, no longer than `wait`. What arrived before the end comes
    /// first.
    pub fn next(&mut self, wait: Duration) -> Incoming {
        let until = now() + wait;
        if self.shared.inbox.is_cut() {
            self.over = Some(LinkError::Cut);
        } else if self.shared.inbox.take_poke() {
            return Incoming::Poked;
        }
        loop {
            match self.frame() {
                Ok(Some(frame)) => return Incoming::Frame(frame),
                Ok(None) => {}
                Err(why) => return Incoming::Closed(*self.over.insert(why)),
            }
            if let Some(why) = self.over {
                // A good-bye in the middle of a frame is none.
                let half = why == LinkError::Ended && self.start < self.plain.len();
                let why = *self.over.insert(if half { LinkError::Lost } else { why });
                return Incoming::Closed(why);
            }
            match self.shared.inbox.take(until) {
                Arrival::Poked => return Incoming::Poked,
                Arrival::TimedOut => return Incoming::TimedOut,
                Arrival::Over(why) => return self.closed(why),
                Arrival::Bytes(bytes) => {
                    if let Err(why) = self.feed(&bytes) {
                        // Told once the frames before it are taken.
                        self.over = Some(why);
                    }
                }
            }
        }
    }

    /// Says good-bye and waits a moment until the other side has read everything.
    pub fn finish(mut self) {
        self.say_good_bye();
        let _ = self.shared.socket.shutdown(Shutdown::Write);
        let until = now() + GOOD_BYE;
        while !matches!(self.shared.inbox.take(until), Arrival::TimedOut | Arrival::Over(_)) {}
    }

    /// Sends bytes as they are: through TLS, or past it.
    #[cfg(test)]
    pub(crate) fn send_raw(&mut self, bytes: &[u8], through_tls: bool) {
        if through_tls {
            self.session.writer().write_all(bytes).unwrap();
            self.flush().unwrap();
        } else {
            (&self.shared.socket).write_all(bytes).unwrap();
        }
    }

    fn closed(&mut self, why: LinkError) -> Incoming {
        let why = *self.over.get_or_insert(why);
        Incoming::Closed(why)
    }

    /// The next whole frame.
    fn frame(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        if self.over == Some(LinkError::Cut) {
            return Ok(None);
        }
        let waiting = &self.plain[self.start..];
        let Some((head, rest)) = waiting.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length > MAX_FRAME {
            return Err(LinkError::TooLong { bytes: length as u64 });
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let frame = frame.to_vec();
        self.start += LENGTH + length;
        if self.start == self.plain.len() {
            self.plain.clear();
            self.start = 0;
        }
        Ok(Some(frame))
    }

    /// Gives TLS what arrived, and keeps what it makes of it.
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), LinkError> {
        self.traffic.received += bytes.len() as u64;
        while !bytes.is_empty() {
            let taken = self.session.read_tls(&mut bytes).map_err(|_| LinkError::Damaged)?;
            let ended = match self.session.process_new_packets() {
                Ok(state) => state.peer_has_closed(),
                Err(error) => {
                    // TLS has something to say about it; whether it is heard does not matter.
                    let _ = self.flush();
                    // Frames that came whole before it are still good.
                    self.decrypted()?;
                    return Err(LinkError::of_tls(&error, true));
                }
            };
            self.decrypted()?;
            if ended {
                return Err(LinkError::Ended);
            }
            if taken == 0 {
                return Err(LinkError::Damaged);
            }
        }
        if self.session.wants_write() { self.flush() } else { Ok(()) }
    }

    /// Moves what is decrypted to `plain`.
    fn decrypted(&mut self) -> Result<(), LinkError> {
        if self.start > 0 {
            self.plain.drain(..self.start);
            self.start = 0;
        }
        let mut reader = self.session.reader();
        let mut piece = [0; 16 << 10];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => self.plain.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(LinkError::Lost),
            }
        }
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        while self.session.wants_write() {
            let written = self.session.write_tls(&mut &self.shared.socket);
            self.traffic.sent += written.map_err(|error| LinkError::of_socket(&error))? as u64;
        }
        Ok(())
    }

    /// The other side may have said why before it hung up.
    fn why_not_sent(&mut self, why: LinkError) -> LinkError {
        let until = now() + GOOD_BYE;
        while why == LinkError::Lost && self.over.is_none() {
            match self.shared.inbox.take(until) {
                Arrival::Bytes(bytes) => self.over = self.feed(&bytes).err(),
                Arrival::Poked => {}
                Arrival::TimedOut => break,
                Arrival::Over(why) => self.over = Some(why),
            }
        }
        if self.shared.inbox.is_cut() {
            self.over = Some(LinkError::Cut);
        }
        *self.over.get_or_insert(why)
    }

    fn say_good_bye(&mut self) {
        if self.over.is_none() {
            let _ = self.shared.socket.set_write_timeout(Some(GOOD_BYE));
            self.session.send_close_notify();
            let _ = self.flush();
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.say_good_bye();
        self.shared.inbox.end(LinkError::Cut);
        let _ = self.shared.socket.shutdown(Shutdown::Both);
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
    }
}

/// The thread that reads.
fn read_into(mut ear: TcpStream, shared: Arc<Shared>) -> Result<JoinHandle<()>, LinkError> {
    let read = move || {
        let mut piece = vec![0; PIECE];
        loop {
            match ear.read(&mut piece) {
                Ok(0) => return shared.inbox.end(LinkError::Lost),
                Ok(read) => {
                    if !shared.inbox.put(piece[..read].to_vec()) {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return shared.inbox.end(LinkError::Lost),
            }
        }
    };
    let thread = thread::Builder::new().name("seldinger-wire".to_owned()).spawn(read);
    thread.map_err(|_| LinkError::Lost)
}

fn handshake(
    mut socket: &TcpStream,
    session: &mut Connection,
    traffic: &mut Traffic,
    until: Instant,
) -> Result<(), LinkError> {
    let lost = |error: std::io::Error| LinkError::of_socket(&error);
    loop {
        while session.wants_write() {
            socket.set_write_timeout(Some(left(until)?)).map_err(lost)?;
            traffic.sent += session.write_tls(&mut socket).map_err(lost)? as u64;
        }
        if !session.is_handshaking() {
            return Ok(());
        }
        socket.set_read_timeout(Some(left(until)?)).map_err(lost)?;
        match session.read_tls(&mut socket).map_err(lost)? {
            0 => return Err(LinkError::Lost),
            read => traffic.received += read as u64,
        }
        if let Err(error) = session.process_new_packets() {
            // Says why, where the other side can still hear it.
            let _ = session.write_tls(&mut socket);
            return Err(LinkError::of_tls(&error, false));
        }
    }
}

/// The time that is left; a timeout of zero would mean none.
fn left(until: Instant) -> Result<Duration, LinkError> {
    let left = until.saturating_duration_since(now());
    if left.is_zero() { Err(LinkError::Stalled) } else { Ok(left) }
}

/// Lets the other side read why it was refused: a socket that is closed with bytes unread takes back
/// what it sent last.
fn let_read(mut socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Write);
    let until = now() + GOOD_BYE;
    let mut piece = [0; 4096];
    while let Ok(left) = left(until) {
        let waits = socket.set_read_timeout(Some(left)).is_ok();
        if !waits || !matches!(socket.read(&mut piece), Ok(read) if read > 0) {
            return;
        }
    }
}
