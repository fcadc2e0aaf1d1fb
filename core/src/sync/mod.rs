#![doc = include_str!("PROTOCOL.md")]

mod backoff;
mod code;
pub mod frame;
pub mod pairing;
pub mod session;

pub use backoff::Backoff;
pub use code::{CodeError, Fingerprint, Invitation, PairingSecret, TypedSecret};
