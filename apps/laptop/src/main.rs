//! Seldinger on the laptop: the command line and the local page.

mod cli;
mod data_dir;
#[cfg_attr(not(test), expect(dead_code, reason = "begun by `serve` once it listens"))]
mod discovery;
mod failure;
mod open;
mod page;
mod sample;
mod say;
mod serve;
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
