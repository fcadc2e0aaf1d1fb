//! Finds or installs what the tests need, and runs them.
//!
//! The library is shared by the `cargo xtask` command, which may install, and by the system tests,
//! which only look for what is there.
//!
//! Decisions: no dependencies, since this is compiled before anything else and its features must not
//! differ from the workspace's. Swift lives in a Debian tree of its own in the user's cache, entered
//! in a mount namespace that vanishes with the process: nothing has to be unmounted after a kill.

pub mod paths;
pub mod process;
pub mod setup;
