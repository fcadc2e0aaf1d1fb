//! What `cargo xtask test` runs, in this order.
//!
//! Everything is built once, as one workspace: naming a package alone would build it again with
//! other features. Kotlin, Swift, phone and browser tests are driven by system tests, so that a plain
//! `cargo test` runs them too where their toolchains are; here each has a row of its own.

use std::io;
use std::path::Path;

use xtask::paths;
use xtask::process::{self, Show};
use xtask::setup::{Part, deny};

use crate::report::Row;

/// Who runs tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// Cargo.
    Rust,
    /// Maven's test runner.
    Kotlin,
    /// SwiftPM's test runner.
    Swift,
    /// Cargo, once more: a test that starts processes of both.
    Phones,
    /// Node in front of Chromium.
    Browser,
    /// cargo-deny.
    Dependencies,
}

/// One call of Cargo.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What the summary calls it.
    pub name: &'a str,
    /// Cargo's arguments.
    pub args: &'a [&'a str],
    /// Whether the steps that need a build wait for this one.
    pub is_build: bool,
    /// Whether it is pointless without one.
    pub needs_build: bool,
    /// Whether it has to count tests: a filter that matches nothing is a failure.
    pub counts: bool,
    /// What it finds in its environment.
    pub variables: &'a [(&'a str, &'a str)],
}

const CHECK: Step<'static> = Step {
    name: "",
    args: &[],
    is_build: false,
    needs_build: false,
    counts: false,
    variables: &[],
};

const FORMAT: Step<'static> = Step { name: "format", args: &["fmt", "--all", "--check"], ..CHECK };
const LINTS: Step<'static> = Step {
    name: "lints",
    args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    ..CHECK
};
const CORE_ALONE: Step<'static> =
    Step { name: "core without ffi", args: &["check", "--package", "seldinger-core"], ..CHECK };
const BUILD: Step<'static> = Step {
    name: "build",
    args: &["build", "--workspace", "--all-targets"],
    is_build: true,
    ..CHECK
};
const TESTS: Step<'static> = Step {
    name: "tests",
    args: &[
        "test",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--skip",
        "shells::",
        "--skip",
        "phones::",
        "--skip",
        "browser::",
    ],
    needs_build: true,
    counts: true,
    ..CHECK
};
/// Each decoder of what strangers send, for a minute; all at once, so that they take no longer together.
const FUZZ: Step<'static> = Step {
    name: "fuzz",
    args: &["test", "--workspace", "--all-targets", "--", "fuzz_tests::", "--test-threads=16"],
    needs_build: true,
    counts: true,
    variables: &[("FUZZ_SECONDS", "60")],
    ..CHECK
};
/// The properties of merging, 10,000 times each.
const MERGE: Step<'static> = Step {
    name: "merge",
    args: &["test", "--workspace", "--all-targets", "--", "merge_tests::"],
    needs_build: true,
    counts: true,
    variables: &[("RUNS_TIMES", "5")],
    ..CHECK
};
const KOTLIN: Step<'static> = Step { args: &system("shells::kotlin"), ..SHELL };
const SWIFT: Step<'static> = Step { args: &system("shells::swift"), ..SHELL };
const PHONES: Step<'static> = Step { args: &system("phones::"), ..SHELL };
const BROWSER: Step<'static> = Step { args: &system("browser::"), ..SHELL };
const SHELL: Step<'static> = Step { name: "tests", needs_build: true, counts: true, ..CHECK };

/// Licenses, sources and second versions of the dependencies.
pub const DENY: Step<'static> = Step { name: "deny", args: &DENY_ARGS, ..CHECK };
const DENY_ARGS: [&str; 7] =
    ["deny", "--config", ".deny.toml", "check", "licenses", "bans", "sources"];

/// The same, and what is known against them; the database comes from outside the package registries.
pub const ADVISORIES: Step<'static> =
    Step { name: "advisories", args: &["deny", "--config", ".deny.toml", "check"], ..CHECK };

/// Writes the public signatures anew: the test that compares them, told to write.
pub const API: Step<'static> = Step { name: "api", args: &system("api::"), ..CHECK };

/// Writes the licenses of what ships anew, in the same way.
pub const NOTICES: Step<'static> = Step { name: "notices", args: &system("notices::"), ..CHECK };

/// The properties of merge, sessions and exchanged books, as often as `RUNS_TIMES` says.
pub const NIGHTLY: Step<'static> = Step { name: "properties", args: &PROPERTIES, ..CHECK };
const PROPERTIES: [&str; 8] =
    ["test", "--release", "--workspace", "--all-targets", "--", "record::", "sync::", "link::"];

/// Every target, though only one has such tests: what is built stays the same, feature by feature.
const fn system(filter: &str) -> [&str; 6] {
    ["test", "--workspace", "--all-targets", "--", filter, "--nocapture"]
}

impl Runner {
    /// In the order in which they run.
    pub const ALL: [Self; 6] =
        [Self::Rust, Self::Kotlin, Self::Swift, Self::Phones, Self::Browser, Self::Dependencies];

    /// By the name that people type.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runner| runner.name() == name)
    }

    /// The name that people read and type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
            Self::Phones => "phones",
            Self::Browser => "browser",
            Self::Dependencies => "dependencies",
        }
    }

    /// The toolchains that it cannot do without.
    pub fn needs(self) -> &'static [Part] {
        match self {
            Self::Rust => &[],
            Self::Kotlin => &[Part::Kotlin],
            Self::Swift => &[Part::Swift],
            Self::Phones => &[Part::Kotlin, Part::Swift],
            Self::Browser => &[Part::Browser],
            Self::Dependencies => &[Part::Deny],
        }
    }

    /// Its steps.
    pub fn steps(self) -> &'static [Step<'static>] {
        match self {
            Self::Rust => &[FORMAT, LINTS, CORE_ALONE, BUILD, TESTS, FUZZ, MERGE],
            Self::Kotlin => &[KOTLIN],
            Self::Swift => &[SWIFT],
            Self::Phones => &[PHONES],
            Self::Browser => &[BROWSER],
            Self::Dependencies => &[DENY],
        }
    }

    /// How many tests passed, failed and were left out, if `line` is what this runner closes with.
    pub fn closing(self, line: &str) -> Option<Counts> {
        match self {
            Self::Rust | Self::Phones => {
                let rest = line.strip_prefix("test result: ")?;
                Some(Counts {
                    passed: before(rest, " passed")?,
                    failed: before(rest, " failed")?,
                    ignored: before(rest, " ignored")?,
                })
            }
            Self::Kotlin => {
                // The line of the whole run, not those of each class, which name it.
                let (_, rest) =
                    line.split_once("Tests run: ").filter(|_| !line.contains(" in "))?;
                let (run, rest) = rest.split_once(", Failures: ")?;
                let (failures, rest) = rest.split_once(", Errors: ")?;
                let (errors, skipped) = rest.split_once(", Skipped: ")?;
                let failed = leading(failures)? + leading(errors)?;
                let ignored = leading(skipped)?;
                let passed = leading(run)?.saturating_sub(failed + ignored);
                Some(Counts { passed, failed, ignored })
            }
            Self::Swift => {
                let (_, rest) = line.split_once("Test run with ")?;
                let all = leading(rest)?;
                let failed = u32::from(rest.contains(" failed "));
                Some(Counts { passed: all.saturating_sub(failed), failed, ignored: 0 })
            }
            Self::Dependencies => None,
            Self::Browser => {
                let rest = line.strip_prefix("browser: ")?;
                Some(Counts {
                    passed: before(rest, " passed")?,
                    failed: before(rest, " failed")?,
                    ignored: 0,
                })
            }
        }
    }
}

/// Tests of one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Went well.
    pub passed: u32,
    /// Did not.
    pub failed: u32,
    /// Were left out.
    pub ignored: u32,
}

fn leading(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn before(text: &str, word: &str) -> Option<u32> {
    let (start, _) = text.split_once(word)?;
    start.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Runs a step and reads what its runner said.
pub fn run(runner: Runner, step: &Step<'_>) -> Row {
    let title = format!("{} {}", runner.name(), step.name);
    println!("\n== {title}: cargo {}", step.args.join(" "));
    let mut command = process::cargo();
    command.args(step.args).current_dir(paths::root());
    // A shell's test that cannot run is a failure here, not a note.
    command.env("REQUIRE_SHELLS", "1");
    command.envs(step.variables.iter().copied());
    command.envs(deny::path().map(|path| ("PATH", path)));
    let log = paths::output().join(format!("{}.log", title.replace(' ', "-")));
    let outcome = match process::run(&mut command, &log, Show::Live) {
        Ok(outcome) => outcome,
        Err(error) => return Row::not_run(runner, step, &error.to_string()),
    };
    let mut closing = None;
    let mut counts = Counts::default();
    for (line, found) in outcome.lines.iter().filter_map(|line| Some((line, runner.closing(line)?)))
    {
        counts.passed += found.passed;
        counts.failed += found.failed;
        counts.ignored += found.ignored;
        // Of several binaries' lines one that counted tells more than the last.
        if closing.is_none() || found.passed + found.failed > 0 {
            closing = Some(line.clone());
        }
    }
    let empty = step.counts && counts.passed + counts.failed == 0;
    let note = if outcome.timed_out {
        Some(hanging(&outcome.lines))
    } else if empty {
        Some("no test ran".to_owned())
    } else {
        closing.filter(|_| step.counts)
    };
    let ok = outcome.ok && !empty && counts.failed == 0;
    Row::ran(runner, step, ok, counts, outcome.elapsed, note)
}

/// What to say of a step that did not end: the tests that had been running for long and never ended.
fn hanging(lines: &[String]) -> String {
    let long = " has been running for over 60 seconds";
    let is_open = |name: &&str| !lines.iter().any(|line| line.starts_with(&format!("{name} ... ")));
    let tests: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_suffix(long)).filter(is_open).collect();
    let minutes = process::LONGEST.as_secs() / 60;
    format!("stopped after {minutes} minutes; not ended: {}", tests.join(", "))
}

/// Lets the Kotlin and Swift packages measure the library as it ships; whether they told any figure.
/// What they say is in `log`.
pub fn measure_shells(log: &Path) -> io::Result<bool> {
    let mut command = process::cargo();
    command.args(["test", "--release", "--workspace", "--all-targets", "--"]);
    command.args(["shells::", "--nocapture", "--test-threads=1"]);
    command.env("BENCH", "1").current_dir(paths::root());
    let outcome = process::run(&mut command, log, Show::Live)?;
    if !outcome.ok {
        return Err(io::Error::other("a test failed"));
    }
    Ok(outcome.lines.iter().any(|line| line.contains("BENCH ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(passed: u32, failed: u32, ignored: u32) -> Counts {
        Counts { passed, failed, ignored }
    }

    #[test]
    fn closing_lines_are_read() {
        let rust = "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out";
        assert_eq!(Runner::Rust.closing(rust), Some(counts(12, 1, 2)));
        let kotlin = "[WARNING] Tests run: 9, Failures: 1, Errors: 1, Skipped: 2";
        assert_eq!(Runner::Kotlin.closing(kotlin), Some(counts(5, 2, 2)));
        let class =
            "[INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s -- in X";
        assert_eq!(Runner::Kotlin.closing(class), None);
        let swift = "✔ Test run with 14 tests passed after 0.31 seconds.";
        assert_eq!(Runner::Swift.closing(swift), Some(counts(14, 0, 0)));
        let swift = "✘ Test run with 14 tests failed after 0.31 seconds with 2 issues.";
        assert_eq!(Runner::Swift.closing(swift), Some(counts(13, 1, 0)));
        assert_eq!(Runner::Browser.closing("browser: 5 passed, 0 failed"), Some(counts(5, 0, 0)));
        assert_eq!(Runner::Browser.closing("running 1 test"), None);
    }

    #[test]
    fn a_test_that_never_ends_is_named() {
        let lines = [
            "test a::slow has been running for over 60 seconds",
            "test a::hangs has been running for over 60 seconds",
            "test a::slow ... ok",
        ];
        let told = hanging(&lines.map(str::to_owned));
        assert!(told.ends_with("not ended: test a::hangs"), "{told}");
    }

    #[test]
    fn runners_are_named_as_typed() {
        assert_eq!(Runner::named("swift"), Some(Runner::Swift));
        assert_eq!(Runner::named("pascal"), None);
    }
}
