//! A log that cannot be written is read all the same: on a read-only disk, on a full one, by a user without
//! rights. What must not be read is told from what is not there.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::ffi;
use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::backup::Seal;
use seldinger_core::store::{Existing, Place};
use system_tests::{App, At, FAULTY, FaultyDisk, MemoryVault, Page, case, setup};

/// Makes a log on a disk of its own, of which the second case stands in the write-ahead log alone, and
/// without the memory that its connections shared; then that disk cannot be written any more. The mount is
/// seen by this process and its children only.
const MADE: &str = r#"
set -u
mount -t tmpfs -o size=4m tmpfs "$DISK" || exit 97
own="$DISK/data/books/own"
"$APP" --data "$DISK/data" --keep-key file jot 'R IJ port, Okafor' >/dev/null 2>&1 || exit 98
mkfifo "$OUT/address"
"$APP" --data "$DISK/data" serve --no-open >"$OUT/address" 2>/dev/null &
page=$!
read -r address <"$OUT/address"
"$APP" --data "$DISK/data" jot 'TIPS, Lindqvist, harpsichord' >/dev/null 2>&1 || exit 98
kill -9 $page
wait $page 2>/dev/null
rm -f "$own/book.db-shm"
[ -s "$own/book.db-wal" ] || exit 98
if [ "$HOW" = full ]; then
  cat /dev/zero > "$DISK/filler" 2>/dev/null
else
  mount -o remount,ro "$DISK" || exit 97
fi
"#;

/// Everything that reads, then something that writes.
const READ: &str = r#"
try() { "$APP" --data "$DISK/data" "$@" 2>>"$SAID"; echo "= $?"; }
try cases --json --limit 0
try show last
try search harpsi
try cases --text harpsi
try tally --json
try consults
try verify
try export "$OUT/out.jsonl"
try export --format csv "$OUT/out.csv"
try backup --recovery-code "$OUT/out.backup"
echo '---'
"$APP" --data "$DISK/data" jot 'this goes nowhere' 2>"$WRITING"
echo "= $?"
"$APP" --data "$DISK/data" cases --json --limit 0 2>>"$SAID" | wc -l
"#;

struct Bench {
    app: App,
    disk: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let app = App::new();
        let disk = app.folder().join("disk");
        fs::create_dir(&disk).unwrap();
        Self { app, disk }
    }

    fn said(&self, name: &str) -> String {
        fs::read_to_string(self.app.folder().join(name)).unwrap_or_default()
    }

    /// A shell on a mount of its own.
    fn shell(&self, script: &str, how: &str) -> Command {
        let mut unshare = Command::new("unshare");
        let root = is_root();
        unshare.args(if root { &["--mount"][..] } else { &["--mount", "--map-root-user"] });
        unshare.args(["sh", "-c", script]);
        let set_up = self.app.command(&[]);
        for (name, value) in set_up.get_envs() {
            match value {
                Some(value) => unshare.env(name, value),
                None => unshare.env_remove(name),
            };
        }
        unshare.env("APP", system_tests::binary()).env("DISK", &self.disk).env("HOW", how);
        unshare.env("OUT", self.app.folder()).env("SAID", self.app.folder().join("said"));
        unshare.env("WRITING", self.app.folder().join("writing"));
        unshare
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

/// Whether a disk could be mounted; where one must be, it is a failure if not.
#[allow(clippy::print_stderr, reason = "whoever runs the tests is to know what was left out")]
fn is_mounted(output: &std::io::Result<Output>) -> bool {
    let mounted = output.as_ref().is_ok_and(|output| {
        !matches!(output.status.code(), Some(1 | 97)) || !output.stdout.is_empty()
    });
    if !mounted {
        assert!(std::env::var_os("REQUIRE_SHELLS").is_none(), "no small disk: {output:?}");
        eprintln!("SKIPPED: a small disk cannot be mounted here");
    }
    mounted
}

fn everything_reads(how: &str, told: &str) {
    let bench = Bench::new();
    let output = bench.shell(&format!("{MADE}{READ}"), how).output();
    if !is_mounted(&output) {
        return;
    }
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    let said = bench.said("said");
    let (read, wrote) = out.split_once("---\n").unwrap();
    let codes: Vec<&str> = read.lines().filter_map(|line| line.strip_prefix("= ")).collect();
    assert_eq!(codes, ["0"; 10], "{how}: {out}{said}");
    let found = read.split("= 0").map(str::trim).collect::<Vec<_>>();
    assert_eq!(found[0].lines().count(), 2, "{out}");
    for place in [1, 2, 3] {
        assert!(found[place].contains("TIPS"), "{place}: {out}");
    }
    assert!(found[6].contains("2 records") && found[6].contains("whole"), "{}", found[6]);
    assert!(!said.contains("not saved"), "a read is no write: {said}");
    assert_eq!(bench.said("out.jsonl").lines().count(), 2);
    assert_eq!(bench.said("out.csv").lines().count(), 3);
    assert!(bench.said("writing").contains(told), "{}", bench.said("writing"));
    assert_eq!(wrote.lines().map(str::trim).collect::<Vec<_>>(), ["= 6", "2"], "{out}");
    // Nothing of the copies that were read is left, neither there nor beside the backup.
    let names = fs::read_dir(bench.app.folder()).unwrap();
    let hidden = names.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    assert_eq!(hidden.filter(|name| name.starts_with('.') && name != ".config").count(), 0);
    let other = App::new();
    let file = bench.app.folder().join("out.jsonl");
    assert!(other.run(&["import", file.to_str().unwrap()]).status.success());
}

#[test]
fn a_log_on_a_read_only_disk_is_read_whole() {
    everything_reads("read-only", "cannot be written, so this was not saved");
}

#[test]
fn a_log_on_a_full_disk_is_read_whole() {
    everything_reads("full", "The disk is full, so this was not saved");
}

#[test]
fn the_page_of_a_log_that_cannot_be_written_says_so_and_keeps_what_is_typed() {
    let bench = Bench::new();
    let tried = bench.shell(&format!("{MADE}\necho made"), "read-only").output();
    if !is_mounted(&tried) {
        return;
    }
    let bench = Bench::new();
    let serve = "exec \"$APP\" --data \"$DISK/data\" serve --no-open";
    let page = Page::start(bench.shell(&format!("{MADE}{serve}"), "read-only"));
    let cookie = page.enter(&page.opening());
    let cookie = ("Cookie", cookie.as_str());
    let front = page.ask("GET", "/", &[cookie], "");
    assert_eq!(front.status, 200);
    assert!(front.body.contains("This log can only be read"), "{}", front.body);
    assert!(front.body.contains("TIPS creation") && front.body.contains("2 cases"));
    for path in ["/tally", "/cases/new", "/checklists", "/consults", "/devices", "/settings"] {
        let seen = page.ask("GET", path, &[cookie], "");
        assert_eq!(seen.status, 200, "{path}: {}", seen.body);
    }
    let found = page.ask("GET", "/export/logbook.jsonl", &[cookie], "");
    assert!(found.body.contains("harpsichord"));
    let token = front.body.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let origin = format!("http://127.0.0.1:{}", page.port);
    let post = |path: &str, body: &str| {
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let body = format!("csrf={token}&{body}");
        page.ask("POST", path, &[cookie, kind, ("Origin", &origin)], &body)
    };
    let found = post("/find", "q=harpsi");
    assert!(found.status == 200 && found.body.contains("<mark>harpsi"), "{}", found.body);
    let forms = [
        ("/jot", "jot=a+line+that+is+kept"),
        ("/form/save", "form=case&record=&opened=0&draft=&f.lesson=a+line+that+is+kept"),
    ];
    for (path, typed) in forms {
        let answer = post(path, typed);
        assert_eq!(answer.status, 507, "{path}");
        assert!(answer.body.contains("so this was not saved"), "{path}: {}", answer.body);
        assert!(answer.body.contains("a line that is kept"), "{path}: {}", answer.body);
    }
}

#[test]
fn a_page_that_was_opened_on_a_full_disk_saves_once_there_is_room() {
    let bench = Bench::new();
    let tried = bench.shell(&format!("{MADE}\necho made"), "full").output();
    if !is_mounted(&tried) {
        return;
    }
    let bench = Bench::new();
    let free = bench.app.folder().join("free");
    // The disk is seen by that process alone: it makes room when it is told to.
    let script = format!(
        "{MADE}\nmkfifo \"$OUT/free\"\n(read -r _ <\"$OUT/free\"; rm \"$DISK/filler\") &\n\
         exec \"$APP\" --data \"$DISK/data\" serve --no-open"
    );
    let page = Page::start(bench.shell(&script, "full"));
    let cookie = page.enter(&page.opening());
    let cookie = ("Cookie", cookie.as_str());
    let origin = format!("http://127.0.0.1:{}", page.port);
    let jot = || {
        let front = page.ask("GET", "/", &[cookie], "");
        let token = front.body.split("name=\"csrf\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let body = format!("csrf={token}&jot=PICC+left");
        let answer = page.ask("POST", "/jot", &[cookie, kind, ("Origin", &origin)], &body);
        (front.body.contains("This log can only be read"), answer.status)
    };
    assert_eq!(jot(), (true, 507));
    fs::write(&free, "now\n").unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    while jot().1 == 507 {
        assert!(Instant::now() < until, "the page went on saying that nothing can be saved");
    }
    let front = page.ask("GET", "/", &[cookie], "").body;
    assert!(front.contains("3 cases") && !front.contains("This log can only be read"), "{front}");
}

/// Runs a command as somebody who owns nothing here; for who is nobody special, as themselves.
fn as_other(command: &mut Command) -> Output {
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    command.output().unwrap()
}

/// Lets the other user reach everything below, to read it only.
fn let_read(folder: &Path) {
    let is_folder = folder.is_dir();
    if is_folder {
        for entry in fs::read_dir(folder).unwrap() {
            let_read(&entry.unwrap().path());
        }
    }
    let mode = if is_folder { 0o555 } else { 0o444 };
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn who_may_only_read_reads_and_who_may_not_is_told() {
    let app = App::new();
    assert!(app.run(&["--keep-key", "file", "jot", "R IJ port, Okafor"]).status.success());
    let binary = app.folder().join("seldinger");
    fs::copy(system_tests::binary(), &binary).unwrap();
    fs::set_permissions(app.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let closed = app.data();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    for args in [&["cases"][..], &["verify"], &["jot", "x"], &["serve", "--no-open"]] {
        let told = as_other(&mut app.command_of(&binary, args));
        let said = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(said.contains("this user may not read it"), "{args:?}: {said}");
        assert!(!said.contains("There is no log here yet"), "{args:?}: {said}");
        assert_eq!(told.status.code(), Some(6), "{args:?}: {said}");
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let_read(app.folder());
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    for args in [&["cases"][..], &["search", "okaf"], &["verify"], &["tally"]] {
        let read = as_other(&mut app.command_of(&binary, args));
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        assert_eq!(read.status.code(), Some(0), "{args:?}: {said}");
    }
    let jot = as_other(&mut app.command_of(&binary, &["jot", "x"]));
    assert_eq!(jot.status.code(), Some(6));
    // So that the folder can be removed.
    let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(app.folder()).status();
}

#[test]
fn a_file_that_must_not_be_read_is_told_from_one_that_is_not_there() {
    let app = App::new();
    assert!(app.run(&["--keep-key", "file", "jot", "R IJ port"]).status.success());
    let [lines, none] = ["in.jsonl", "none.jsonl"].map(|name| app.folder().join(name));
    fs::write(&lines, "").unwrap();
    fs::set_permissions(&lines, fs::Permissions::from_mode(0o000)).unwrap();
    if is_root() {
        // Root reads everything: the other user has a log of their own.
        let chown = Command::new("chown").args(["-R", "65534:65534"]).arg(app.folder()).status();
        assert!(chown.unwrap().success());
        let owned = Command::new("chown").arg("0:0").arg(&lines).status();
        assert!(owned.unwrap().success());
    }
    let binary = app.folder().join("seldinger");
    fs::copy(system_tests::binary(), &binary).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    for command in ["import", "restore"] {
        let run = |file: &Path| {
            as_other(&mut app.command_of(&binary, &[command, file.to_str().unwrap()]))
        };
        let (closed, missing) = (run(&lines), run(&none));
        let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said(&closed).contains("may not read it"), "{command}: {}", said(&closed));
        assert!(said(&missing).contains("There is no file"), "{command}: {}", said(&missing));
        assert_eq!((closed.status.code(), missing.status.code()), (Some(6), Some(7)));
    }
}

/// What any system can be tried on: the file layer refuses each write.
#[test]
fn a_search_needs_no_writing() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let with = |seed| Setup { vault: vault.clone(), ..setup(folder.path(), seed) };
    drop(Logbook::create(with(1)).unwrap());
    let disk = FaultyDisk::beneath(folder.path());
    let place = Place { vfs: Some(FAULTY.to_owned()), ..Place::new(folder.path()) };
    let book = Logbook::open(Setup { place, ..with(2) }).unwrap();
    for number in 0..3 {
        book.create_case(case(number, "harpsichord in the other room")).unwrap();
    }
    let gone = book.create_case(case(3, "harpsichord")).unwrap().id;
    book.delete(gone).unwrap();
    let filter = CaseFilter { text: Some("harps".to_owned()), ..CaseFilter::default() };
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE] {
        let failing = || disk.fail(At::Write, 0, code);
        failing();
        let hits = book.search("harpsi", None, None).unwrap().hits;
        assert_eq!(hits.len(), 3, "{code}");
        assert!(hits.iter().all(|hit| hit.pieces.iter().any(|piece| piece.found)));
        assert!(!disk.heal(), "the index did not try to follow");
        failing();
        assert_eq!(book.cases(&filter, CaseSort::Newest, None).unwrap().rows().count(), 3);
        failing();
        assert_eq!(book.count_cases(&filter).unwrap(), 3);
        failing();
        assert_eq!(book.tally(&filter, None).unwrap().cases, 3);
        failing();
        let found = book.found_in("harps", &[hits[0].id, gone]).unwrap();
        assert_eq!(found.len(), 1);
        disk.heal();
    }
    // It follows once it can, and nothing is found twice.
    assert_eq!(book.search("harpsi", None, None).unwrap().hits.len(), 3);
    let kept = tempfile::tempdir().unwrap();
    let backup =
        book.backup_job(&kept.path().join("out.backup"), Existing::Refuse, Seal::RecoveryCode);
    assert!(backup.and_then(|job| job.run(|_| ())).is_ok());
    assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 1);
}

/// Whether the log or the vault stands in the way is told apart where the key is asked for, too.
#[test]
fn a_book_that_must_not_be_read_is_not_called_missing() {
    if is_root() {
        // Rights do not bind root; the command line is tried as somebody else above.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let setup = Setup { vault, ..setup(folder.path(), 1) };
    drop(Logbook::create(setup.clone()).unwrap());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o000)).unwrap();
    assert!(setup.place.has_book());
    assert_eq!(Logbook::open(setup).unwrap_err(), LogbookError::CannotRead);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
