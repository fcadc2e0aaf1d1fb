//! Chromium, and Node with playwright-core.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stamp::Stamped;
use super::{Missing, debian, failed};
use crate::paths;
use crate::process::{self, Show};

/// What was found.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Chromium or Chrome.
    pub chromium: PathBuf,
    /// The folder of the package playwright-core.
    pub playwright: PathBuf,
}

impl fmt::Display for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, playwright-core {VERSION}", self.chromium.display())
    }
}

impl Browser {
    /// `node` with a script of the repository. The script finds the browser in `CHROMIUM`, the
    /// package's folder in `PLAYWRIGHT_CORE` and the folder for its pictures in `TEST_OUTPUT`.
    pub fn node(&self, script: &Path) -> Command {
        let mut command = Command::new("node");
        command.arg(script).current_dir(paths::root());
        command.env("CHROMIUM", &self.chromium).env("PLAYWRIGHT_CORE", &self.playwright);
        command.env("TEST_OUTPUT", paths::output());
        command
    }
}

const WHAT: &str = "A browser or its driver";
const ADVICE: &str = "Install Chromium so that `chromium` is on PATH, or name it in the variable \
                      CHROMIUM, and Node 20 or newer with npm (Debian: `apt-get install chromium \
                      nodejs npm`); playwright-core then comes through npm.";
const VERSION: &str = "1.65.1";

/// Looks for browser, Node and playwright-core.
pub fn find() -> Result<Browser, Missing> {
    let missing = || Missing { what: WHAT, advice: ADVICE.to_owned() };
    let playwright = driver().whole().ok_or_else(missing)?.join("node_modules/playwright-core");
    if !node_is_here() {
        return Err(missing());
    }
    Ok(Browser { chromium: chromium().ok_or_else(missing)?, playwright })
}

/// Finds or installs browser, Node and playwright-core.
pub fn ensure() -> Result<Browser, Missing> {
    let mut packages = Vec::new();
    if chromium().is_none() {
        packages.push("chromium");
    }
    if !node_is_here() || paths::on_path("npm").is_none() {
        packages.extend(["nodejs", "npm"]);
    }
    if !packages.is_empty() {
        debian::install(&packages, WHAT, ADVICE)?;
    }
    driver().ensure(install_driver).map_err(failed(WHAT, ADVICE))?;
    find()
}

fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|file| file.is_file());
    let usual = ["chromium", "chromium-browser", "google-chrome"];
    named.or_else(|| usual.iter().find_map(|name| paths::on_path(name)))
}

fn node_is_here() -> bool {
    let version = process::ask("node", &["--version"]);
    version.is_some_and(|text| node_major(&text).is_some_and(|major| major >= 20))
}

fn node_major(text: &str) -> Option<u32> {
    text.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn driver() -> Stamped {
    Stamped::new(paths::cache().join("playwright-core"), format!("1 playwright-core {VERSION}"))
}

fn install_driver(folder: &Path) -> io::Result<()> {
    // A manifest of its own keeps npm from walking up to someone else's.
    fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    let log = paths::output().join("setup-npm.log");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--save-exact", "--ignore-scripts"]);
    npm.arg(format!("playwright-core@{VERSION}")).current_dir(folder);
    let outcome = process::run(&mut npm, &log, Show::LogOnly)?;
    if outcome.ok {
        return Ok(());
    }
    Err(io::Error::other(format!("npm could not install playwright-core; see {}", log.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_read() {
        assert_eq!(node_major("v20.19.2"), Some(20));
        assert_eq!(node_major("20"), None);
    }
}
