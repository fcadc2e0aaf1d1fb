//! Power cuts, failing syncs, write errors and full disks at every point of a 200-operation script.

use std::path::Path;
use std::sync::Arc;

use rusqlite::ffi;
use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::error::{LogbookError, Result, StopReason};
use seldinger_core::logbook::{ImportOptions, ImportSource, Logbook, Setup};
use seldinger_core::store::Place;
use serde_json::json;
use system_tests::{
    At, Disk, Event, FAULTY, FaultyDisk, Files, Found, MemoryVault, Script, SeededIds, complaints,
    found, raw, setup,
};

const OPERATIONS: usize = 200;
const SEED: u64 = 11;
const DATABASE: &str = "book.db";
const LOG: &str = "book.db-wal";

fn open(folder: &Path, vault: &Arc<MemoryVault>) -> Result<Logbook> {
    let place = Place { vfs: Some(FAULTY.to_owned()), ..Place::new(folder) };
    Logbook::open(Setup { place, vault: vault.clone(), ..setup(folder, SEED + 1) })
}

/// A new book on a disk that writes down what happens to it.
struct Bench {
    folder: tempfile::TempDir,
    vault: Arc<MemoryVault>,
    disk: Arc<FaultyDisk>,
    /// What lies on it, as far as anybody asked.
    lasting: Disk,
    script: Script,
    /// What is to be found in the book.
    expected: Found,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(MemoryVault::default());
        drop(
            Logbook::create(Setup { vault: vault.clone(), ..setup(folder.path(), SEED) }).unwrap(),
        );
        let disk = FaultyDisk::beneath(folder.path());
        let database = std::fs::read(folder.path().join(DATABASE)).unwrap();
        let files = Files::from([(DATABASE.to_owned(), database)]);
        let lasting = Disk::of(files);
        let script = Script::new(SEED, 0);
        Self { folder, vault, disk, lasting, script, expected: Found::new() }
    }

    fn open(&self) -> Logbook {
        open(self.folder.path(), &self.vault).unwrap()
    }

    /// Does the next operation until it succeeds, under faults at one write or sync after the other
    /// if it is told of any; the errors that it met.
    fn next(&mut self, book: &Logbook, faults: Option<(At, i32)>) -> Vec<LogbookError> {
        let mut errors = Vec::new();
        let step = self.script.plan();
        let (number, what) = self.script.expected(step);
        loop {
            if let Some((at, code)) = faults {
                self.disk.fail(at, errors.len(), code);
            }
            match self.script.run(book, step) {
                Ok(_) => break,
                Err(error) => errors.push(error),
            }
        }
        self.disk.heal();
        if what.is_empty() {
            self.expected.remove(&number);
        } else {
            self.expected.insert(number, what);
        }
        errors
    }

    /// What a power cut right now would leave: writes that were synced and nothing else.
    fn after_power_cut(&mut self) -> Files {
        self.disk.events().iter().for_each(|event| self.lasting.add(event));
        self.lasting.after_power_cut(|_| false)
    }
}

/// A machine that is switched on again.
struct Reopened {
    folder: tempfile::TempDir,
    /// Nothing fails any more; it only spares the real disk its syncs.
    disk: Arc<FaultyDisk>,
    vault: Arc<MemoryVault>,
}

impl Reopened {
    fn of(bench: &Bench) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["book.key", "book.key.copy"] {
            std::fs::copy(bench.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        let disk = FaultyDisk::beneath(folder.path());
        Self { folder, disk, vault: bench.vault.clone() }
    }

    /// What is found in the book of these bytes, which must be whole.
    fn found(&self, files: &Files, when: &str) -> Found {
        let path = |name: &str| self.folder.path().join(name);
        for name in [DATABASE, LOG, "book.db-shm"] {
            match files.get(name) {
                Some(bytes) => std::fs::write(path(name), bytes).unwrap(),
                None => drop(std::fs::remove_file(path(name))),
            }
        }
        let book = open(self.folder.path(), &self.vault);
        let book = book.unwrap_or_else(|error| panic!("{when}: {error:?}"));
        let found = found(&book).unwrap();
        self.disk.events();
        let raw = raw(self.folder.path(), &*self.vault);
        assert_eq!(complaints(&raw), Vec::<String>::new(), "{when}");
        found
    }
}

#[test]
fn a_full_disk_during_an_import_says_how_much_is_in() {
    let bench = Bench::new();
    let book = bench.open();
    let line = |n: u32| {
        let fields = json!({"n": n, "note": "word ".repeat(100)});
        json!({"kind": "case", "at": "2026-10-05T07:05:00Z", "fields": fields}).to_string()
    };
    let text = (0..900).map(line).collect::<Vec<_>>().join("\n");
    let job = || {
        let source = ImportSource::Bytes(Arc::from(text.as_bytes()));
        book.import_job(source, ImportOptions::default()).unwrap()
    };
    let cases = || book.count_cases(&CaseFilter::default()).unwrap();
    // Before anything is in.
    bench.disk.fail(At::Write, 0, ffi::SQLITE_FULL);
    assert_eq!(job().run(|_| ()).unwrap_err(), LogbookError::DiskFull);
    bench.disk.heal();
    assert_eq!(cases(), 0);
    let stopped = job();
    while cases() == 0 {
        stopped.step().unwrap();
    }
    bench.disk.fail(At::Write, 0, ffi::SQLITE_FULL);
    let error = stopped.run(|_| ()).unwrap_err();
    bench.disk.heal();
    let (reason, records) = (StopReason::DiskFull, cases());
    assert_eq!(error, LogbookError::ImportStopped { reason, records });
    assert!((1..900).contains(&records), "{records}");
    let rest = job().run(|_| ()).unwrap();
    assert_eq!((rest.added, rest.known), (900 - records, records));
}

#[test]
fn a_power_cut_at_any_sync_keeps_what_was_saved_and_halves_nothing() {
    let mut bench = Bench::new();
    let (machine, random) = (Reopened::of(&bench), SeededIds::new(SEED));
    let book = bench.open();
    let (mut syncs, mut unsynced) = (0, 0);
    for operation in 0..OPERATIONS {
        let before = bench.expected.clone();
        assert_eq!(bench.next(&book, None), []);
        for event in bench.disk.events() {
            if matches!(event, Event::Sync(_)) {
                syncs += 1;
                unsynced += bench.lasting.pending();
                for (what, files) in cuts(&bench.lasting, &random) {
                    let when = format!("{what}, sync {syncs}, operation {operation}");
                    let found = machine.found(&files, &when);
                    assert!(found == before || found == bench.expected, "{when}");
                }
            }
            bench.lasting.add(&event);
        }
        // Acknowledged: not one of the two any more.
        let files = bench.after_power_cut();
        assert_eq!(machine.found(&files, "acknowledged"), bench.expected, "{operation}");
    }
    assert!(syncs > OPERATIONS && unsynced > syncs, "{syncs} syncs of {unsynced} writes");
}

/// What may be left when the power goes before a sync has done its work.
fn cuts(disk: &Disk, random: &SeededIds) -> [(&'static str, Files); 5] {
    let (cut, luck) = (random.below(disk.pending() + 1), random.number());
    [
        ("nothing unsynced", disk.after_power_cut(|_| false)),
        ("everything", disk.after_power_cut(|_| true)),
        ("the first writes", disk.after_power_cut(|at| at < cut)),
        ("any writes", disk.after_power_cut(|at| luck >> (at % 64) & 1 == 1)),
        ("half of the last write", disk.torn()),
    ]
}

/// Every operation fails at its first write or sync, is tried again and fails at the second, and so
/// on until it succeeds.
fn survives(at: At, code: i32, error: &LogbookError) {
    let mut bench = Bench::new();
    let machine = Reopened::of(&bench);
    let book = bench.open();
    let mut met = 0;
    for operation in 0..OPERATIONS {
        let errors = bench.next(&book, Some((at, code)));
        assert!(errors.iter().all(|met| met == error), "operation {operation}: {errors:?}");
        met += errors.len();
        assert_eq!(found(&book).unwrap(), bench.expected, "operation {operation}");
        let files = bench.after_power_cut();
        if operation % 5 == 4 {
            assert_eq!(machine.found(&files, "power cut"), bench.expected, "{operation}");
        }
    }
    assert!(met >= OPERATIONS, "only {met} errors");
}

#[test]
fn a_sync_that_fails_is_told_and_loses_nothing() {
    survives(At::Sync, ffi::SQLITE_IOERR_FSYNC, &LogbookError::Io);
}

#[test]
fn a_write_that_fails_is_told_and_loses_nothing() {
    survives(At::Write, ffi::SQLITE_IOERR_WRITE, &LogbookError::Io);
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    survives(At::Write, ffi::SQLITE_FULL, &LogbookError::DiskFull);
}
