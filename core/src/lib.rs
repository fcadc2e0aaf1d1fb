//! Seldinger's core: every rule and every byte. Shells draw what it says and forward what the user
//! does.

#[macro_use]
mod quiet;

pub mod calculator;
pub mod case_log;
pub mod checklist;
pub mod consult;
pub mod content;
pub mod error;
pub mod export;
#[cfg(feature = "ffi")]
pub mod ffi;
pub mod fold;
pub mod form;
pub mod ids;
pub mod job;
pub mod library;
#[cfg(feature = "lan")]
pub mod link;
pub mod logbook;
pub mod privacy;
pub mod record;
pub mod store;
pub mod sync;
pub mod time;

#[cfg(feature = "ffi")]
uniffi::setup_scaffolding!("seldinger_core");

/// How many random runs a property gets: the nightly run asks for more.
#[cfg(test)]
pub(crate) fn cases(usual: u32) -> u32 {
    let times = std::env::var("RUNS_TIMES").ok().and_then(|times| times.parse().ok());
    usual.saturating_mul(times.unwrap_or(1))
}
