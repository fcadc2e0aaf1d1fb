//! Starts the system's browser.

use std::path::Path;
use std::process::Stdio;

use seldinger_core::content::words;

use crate::say;
use crate::vault::{BACKUP_PASSPHRASE_VARIABLE, NEW_PASSPHRASE_VARIABLE, PASSPHRASE_VARIABLE};

/// Whether there is a screen: without one the system's opener would start a browser inside of the
/// terminal.
pub fn can_open() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
            .iter()
            .any(|name| std::env::var_os(name).is_some())
}

/// Opens a file in it; whether there was something to start.
pub fn open(file: &Path) -> bool {
    for mut command in open::commands(file) {
        for secret in [PASSPHRASE_VARIABLE, NEW_PASSPHRASE_VARIABLE, BACKUP_PASSPHRASE_VARIABLE] {
            command.env_remove(secret);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Ok(mut child) = command.spawn() {
            // Whoever opens the browser is waited for, so that no dead process stays behind.
            let _ = std::thread::Builder::new().spawn(move || child.wait());
            return true;
        }
    }
    say::note(&words("app.no_browser", &[]));
    false
}
