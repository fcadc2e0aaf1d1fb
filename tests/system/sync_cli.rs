//! Sync by the command line: two data folders, real processes, loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use system_tests::{App, wait};

use crate::cli::{done, text};
#[cfg(target_os = "linux")]
use crate::door::{Quiet, with_few_files};

fn refused(output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.trim().is_empty(), "it ends without a word");
    said
}

/// A command that is under way.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(app: &App, args: &[&str]) -> Self {
        Self::of(app.command(args))
    }

    fn of(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    /// The value of the next line that begins with `label`.
    fn value(&mut self, label: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.stdout.read_line(&mut line).unwrap() > 0,
                "it ends before it says {label}"
            );
            if let Some(value) = line.strip_prefix(label) {
                return value.trim().to_owned();
            }
        }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn end(mut self) -> Option<i32> {
        wait(&mut self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the inviting process listens, from this machine.
fn on_loopback(address: &str) -> String {
    format!("127.0.0.1:{}", address.rsplit_once(':').unwrap().1)
}

/// Pairs two folders by the typed code; gives where the first listens.
fn pair(laptop: &App, other: &App) -> String {
    let mut shows = Running::start(laptop, &["pair", "--show", "--name", "Laptop"]);
    let code = shows.value("code");
    let at = on_loopback(&shows.value("at"));
    let mut joins = Running::start(other, &["pair", &code, "--at", &at, "--name", "Other"]);
    let digits = joins.value("digits");
    shows.type_line("not six digits");
    shows.type_line(&digits);
    assert_eq!(joins.end(), Some(0));
    assert_eq!(shows.end(), Some(0));
    at
}

fn one_json(output: &Output) -> Value {
    serde_json::from_str(done(output).trim()).unwrap()
}

/// Where nobody raised the number of files, three thousand calls that say nothing keep no paired device out.
#[cfg(target_os = "linux")]
#[test]
fn thousands_of_quiet_calls_keep_no_paired_device_out() {
    let (laptop, other) = (App::new(), App::new());
    let at = pair(&laptop, &other);
    // It listens there again.
    let port = at.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut answers = Running::of(with_few_files(&laptop.command(&["sync"])));
    answers.value("");
    let quiet: Vec<Quiet> = (0..4).map(|_| Quiet::open(port, 750)).collect();
    for (count, text) in [(1, "paracentesis, performed"), (2, "TIPS, observed")] {
        done(&other.run(&["jot", text]));
        let synced = one_json(&other.run(&["sync", "--once", "--json"]));
        assert_eq!((&synced["state"], &synced["waiting"]), (&"up_to_date".into(), &0.into()));
        assert_eq!(cases(&laptop), count);
    }
    let open = std::fs::read_dir(format!("/proc/{}/fd", answers.child.id())).unwrap().count();
    assert!(open < 512, "{open} files are open");
    drop(quiet);
    system_tests::send(answers.child.id(), "INT");
    assert_eq!(answers.end(), Some(0));
}

#[test]
fn two_folders_pair_and_sync_both_ways_and_part() {
    let (laptop, other) = (App::new(), App::new());
    done(&laptop.run(&["jot", "R IJ port, scrubbed"]));
    pair(&laptop, &other);
    assert_eq!(cases(&other), 1);
    let about = one_json(&laptop.run(&["devices", "--json"]));
    assert_eq!((&about["name"], &about["waiting"]), (&"Other".into(), &0.into()));
    assert!(about["synced"].is_string() && about["revoked"] == false);

    done(&laptop.run(&["jot", "paracentesis, performed"]));
    done(&other.run(&["jot", "TIPS, observed"]));
    assert!(done(&other.run(&["devices"])).contains("Laptop"));
    assert!(done(&other.run(&["devices"])).contains("1 waiting"));
    // One of the two calls, the other answers.
    let mut answers = Running::start(&laptop, &["sync"]);
    answers.value("");
    let synced = one_json(&other.run(&["sync", "--once", "--json"]));
    assert_eq!((&synced["state"], &synced["waiting"]), (&"up_to_date".into(), &0.into()));
    assert_eq!(synced["devices"][0]["name"], "Laptop");
    system_tests::send(answers.child.id(), "INT");
    assert_eq!(answers.end(), Some(0));
    let (here, there) = (laptop.run(&["export", "-"]), other.run(&["export", "-"]));
    assert_eq!(done(&here), done(&there));
    assert_eq!(done(&here).matches("\"kind\":\"case\"").count(), 3);

    refused(&laptop.run(&["devices", "revoke", "nobody"]), 3);
    assert!(refused(&other.run(&["devices", "revoke", "abcd"]), 3).contains("abcd"));
    // It cannot be undone: without its name once more, or with another one, nothing happens.
    assert!(refused(&laptop.run(&["devices", "revoke", "other"]), 2).contains("--name"));
    refused(&laptop.run(&["devices", "revoke", "other", "--name", "laptop"]), 2);
    assert_eq!(one_json(&laptop.run(&["devices", "--json"]))["revoked"], false);
    done(&laptop.run(&["devices", "revoke", "other", "--name", "Other"]));
    let about = one_json(&laptop.run(&["devices", "--json"]));
    assert_eq!(about["revoked"], true);
    assert_eq!(about["revoked_by"][0]["this_device"], true);
    assert!(done(&laptop.run(&["devices"])).contains("revoked by this device"));
    refused(&laptop.run(&["sync", "--once"]), 3);
}

#[test]
fn pairing_is_done_though_another_device_is_away() {
    let (laptop, other, third) = (App::new(), App::new(), App::new());
    pair(&laptop, &other);
    done(&laptop.run(&["jot", "R IJ port, scrubbed"]));
    // The first of them is off: it cannot be in step, and that is no failure of this pairing.
    pair(&laptop, &third);
    assert_eq!(cases(&third), 1);
}

/// Whether a process has a handler of its own for Ctrl-C by now.
#[cfg(target_os = "linux")]
fn catches_interrupts(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
}

#[cfg(target_os = "linux")]
#[test]
fn a_sync_that_is_stopped_says_how_far_it_came() {
    let (laptop, other) = (App::new(), App::new());
    pair(&laptop, &other);
    done(&laptop.run(&["jot", "R IJ port, scrubbed"]));
    // The other one is off, so there is nothing to do but wait for it.
    let mut syncs = Running::start(&laptop, &["sync", "--once"]);
    while !catches_interrupts(syncs.child.id()) {
        std::thread::yield_now();
    }
    system_tests::send(syncs.child.id(), "INT");
    assert_eq!(syncs.value("Offline"), ", 1 waiting");
    assert_eq!(syncs.end(), Some(130));
}

#[test]
fn what_two_folders_wrote_in_one_field_is_settled_and_told_as_it_was() {
    let (laptop, other) = (App::new(), App::new());
    done(&laptop.run(&["checklist", "begin", "during"]));
    pair(&laptop, &other);
    let reasons = ["No fluoroscopy", "Machine is down"];
    for (app, why) in [&laptop, &other].into_iter().zip(reasons) {
        done(&app.run(&["checklist", "skip", "last", "S-64", "--because", why]));
    }
    let meet = || {
        let mut answers = Running::start(&laptop, &["sync"]);
        answers.value("");
        done(&other.run(&["sync", "--once"]));
        system_tests::send(answers.child.id(), "INT");
        assert_eq!(answers.end(), Some(0));
    };
    meet();
    let exported: Value = serde_json::from_str(done(&laptop.run(&["export", "-"])).trim()).unwrap();
    let id = exported["id"].as_str().unwrap();
    for app in [&laptop, &other] {
        let also = one_json(&app.run(&["settle", id, "--json"]));
        let why = also
            .as_array()
            .unwrap()
            .iter()
            .find(|also| reasons.contains(&also["other"].as_str().unwrap()));
        assert!(reasons.contains(&why.unwrap()["shown"].as_str().unwrap()));
        let told = done(&app.run(&["settle", id]));
        assert!(reasons.iter().all(|why| told.contains(why)), "{told}");
    }
    let also = one_json(&laptop.run(&["settle", id, "--json"]));
    let path = also[0]["path"].as_str().unwrap();
    let nothing = laptop.run_with(&["settle", id, path, "--keep", "typed"], b" \n");
    assert!(refused(&nothing, 3).contains("Nothing was typed"));
    let ninth = laptop.run(&["settle", id, path, "--keep", "other", "--number", "9"]);
    assert!(refused(&ninth, 2).contains("no version number 9"));
    assert!(
        refused(&laptop.run(&["settle", id, "nofield", "--keep", "other"]), 3).contains("nofield")
    );
    assert_eq!(one_json(&laptop.run(&["settle", id, "--json"])), also, "nothing was chosen");
    for also in also.as_array().unwrap() {
        let keep = if also["both"].is_string() { "both" } else { "other" };
        done(&laptop.run(&["settle", id, also["path"].as_str().unwrap(), "--keep", keep]));
    }
    meet();
    for (app, [mine, theirs]) in [(&laptop, reasons), (&other, [reasons[1], reasons[0]])] {
        let settled = app.run(&["settle", id]);
        assert!(done(&settled).is_empty());
        assert!(String::from_utf8_lossy(&settled.stderr).contains("No two devices"));
        let told = done(&app.run(&["show", id, "--history"]));
        let after = |why: &str| {
            let line = format!("S-64 {why}");
            let mut lines = told.lines().skip_while(|told| !told.ends_with(&line));
            lines.nth(1).unwrap().to_owned()
        };
        assert!(after(mine).contains("written here") && after(mine).contains("until"), "{told}");
        assert!(after(theirs).contains("written on"), "{told}");
    }
    refused(&laptop.run(&["settle", id, "note", "--keep", "shown"]), 3);
}

#[test]
fn what_cannot_be_is_said() {
    let (laptop, other) = (App::new(), App::new());
    refused(&other.run(&["sync", "--once"]), 3);
    done(&laptop.run(&["jot", "R IJ port"]));
    assert!(refused(&laptop.run(&["sync", "--once"]), 3).contains("pair"));
    assert!(done(&laptop.run(&["devices", "--json"])).is_empty());
    refused(&other.run(&["pair", "0000-0000"]), 2);
    refused(&other.run(&["pair"]), 2);
    refused(&other.run(&["pair", "x", "--show"]), 2);

    // Nobody is there.
    let mut shows = Running::start(&laptop, &["pair", "--show"]);
    let code = shows.value("code");
    let at = on_loopback(&shows.value("at"));
    drop(shows);
    refused(&other.run(&["pair", &code, "--at", &at]), 1);

    // While the page is open, it is the one that syncs.
    let _page = laptop.serve(&[]);
    assert!(refused(&laptop.run(&["pair", "--show"]), 1).contains("page"));
    refused(&laptop.run(&["sync", "--once"]), 1);
    done(&laptop.run(&["devices"]));
}

/// How many cases a log has.
fn cases(app: &App) -> usize {
    done(&app.run(&["export", "-", "--kind", "case"])).lines().count()
}

#[test]
fn a_bundle_carries_what_no_network_does() {
    let (laptop, other) = (App::new(), App::new());
    done(&laptop.run(&["jot", "TIPS, Okafor, scrubbed"]));
    done(&other.run(&["jot", "R IJ port, assisted"]));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let first = path("first.bundle");
    let shown = done(&laptop.run(&["bundle", "export", &first, "--first", "--name", "Laptop"]));
    let code = shown.trim().strip_prefix("code").unwrap().trim().to_owned();
    // Without its code, and with another one, it stays shut.
    let said = refused(&other.run(&["bundle", "import", &first]), 7);
    assert!(said.contains("for another device"), "{said}");
    refused(&other.run(&["bundle", "import", &first, "--code", "ABCD"]), 2);
    let taken = other.run(&["bundle", "import", &first, "--code", &code]);
    assert!(text(&taken.stderr).contains("bundle export --code"), "{}", text(&taken.stderr));
    done(&taken);
    assert_eq!(cases(&other), 2);
    let answer = path("answer.bundle");
    done(&other.run(&["bundle", "export", &answer, "--code", &code, "--name", "Other"]));
    let taken = done(&laptop.run(&["bundle", "import", &answer, "--code", &code, "--json"]));
    let taken: Value = serde_json::from_str(&taken).unwrap();
    assert_eq!(taken["name"], "Other");
    assert_eq!(cases(&laptop), 2);
    // Once paired without a code; the same file twice is told as such.
    done(&laptop.run(&["jot", "PICC, observed"]));
    let next = path("next.bundle");
    done(&laptop.run(&["bundle", "export", &next]));
    done(&other.run(&["bundle", "import", &next]));
    assert_eq!(cases(&other), 3);
    let said = refused(&other.run(&["bundle", "import", &next]), 7);
    assert!(said.contains("taken in already"), "{said}");
    let sealed = std::fs::read(&next).unwrap();
    assert!(!sealed.windows(4).any(|bytes| bytes == b"PICC"));
    refused(&App::new().run(&["bundle", "export", &next]), 3);
    let alone = App::new();
    done(&alone.run(&["jot", "PICC"]));
    let said = refused(&alone.run(&["bundle", "export", &next]), 3);
    assert!(said.contains("not paired"), "{said}");
}
