//! Links: everything between two sockets, and bundles in files. The only room of the core with a
//! socket or a thread that waits on one; it knows keys and frames, and no records.
//!
//! - `identity`: a device's keys. Trust is in keys; certificates only carry them.
//! - `tls`: TLS 1.3 with both sides' keys pinned; no tickets, no early data, nothing to resume, so that
//!   a device that is not trusted any more has no way back in.
//! - `wire`: frames over TLS. Its owner waits in `next`; a thread of its own reads the socket, so that
//!   waiting costs nothing and a `Poker` wakes it from elsewhere.
//! - `listener`: accepts, at most eight at once, each on a thread of its own.
//! - `bundle`: the same frames in a file, sealed to one device and signed by another.
//! - `discovery`: how a device finds its peers without telling everybody who it is.

pub mod bundle;
pub mod discovery;
mod error;
#[cfg(test)]
mod fuzz_tests;
mod identity;
mod inbox;
mod listener;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

use std::time::Instant;

pub use error::LinkError;
pub use identity::DeviceIdentity;
pub use listener::{Listener, ListenerCounts, Serve};
pub use tls::{Pin, Trust};
pub use wire::{Incoming, MAX_FRAME, Poker, Traffic, Wire};

/// The monotonic clock: for how long to wait, never for what time it is.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
