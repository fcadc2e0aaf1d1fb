//! Seldinger's core: every rule and every byte. Shells draw what it says and forward what the user
//! does.

#[macro_use]
mod quiet;

pub mod case_log;
pub mod content;
pub mod error;
pub mod export;
#[cfg(feature = "ffi")]
pub mod ffi;
pub mod form;
pub mod ids;
pub mod job;
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
