//! Opens the book of a folder, or makes it, and saves one case: `maker FOLDER NUMBER`.
//!
//! The vault stands for a keyring that several programs share. Says `made` where it made the book, and
//! `ok` once the case is saved.

#![allow(clippy::print_stdout, reason = "standard output is what this program is for")]

use std::path::Path;
use std::sync::Arc;

use seldinger_core::error::Result;
use seldinger_core::ids::SystemIds;
use seldinger_core::logbook::{Logbook, Setup};
use system_tests::{FileVault, case, setup};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_default();
    let number = args.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let folder = Path::new(&folder);
    let vault = Arc::new(FileVault::new(folder));
    let setup = Setup { vault, ids: Arc::new(SystemIds), ..setup(&folder.join("book"), 0) };
    let (book, code) = Logbook::open_or_create(setup)?;
    if code.is_some() {
        println!("made");
    }
    book.create_case(case(number, "at the same time"))?;
    println!("ok");
    Ok(())
}
