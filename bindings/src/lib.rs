//! The library that Swift and Kotlin load: one re-export of the core.

pub use seldinger_core::*;
