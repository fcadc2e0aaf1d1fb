//! Runs programs: output is shown as it comes, logged, and kept for the summary.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether its exit code was zero.
    pub ok: bool,
    /// What it printed, both streams in order of arrival.
    pub lines: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
    /// It did not end within its limit, and was killed with all that it had started.
    pub timed_out: bool,
}

/// Longer than any program takes that works: one that hangs must not use up the time of all the others.
pub const LONGEST: Duration = Duration::from_mins(30);

/// What happens to a program's output besides being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Shown line by line.
    Live,
    /// Only in the log.
    LogOnly,
}

struct Sink {
    log: File,
    show: Show,
    lines: Vec<String>,
}

/// Runs `command` without standard input, for [`LONGEST`] at most; its output also goes to `log`.
pub fn run(command: &mut Command, log: &Path, show: Show) -> io::Result<Outcome> {
    run_within(LONGEST, command, log, show)
}

/// The same with another limit.
pub fn run_within(
    limit: Duration,
    command: &mut Command,
    log: &Path,
    show: Show,
) -> io::Result<Outcome> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let sink = Arc::new(Mutex::new(Sink { log: File::create(log)?, show, lines: Vec::new() }));
    let start = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (closed, all_closed) = channel();
    if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
        pump(out, Arc::clone(&sink), closed.clone());
        pump(err, Arc::clone(&sink), closed);
    }
    let mut timed_out = false;
    // Both streams are closed when the program has ended, and whatever it started.
    for _ in 0..2 {
        timed_out =
            timed_out || all_closed.recv_timeout(limit.saturating_sub(start.elapsed())).is_err();
    }
    if timed_out {
        kill_with_children(child.id());
        child.kill()?;
    }
    let status = child.wait()?;
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = std::mem::take(&mut sink.lines);
    Ok(Outcome { ok: status.success() && !timed_out, lines, elapsed: start.elapsed(), timed_out })
}

fn pump(stream: impl Read + Send + 'static, sink: Arc<Mutex<Sink>>, closed: Sender<()>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            bytes.clear();
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk or a closed terminal must not hide how the program ends.
            let _ = writeln!(sink.log, "{line}");
            if sink.show == Show::Live {
                let _ = writeln!(io::stdout(), "{line}");
            }
            sink.lines.push(line);
        }
        // Nobody listens any more after the limit.
        let _ = closed.send(());
    });
}

/// Kills what a process has started, the youngest first, where `ps` and `kill` are at hand.
fn kill_with_children(parent: u32) {
    let listed = ask("ps", &["-A", "-o", "pid=,ppid="]).unwrap_or_default();
    let pairs: Vec<(u32, u32)> = listed
        .lines()
        .filter_map(|line| {
            let (id, of) = line.trim().split_once(' ')?;
            Some((id.parse().ok()?, of.trim().parse().ok()?))
        })
        .collect();
    let mut family = vec![parent];
    let mut next = 0;
    while let Some(&of) = family.get(next) {
        family.extend(pairs.iter().filter(|pair| pair.1 == of).map(|pair| pair.0));
        next += 1;
    }
    for child in family.iter().skip(1).rev() {
        let _ = ask("kill", &["-9", &child.to_string()]);
    }
}

/// The trimmed standard output of a program that is quick and ends well.
pub fn ask(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The Cargo that runs us, without what it says of the package that runs: build scripts that look at
/// that (ring's does) would be run anew by every other caller, and everything that stands on them.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let ours = ["CARGO_MANIFEST_", "CARGO_PKG_"];
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| ours.iter().any(|ours| name.starts_with(ours))) {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn shell(script: &str) -> Outcome {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let name = (std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let log = std::env::temp_dir().join(format!("xtask-process-{}-{}.log", name.0, name.1));
        let outcome = run(Command::new("sh").args(["-c", script]), &log, Show::LogOnly).unwrap();
        let logged = fs::read_to_string(&log).unwrap();
        assert_eq!(logged.lines().collect::<Vec<_>>(), outcome.lines);
        fs::remove_file(log).unwrap();
        outcome
    }

    #[test]
    fn both_streams_and_the_exit_code_are_kept() {
        let outcome = shell("echo one; sleep 0.1; echo two >&2; exit 3");
        assert!(!outcome.ok);
        assert_eq!(outcome.lines, ["one", "two"]);
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_what_it_started_and_the_rest_is_kept() {
        let log = std::env::temp_dir().join(format!("xtask-hangs-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo started; sleep 1000 & echo $!; wait"]);
        let limit = Duration::from_secs(2);
        let outcome = run_within(limit, &mut command, &log, Show::LogOnly).unwrap();
        fs::remove_file(log).unwrap();
        assert!(outcome.timed_out && !outcome.ok);
        assert!(outcome.elapsed >= limit && outcome.elapsed < Duration::from_mins(1));
        assert_eq!(outcome.lines.first().map(String::as_str), Some("started"));
        // Gone, or waiting to be collected by whoever inherits it.
        let state = ask("ps", &["-o", "state=", "-p", &outcome.lines[1]]);
        assert!(state.as_deref().is_none_or(|state| state.is_empty() || state == "Z"), "{state:?}");
    }

    #[test]
    fn a_program_never_waits_for_input() {
        assert!(shell("cat").ok);
    }

    #[test]
    fn ask_answers_only_where_the_program_ends_well() {
        assert_eq!(ask("sh", &["-c", "echo yes"]).as_deref(), Some("yes"));
        assert_eq!(ask("sh", &["-c", "echo no; false"]), None);
        assert_eq!(ask("no-such-program-of-ours", &[]), None);
    }
}
