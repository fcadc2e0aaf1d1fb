//! Whose files they are: everything that is written can be read by its owner alone, and nobody reads the
//! memory of a program that holds a key.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use system_tests::{App, NOBODY, Page, binary, inherit};

use super::cli::{done, text};

const PASSPHRASE: &str = "a passphrase of some length";

/// The app under a umask.
fn command(app: &App, umask: u32, passphrase: bool, args: &[&str]) -> Command {
    let own = app.command(args);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask:03o}; exec \"$0\" \"$@\"")]);
    command.arg(own.get_program()).args(own.get_args()).stdin(Stdio::null());
    inherit(&own, &mut command);
    if passphrase {
        command.env("SELDINGER_PASSPHRASE", PASSPHRASE);
    }
    command
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Everything below a folder with its mode.
fn modes(folder: &Path) -> BTreeMap<PathBuf, u32> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.clone(), mode(&path));
        if path.is_dir() {
            found.extend(modes(&path));
        }
    }
    found
}

/// All of it, but what the test itself put there.
fn is_the_owners(app: &App, except: &[&Path], when: &str) {
    let found = modes(app.folder());
    assert!(found.len() > 15, "{when}: {found:?}");
    for (path, mode) in found {
        if !except.contains(&path.as_path()) {
            let right = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, right, "{when}: {} is {mode:o}", path.display());
        }
    }
}

#[test]
fn what_is_made_is_the_owners_whatever_the_umask_and_the_folder() {
    for umask in [0o000, 0o022, 0o077] {
        // Who keeps the key makes no difference to the umask: once is enough for that.
        let keepers: &[bool] = if umask == 0 { &[false, true] } else { &[false] };
        let all = keepers.iter().flat_map(|keeper| [(*keeper, false), (*keeper, true)]);
        for (passphrase, there) in all {
            let when = format!("umask {umask:03o}, passphrase {passphrase}, folder {there}");
            let app = App::new();
            let data = app.data();
            if there {
                fs::create_dir(&data).unwrap();
                fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
            }
            let run = |args: &[&str]| {
                done(&command(&app, umask, passphrase, args).output().unwrap());
            };
            run(&["jot", "picc at first"]);
            let page = command(&app, umask, passphrase, &["serve", "--no-open"]);
            let mut page = Page::start(page);
            let cookie = page.enter(&page.opening());
            let cookie = [("Cookie", cookie.as_str())];
            assert_eq!(page.ask("GET", "/devices", &cookie, "").status, 200);
            run(&["jot", "picc beside the page"]);
            let out = |name: &str| app.folder().join(name).display().to_string();
            run(&["export", "--format", "csv", &out("out.csv")]);
            run(&["export", &out("out.jsonl")]);
            run(&["backup", "--recovery-code", &out("out.backup")]);
            run(&["bundle", "export", &out("out.bundle"), "--first"]);
            let theirs: &[&Path] = if there { &[data.as_path()] } else { &[] };
            is_the_owners(&app, theirs, &when);
            // As a kill leaves it, and with all doors open, as a copy or an earlier version may.
            assert_eq!(page.end("KILL"), None);
            for path in
                modes(&data).into_keys().chain(modes(&app.folder().join(".config")).into_keys())
            {
                let open = if path.is_dir() { 0o777 } else { 0o666 };
                fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            }
            run(&["jot", "picc with open doors"]);
            is_the_owners(&app, theirs, &format!("{when}, opened again"));
        }
    }
}

#[test]
fn what_the_owner_closed_for_themselves_stays_closed() {
    let app = App::new();
    done(&app.run(&["jot", "picc"]));
    let file = app.data().join("books/own/book.key.copy");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    done(&app.run(&["cases"]));
    assert_eq!(mode(&file), 0o400);
}

/// The kernel gives the entries of a program that cannot be dumped to root.
#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::print_stderr, reason = "whoever runs the tests is to know what was left out")]
fn a_program_with_a_key_leaves_no_core_and_shows_no_memory() {
    let app = App::new();
    let serve = app.command(&["serve", "--no-open"]);
    let mut command = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let copy = app.folder().join("seldinger");
        fs::copy(binary(), &copy).unwrap();
        for path in [app.folder(), &copy] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut command = Command::new("setpriv");
        let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
        command.args(ids).arg("--clear-groups").arg(copy).args(serve.get_args());
        inherit(&serve, &mut command);
        command.stdin(Stdio::null());
        command
    } else {
        serve
    };
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if !has_setpriv {
        assert!(std::env::var_os("REQUIRE_SHELLS").is_none(), "there is no setpriv");
        eprintln!("SKIPPED: setpriv is missing");
        return;
    }
    // A plain program of the same user, to compare with.
    let mut plain = Command::new("setpriv");
    plain.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
    plain.args(["--clear-groups", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    let page = Page::start(command);
    let owner = |id: u32| fs::metadata(format!("/proc/{id}/status")).unwrap().uid();
    assert_eq!(owner(page.id()), 0, "it can be dumped");
    let limits = fs::read_to_string(format!("/proc/{}/limits", page.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut plain = plain.spawn().unwrap();
        // It has become nobody once it answers.
        std::io::Write::write_all(plain.stdin.as_mut().unwrap(), b"?").unwrap();
        let mut answer = [0];
        std::io::Read::read_exact(plain.stdout.as_mut().unwrap(), &mut answer).unwrap();
        assert_eq!(owner(plain.id()), NOBODY, "the kernel tells nothing here");
        drop(plain.stdin.take());
        plain.wait().unwrap();
    }
}

#[test]
fn a_lost_log_is_told_once_and_comes_back_whole() {
    let app = App::new();
    done(&app.run(&["jot", "picc in the database"]));
    let mut page = app.serve(&[]);
    done(&app.run(&["jot", "picc in the log"]));
    assert_eq!(page.end("KILL"), None);
    let log = app.data().join("books/own/book.db-wal");
    let away = app.folder().join("away");
    fs::rename(&log, &away).unwrap();
    let before = fs::read(app.data().join("books/own/book.db")).unwrap();
    let told = app.run(&["jot", "picc too early"]);
    let said = text(&told.stderr);
    assert_eq!(told.status.code(), Some(5), "{said}");
    assert!(said.contains("book.db-wal") && said.contains("put it back"), "{said}");
    assert_eq!(fs::read(app.data().join("books/own/book.db")).unwrap(), before);
    assert!(!log.exists());
    fs::rename(&away, &log).unwrap();
    let cases = done(&app.run(&["export", "-"]));
    assert!(cases.contains("picc in the database") && cases.contains("picc in the log"), "{cases}");

    // Lost for good: told once, and then the log goes on.
    let mut page = app.serve(&[]);
    done(&app.run(&["jot", "picc that is lost"]));
    assert_eq!(page.end("KILL"), None);
    fs::remove_file(&log).unwrap();
    assert_eq!(app.run(&["cases"]).status.code(), Some(5));
    done(&app.run(&["jot", "picc afterwards"]));
    let cases = done(&app.run(&["export", "-"]));
    assert!(cases.contains("picc afterwards") && !cases.contains("that is lost"), "{cases}");
    done(&app.run(&["verify"]));

    // After a clean end there is nothing to tell.
    let mut page = app.serve(&[]);
    page.enter(&page.opening());
    assert_eq!(page.end("INT"), Some(0));
    assert!(!log.exists());
    done(&app.run(&["cases"]));
}
