//! Seldinger on the laptop: the command line and the local page.

mod cli;
mod data_dir;
mod discovery;
mod exchange;
mod failure;
mod hardening;
mod open;
mod page;
mod qr;
mod sample;
mod say;
mod serve;
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    hardening::keep_memory_private();
    cli::main()
}
