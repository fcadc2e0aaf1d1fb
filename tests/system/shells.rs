//! The Kotlin and Swift packages with their own tests, against the library as it is now.
//!
//! Both sides are generated anew, so that what they test is what the core says. A missing toolchain is
//! told and passed over; with `REQUIRE_SHELLS=1`, which `cargo xtask test` sets, it is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, fs};

use seldinger_bindgen::{Language, generate};
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::key::KeyVault as _;
use system_tests::{MemoryVault, library, rotation, setup};
use xtask::paths;
use xtask::process::{self, Outcome, Show};
use xtask::setup::swift::Swift;
use xtask::setup::{Missing, kotlin, swift};

/// Two compilers at once would only be in each other's way.
pub(super) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn kotlin_package() {
    let _turn = one_at_a_time();
    let Some(_) = found(kotlin::find()) else { return };
    let stage = stage();
    report(&run(&mut maven("test", &stage), "kotlin-maven"), |line| {
        line.contains("Tests run: ") && !line.contains(" in ")
    });
}

/// Maven, as far as `phase`, with the Kotlin package whose generated side is made anew.
pub(super) fn maven(phase: &str, stage: &Path) -> Command {
    let package = package("kotlin");
    generate(Language::Kotlin, library(), &package.join("src/main/generated")).unwrap();
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--no-transfer-progress", phase]).current_dir(&package);
    maven.arg(format!("-Dseldinger.stage={}", stage.display()));
    maven
}

#[test]
fn swift_package() {
    let _turn = one_at_a_time();
    let Some(swift) = found(swift::find()) else { return };
    let stage = stage();
    let lint = [
        "format",
        "lint",
        "--strict",
        "--recursive",
        "Package.swift",
        "Sources/Seldinger",
        "Tests",
    ];
    let lint = run(&mut swift.command(&package("swift"), &stage, &lint), "swift-format");
    assert!(lint.ok, "not in form:\n{}", lint.lines.join("\n"));

    let mut args = vec!["test", "--disable-xctest"];
    if measuring() {
        args.extend(["-c", "release", "--filter", "bench"]);
    }
    let mut test = built_swift(&swift, &stage, &args);
    test.env("SELDINGER_STAGE", swift.stage(&stage));
    report(&run(&mut test, "swift-test"), |line| line.contains("Test run with "));
}

/// A command of Swift that builds its package, whose generated side is made anew.
pub(super) fn built_swift(swift: &Swift, stage: &Path, args: &[&str]) -> Command {
    let package = package("swift");
    generate(Language::Swift, library(), &package.join("Sources/Generated")).unwrap();
    let inside = swift.stage(stage).display().to_string();
    let search = format!("-L{inside}");
    // The last flag: Debian's own Observation library lacks a symbol that nothing here calls.
    let flags = [&search, "-rpath", &inside, "--allow-shlib-undefined"];
    let flags = flags.into_iter().flat_map(|flag| ["-Xlinker", flag]);
    swift.command(&package, stage, &args.iter().copied().chain(flags).collect::<Vec<_>>())
}

/// Whether the packages are to measure instead of testing; they look for it themselves.
fn measuring() -> bool {
    env::var_os("BENCH").is_some_and(|value| value == "1")
}

/// The toolchain, or a note that there is none.
pub(super) fn found<T>(toolchain: Result<T, Missing>) -> Option<T> {
    match toolchain {
        Ok(toolchain) => Some(toolchain),
        Err(missing) if env::var_os("REQUIRE_SHELLS").is_some() => panic!("{missing}"),
        Err(missing) => {
            println!("SKIPPED: {missing}");
            None
        }
    }
}

pub(super) fn package(name: &str) -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings").join(name)).unwrap()
}

pub(super) fn run(command: &mut Command, name: &str) -> Outcome {
    let log = paths::output().join(format!("{name}.log"));
    process::run(command, &log, Show::LogOnly).unwrap()
}

/// Prints what the runner closes with and what it measured.
pub(super) fn report(outcome: &Outcome, is_closing: impl Fn(&str) -> bool) {
    let told = |line: &&String| is_closing(line) || line.contains("BENCH ");
    let told: Vec<&String> = outcome.lines.iter().filter(told).collect();
    for line in &told {
        println!("{line}");
    }
    let last = outcome.lines.len().saturating_sub(60);
    assert!(outcome.ok, "it ended with:\n{}", outcome.lines[last..].join("\n"));
    assert!(!told.is_empty(), "it ran no test");
}

/// The folder that both packages see: the library, the sample rotation, jots to
/// measure with, and a book of a later version.
pub(super) fn stage() -> PathBuf {
    let stage = paths::target().join("shells");
    fs::create_dir_all(&stage).unwrap();
    let library = library();
    copy(library, &stage.join(library.file_name().unwrap()));
    copy(&rotation(), &stage.join("rotation.jsonl"));
    fs::write(stage.join("jots.txt"), jots().join("\n")).unwrap();
    later_book(&stage.join("later"));
    fs::canonicalize(stage).unwrap()
}

/// Lines as they are typed.
fn jots() -> Vec<String> {
    let vectors = include_str!("../vectors/jots_dev.jsonl");
    let text = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().map(str::to_owned)
    };
    vectors.lines().filter_map(text).collect()
}

/// What is the same stays, so that nothing is linked again for nothing.
fn copy(from: &Path, to: &Path) {
    let bytes = fs::read(from).unwrap();
    if fs::read(to).ok().as_ref() != Some(&bytes) {
        fs::write(to, bytes).unwrap();
    }
}

/// A book whose schema is newer than any, and its key in a file beside it: the name and, in hex, the
/// secret.
fn later_book(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    let vault = Arc::new(MemoryVault::default());
    let setup = Setup { vault: vault.clone(), ..setup(folder, 7) };
    drop(Logbook::create(setup).unwrap());
    let name = vault.names().remove(0);
    let secret = vault.load(name.clone()).unwrap().unwrap();
    let hex = secret.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let book = rusqlite::Connection::open(folder.join("book.db")).unwrap();
    book.pragma_update(None, "key", format!("x'{hex}'")).unwrap();
    book.pragma_update(None, "user_version", 4711).unwrap();
    book.close().unwrap();
    fs::write(folder.join("vault.txt"), format!("{name}\n{hex}\n")).unwrap();
}
