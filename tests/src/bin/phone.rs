//! A phone as a process of its own: `phone FOLDER NAME` opens the book in a folder, or makes it, and
//! begins to sync. It obeys the lines of standard input, one after the other, and tells a line each:
//!
//! `join CODE AT`, `jot TEXT`, `write COUNT FIRST LETTERS` (cases that tell their numbers), `sync`,
//! `wait COUNT` (cases, and in step), `export FILE`, `verify`, `quit`. What it says by itself: `digits NNNNNN`,
//! `paired`, `failed …`, and the state of sync whenever that changes.

#![allow(clippy::print_stdout, reason = "standard output is what this program is for")]

use std::error::Error;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::ids::SystemIds;
use seldinger_core::logbook::lan::{JoinView, SyncObserver, SyncService, SyncState};
use seldinger_core::logbook::{
    CASE, ExportFormat, ExportOptions, JotOptions, Logbook, ObserverError, Setup,
};
use seldinger_core::store::Place;
use seldinger_core::time::SystemClock;
use system_tests::{FileVault, numbered};

/// What wakes the phone.
enum Woken {
    Told(String),
    Rung,
    Over,
}

struct Bell(Mutex<Sender<Woken>>);

impl SyncObserver for Bell {
    fn sync_changed(&self) -> Result<(), ObserverError> {
        // Nobody hears it while the phone ends.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(Woken::Rung);
        Ok(())
    }
}

struct Phone {
    book: Arc<Logbook>,
    sync: SyncService,
    woken: Receiver<Woken>,
    /// What was said last of joining and of sync.
    said: [String; 2],
    /// How many cases are waited for.
    waiting: Option<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_default());
    let name = args.next().unwrap_or_default();
    let book = Arc::new(open(&folder)?);
    let (bell, woken) = channel();
    let told = bell.clone();
    let observer: Arc<dyn SyncObserver> = Arc::new(Bell(Mutex::new(bell)));
    let sync = SyncService::begin(book.clone(), &name, None, Some(observer))?;
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok).map(Woken::Told);
        // Whoever started this process is gone when there are no more lines.
        lines.chain([Woken::Over]).all(|line| told.send(line).is_ok())
    });
    Phone { book, sync, woken, said: [String::new(), String::new()], waiting: None }.obey()
}

fn open(folder: &Path) -> Result<Logbook, Box<dyn Error>> {
    let place = folder.join("book");
    let is_there = place.join("book.db").exists();
    let setup = Setup {
        place: Place::new(&place),
        vault: Arc::new(FileVault::new(folder)),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        installation: "a phone".to_owned(),
    };
    Ok(if is_there { Logbook::open(setup)? } else { Logbook::create(setup)?.0 })
}

impl Phone {
    fn obey(mut self) -> Result<(), Box<dyn Error>> {
        println!("here");
        loop {
            match self.woken.recv()? {
                Woken::Over => return Ok(()),
                Woken::Rung => self.tell()?,
                Woken::Told(line) if line == "quit" => return Ok(()),
                Woken::Told(line) => {
                    let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
                    self.do_as_told(word, rest)?;
                    self.tell()?;
                }
            }
        }
    }

    fn do_as_told(&mut self, word: &str, rest: &str) -> Result<(), Box<dyn Error>> {
        match (word, rest.split_once(' ')) {
            ("join", Some((code, at))) => self.sync.join(code, Some(at))?,
            ("write", _) => {
                let numbers: Vec<u64> =
                    rest.split(' ').map(str::parse).collect::<Result<_, _>>()?;
                let [count, first, letters] = numbers[..] else {
                    return Err("three numbers".into());
                };
                for number in first..first + count {
                    self.book.create_case(numbered(number, letters))?;
                    println!("wrote {number}");
                }
            }
            ("jot", _) => {
                self.book.save_jot(rest, &JotOptions::default())?;
                println!("jotted");
            }
            ("sync", _) => self.sync.sync_now(),
            ("wait", _) => self.waiting = Some(rest.parse()?),
            ("export", _) => {
                let options = ExportOptions { replace: true, ..ExportOptions::of_kind(CASE) };
                let job = self.book.export_job(Path::new(rest), ExportFormat::Jsonl, &options)?;
                println!("exported {}", job.run(|_| ())?.records);
            }
            ("verify", _) => {
                println!("whole {}", self.book.verify_job()?.run(|_| ())?.is_whole());
            }
            _ => println!("what? {word}"),
        }
        Ok(())
    }

    /// Says what is new since last time.
    fn tell(&mut self) -> Result<(), Box<dyn Error>> {
        let joining = match self.sync.joining() {
            None | Some(JoinView::Looking) => String::new(),
            Some(JoinView::Digits { digits, .. }) => format!("digits {digits}"),
            Some(JoinView::Paired { .. }) => "paired".to_owned(),
            Some(JoinView::Failed { told }) => format!("failed {}", told.line()),
        };
        let status = self.sync.status()?;
        // What was in step when it was last connected may have missed something since.
        let is_in_step = status.devices.iter().any(|device| device.is_connected)
            && matches!(status.state, SyncState::UpToDate { .. });
        let state = match status.state {
            SyncState::Alone => "alone".to_owned(),
            SyncState::Offline => "offline".to_owned(),
            SyncState::Syncing { done, total } => format!("syncing {done} of {total}"),
            SyncState::Failed { trouble } => format!("trouble {trouble:?}"),
            SyncState::UpToDate { devices, .. } => format!("up to date on {devices}"),
        };
        for (said, now) in self.said.iter_mut().zip([joining, state]) {
            if *said != now {
                if !now.is_empty() {
                    println!("{now}");
                }
                *said = now;
            }
        }
        if let Some(count) = self.waiting.filter(|_| is_in_step)
            && self.book.count_cases(&CaseFilter::default())? >= count
        {
            self.waiting = None;
            println!("has {count}");
        }
        Ok(())
    }
}
