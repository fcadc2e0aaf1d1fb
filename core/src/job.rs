//! Long work in steps: import, export, backup, verify, restore, tally. Each step takes some
//! milliseconds, so that a shell can show how far it is, and stop it, between any two.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::LogbookError;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct JobProgress {
    /// Units done: lines, pages or records.
    pub done: u64,
    /// Units in all; 0 while that is not known.
    pub total: u64,
    /// Nothing is left to do.
    pub finished: bool,
}

/// A kind of long work. Dropping it before its end leaves nothing half-done: nothing at all, or whole
/// pieces that `stopped` tells of.
pub trait Work<E = LogbookError>: Send {
    /// What it ends with.
    type Output: Send;

    /// Does the next piece.
    fn step(&mut self) -> Result<JobProgress, E>;

    /// What to say where it ends before its end, by an error or by the user: work that had written
    /// something by then says how much. Everything else leaves nothing behind.
    fn stopped(&self, error: E) -> E {
        error
    }

    /// The outcome, once a step has said `finished`. Nobody hears from `stopped` what was written by then,
    /// so what may fail after something was written belongs in the last step.
    fn finish(self: Box<Self>) -> Result<Self::Output, E>;
}

/// One piece of long work. `step` until finished, then `take` the outcome.
pub struct Job<T, E = LogbookError> {
    work: Mutex<State<T, E>>,
    cancelled: AtomicBool,
}

enum State<T, E> {
    Working(Box<dyn Work<E, Output = T>>),
    Finished(T),
    Over,
}

impl<T: Send, E: From<LogbookError>> Job<T, E> {
    /// A job that has not begun.
    pub fn new(work: impl Work<E, Output = T> + 'static) -> Self {
        Self { work: Mutex::new(State::Working(Box::new(work))), cancelled: AtomicBool::new(false) }
    }

    /// Does the next piece. After an error or a cancellation the job is over: its error says what was
    /// written by then, if anything was.
    pub fn step(&self) -> Result<JobProgress, E> {
        let mut state = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Over) {
            State::Working(work) if self.cancelled.load(Ordering::Relaxed) => {
                Err(work.stopped(LogbookError::Cancelled.into()))
            }
            State::Working(mut work) => {
                let progress = work.step().map_err(|error| work.stopped(error))?;
                *state = if progress.finished {
                    State::Finished(work.finish()?)
                } else {
                    State::Working(work)
                };
                Ok(progress)
            }
            State::Finished(outcome) => {
                *state = State::Finished(outcome);
                Ok(JobProgress { finished: true, ..JobProgress::default() })
            }
            State::Over => Err(LogbookError::Cancelled.into()),
        }
    }

    /// Stops before the next step; callable from any thread.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// The outcome, once.
    pub fn take(&self) -> Option<T> {
        let mut state = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Over) {
            State::Finished(outcome) => Some(outcome),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Runs to the end, telling `watch` after each step.
    pub fn run(&self, mut watch: impl FnMut(JobProgress)) -> Result<T, E> {
        loop {
            let progress = self.step()?;
            watch(progress);
            if progress.finished {
                return self.take().ok_or_else(|| LogbookError::Cancelled.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;

    struct Count(u64);

    impl Work for Count {
        type Output = u64;

        fn step(&mut self) -> Result<JobProgress> {
            self.0 += 1;
            Ok(JobProgress { done: self.0, total: 3, finished: self.0 == 3 })
        }

        fn finish(self: Box<Self>) -> Result<u64> {
            Ok(self.0)
        }
    }

    #[test]
    fn runs_to_its_outcome() {
        let mut seen = Vec::new();
        assert_eq!(Job::new(Count(0)).run(|progress| seen.push(progress.done)), Ok(3));
        assert_eq!(seen, [1, 2, 3]);
    }

    #[test]
    fn a_cancelled_job_does_no_more() {
        let job = Job::new(Count(0));
        job.step().unwrap();
        job.cancel();
        assert_eq!(job.step(), Err(LogbookError::Cancelled));
        assert_eq!(job.step(), Err(LogbookError::Cancelled));
        assert_eq!(job.take(), None);
    }
}
