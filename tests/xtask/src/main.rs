//! The project's commands: `cargo xtask help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to people")]

mod report;
mod steps;

use std::env;
use std::process::{Command, ExitCode};

use xtask::paths;
use xtask::process;
use xtask::setup::{Part, Pending, deny};

use report::{Report, Row};
use steps::{Runner, Step};

const HELP: &str = "\
cargo xtask test [PART]                               set up and run every test, or one part:
                                                      dependencies, rust, kotlin, swift, phones, browser
cargo xtask setup [kotlin|swift|browser|deny]         only set up
cargo xtask deny [--advisories]                       look at the dependencies; what is known against them
cargo xtask api                                       write bindings/API.txt anew
cargo xtask notices                                   write apps/laptop/THIRD-PARTY.txt anew
cargo xtask nightly                                   run the properties of sync 500 times as often
cargo xtask bench [OPTIONS] [--shells]                measure, from Kotlin and Swift too where they are";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["test"] => test(None),
        ["test", part] => Runner::named(part).is_some_and(|runner| test(Some(runner))),
        ["setup"] => set_up(&Part::ALL),
        ["setup", part] => part_named(part).is_some_and(|part| set_up(&[part])),
        ["api"] => cargo(&steps::API, &[("WRITE_API", "1")]),
        ["notices"] => cargo(&steps::NOTICES, &[("WRITE_NOTICES", "1")]),
        ["deny"] => set_up(&[Part::Deny]) && cargo(&steps::DENY, &[]),
        ["deny", "--advisories"] => set_up(&[Part::Deny]) && cargo(&steps::ADVISORIES, &[]),
        ["nightly"] => nightly(),
        ["bench", options @ ..] => bench(options),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn part_named(name: &str) -> Option<Part> {
    match name {
        "kotlin" => Some(Part::Kotlin),
        "swift" => Some(Part::Swift),
        "browser" => Some(Part::Browser),
        "deny" => Some(Part::Deny),
        _ => None,
    }
}

/// Runs every test, or one runner's; whether all was well.
fn test(only: Option<Runner>) -> bool {
    let wanted = |runner: Runner| only.is_none_or(|only| only == runner);
    let runners: Vec<Runner> = Runner::ALL.into_iter().filter(|runner| wanted(*runner)).collect();
    let parts: Vec<Part> = Part::ALL
        .into_iter()
        .filter(|part| runners.iter().any(|runner| runner.needs().contains(part)))
        .collect();
    let mut set_up = Pending::start(&parts);
    let mut report = Report::default();
    let mut built = true;
    for runner in runners {
        let missing = runner.needs().iter().find_map(|part| ready(&mut set_up, *part));
        for step in runner.steps() {
            let row = match (&missing, built) {
                (Some(missing), _) => Row::not_run(runner, step, missing),
                (None, false) if step.needs_build => Row::not_run(runner, step, "not built"),
                (None, _) => steps::run(runner, step),
            };
            built &= row.ok || !step.is_build;
            report.add(row);
        }
    }
    report.print();
    report.all_well()
}

/// Waits for a toolchain; what is missing, if anything.
fn ready(set_up: &mut Pending, part: Part) -> Option<String> {
    match set_up.wait(part) {
        Ok(found) => {
            println!("set-up: {found}");
            None
        }
        Err(missing) => Some(missing.to_string()),
    }
}

fn set_up(parts: &[Part]) -> bool {
    let mut well = true;
    for part in parts {
        match part.ensure() {
            Ok(found) => println!("{found}"),
            Err(missing) => {
                eprintln!("{missing}");
                well = false;
            }
        }
    }
    well
}

/// Measures; with `--shells` and no file at the end, Kotlin and Swift measure first.
fn bench(options: &[&str]) -> bool {
    // Built with everything else: alone, or by the shells' tests, it would have other features.
    let build = ["build", "--release", "--workspace", "--all-targets"];
    if !cargo(&Step { args: &build, ..steps::API }, &[]) {
        return false;
    }
    let mut args = Vec::new();
    let told = paths::output().join("shells-bench.log");
    let file = told.display().to_string();
    if let [others @ .., "--shells"] = options {
        args.extend(others);
        match steps::measure_shells(&told) {
            Ok(true) => args.extend(["--shells", &file]),
            Ok(false) => println!("Kotlin and Swift are not there to measure"),
            Err(error) => {
                eprintln!("Kotlin and Swift could not measure: {error}");
                return false;
            }
        }
    } else {
        args.extend(options);
    }
    let program = paths::target().join("release").join("seldinger-bench");
    Command::new(program)
        .args(args)
        .current_dir(paths::root())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs the properties of merge and sessions a million times each, the others as much more often than
/// usual, or as often as the caller's environment says.
fn nightly() -> bool {
    let times = env::var("RUNS_TIMES").unwrap_or_else(|_| "500".to_owned());
    cargo(&steps::NIGHTLY, &[("RUNS_TIMES", &times)])
}

/// Cargo in the foreground, as if typed.
fn cargo(step: &Step<'_>, variables: &[(&str, &str)]) -> bool {
    let mut command = process::cargo();
    command.args(step.args).envs(variables.iter().copied()).current_dir(paths::root());
    command.envs(deny::path().map(|path| ("PATH", path)));
    command.status().is_ok_and(|status| status.success())
}
