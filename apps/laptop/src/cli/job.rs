//! Long work on the command line: a bar while it runs, and Ctrl-C to stop it cleanly.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seldinger_core::error::LogbookError;
use seldinger_core::job::{Job, JobProgress};

use crate::failure::Failure;

/// The exit code of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

type Stop = Box<dyn Fn() + Send>;

/// What Ctrl-C stops; without anything it ends the program.
fn running() -> &'static Mutex<Option<Stop>> {
    static RUNNING: OnceLock<Mutex<Option<Stop>>> = OnceLock::new();
    RUNNING.get_or_init(|| {
        // Without the handler Ctrl-C ends the program, and the job leaves nothing half-done either.
        let _ = std::thread::Builder::new().name("interrupt".to_owned()).spawn(wait_for_interrupt);
        Mutex::default()
    })
}

fn wait_for_interrupt() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
        // The first one stops the job; one more, while a long step runs, ends the program.
        match running().lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(stop) => stop(),
            None => std::process::exit(INTERRUPTED),
        }
    }
}

fn set_running(stop: Option<Stop>) {
    *running().lock().unwrap_or_else(PoisonError::into_inner) = stop;
}

/// What the next Ctrl-C does instead of ending the program.
pub fn on_interrupt(stop: impl Fn() + Send + 'static) {
    set_running(Some(Box::new(stop)));
}

/// Runs a job to its end with a bar on standard error, where that is a terminal.
pub fn run<T, E>(job: Job<T, E>, doing: &'static str) -> Result<T, Failure>
where
    T: Send + 'static,
    E: From<LogbookError> + 'static,
    Failure: From<E>,
{
    let job = Arc::new(job);
    let to_stop = Arc::clone(&job);
    set_running(Some(Box::new(move || to_stop.cancel())));
    let bar = bar(doing);
    let outcome = job.run(|progress| show(&bar, progress));
    bar.finish_and_clear();
    set_running(None);
    Ok(outcome?)
}

/// Standard error, where somebody watches it.
pub fn to_stderr() -> ProgressDrawTarget {
    if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    }
}

/// A bar on standard error, where that is a terminal.
pub fn bar(doing: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, to_stderr()).with_message(doing);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} % {eta}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: JobProgress) {
    if progress.total > 0 {
        bar.set_length(progress.total);
    }
    bar.set_position(progress.done);
}
