//! Writes to a book until it is killed: `saver FOLDER SEED FIRST-NUMBER`.
//!
//! Each step is announced before it begins and acknowledged once it is saved, a line each.

#![allow(clippy::print_stdout, reason = "standard output is what this program is for")]

use std::path::Path;
use std::sync::Arc;

use seldinger_core::error::Result;
use seldinger_core::logbook::{Logbook, Setup};
use system_tests::{FileVault, Script, setup};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_default();
    let mut number = || args.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (seed, first) = (number(), number());
    let folder = Path::new(&folder);
    let vault = Arc::new(FileVault::new(folder));
    let setup = Setup { vault, ..setup(&folder.join("book"), seed) };
    let book = Logbook::open(setup)?;
    let mut script = Script::new(seed, first);
    // More than anybody waits for; an orphan still ends.
    for _ in 0..100_000 {
        let step = script.plan();
        let (number, found) = script.expected(step);
        println!("do {number} {found}");
        let lseq = script.run(&book, step)?.unwrap_or(0);
        println!("ok {lseq}");
    }
    Ok(())
}
