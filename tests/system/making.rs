//! First runs at the same time, first runs that are killed, and logs from which a part is gone.
//!
//! `RACES=n` runs as many races of each kind and keeper of the key as it says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::logbook::{Logbook, Setup};
use serde_json::Value;
use system_tests::{App, FileVault, Page, SeededIds, setup};

use super::cli::{done, text};

const PASSPHRASE: &str = "a passphrase of some length";

/// How many races there are of each kind.
fn races() -> u64 {
    std::env::var("RACES").ok().and_then(|races| races.parse().ok()).unwrap_or(20)
}

/// Who keeps the key.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keeper {
    File,
    Passphrase,
}

impl Keeper {
    fn command(self, app: &App, args: &[&str]) -> Command {
        let mut command = app.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self == Self::Passphrase {
            command.env("SELDINGER_PASSPHRASE", PASSPHRASE);
        }
        command
    }

    fn run(self, app: &App, args: &[&str]) -> Output {
        self.command(app, args).output().unwrap()
    }
}

/// How many cases there are by their line; each was written once.
fn saved(keeper: Keeper, app: &App) -> BTreeMap<String, u64> {
    let mut saved = BTreeMap::new();
    for line in done(&keeper.run(app, &["export", "-"])).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if let Some(jot) = record["fields"]["jot"].as_str() {
            *saved.entry(jot.to_owned()).or_default() += 1;
        }
    }
    saved
}

fn is_told_a_code(output: &Output) -> bool {
    text(&output.stderr).contains("A new log was started")
}

/// `count` programs that all want to be the first.
fn start(keeper: Keeper, app: &App, count: usize) -> Vec<(String, Child)> {
    let line = |number: usize| format!("picc number {number}");
    let commands: Vec<_> = (0..count)
        .map(|number| (line(number), keeper.command(app, &["jot", &line(number)])))
        .collect();
    commands.into_iter().map(|(line, mut command)| (line, command.spawn().unwrap())).collect()
}

fn nothing_is_lost(keeper: Keeper, app: &App, acknowledged: &[String], when: &str) {
    let saved = saved(keeper, app);
    for line in acknowledged {
        assert_eq!(saved.get(line), Some(&1), "{when}: {line} of {saved:?}");
    }
    assert!(saved.values().all(|count| *count == 1), "{when}: {saved:?}");
    done(&keeper.run(app, &["verify"]));
}

fn first_runs_at_once(keeper: Keeper) {
    for race in 0..races() {
        let app = App::new();
        let count = if race % 2 == 0 { 2 } else { 5 };
        let mut codes = 0;
        let mut acknowledged = Vec::new();
        for (line, child) in start(keeper, &app, count) {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "race {race}: {}", text(&output.stderr));
            codes += usize::from(is_told_a_code(&output));
            acknowledged.push(line);
        }
        assert_eq!(codes, 1, "race {race}: one made the log");
        nothing_is_lost(keeper, &app, &acknowledged, &format!("race {race}"));
    }
}

#[test]
fn first_runs_at_once_write_into_one_log_with_a_key_file() {
    first_runs_at_once(Keeper::File);
}

#[test]
fn first_runs_at_once_write_into_one_log_under_a_passphrase() {
    first_runs_at_once(Keeper::Passphrase);
}

#[test]
fn the_page_and_a_command_at_once_open_one_log() {
    for keeper in [Keeper::File, Keeper::Passphrase] {
        for race in 0..races().div_ceil(2) {
            let app = App::new();
            let jot = keeper.command(&app, &["jot", "picc beside the page"]).spawn().unwrap();
            let mut page = Page::start(keeper.command(&app, &["serve", "--no-open"]));
            let output = jot.wait_with_output().unwrap();
            assert!(output.status.success(), "race {race}: {}", text(&output.stderr));
            page.enter(&page.opening());
            assert_eq!(page.end("INT"), Some(0));
            nothing_is_lost(keeper, &app, &["picc beside the page".to_owned()], "beside the page");
        }
    }
}

/// Looks at the clock and at nothing else until the moment has come.
fn spin_until(begun: Instant, wait: Duration) {
    while begun.elapsed() < wait {
        std::hint::spin_loop();
    }
}

fn killed_first_runs(keeper: Keeper) {
    let ids = SeededIds::new(0x6b11);
    // How long a first run takes here, with as many beside it.
    let begun = Instant::now();
    let app = App::new();
    for (_, child) in start(keeper, &app, 3) {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let longest = begun.elapsed();
    let mut killed = 0;
    for race in 0..races() {
        let app = App::new();
        let begun = Instant::now();
        let mut racers = start(keeper, &app, 3);
        let of_longest =
            |part: usize| longest.mul_f64(f64::from(u32::try_from(part).unwrap()) / 1e3);
        let mut moments: Vec<_> = (0..2).map(|_| of_longest(ids.below(1_000))).collect();
        moments.sort();
        for (moment, (_, child)) in moments.into_iter().zip(&mut racers) {
            spin_until(begun, moment);
            child.kill().unwrap();
        }
        let mut acknowledged = Vec::new();
        for (line, child) in racers {
            let output = child.wait_with_output().unwrap();
            killed += usize::from(output.status.code().is_none());
            // Killed after it was saved is saved.
            if output.status.success() || text(&output.stdout).contains("saved as") {
                acknowledged.push(line);
            }
        }
        let last = "picc after all of it";
        let output = keeper.run(&app, &["jot", last]);
        assert!(output.status.success(), "race {race}: {}", text(&output.stderr));
        acknowledged.push(last.to_owned());
        nothing_is_lost(keeper, &app, &acknowledged, &format!("race {race}"));
        let left = names(&app.data().join("books/own"));
        assert!(!left.iter().any(|name| name.contains("preparing")), "{left:?}");
    }
    assert!(killed as u64 > races() / 2, "only {killed} were killed");
}

#[test]
fn first_runs_that_are_killed_lose_nothing_with_a_key_file() {
    killed_first_runs(Keeper::File);
}

#[test]
fn first_runs_that_are_killed_lose_nothing_under_a_passphrase() {
    killed_first_runs(Keeper::Passphrase);
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// With a vault that stands for a keyring: what the packages for phones call, in processes of their own.
#[test]
fn processes_that_open_or_create_share_one_book_and_one_keyring() {
    let ids = SeededIds::new(0x6b12);
    for race in 0..races() {
        let folder = tempfile::tempdir().unwrap();
        let count = if race % 2 == 0 { 2 } else { 5 };
        let start = |number: usize| {
            Command::new(env!("CARGO_BIN_EXE_maker"))
                .arg(folder.path())
                .arg(number.to_string())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let begun = Instant::now();
        let mut makers: Vec<Child> = (0..count).map(start).collect();
        // Every other race kills the first two.
        if race % 4 > 1 {
            for maker in makers.iter_mut().take(2) {
                spin_until(begun, Duration::from_micros(ids.below(40_000) as u64));
                maker.kill().unwrap();
            }
        }
        let (mut acknowledged, mut made) = (0, 0);
        for maker in makers {
            let output = maker.wait_with_output().unwrap();
            let told = text(&output.stdout);
            assert!(output.status.code().is_none_or(|code| code == 0), "race {race}: {told}");
            acknowledged += u64::from(told.contains("ok"));
            made += usize::from(told.contains("made"));
        }
        assert!(made <= 1, "race {race}: {made} books were made");
        let vault = Arc::new(FileVault::new(folder.path()));
        let setup = Setup { vault, ..setup(&folder.path().join("book"), 1) };
        let (book, _) = Logbook::open_or_create(setup).unwrap();
        let cases = book.count_cases(&CaseFilter::default()).unwrap();
        let most = u64::try_from(count).unwrap();
        assert!((acknowledged..=most).contains(&cases), "race {race}: {cases} of {acknowledged}");
    }
}

/// A log with some cases, an automatic backup and the files of a session that was killed; its recovery
/// code.
fn killed_log(keeper: Keeper, app: &App) -> String {
    let told = text(&keeper.run(app, &["jot", "picc first"]).stderr);
    let code = told.lines().find(|line| line.starts_with("    ")).unwrap().trim().to_owned();
    let mut page = Page::start(keeper.command(app, &["serve", "--no-open"]));
    done(&keeper.run(app, &["jot", "picc second"]));
    assert_eq!(page.end("KILL"), None);
    code
}

/// Every file of a data folder that is not a lock, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(files(&path));
        } else if !name.ends_with("lock") {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

fn parts_come_back(keeper: Keeper) {
    let app = App::new();
    let code = killed_log(keeper, &app);
    let data = app.data();
    let own = |name: &str| format!("books/own/{name}");
    let mut parts: Vec<String> =
        ["book.db", "book.key", "book.key.copy", "backups"].map(own).to_vec();
    parts.extend(["vault.json".to_owned(), "books".to_owned()]);
    if keeper == Keeper::Passphrase {
        parts.push("keys.sealed".to_owned());
    }
    let mut sets: Vec<Vec<&String>> = parts.iter().map(|part| vec![part]).collect();
    for (number, part) in parts.iter().enumerate() {
        // What is inside of a folder that is gone cannot be taken as well.
        let inside = |other: &String| part.starts_with("books/") && other == "books";
        // With both gone nothing tells that there ever was a log.
        let all =
            |other: &String| keeper == Keeper::File && part == "vault.json" && other == "books";
        let others = parts[number + 1..].iter().filter(|other| !inside(other) && !all(other));
        sets.extend(others.map(|other| vec![part, other]));
    }
    let before = saved(keeper, &app);
    let all = files(&data);
    let mut refused = 0;
    for taken in sets {
        let away = app.folder().join("away");
        fs::create_dir(&away).unwrap();
        for (number, part) in taken.iter().enumerate() {
            fs::rename(data.join(part), away.join(number.to_string())).unwrap();
        }
        let rest = files(&data);
        let tried = keeper.run(&app, &["cases"]);
        if !tried.status.success() {
            refused += 1;
            let said = text(&keeper.run(&app, &["jot", "picc meanwhile"]).stderr);
            assert!(
                !is_told_a_code(&tried) && !said.contains("A new log was"),
                "{taken:?}: {said}"
            );
            if taken == [&own("book.db")] {
                assert!(said.contains("books/own/backups") && said.contains("restore"), "{said}");
            }
            assert_eq!(files(&data), rest, "{taken:?}: something was made or changed");
        }
        for (number, part) in taken.iter().enumerate() {
            fs::rename(away.join(number.to_string()), data.join(part)).unwrap();
        }
        fs::remove_dir(&away).unwrap();
        assert_eq!(saved(keeper, &app), before, "{taken:?}");
    }
    assert!(refused > 8, "{refused}");
    let key = |files: &BTreeMap<PathBuf, Vec<u8>>| files[&data.join(own("book.key"))].clone();
    assert_eq!(key(&files(&data)), key(&all));
    // And the code that was shown in the beginning opens it.
    forget_keys(keeper, &app);
    assert!(!keeper.run(&app, &["cases"]).status.success(), "the key is gone");
    let mut recover = keeper.command(&app, &["key", "recover"]);
    let mut child = recover.stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), code.as_bytes()).unwrap();
    done(&child.wait_with_output().unwrap());
    assert_eq!(saved(keeper, &app), before);
}

fn forget_keys(keeper: Keeper, app: &App) {
    match keeper {
        Keeper::Passphrase => fs::remove_file(app.data().join("keys.sealed")).unwrap(),
        Keeper::File => fs::remove_dir_all(app.folder().join(".config/seldinger/keys")).unwrap(),
    }
}

#[test]
fn parts_that_come_back_open_as_before_with_a_key_file() {
    parts_come_back(Keeper::File);
}

#[test]
fn parts_that_come_back_open_as_before_under_a_passphrase() {
    parts_come_back(Keeper::Passphrase);
}

#[test]
fn a_log_that_is_gone_is_no_first_run() {
    let app = App::new();
    done(&app.run(&["jot", "picc"]));
    fs::remove_dir_all(app.data().join("books")).unwrap();
    for command in [&["jot", "tips"][..], &["cases"], &["serve", "--no-open"]] {
        let output = app.run(command);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains("There was a log") && said.contains("vault.json"), "{said}");
    }
    assert!(!app.data().join("books/own/book.db").exists());
}
