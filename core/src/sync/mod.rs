//! Sync: what two devices say to each other. Pure: no socket, file, clock, thread or randomness.

mod code;
pub mod pairing;

pub use code::{CodeError, Fingerprint, Invitation, PairingSecret, TypedSecret};
