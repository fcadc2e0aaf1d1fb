//! A recovery code that somebody saw opens the book, whenever a program ends; one that nobody saw is
//! never the only one that does.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::Existing;
use seldinger_core::store::backup::Seal;
use seldinger_core::store::key::RecoveryCode;
use system_tests::{App, FileVault, MemoryVault, SeededIds, case, decrypted_pages, raw, setup};

/// The moments at which `key_changer` can die, in their order.
const MOMENTS: [&str; 12] = [
    "load", "begun", "working", "store", "stored", "ready", "unseen", "shown", "remove", "removed",
    "in force", "none",
];

/// Copies a book's folder without its backups.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.file_name() == "backups" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn cases(book: &Logbook) -> u64 {
    book.count_cases(&CaseFilter::default()).unwrap()
}

/// The codes that open the book in `folder` for somebody who has lost its key.
fn openers<'c>(folder: &Path, codes: &'c BTreeSet<String>) -> Vec<&'c str> {
    let elsewhere = tempfile::tempdir().unwrap();
    copy(folder, elsewhere.path());
    let opens = |code: &&String| {
        let lost = Setup { vault: Arc::new(MemoryVault::default()), ..setup(elsewhere.path(), 1) };
        let code: RecoveryCode = code.parse().unwrap();
        Logbook::recover_key(elsewhere.path(), &lost.vault, &code).is_ok()
            && cases(&Logbook::open(lost).unwrap()) == 1
    };
    codes.iter().filter(opens).map(String::as_str).collect()
}

#[test]
fn whenever_a_change_of_the_key_dies_a_code_that_was_shown_opens_the_book() {
    let mut in_force = Vec::new();
    for moment in MOMENTS {
        let folder = tempfile::tempdir().unwrap();
        let (vault, place) = (FileVault::new(folder.path()), folder.path().join("book"));
        let setup = Setup { vault: Arc::new(vault), ..setup(&place, 7) };
        let (book, code) = Logbook::create(setup.clone()).unwrap();
        book.create_case(case(1, "kept")).unwrap();
        drop(book);
        // As a kill leaves it: marked as open, and its log is there.
        fs::write(place.join("book.open"), "open").unwrap();
        fs::write(place.join("book.db-wal"), "").unwrap();
        let mut shown = BTreeSet::from([code.text().to_string()]);
        let mut changer = Command::new(env!("CARGO_BIN_EXE_key_changer"));
        let output = changer.arg(folder.path()).arg(moment).output().unwrap();
        let by_itself = output.status.code().is_some();
        assert_eq!(by_itself, moment == "none", "{moment}: {output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        shown.extend(printed.lines().map(str::to_owned));

        assert_eq!(openers(&place, &shown).len(), 1, "at {moment}");
        let book = Logbook::open(setup.clone()).unwrap();
        let kept = book.unconfirmed_code().unwrap().text().to_string();
        assert!(shown.contains(&kept), "at {moment}, a code that nobody saw is in force");
        assert_eq!(cases(&book), 1);
        drop(book);
        assert_eq!(openers(&place, &shown), [kept.as_str()], "at {moment}, after opening");
        let left = |folder: &Path| fs::read_dir(folder).unwrap().count();
        // The database, two key files, two locks, and the mark of being open.
        assert_eq!(left(&place), 6, "at {moment}, files are left");
        assert_eq!(left(folder.path()), 2, "at {moment}, keys are left");
        if kept != *code.text() {
            in_force.push(moment);
        }
    }
    assert_eq!(in_force, ["remove", "removed", "in force", "none"]);
}

/// The codes among what was said, whole lines only.
fn codes_in(said: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(said);
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.filter_map(|line| line.strip_prefix("    ")).map(|code| code.trim().to_owned()).collect()
}

fn wait_actively(wait: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < wait {
        std::hint::spin_loop();
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a failure tells its seed")]
fn a_hundred_and_twenty_kills_of_a_change_leave_no_code_that_nobody_saw() {
    const SEED: u64 = 0xc0de;
    let app = App::new();
    let made = app.run(&["jot", "R picc"]);
    let mut shown: BTreeSet<String> = codes_in(&made.stderr).into_iter().collect();
    assert_eq!(shown.len(), 1);
    let place = app.data().join("books/own");
    let begun = Instant::now();
    let whole = app.run(&["key", "change"]);
    let longest = u64::try_from(begun.elapsed().as_micros()).unwrap();
    shown.extend(codes_in(&whole.stderr));
    let mut last = codes_in(&whole.stderr).remove(0);
    let random = SeededIds::new(SEED);
    let (mut former, mut newer) = (0, 0);
    for kill in 0..120 {
        let said = app.folder().join("said");
        let mut command = app.command(&["key", "change"]);
        let mut child = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
        wait_actively(Duration::from_micros(random.number() % longest));
        child.kill().unwrap();
        child.wait().unwrap();
        shown.extend(codes_in(&fs::read(&said).unwrap()));
        let opened = openers(&place, &shown);
        let [opens] = opened[..] else { panic!("seed {SEED:#x}, kill {kill}: {opened:?}") };
        if opens == last {
            former += 1;
        } else {
            newer += 1;
        }
        last = opens.to_owned();
        if kill % 10 == 9 {
            let told = app.run(&["key", "code"]);
            assert_eq!(codes_in(&told.stderr), [last.clone()], "kill {kill}");
            let listed = String::from_utf8(app.run(&["cases", "--json"]).stdout).unwrap();
            assert_eq!(listed.lines().count(), 1);
        }
    }
    eprintln!("{former} times the former code opens it, {newer} times the new one");
    assert!(former > 20, "the kills come too late");
}

/// Confirms the code of an app's log from its paper; what was said.
fn confirm(app: &App, code: &str) -> String {
    let mut command = app.command(&["key", "confirm"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stderr) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let mut said = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line.unwrap();
        if let Some(group) = line.strip_prefix("Group ") {
            let number: usize = group.split(' ').next().unwrap().parse().unwrap();
            let group = code.split('-').nth(number - 1).unwrap();
            // Whoever is told no has ended by then.
            let _ = writeln!(stdin, "{}", group.to_lowercase());
        }
        said.extend([line.as_str(), "\n"]);
    }
    child.wait().unwrap();
    said
}

#[test]
fn on_the_command_line_a_code_is_shown_until_it_is_confirmed() {
    let app = App::new();
    let made = app.run(&["jot", "R picc"]);
    let code = codes_in(&made.stderr).remove(0);
    for _ in 0..2 {
        let shown = app.run(&["key", "code"]);
        assert!(shown.status.success() && shown.stdout.is_empty());
        assert_eq!(codes_in(&shown.stderr), std::slice::from_ref(&code));
    }
    let other = "00000-00000-00000-00000-000000";
    assert!(confirm(&app, other).contains("not what the recovery code says"));
    assert_eq!(app.run(&["key", "confirm"]).status.code(), Some(4), "nobody answers");
    assert_eq!(codes_in(&app.run(&["key", "code"]).stderr), std::slice::from_ref(&code));
    assert!(confirm(&app, &code).contains("is confirmed"));
    for args in [["key", "code"], ["key", "confirm"]] {
        let gone = app.run(&args);
        assert_eq!(gone.status.code(), Some(4));
        assert!(String::from_utf8_lossy(&gone.stderr).contains("not kept in this log"));
    }
    // A new key brings a new code, which waits again.
    let changed = app.run(&["key", "change"]);
    let newer = codes_in(&changed.stderr).remove(0);
    assert_ne!(newer, code);
    assert_eq!(codes_in(&app.run(&["key", "code"]).stderr), [newer]);
}

#[cfg(unix)]
#[test]
fn a_key_whose_code_could_not_be_shown_does_not_come_into_force() {
    let app = App::new();
    let code = codes_in(&app.run(&["jot", "R picc"]).stderr).remove(0);
    let mut command = app.command(&["key", "change"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let status = command.stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(6));
    assert_eq!(codes_in(&app.run(&["key", "code"]).stderr), [code]);
}

#[test]
fn a_page_that_was_killed_before_it_showed_the_code_offers_it_at_the_next_start() {
    let app = App::new();
    drop(app.serve(&[]));
    let page = app.serve(&[]);
    let cookie = page.enter(&page.opening());
    let front = page.ask("GET", "/", &[("Cookie", &cookie)], "");
    assert!(front.body.contains("recovery code of this log is not confirmed"), "{}", front.body);
    assert!(front.body.contains("href=\"/settings/code\""));
    drop(page);
    assert_eq!(codes_in(&app.run(&["key", "code"]).stderr).len(), 1);
}

#[test]
fn a_confirmed_code_is_in_no_page_and_no_backup_ever_held_it() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let setup = Setup { vault: vault.clone(), ..setup(&folder.path().join("book"), 5) };
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    book.create_case(case(1, "a note")).unwrap();
    let text = code.text().to_string();
    let secret = secret_of(&text);
    let holds = |pages: &[u8]| pages.windows(secret.len()).any(|window| window == secret);
    let pages = || decrypted_pages(&raw(&setup.place.folder, &*vault));
    assert!(holds(&pages()), "it is kept in the book");
    let file = folder.path().join("out.backup");
    book.backup_job(&file, Existing::Refuse, Seal::RecoveryCode).unwrap().run(|_| ()).unwrap();

    let groups = book.code_groups();
    let group = |number: u8| text.split('-').nth(usize::from(number) - 1).unwrap();
    book.confirm_code(groups, group(groups.first), group(groups.second)).unwrap();
    assert!(!holds(&pages()), "it is in a page still");
    assert_eq!(setup.place.folder.join("book.db-wal").metadata().unwrap().len(), 0);
    drop(book);
    Logbook::restore_job(&setup, &file, text.clone().into())
        .and_then(|job| job.run(|_| ())?.put_in_place())
        .unwrap();
    let restored = pages();
    assert!(!holds(&restored), "the backup carried it");
    assert!(restored.len() > 4_096 && vault.names().len() == 2);
}

/// The 15 bytes that a code is: Crockford's base 32 without its last eight bits.
fn secret_of(text: &str) -> Vec<u8> {
    let letters = text.bytes().filter(|letter| *letter != b'-');
    let bits = letters.fold(0_u128, |bits, letter| {
        let place = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".iter().position(|c| *c == letter).unwrap();
        bits << 5 | place as u128
    });
    (bits >> 8).to_be_bytes()[1..].to_vec()
}

/// Where the forger's own files are.
fn forged(victim: &Setup, folder: &Path) -> PathBuf {
    let about = fs::read_to_string(victim.place.folder.join("book.key")).unwrap();
    let about: serde_json::Value = serde_json::from_str(about.lines().nth(1).unwrap()).unwrap();
    let public = about["recovery"].as_str().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let own = Setup { vault: vault.clone(), ..setup(&folder.join("forger"), 66) };
    let book = Logbook::create(own.clone()).unwrap().0;
    book.create_case(case(1, "forged")).unwrap();
    let conn = raw(&own.place.folder, &*vault);
    let set = "UPDATE local SET value = ?1 WHERE name = 'recovery_recipient'";
    assert_eq!(conn.execute(set, [public]).unwrap(), 1);
    drop(conn);
    let file = folder.join("forged.backup");
    book.backup_job(&file, Existing::Refuse, Seal::RecoveryCode).unwrap().run(|_| ()).unwrap();
    file
}

#[test]
fn a_backup_made_with_the_public_half_of_a_code_is_refused_as_what_it_is() {
    let app = App::new();
    let code = codes_in(&app.run(&["jot", "R picc"]).stderr).remove(0);
    let victim = setup(&app.data().join("books/own"), 1);
    let file = forged(&victim, app.folder());
    let genuine = app.folder().join("genuine.backup");
    let genuine = genuine.to_str().unwrap();
    assert!(app.run(&["backup", "--recovery-code", genuine]).status.success());
    let before = app.run(&["cases", "--json"]).stdout;

    let restore = |file: &str| app.run_with(&["restore", file], format!("{code}\n").as_bytes());
    let refused = restore(file.to_str().unwrap());
    assert_eq!(refused.status.code(), Some(7));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("was not made by your log") && said.contains("Nothing was changed"),
        "{said}"
    );
    assert_eq!(app.run(&["cases", "--json"]).stdout, before);
    let restored = restore(genuine);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert!(String::from_utf8_lossy(&restored.stderr).contains("This backup was made on"));

    // A backup of the former format shows nobody who made it.
    let mut former = fs::read(genuine).unwrap();
    former.splice(..b"seldinger-backup 2 code\n".len(), *b"seldinger-backup 1\n");
    fs::write(&file, former).unwrap();
    let refused = restore(file.to_str().unwrap());
    assert_eq!(refused.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("older format"));

    // Neither line nor seal can be passed off as the other kind.
    let mut relabeled = fs::read(genuine).unwrap();
    relabeled.splice(..b"seldinger-backup 2 code\n".len(), *b"seldinger-backup 2 passphrase\n");
    let end = relabeled.len() - 32;
    let hash = blake3::hash(&relabeled[..end]);
    relabeled[end..].copy_from_slice(hash.as_bytes());
    fs::write(&file, relabeled).unwrap();
    assert_eq!(restore(file.to_str().unwrap()).status.code(), Some(7));
}
