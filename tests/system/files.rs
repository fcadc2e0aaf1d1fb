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

/// `--force` replaces a file of the user's, never the log, its keys or their notes.
#[test]
fn nothing_is_written_over_the_log_itself() {
    let app = App::new();
    done(&app.run(&["jot", "PICC left"]));
    let own = app.data().join("books").join("own");
    let before = fs::read(own.join("book.db")).unwrap();
    let mut targets = vec![own.join("book.db"), own.join("new"), app.data().join("vault.json")];
    #[cfg(unix)]
    {
        let link = app.folder().join("link");
        std::os::unix::fs::symlink(&own, &link).unwrap();
        targets.push(link.join("book.db"));
        let file = app.folder().join("file");
        std::os::unix::fs::symlink(own.join("book.key"), &file).unwrap();
        targets.push(file);
    }
    for target in &targets {
        let target = target.to_str().unwrap();
        for command in [
            &["export", target, "--force"][..],
            &["export", "--format", "csv", target, "--force"],
            &["backup", target, "--recovery-code", "--force"],
            &["bundle", "export", target, "--first", "--force"],
        ] {
            let said = refused(&app.run(command), 6);
            assert!(said.contains("belongs to the log itself"), "{said}");
        }
    }
    assert!(!own.join("new").exists());
    assert_eq!(fs::read(own.join("book.db")).unwrap(), before);
    assert_eq!(jots(&app), ["PICC left"]);
    // Beside them the user's own files have room.
    done(&app.run(&["export", app.data().join("mine.jsonl").to_str().unwrap()]));
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

fn case(number: usize, fields: &str) -> String {
    format!(
        "{{\"id\":\"019a0000-0000-7000-8000-{number:012}\",\"kind\":\"case\",\
         \"at\":\"2026-10-05T07:05:00-05:00\",\"fields\":{fields}}}\n"
    )
}

fn imported(app: &App, options: &[&str], text: &str) -> Value {
    let args = [&["import", "-", "--json"], options].concat();
    serde_json::from_str(&done(&app.run_with(&args, text.as_bytes()))).unwrap()
}

#[test]
fn what_differs_or_is_deleted_is_told_apart_and_taken_where_asked() {
    let app = App::new();
    let old = case(1, "{\"note\":\"one\"}") + &case(2, "{\"note\":\"two\"}");
    let new = case(1, "{\"note\":\"changed\"}") + &case(2, "{\"note\":\"two\"}");
    imported(&app, &[], &old);
    let count = |report: &Value, names: [&str; 5]| names.map(|name| report[name].as_u64().unwrap());
    let names = ["known", "differ", "updated", "deleted", "restored"];
    assert_eq!(count(&imported(&app, &[], &new), names), [1, 1, 0, 0, 0]);
    let said = done(&app.run_with(&["import", "-"], new.as_bytes()));
    assert!(said.contains("1 different here, left alone"), "{said}");
    assert_eq!(count(&imported(&app, &["--update"], &new), names), [1, 0, 1, 0, 0]);
    assert_eq!(count(&imported(&app, &[], &new), names), [2, 0, 0, 0, 0]);
}

#[test]
fn values_that_nobody_can_be_certain_of_are_listed_by_line_and_field() {
    let app = App::new();
    let text = case(1, "{\"fluoro_min\":\"3,5\",\"procedure\":\"PICC placement\"}")
        + &case(2, "{\"role\":\"S-TS\",\"air_kerma_mgy\":\"1,240\",\"fluoro_min\":2}")
        + &case(3, "{\"performed_at\":\"05/10/2026\",\"air_kerma_mgy\":\"1.240\"}");
    let report = imported(&app, &[], &text);
    assert_eq!(report["unread"], 4);
    let listed = report["unread_values"].as_array().unwrap();
    assert!(listed.contains(&serde_json::json!({"line": 3, "field": "performed_at"})));
    let output = app.run_with(&["import", "-"], text.as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 2: role") && said.contains("line 3: air_kerma_mgy"), "{said}");
    let told = done(&app.run(&["tally"]));
    assert!(told.contains("5.5") && told.contains("left out of the total"), "{told}");
    let tally: Value = serde_json::from_str(&done(&app.run(&["tally", "--json"]))).unwrap();
    assert_eq!(tally["dose"]["air_kerma_left_out"], 2);
    assert_eq!(tally["dose"]["air_kerma_cases"], 0);
    assert!(done(&app.run(&["cases"])).contains("PICC"));
    assert!(done(&app.run(&["export", "-"])).contains("\"fluoro_min\":\"3,5\""), "verbatim");
}

#[cfg(target_os = "linux")]
#[test]
fn what_never_ends_is_an_error_and_memory_stays_bounded() {
    for (args, input) in [
        (&["import", "/dev/zero"][..], None),
        (&["import", "--skip-bad", "/dev/zero"], None),
        (&["import", "-"], Some("/dev/zero")),
    ] {
        let app = App::new();
        let mut command = app.command(args);
        if let Some(input) = input {
            command.stdin(fs::File::open(input).unwrap());
        }
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(7), "{said}");
        assert!(said.contains("Line 1 is longer than 4 MiB"), "{said}");
    }
}

/// The most memory that a process of ours ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().split(' ').next()?.parse().ok()
}

/// The most memory, in KiB, that the import of a new file of this size takes, from the file and, when all
/// of it is known, through a pipe, where it is kept until it is checked.
#[cfg(target_os = "linux")]
fn import_peaks(size: usize) -> [u64; 2] {
    use std::io::Write as _;
    let app = App::new();
    done(&app.run(&["jot", "port"]));
    let file = app.folder().join("large.jsonl");
    let mut out = std::io::BufWriter::new(fs::File::create(&file).unwrap());
    let (mut written, mut number) = (0, 0);
    while written < size {
        let note = "a note that is as long as notes are ".repeat(number % 90);
        let fields = format!("{{\"procedure\":\"picc\",\"n\":{number},\"note\":\"{note}\"}}");
        let line = format!(
            "{{\"kind\":\"case\",\"at\":\"2026-10-05T07:05:00-05:00\",\"fields\":{fields}}}\n"
        );
        out.write_all(line.as_bytes()).unwrap();
        (written, number) = (written + line.len(), number + 1);
    }
    out.flush().unwrap();
    [false, true].map(|input| {
        let mut command =
            app.command(&["import", if input { "-" } else { file.to_str().unwrap() }]);
        if input {
            command.stdin(fs::File::open(&file).unwrap());
        }
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(peak_kib(child.id()).unwrap_or(0));
            std::thread::yield_now();
        }
        assert!(child.wait().unwrap().success());
        println!("import of {} MiB, pipe {input}: {} MiB at most", size >> 20, peak >> 10);
        peak
    })
}

/// `IMPORT_MIB=480` tries the size that the README names.
#[cfg(target_os = "linux")]
#[test]
fn an_import_takes_no_more_memory_for_a_larger_file() {
    let size = std::env::var("IMPORT_MIB").ok().and_then(|size| size.parse().ok());
    let size: usize = size.unwrap_or(24);
    let (small, large) = (import_peaks(1 << 20), import_peaks(size << 20));
    for (small, large) in small.into_iter().zip(large) {
        assert!(small > 0 && large < small + (12 << 10), "{small} KiB, {large} KiB");
        assert!(large < 300 << 10, "{large} KiB");
    }
}

#[test]
fn a_table_is_written_for_the_program_that_is_named() {
    let app = App::new();
    let text = case(
        1,
        "{\"fluoro_min\":3.5,\"procedure\":\"picc\",\"role\":\"did_part\",\"note\":\"=1+1\"}",
    );
    imported(&app, &[], &text);
    let plain = done(&app.run(&["export", "--format", "csv", "-"]));
    assert!(plain.starts_with("\u{feff}id,kind,at,performed_at,procedure,role,attending,"));
    let table = done(&app.run(&["export", "--csv-for", "excel-de", "-"]));
    assert!(table.starts_with("\u{feff}id;kind;at;performed_at;procedure;"), "{table}");
    for cell in [";3,5;", ";2026-10-05;07:05;", ";PICC placement;", ";Did part", ";'=1+1;"] {
        assert!(table.contains(cell), "{cell}: {table}");
    }
    let said = refused(&app.run(&["export", "--csv-for", "excel-xx", "-"]), 2);
    assert!(said.contains("excel-de") && said.contains("excel-ch"), "{said}");
}
