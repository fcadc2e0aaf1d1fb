//! A `phone` process, spoken to by lines, and the laptop that it pairs with, in this one.

#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use seldinger_core::content::Wording;
use seldinger_core::ids::SystemIds;
use seldinger_core::logbook::lan::{
    JoinView, PairingView, SyncObserver, SyncService, SyncState, WindowView,
};
use seldinger_core::logbook::{Logbook, ObserverError, Setup};
use seldinger_core::sync::pairing::DigitsAnswer;
use seldinger_core::time::{Clock, SystemClock};

/// Longer than anything takes; nobody waits for it when all is well.
const LONG: Duration = Duration::from_mins(3);

/// A process that says lines. It is killed when it is dropped.
pub struct Remote {
    child: Child,
    lines: Receiver<String>,
    /// Everything that it said so far.
    pub said: Vec<String>,
}

impl Remote {
    /// Starts it.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).all(|line| heard.send(line).is_ok())
        });
        Self { child, lines, said: Vec::new() }
    }

    /// The program `phone`, at `program`, with its book in `folder`.
    pub fn phone(program: &str, folder: &Path, name: &str) -> Self {
        Self::start(Command::new(program).arg(folder).arg(name))
    }

    /// Tells it what to do.
    ///
    /// # Panics
    /// Where it is gone.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was piped");
        writeln!(stdin, "{line}").expect("the process listens");
    }

    /// The next line that it says; nothing once it has ended.
    ///
    /// # Panics
    /// Where it says nothing for minutes.
    pub fn hear(&mut self) -> Option<String> {
        match self.lines.recv_timeout(LONG) {
            Ok(line) => {
                self.said.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("it says nothing more after {:?}", self.said.last())
            }
        }
    }

    /// What follows these words, as soon as it says them.
    ///
    /// # Panics
    /// Where it ends, or fails, before that.
    pub fn until(&mut self, words: &str) -> String {
        loop {
            let line = self.hear();
            let line =
                line.unwrap_or_else(|| panic!("it ended without {words:?}: {:?}", self.said));
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim().to_owned();
            }
            assert!(!line.starts_with("failed"), "{line}");
        }
    }

    /// Kills it, as a system kills an app, and hears out what it had said.
    ///
    /// # Panics
    /// Where it ended by itself.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("a process can be killed");
        let status = self.child.wait().expect("a process can be waited for");
        assert_eq!(status.code(), None, "it ended by itself: {:?}", self.said);
        while self.hear().is_some() {}
        std::mem::take(&mut self.said)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it fails.
    pub fn end(mut self) {
        while self.hear().is_some() {}
        assert!(self.child.wait().expect("a process can be waited for").success());
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Bell(Mutex<Sender<()>>);

impl SyncObserver for Bell {
    fn sync_changed(&self) -> Result<(), ObserverError> {
        // Nobody hears it any more when the test is over.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(());
        Ok(())
    }
}

/// A laptop in this process, or another device: it listens.
pub struct Laptop {
    /// Its book.
    pub book: Arc<Logbook>,
    /// Its sync.
    pub sync: SyncService,
    /// Where it is reached, `host:port`.
    pub at: String,
    rings: Receiver<()>,
    _folder: tempfile::TempDir,
}

impl Laptop {
    /// A new book that listens on the loopback address.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn new() -> Self {
        Self::named("Laptop", Arc::new(SystemClock))
    }

    /// One that is called something else, or has another clock.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn named(name: &str, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("temporary files can be made");
        let setup = Setup { clock, ids: Arc::new(SystemIds), ..crate::setup(folder.path(), 1) };
        let book = Arc::new(Logbook::create(setup).expect("a book is made").0);
        let (bell, rings) = channel();
        let observer: Arc<dyn SyncObserver> = Arc::new(Bell(Mutex::new(bell)));
        let sync = SyncService::begin(book.clone(), name, None, Some(observer));
        let sync = sync.expect("sync begins");
        let port = sync.listen("127.0.0.1:0").expect("a port is free");
        Self { book, sync, at: format!("127.0.0.1:{port}"), rings, _folder: folder }
    }

    /// Opens a window; the code to type.
    ///
    /// # Panics
    /// Where that does not work.
    pub fn code(&self) -> String {
        self.open_window().code.expect("an open window has a code")
    }

    /// Opens a window; what the QR says.
    ///
    /// # Panics
    /// Where that does not work.
    pub fn qr(&self) -> String {
        self.open_window().qr.expect("an open window has a QR")
    }

    fn open_window(&self) -> WindowView {
        self.sync.open_window(std::slice::from_ref(&self.at)).expect("it listens")
    }

    /// Joins by what a QR says; the digits that are shown then.
    ///
    /// # Panics
    /// Where it fails.
    pub fn join(&self, qr: &str) -> String {
        self.sync.join(qr, None).expect("the code is good");
        self.until(|device| match device.sync.joining() {
            Some(JoinView::Digits { digits, .. }) => Some(digits),
            Some(JoinView::Failed { told }) => panic!("{}", told.line()),
            _ => None,
        })
    }

    /// Joins in vain; what it is told.
    ///
    /// # Panics
    /// Where it works.
    pub fn join_in_vain(&self, code: &str, at: Option<&str>) -> Wording {
        self.sync.join(code, at).expect("the code is good");
        self.told_that_it_failed()
    }

    /// What it is told as soon as joining has failed.
    ///
    /// # Panics
    /// Where it works.
    pub fn told_that_it_failed(&self) -> Wording {
        self.until(|device| match device.sync.joining() {
            Some(JoinView::Failed { told }) => Some(told),
            Some(JoinView::Paired { .. }) => panic!("it is paired"),
            _ => None,
        })
    }

    /// Pairs with another device in this process, which joins.
    pub fn pair_with(&self, phone: &Self) {
        self.type_digits(&phone.join(&self.qr()));
        phone.until(|phone| {
            matches!(phone.sync.joining(), Some(JoinView::Paired { .. })).then_some(())
        });
    }

    /// Types the digits that a phone showed.
    ///
    /// # Panics
    /// Where they are wrong.
    pub fn type_digits(&self, digits: &str) {
        let answer = self.until(|laptop| match laptop.sync.type_digits(digits) {
            DigitsAnswer::NobodyWaits => None,
            answer => Some(answer),
        });
        assert_eq!(answer, DigitsAnswer::Paired);
    }

    /// Pairs with a phone that reaches this laptop at `at`.
    pub fn pair(&self, phone: &mut Remote, at: &str) {
        phone.tell(&format!("join {} {at}", self.code()));
        self.type_digits(&phone.until("digits "));
        phone.until("paired");
        self.until(|laptop| {
            let state = laptop.sync.window().map(|window| window.state);
            (state == Some(PairingView::Paired)).then_some(())
        });
    }

    /// Waits until `fits`, woken by the observer.
    ///
    /// # Panics
    /// Where it does not come to that in minutes.
    pub fn until<T>(&self, mut fits: impl FnMut(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = fits(self) {
                return found;
            }
            // It may ring for other things for ever.
            let left = LONG.saturating_sub(begun.elapsed());
            self.rings.recv_timeout(left).expect("it comes to that");
        }
    }

    /// Waits until all devices have everything and one is there.
    ///
    /// # Panics
    /// Where that takes minutes.
    pub fn until_in_step(&self) {
        self.until(|laptop| {
            let status = laptop.sync.status().expect("the book can be read");
            let is_there = status.devices.iter().any(|device| device.is_connected);
            (is_there && matches!(status.state, SyncState::UpToDate { .. })).then_some(())
        });
    }
}

impl Default for Laptop {
    fn default() -> Self {
        Self::new()
    }
}
