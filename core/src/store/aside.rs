//! Work that SQLite does in one piece, on a thread of its own, so that a job can still be stepped,
//! watched and stopped.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::InterruptHandle;

use crate::error::{LogbookError, Result};

/// How long a step waits for news.
const STEP: Duration = Duration::from_millis(20);

enum News<T> {
    Done(u64, u64),
    Over(Result<T>),
}

/// How the work tells how far it is.
pub(crate) struct Tell<T>(SyncSender<News<T>>);

impl<T> Tell<T> {
    /// `done` of `total`; waits until somebody has heard it.
    ///
    /// # Errors
    /// `Cancelled` where nobody wants to know any more.
    pub(crate) fn progress(&self, done: u64, total: u64) -> Result<()> {
        self.0.send(News::Done(done, total)).map_err(|_| LogbookError::Cancelled)
    }
}

/// What a step finds.
pub(crate) enum Stage<T> {
    /// So much of so much.
    Going(u64, u64),
    /// The outcome.
    Over(T),
}

/// The work; dropping it stops it and waits for it.
pub(crate) struct Aside<T> {
    news: Option<Receiver<News<T>>>,
    last: (u64, u64),
    interrupt: Option<InterruptHandle>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Aside<T> {
    /// Begins `work`; `interrupt` is of the connection that it works on.
    pub(crate) fn begin(
        interrupt: Option<InterruptHandle>,
        work: impl FnOnce(&Tell<T>) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        // No buffer: the work stays as far behind as whoever steps the job.
        let (sender, news) = sync_channel(0);
        let run = move || {
            let tell = Tell(sender);
            let outcome = work(&tell);
            let _ = tell.0.send(News::Over(outcome));
        };
        let thread = std::thread::Builder::new().name("job".to_owned()).spawn(run)?;
        Ok(Self { news: Some(news), last: (0, 0), interrupt, thread: Some(thread) })
    }

    /// What there is to know by now.
    pub(crate) fn step(&mut self) -> Result<Stage<T>> {
        let news = self.news.as_ref().ok_or(LogbookError::Cancelled)?;
        match news.recv_timeout(STEP) {
            Ok(News::Over(outcome)) => return outcome.map(Stage::Over),
            Ok(News::Done(done, total)) => self.last = (done, total),
            Err(RecvTimeoutError::Timeout) => {}
            // It ended without a word, which only a panic does.
            Err(RecvTimeoutError::Disconnected) => return Err(LogbookError::Io),
        }
        Ok(Stage::Going(self.last.0, self.last.1))
    }
}

impl<T> Drop for Aside<T> {
    fn drop(&mut self) {
        self.news = None;
        if let Some(interrupt) = &self.interrupt {
            interrupt.interrupt();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_watched_and_stopped() {
        let mut aside = Aside::begin(None, |tell| {
            tell.progress(1, 2)?;
            Ok(7)
        })
        .unwrap();
        let mut seen = Vec::new();
        let outcome = loop {
            match aside.step().unwrap() {
                Stage::Going(done, total) => seen.push((done, total)),
                Stage::Over(outcome) => break outcome,
            }
        };
        assert_eq!(outcome, 7);
        assert!(seen.contains(&(1, 2)));
        let endless: Aside<()> = Aside::begin(None, |tell| {
            loop {
                tell.progress(0, 0)?;
            }
        })
        .unwrap();
        drop(endless);
    }
}
