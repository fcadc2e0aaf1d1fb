//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The repository's top folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// What runs leave for people: logs, screenshots.
pub fn output() -> PathBuf {
    target().join("test-output")
}

/// Toolchains that set-up installs; shared by every checkout of this user.
pub fn cache() -> PathBuf {
    let own = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    own("XDG_CACHE_HOME")
        .or_else(|| own("HOME").map(|home| home.join(".cache")))
        .map_or_else(|| target().join("toolchains"), |cache| cache.join("seldinger"))
}

/// The first file called `name` in one of the folders of `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
        assert!(root().join("tests/xtask").is_dir());
    }

    #[test]
    fn programs_are_found_by_name() {
        assert!(on_path("cargo").is_some());
        assert_eq!(on_path("no-such-program-of-ours"), None);
    }
}
