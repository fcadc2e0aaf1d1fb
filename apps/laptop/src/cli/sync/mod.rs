//! Sync on the command line: `pair`, `devices`, `sync`, `bundle`.
//!
//! Where `serve` runs on the folder, it is the one that syncs: two programs with one device's keys would
//! take each other's connections.

mod bundle;
mod devices;
mod pair;
mod run;

use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use seldinger_core::logbook::lan::SyncObserver;
use seldinger_core::logbook::{Logbook, ObserverError};
use seldinger_core::time::UtcMillis;

use crate::data_dir::make_private_folder;
use crate::exchange::{Exchange, host_name};
use crate::failure::Failure;
use crate::open::{Home, Opened};
use crate::serve::Claim;
pub use bundle::{BundleCommand, bundle};
pub use devices::{DevicesArgs, devices};
pub use pair::{PairArgs, pair};
pub use run::{SyncArgs, sync};

/// What wakes a command that waits.
enum Woken {
    /// The status changed.
    Changed,
    /// A line was typed.
    Typed(String),
    /// Nobody will type any more.
    NobodyTypes,
    /// Ctrl-C.
    Stopped,
    /// Time has passed.
    Later,
}

/// A book on the network for the time of one command.
struct Session {
    // Dropped in this order: first the connections, then the place in the folder.
    exchange: Exchange,
    book: Arc<Logbook>,
    /// When: both may be in step before anybody waits for it.
    begun: UtcMillis,
    rings: Receiver<Woken>,
    bell: Sender<Woken>,
    _claim: Claim,
}

struct Bell(Sender<Woken>);

impl SyncObserver for Bell {
    fn sync_changed(&self) -> Result<(), ObserverError> {
        self.0.send(Woken::Changed).map_err(|_| ObserverError::Failed)
    }
}

/// The folder, unless another program syncs it.
fn claim(home: &Home) -> Result<Claim, Failure> {
    make_private_folder(home.places.data()).map_err(seldinger_core::error::LogbookError::from)?;
    Claim::take(&home.places)?.ok_or(Failure::PageIsOpen)
}

impl Session {
    fn begin(
        home: &Home,
        claim: Claim,
        opened: Opened,
        name: Option<&str>,
    ) -> Result<Self, Failure> {
        let (bell, rings) = channel();
        let book = Arc::new(opened.book);
        let begun = book.now().utc;
        let name = name.map_or_else(host_name, str::to_owned);
        let observer: Arc<dyn SyncObserver> = Arc::new(Bell(bell.clone()));
        let exchange = Exchange::begin(book.clone(), &home.places, &name, Some(observer))?;
        let to_stop = bell.clone();
        super::job::on_interrupt(move || drop(to_stop.send(Woken::Stopped)));
        Ok(Self { exchange, book, begun, rings, bell, _claim: claim })
    }

    /// Waits for what comes next, at most so long. Changes that came together are one.
    fn next(&self, wait: Duration) -> Woken {
        let Ok(first) = self.rings.recv_timeout(wait) else { return Woken::Later };
        let mut last = first;
        while matches!(last, Woken::Changed) {
            match self.rings.try_recv() {
                Ok(next) => last = next,
                Err(_) => break,
            }
        }
        last
    }

    /// Waits until nothing has changed for so long, so that the last word is out on the wire.
    fn linger(&self, quiet: Duration) {
        let until = Instant::now() + 10 * quiet;
        while Instant::now() < until && !matches!(self.next(quiet), Woken::Later | Woken::Stopped) {
        }
    }

    /// Reads lines from standard input from now on.
    fn listen_to_lines(&self) {
        let bell = self.bell.clone();
        // Ends with the program, or with the input.
        let reading = thread::Builder::new().name("lines".to_owned()).spawn(move || {
            for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
                // Six digits or a word are waited for: what is no text is neither, and is told so.
                let line = String::from_utf8(line).unwrap_or_default();
                if bell.send(Woken::Typed(line.trim_end().to_owned())).is_err() {
                    return;
                }
            }
            let _ = bell.send(Woken::NobodyTypes);
        });
        if reading.is_err() {
            let _ = self.bell.send(Woken::NobodyTypes);
        }
    }
}
