//! Changes the key of a book and dies at the moment that it is told: `key_changer FOLDER MOMENT`.
//!
//! Without a moment of that name it comes to its end. What it shows it prints, as a shell does.

#![allow(clippy::print_stdout, reason = "standard output is what this program is for")]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use seldinger_core::error::Result;
use seldinger_core::ids::SystemIds;
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::key::{KeyVault, KeyVaultError};
use system_tests::{FileVault, send, setup};

/// Dies here where this is the moment.
fn moment(name: &str) {
    if std::env::args().nth(2).as_deref() == Some(name) {
        send(std::process::id(), "KILL");
        loop {
            std::thread::park();
        }
    }
}

/// A vault whose calls are moments.
struct Watched(FileVault);

impl KeyVault for Watched {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        moment("load");
        self.0.load(name)
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        moment("store");
        self.0.store(name, secret)?;
        moment("stored");
        Ok(())
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        moment("remove");
        self.0.remove(name)?;
        moment("removed");
        Ok(())
    }
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_default();
    let folder = Path::new(&folder);
    let (vault, ids) = (Arc::new(Watched(FileVault::new(folder))), Arc::new(SystemIds));
    let setup = Setup { vault, ids, ..setup(&folder.join("book"), 0) };
    let job = Logbook::change_key_job(&setup)?;
    moment("begun");
    let change = job.run(|progress| {
        moment(if progress.finished { "ready" } else { "working" });
    })?;
    moment("unseen");
    println!("{}", *change.recovery_code());
    std::io::stdout().flush()?;
    moment("shown");
    change.put_in_force()?;
    moment("in force");
    Ok(())
}
