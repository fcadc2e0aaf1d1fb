//! What the tests need beside Rust: found where it is, installed where that is possible.

mod debian;
mod stamp;

pub mod browser;
pub mod deny;
pub mod kotlin;
pub mod swift;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::thread::{self, JoinHandle};

use crate::paths;

/// Something is not there, and what a person has to install instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is needed.
    pub what: &'static str,
    /// What to install and where, for this machine.
    pub advice: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing. {}", self.what, self.advice)
    }
}

impl std::error::Error for Missing {}

/// Set-up that runs beside Rust's build.
pub struct Pending(Vec<(Part, JoinHandle<Result<String, Missing>>)>);

impl Pending {
    /// Starts setting up these parts.
    pub fn start(parts: &[Part]) -> Self {
        Self(parts.iter().map(|&part| (part, thread::spawn(move || part.ensure()))).collect())
    }

    /// Waits for a part that was started; says what was found.
    pub fn wait(&mut self, part: Part) -> Result<String, Missing> {
        let at = self.0.iter().position(|(other, _)| *other == part);
        match at.map(|at| self.0.remove(at).1.join()) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Missing { what: "The set-up", advice: "It broke off.".to_owned() }),
            None => part.ensure(),
        }
    }
}

/// One toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// JDK and Maven.
    Kotlin,
    /// Swift 6.
    Swift,
    /// Chromium, Node, playwright-core.
    Browser,
    /// cargo-deny.
    Deny,
}

impl Part {
    /// All of them, the slowest download first.
    pub const ALL: [Self; 4] = [Self::Swift, Self::Kotlin, Self::Browser, Self::Deny];

    /// Finds or installs it; says what it found.
    pub fn ensure(self) -> Result<String, Missing> {
        let lock = lock();
        let found = match self {
            Self::Kotlin => kotlin::ensure().map(|tools| tools.to_string()),
            Self::Swift => swift::ensure().map(|tools| tools.to_string()),
            Self::Browser => browser::ensure().map(|tools| tools.to_string()),
            Self::Deny => deny::ensure().map(|tools| tools.to_string()),
        };
        drop(lock);
        found
    }
}

/// Two runs at once must not install into the same folder; the lock goes with the process.
fn lock() -> Option<File> {
    fs::create_dir_all(paths::cache()).ok()?;
    let file = File::create(paths::cache().join("setup.lock")).ok()?;
    file.lock().ok()?;
    Some(file)
}

fn failed(what: &'static str, advice: &str) -> impl FnOnce(io::Error) -> Missing {
    let advice = advice.to_owned();
    move |error| Missing { what, advice: format!("Setting it up failed ({error}). {advice}") }
}
