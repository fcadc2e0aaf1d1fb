//! Whatever crosses a border between rooms, crates or languages: one test binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test may panic")]
#![allow(
    clippy::print_stdout,
    reason = "a runner's closing line and a scorer's table are for people"
)]

mod api;
mod backup;
mod browser;
mod calc;
mod checklist;
mod cli;
mod consults;
mod content;
mod crash;
mod damage;
mod door;
mod failing_disk;
mod files;
mod jot;
mod making;
mod migrations;
mod modes;
mod notices;
mod phones;
mod read_only;
mod recovery;
mod secrets;
mod serve;
mod shells;
mod sync_abuse;
mod sync_canary;
mod sync_cli;
mod sync_e2e;
mod sync_vectors;
mod tidy;
mod transfer;
mod typed;
