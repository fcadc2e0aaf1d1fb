//! The command line, by the real binary.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::process::{Output, Stdio};

use serde_json::Value;
use system_tests::App;

const ROTATION: &str = include_str!("../../apps/laptop/sample/rotation.jsonl");
const JOTS: &str = include_str!("../vectors/jots_dev.jsonl");

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command printed, where it went well.
pub(super) fn done(output: &Output) -> String {
    assert!(output.status.success(), "{:?}: {}", output.status, text(&output.stderr));
    text(&output.stdout)
}

/// What a command said, where it ended with this code.
pub(super) fn refused(output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    assert!(!said.trim().is_empty(), "it ends without a word");
    said
}

fn rotation_file(app: &App) -> String {
    let file = app.folder().join("rotation.jsonl");
    fs::write(&file, ROTATION).unwrap();
    file.display().to_string()
}

fn lines(jsonl: &str) -> Vec<Value> {
    jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_dry_run_answers_each_line_with_the_twelve_keys_and_opens_no_book() {
    let app = App::new();
    let people = rotation_file(&app);
    let jots = lines(JOTS);
    let mut input = String::new();
    for jot in &jots {
        input.push_str(jot["text"].as_str().unwrap());
        input.push('\n');
    }
    let mut bytes = input.into_bytes();
    // A blank line, one of odd letters, and a last one without its end are answered too.
    bytes.extend("\n\u{fffd}\u{1} 5F\r\nport, scrubbed".as_bytes());
    let dry = ["jot", "--dry-run", "--json", "--people", &people];
    let answers = lines(&done(&app.run_with(&dry, &bytes)));
    assert_eq!(answers.len(), jots.len() + 3);
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    for answer in &answers {
        assert_eq!(keys(answer), keys(&jots[0]["expect"]));
    }
    assert_eq!(answers[jots.len() + 2]["role"], "scrubbed");
    let named = |key: &str| answers.iter().filter(|answer| !answer[key].is_null()).count();
    assert!(named("attending") > 10 && named("procedure") > 100);
    assert!(!app.data().exists(), "a dry run leaves nothing behind");

    let alone = lines(&done(&app.run(&["jot", "--dry-run", "--json", "port", "w", "Okafor"])));
    assert_eq!(alone[0]["attending"], Value::Null, "people come from --people only");
}

#[test]
fn people_that_cannot_be_read_are_named_by_line() {
    let app = App::new();
    let file = app.folder().join("people.jsonl");
    fs::write(&file, "{\"kind\":\"case\"}\n{\"kind\"\n").unwrap();
    let file = file.display().to_string();
    let output = app.run(&["jot", "--dry-run", "--people", &file, "port"]);
    assert!(refused(&output, 7).contains("Line 2"));
    let output = app.run(&["jot", "--dry-run", "--people", "/no/such/file", "port"]);
    assert!(refused(&output, 7).contains("/no/such/file"));
}

#[test]
fn import_twice_adds_nothing_and_export_gives_everything_back() {
    let app = App::new();
    let file = rotation_file(&app);
    let report: Value =
        serde_json::from_str(&done(&app.run(&["import", &file, "--json"]))).unwrap();
    let all = ROTATION.lines().count();
    assert_eq!(report["added"], all);
    let again = done(&app.run_with(&["import", "-", "--json"], ROTATION.as_bytes()));
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["added"], &again["known"]), (&Value::from(0), &Value::from(all)));

    let target = app.folder().join("out.jsonl");
    done(&app.run(&["export", "--format", "jsonl", &target.display().to_string()]));
    let exported = fs::read_to_string(&target).unwrap();
    assert_eq!(exported, done(&app.run(&["export", "-"])));
    let key = |line: &Value| {
        (line["kind"].to_string(), line["at"].to_string(), line["fields"].to_string())
    };
    let mut wanted: Vec<_> = lines(ROTATION).iter().map(key).collect();
    let mut got: Vec<_> = lines(&exported).iter().map(key).collect();
    wanted.sort();
    got.sort();
    assert_eq!(got, wanted);

    let other = App::new();
    done(&other.run(&["import", &target.display().to_string()]));
    assert_eq!(done(&other.run(&["export", "-"])), exported);
    let csv = done(&app.run(&["export", "--format", "csv", "-"]));
    assert!(csv.contains("procedure,") && csv.contains("lesson"));
}

#[test]
fn a_bad_line_stops_an_import_before_anything_is_written() {
    let app = App::new();
    let bad = format!("{}\nnonsense\n", ROTATION.lines().next().unwrap());
    let said = refused_after_code(&app.run_with(&["import", "-"], bad.as_bytes()), 7);
    assert!(said.contains("Line 2"), "{said}");
    assert_eq!(done(&app.run(&["cases", "--json"])), "");
    let output = app.run_with(&["import", "-", "--skip-bad", "--json"], bad.as_bytes());
    let report: Value = serde_json::from_str(&done(&output)).unwrap();
    assert_eq!((&report["added"], &report["bad"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(report["bad_lines"][0]["line"], 2);
}

/// As `refused`, on a first run, which also shows the recovery code.
fn refused_after_code(output: &Output, code: i32) -> String {
    let said = refused(output, code);
    assert!(said.contains("recovery code"), "{said}");
    said
}

#[test]
fn a_jot_is_saved_listed_found_and_shown_without_obeying_it() {
    let app = App::new();
    let jot = "R PICC w Dr Okafor, assisted, 5 min fluoro \u{1b}]0;owned\u{7} zebrafish\u{1b}[2J";
    let saved = app.run(&["jot", jot]);
    let printed = done(&saved);
    assert!(printed.contains("saved as") && printed.contains("assisted"), "{printed}");
    assert!(text(&saved.stderr).contains("recovery code"));
    let id = printed.lines().find_map(|line| line.strip_prefix("saved as")).unwrap().trim();
    let listed = done(&app.run(&["cases"]));
    assert!(listed.contains(&id[..13]), "{listed}");
    let found = done(&app.run(&["search", "zebra"]));
    assert!(found.contains("[zebrafish]"), "{found}");
    for shown in [&printed, &listed, &found, &done(&app.run(&["show", &id[..13]]))] {
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }
    let record: Value = serde_json::from_str(&done(&app.run(&["show", id, "--json"]))).unwrap();
    assert_eq!(record["fields"]["jot"], jot, "the line itself is kept as it was typed");
    let tally: Value = serde_json::from_str(&done(&app.run(&["tally", "--json"]))).unwrap();
    assert_eq!(tally["cases"], 1);
    refused(&app.run(&["show", "ffffffff"]), 3);
    refused(&app.run(&["jot"]), 2);
}

#[test]
fn the_library_is_read_without_a_book_and_searched_beside_the_records() {
    let app = App::new();
    let brief = done(&app.run(&["procedure", "tips"]));
    let full = done(&app.run(&["procedure", "tips", "--full"]));
    assert!(brief.starts_with("TIPS creation\nHigh bleeding risk, SIR 2019."), "{brief}");
    assert!(brief.ends_with("Local policy wins: check it before you act on this.\n"));
    assert!(full.contains("Basic steps\n  1. ") && !brief.contains("Basic steps"));
    assert!(done(&app.run(&["procedure", "biopsy"])).lines().count() > 4);
    assert_eq!(done(&app.run(&["procedure"])).lines().filter(|l| l.starts_with("  ")).count(), 56);
    assert!(done(&app.run(&["imaging", "inverse-square", "--full"])).contains("quarter"));
    for one in [&["procedure", "zzz"][..], &["imaging", "zzz"]] {
        refused(&app.run(one), 3);
    }
    let article: Value =
        serde_json::from_str(&done(&app.run(&["procedure", "picc", "--json"]))).unwrap();
    assert_eq!(article["id"], "picc");
    assert!(article["sections"]["steps"].as_array().unwrap().len() >= 5);

    done(&app.run(&["jot", "para, 4.2 L, assisted, color doppler on every time"]));
    let found = done(&app.run(&["search", "doppler"]));
    let (library, records) = (found.find("procedure paracentesis"), found.find("every time"));
    assert!(library.is_some() && records > library, "{found}");
    let cases = done(&app.run(&["search", "doppler", "--kind", "case"]));
    assert!(!cases.contains("procedure paracentesis"), "{cases}");
}

#[test]
fn nothing_is_made_by_looking_for_it() {
    let app = App::new();
    for command in [&["cases"][..], &["tally"], &["search", "x"], &["export", "-"]] {
        refused(&app.run(command), 3);
    }
    assert!(!app.data().join("books").exists());
    refused(&app.run(&["cases", "--week", "2026-W60"]), 2);
    refused(&app.run(&["cases", "--from", "yesterday"]), 2);
    refused(&app.run(&["import", "/no/such/file"]), 7);
}

#[test]
fn a_passphrase_opens_and_nothing_else_does() {
    let app = App::new();
    let with = |passphrase: &str, args: &[&str]| {
        app.command(args).env("SELDINGER_PASSPHRASE", passphrase).output().unwrap()
    };
    let first = with("correct horse", &["jot", "port"]);
    done(&first);
    assert!(text(&first.stderr).contains("forgotten passphrase cannot be undone"));
    assert!(!app.folder().join(".config/seldinger/keys").exists(), "no key lies about");
    assert!(!done(&with("correct horse", &["cases"])).is_empty());
    refused(&with("wrong", &["cases"]), 4);
    // With neither variable nor terminal it says so at once instead of asking nobody.
    let said = refused(&app.run(&["cases"]), 4);
    assert!(said.contains("SELDINGER_PASSPHRASE"), "{said}");
}

#[cfg(unix)]
#[test]
fn the_key_file_is_its_owners_and_lies_outside_of_the_book() {
    use std::os::unix::fs::PermissionsExt as _;
    let app = App::new();
    done(&app.run(&["jot", "port"]));
    let keys = app.folder().join(".config/seldinger/keys");
    let files: Vec<_> = fs::read_dir(&keys).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&keys), mode(&files[0]), mode(&app.data())), (0o700, 0o600, 0o700));
    // The note decides: the variable does not turn this book into a sealed one.
    let output = app.command(&["cases"]).env("SELDINGER_PASSPHRASE", "x").output().unwrap();
    assert!(!done(&output).is_empty());
    fs::remove_file(&files[0]).unwrap();
    let said = refused(&app.run(&["cases"]), 4);
    assert!(said.contains("seldinger key recover"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_told_and_loses_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let app = App::new();
    // Permission bits do not bind root: the app then runs as nobody, from where nobody may go.
    let nobody = fs::metadata(app.folder())
        .is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0);
    let binary = app.folder().join("seldinger");
    fs::copy(system_tests::binary(), &binary).unwrap();
    let home = app.folder();
    let chmod = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod(home, 0o777);
    let run = |args: &[&str]| {
        let mut command = app.command_of(&binary, args);
        if nobody {
            command.uid(65534).gid(65534);
        }
        command.output().unwrap()
    };
    done(&run(&["jot", "port"]));
    let kept = done(&run(&["cases"]));
    let book = app.data().join("books/own");
    let files: Vec<_> = fs::read_dir(&book).unwrap().map(|file| file.unwrap().path()).collect();
    for file in &files {
        chmod(file, 0o444);
    }
    chmod(&book, 0o555);
    let said = refused(&run(&["jot", "second"]), 6);
    assert!(said.contains("cannot be written"), "{said}");
    chmod(&book, 0o755);
    for file in &files {
        chmod(file, 0o644);
    }
    assert_eq!(done(&run(&["cases"])), kept);

    // A folder in which no log can be made.
    fs::rename(app.data(), home.join("moved")).unwrap();
    chmod(home, 0o555);
    let mut command = app.command_of(&binary, &["jot", "port"]);
    command.env("HOME", "/nonexistent");
    if nobody {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    chmod(home, 0o777);
    refused(&output, 6);
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let app = App::new();
    let many: String =
        (0..40).map(|n| ROTATION.replace("2026-10-", &format!("20{}-10-", n + 30))).collect();
    done(&app.run_with(&["import", "-"], many.as_bytes()));
    for args in [&["cases", "--limit", "0", "--json"][..], &["export", "-"]] {
        let mut command = app.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = [0; 64];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        assert!(!said.contains("could not"), "{args:?}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_import_is_finished_by_the_next() {
    let app = App::new();
    done(&app.run(&["jot", "port"]));
    let many: String =
        (0..60).map(|n| ROTATION.replace("2026-10-", &format!("20{}-10-", n + 30))).collect();
    let file = app.folder().join("many.jsonl");
    fs::write(&file, &many).unwrap();
    let file = file.display().to_string();
    let mut command = app.command(&["import", &file, "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Long enough for the handler to stand, much shorter than the import.
    std::thread::sleep(std::time::Duration::from_millis(400));
    system_tests::send(child.id(), "INT");
    let code = system_tests::wait(&mut child);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Stopped."), "{said}");
    // Nothing, or how much of it is in.
    let told = said.split("in the log: ").nth(1).and_then(|rest| rest.split('.').next());
    let told = told.map_or(0, |count| count.parse().unwrap());
    let report: Value =
        serde_json::from_str(&done(&app.run(&["import", &file, "--json"]))).unwrap();
    let (added, known) = (report["added"].as_u64().unwrap(), report["known"].as_u64().unwrap());
    assert_eq!(added + known, many.lines().count() as u64);
    assert_eq!(known, told, "{said}");
    assert!(added > 0, "the first import was not interrupted");
}

#[test]
fn completions_know_the_commands() {
    let app = App::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = done(&app.run(&["completions", shell]));
        for command in ["serve", "jot", "tally", "export"] {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
    }
    assert!(!app.data().exists());
}
