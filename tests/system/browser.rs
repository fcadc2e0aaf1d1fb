//! The page in a real browser, used as a person would. Scripts are in `tests/browser/`.
//!
//! A missing toolchain is told and passed over; with `REQUIRE_SHELLS=1`, which `cargo xtask test`
//! sets, it is a failure.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use system_tests::{App, Page, rotation};
use xtask::paths;
use xtask::process::{self, Show};
use xtask::setup::browser::{self, Browser};

/// Browsers beside each other would only be in each other's way.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A machine with the app and a browser.
struct Desk {
    app: App,
    browser: Browser,
    _turn: MutexGuard<'static, ()>,
}

impl Desk {
    /// None where there is no browser to test with.
    fn new() -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        match browser::find() {
            Ok(browser) => Some(Self { app: App::new(), browser, _turn: turn }),
            Err(missing) if env::var_os("REQUIRE_SHELLS").is_some() => panic!("{missing}"),
            Err(missing) => {
                println!("SKIPPED: {missing}");
                None
            }
        }
    }

    /// The same with the sample rotation in the user's own book.
    fn with_rotation() -> Option<Self> {
        let desk = Self::new()?;
        let imported = desk.app.run(&["import", &rotation().display().to_string()]);
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        Some(desk)
    }

    fn profile(&self) -> PathBuf {
        self.app.folder().join("profile")
    }

    /// Runs a script against the page; it must end well.
    fn run(&self, page: &Page, script: &str, more: &[(&str, &str)]) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
        let mut node = self.browser.node(&file.with_extension("mjs"));
        node.env("ADDRESS", &page.address).env("PROFILE", self.profile());
        node.env("FOLDER", self.app.folder()).envs(more.iter().copied());
        let log = paths::output().join(format!("browser-{script}.log"));
        let outcome = process::run(&mut node, &log, Show::LogOnly).unwrap();
        for line in outcome.lines.iter().filter(|line| line.starts_with("browser: ")) {
            println!("{line}");
        }
        assert!(outcome.ok, "{script} ended with:\n{}", outcome.lines.join("\n"));
    }
}

#[test]
fn tally() {
    let Some(desk) = Desk::with_rotation() else { return };
    let page = desk.app.serve(&[]);
    desk.run(&page, "tally", &[]);
}
