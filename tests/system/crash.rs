//! SIGKILL at random moments: what was acknowledged is there, and the book is whole.
//!
//! This shows that a commit is a commit. It says nothing about a power cut, because the system keeps
//! what a dead process wrote; `failing_disk` does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use seldinger_core::logbook::{Logbook, Setup};
use system_tests::{FileVault, SeededIds, complaints, found, raw, setup};

const KILLS: u64 = 300;
const SEED: u64 = 0x5e1d;

/// What may be found of each entry: one thing, or, where the kill came between the announcement and the
/// acknowledgement of a step, what was and what was to be.
#[derive(Default)]
struct Known {
    entries: BTreeMap<u64, BTreeSet<String>>,
    /// The last acknowledged sequence.
    lseq: u64,
    acknowledged: usize,
    /// Steps that a kill came into.
    cut_short: usize,
}

impl Known {
    /// Hears a child out, which is killed a while after `patience` acknowledgements.
    fn hear(&mut self, mut child: Child, patience: usize, then: Duration) {
        let stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut announced = None;
        let mut acknowledged = 0;
        if patience == 0 {
            kill_after(&mut child, then);
        }
        for line in stdout.lines() {
            let line = line.expect("the child prints text");
            match line.split_once(' ').expect("a line has a first word") {
                ("do", step) => {
                    let (number, found) = step.split_once(' ').expect("a step has a number");
                    announced = Some((number.parse().expect("a number"), found.to_owned()));
                }
                ("ok", lseq) => {
                    let (number, found) = announced.take().expect("announced before it is done");
                    self.entries.insert(number, BTreeSet::from([found]));
                    let lseq = lseq.parse().expect("a number");
                    assert!(lseq == 0 || lseq > self.lseq, "sequence {lseq} after {}", self.lseq);
                    self.lseq = self.lseq.max(lseq);
                    acknowledged += 1;
                    if acknowledged == patience {
                        kill_after(&mut child, then);
                    }
                }
                (other, _) => panic!("the child says {other:?}"),
            }
        }
        self.acknowledged += acknowledged;
        if let Some((number, found)) = announced {
            self.cut_short += 1;
            let before = self.entries.entry(number).or_insert_with(|| [String::new()].into());
            before.insert(found);
        }
        let status = child.wait().expect("a child can be waited for");
        assert_eq!(status.code(), None, "the child ended by itself");
    }

    fn judge(&self, folder: &Path) {
        let vault = Arc::new(FileVault::new(folder));
        let copy = tempfile::tempdir_in(folder).unwrap();
        for file in std::fs::read_dir(folder.join("book")).unwrap() {
            let file = file.unwrap();
            // The shared memory dies with the machine; without it the log is read anew.
            if file.file_name() != "book.db-shm" && file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
        }
        let book =
            Logbook::open(Setup { vault: vault.clone(), ..setup(copy.path(), SEED) }).unwrap();
        let found = found(&book).unwrap();
        for (number, allowed) in &self.entries {
            let found = found.get(number).cloned().unwrap_or_default();
            assert!(allowed.contains(&found), "entry {number} is {found:?}, not {allowed:?}");
        }
        for number in found.keys() {
            assert!(self.entries.contains_key(number), "nobody wrote entry {number}");
        }
        assert_eq!(complaints(&raw(copy.path(), &*vault)), Vec::<String>::new());
    }
}

/// A moment that no pipe and no scheduler chooses.
fn kill_after(child: &mut Child, wait: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < wait {
        std::hint::spin_loop();
    }
    child.kill().expect("a child can be killed");
}

#[test]
#[allow(clippy::print_stderr, reason = "a failure tells its seed")]
fn three_hundred_kills_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(FileVault::new(folder.path()));
    drop(Logbook::create(Setup { vault, ..setup(&folder.path().join("book"), SEED) }).unwrap());
    let random = SeededIds::new(SEED);
    eprintln!("seed {SEED:#x}");
    let mut known = Known::default();
    let enough = |known: &Known| known.acknowledged > 1_000 && known.cut_short > 100;
    // On a busy machine most kills come between two steps: then there are more of them.
    for kill in 0..3 * KILLS {
        if kill >= KILLS && enough(&known) {
            break;
        }
        let child = Command::new(env!("CARGO_BIN_EXE_saver"))
            .arg(folder.path())
            .args([(SEED + kill).to_string(), (kill * 1_000_000).to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // One in eight dies while it opens the book, the others at work.
        let patience = random.below(8);
        let longest_us = if patience == 0 { 40_000 } else { 6_000 };
        let wait = Duration::from_micros(random.below(longest_us) as u64);
        known.hear(child, patience * 2, wait);
        if kill % 10 == 9 {
            known.judge(folder.path());
        }
    }
    eprintln!("{} steps acknowledged, {} cut short", known.acknowledged, known.cut_short);
    assert!(enough(&known), "the kills come at no good time");
}
