//! The library that Swift and Kotlin load.

#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The library, built from the sources as they are now, with its symbols.
///
/// # Panics
/// Where it cannot be built.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(build)
}

/// A test run does not build it by itself, as no test links it; one that is left over from an earlier
/// build would be tested in its place. The whole workspace, as `cargo xtask test` builds it: naming the
/// package alone would compile everything again with other features.
fn build() -> PathBuf {
    let test = env::current_exe().expect("a test knows where it is");
    let built = test.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    let mut cargo = xtask::process::cargo();
    cargo.args(["build", "--quiet", "--workspace", "--all-targets"]);
    if built.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    assert!(cargo.status().expect("Cargo runs").success(), "the library cannot be built");
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    built.join(format!("{prefix}seldinger{suffix}"))
}
