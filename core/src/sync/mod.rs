#![doc = include_str!("PROTOCOL.md")]

mod backoff;
mod code;
pub mod frame;
pub mod pairing;
pub mod session;

pub use backoff::Backoff;
pub use code::{CodeError, Fingerprint, Invitation, PairingSecret, TypedSecret};

/// How many random runs a property gets: the nightly run asks for more.
#[cfg(test)]
pub(crate) fn cases(usual: u32) -> u32 {
    let times = std::env::var("RUNS_TIMES").ok().and_then(|times| times.parse().ok());
    usual.saturating_mul(times.unwrap_or(1))
}
