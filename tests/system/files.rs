//! Files that a user names: read as text or refused by the line, written only where nothing is.

use std::ffi::OsString;
use std::fs;

use serde_json::Value;
use system_tests::App;

use super::cli::{done, refused};

fn jots(app: &App) -> Vec<String> {
    let listed = done(&app.run(&["export", "-", "--kind", "case"]));
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    listed.lines().map(|text| line(text)["fields"]["jot"].as_str().unwrap().to_owned()).collect()
}

const LATIN: &[u8] = b"PICC re. Arm, Aufkl\xe4rung";

#[test]
fn a_jot_that_is_not_utf8_is_refused_by_its_line() {
    let app = App::new();
    let mut input = b"\xef\xbb\xbfport, Okafor\r\nthora left, 1.2 L\n".to_vec();
    input.extend(LATIN);
    input.extend(b"\nICU para\n");
    let output = app.run_with(&["jot"], &input);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("Line 3 of standard input"), "{said}");
    assert_eq!(jots(&app), ["port, Okafor", "thora left, 1.2 L"]);
    let said = refused(&app.run_with(&["jot"], LATIN), 7);
    assert!(said.contains("Line 1 of standard input"), "{said}");
    assert_eq!(jots(&app).len(), 2);
    // What is only shown is not guessed at either.
    let dry = app.run_with(&["jot", "--dry-run", "--json"], LATIN);
    assert!(refused(&dry, 7).contains("Line 1"));
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let app = App::new();
    done(&app.run(&["jot", "port"]));
    for command in [&["jot"][..], &["consult", "new", "drain"], &["cases", "--attending"]] {
        let output = app.command(command).arg(OsString::from_vec(LATIN.to_vec())).output().unwrap();
        refused(&output, 2);
    }
    assert_eq!(jots(&app), ["port"]);
}

#[test]
fn templates_wordings_people_codes_and_passphrases_are_refused_in_the_same_way() {
    let app = App::new();
    done(&app.run(&["jot", "port"]));
    let file = app.folder().join("latin.toml");
    fs::write(&file, [b"# one\n", LATIN].concat()).unwrap();
    let file = file.display().to_string();
    let named = |output: &std::process::Output| {
        let said = refused(output, 7);
        assert!(said.contains("not text in UTF-8"), "{said}");
        said
    };
    let own = done(&app.run(&["consult", "template", "copy", "drain"]));
    let edit = ["consult", "template", "edit", own.trim(), "--from"];
    assert!(named(&app.run(&[&edit[..], &[&file]].concat())).contains("Line 2 of /"));
    assert!(named(&app.run_with(&[&edit[..], &["-"]].concat(), LATIN)).contains("Line 1"));
    named(&app.run(&["consult", "wording", "--from", &file]));
    named(&app.run(&["jot", "--dry-run", "--people", &file, "port"]));
    let backup = app.folder().join("b.age").display().to_string();
    done(&app.run(&["backup", &backup, "--recovery-code"]));
    named(&app.run_with(&["restore", &backup], LATIN));
    named(&app.run_with(&["key", "recover"], LATIN));
}

#[cfg(unix)]
#[test]
fn a_passphrase_that_is_not_utf8_is_not_taken_for_none() {
    use std::os::unix::ffi::OsStringExt as _;
    let app = App::new();
    let latin = || OsString::from_vec(LATIN.to_vec());
    let output = app.command(&["jot", "port"]).env("SELDINGER_PASSPHRASE", latin()).output();
    assert!(refused(&output.unwrap(), 4).contains("SELDINGER_PASSPHRASE"));
    done(&app.run(&["jot", "port"]));
    let backup = app.folder().join("b.age").display().to_string();
    let mut command = app.command(&["backup", &backup]);
    let output = command.env("SELDINGER_BACKUP_PASSPHRASE", latin()).output().unwrap();
    assert!(refused(&output, 4).contains("SELDINGER_BACKUP_PASSPHRASE"));
    assert!(!fs::exists(&backup).unwrap());
}

#[test]
fn an_export_and_a_bundle_leave_a_file_that_is_there() {
    let app = App::new();
    done(&app.run(&["jot", "port"]));
    let file = app.folder().join("mine.txt").display().to_string();
    for command in
        [&["export"][..], &["export", "--format", "csv"], &["bundle", "export", "--first"]]
    {
        fs::write(&file, "not yours").unwrap();
        let said = refused(&app.run(&[command, &[&file]].concat()), 6);
        assert!(said.contains("--force"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "not yours");
        done(&app.run(&[command, &[&file, "--force"]].concat()));
        assert_ne!(fs::read(&file).unwrap(), b"not yours");
        fs::remove_file(&file).unwrap();
        done(&app.run(&[command, &[&file]].concat()));
        assert!(fs::exists(&file).unwrap());
    }
}
