//! Standard output and error. Text from records is stripped of what a terminal would obey.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// The one writer of standard output.
pub struct Out(io::BufWriter<io::StdoutLock<'static>>);

impl Out {
    /// Locks standard output.
    pub fn new() -> Self {
        Self(io::BufWriter::new(io::stdout().lock()))
    }

    /// One line; flushed at once where somebody may be waiting for it.
    pub fn line(&mut self, line: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.0, "{line}").map_err(|error| stopped(&error))
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write_all(bytes).map_err(|error| stopped(&error))
    }

    /// Hands on what is held back.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().map_err(|error| stopped(&error))
    }
}

/// Standard output for a job of the core, which takes a writer and tells of a failed one only that it
/// failed; this one remembers whether its reader had gone.
pub struct Pipe {
    reader_gone: Arc<AtomicBool>,
}

impl Pipe {
    /// The writer, and what tells afterwards.
    pub fn new() -> (Self, Arc<AtomicBool>) {
        let reader_gone = Arc::new(AtomicBool::new(false));
        (Self { reader_gone: Arc::clone(&reader_gone) }, reader_gone)
    }

    fn note<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if done.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            self.reader_gone.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.note(io::stdout().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.note(io::stdout().lock().flush())
    }
}

fn stopped(error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::BrokenPipe { Failure::Pipe } else { Failure::Output }
}

/// One line on standard error.
pub fn note(line: &str) {
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{}", plain(line));
}

/// The same for what has to be seen before anything else happens.
pub fn show(line: &str) -> Result<(), Failure> {
    let mut out = io::stderr().lock();
    let shown = writeln!(out, "{}", plain(line)).and_then(|()| out.flush());
    shown.map_err(|_| Failure::Output)
}

/// Whether standard output is a terminal.
pub fn to_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Text without control characters and without marks that turn the direction of writing around:
/// a record cannot move the cursor, ring the bell, or show one thing and hold another.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' | '\u{9b}' => skip_sequence(c, &mut rest),
            '\n' | '\t' => out.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Takes the rest of an escape sequence away; what remains of an odd one is harmless text.
fn skip_sequence(first: char, rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    let kind = if first == '\u{9b}' { Some('[') } else { ahead.next() };
    match kind {
        Some('[') => {
            let known = |c: char| ('\u{20}'..='\u{3f}').contains(&c);
            if ahead.find(|c| !known(*c)).is_some_and(|c| ('\u{40}'..='\u{7e}').contains(&c)) {
                *rest = ahead;
            }
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            // Such a string ends at a bell or at ESC backslash; without an end it is only text.
            let mut before = ' ';
            let ended = ahead.any(|c| {
                let end = c == '\u{7}' || (before == '\u{1b}' && c == '\\');
                before = c;
                end
            });
            if ended {
                *rest = ahead;
            }
        }
        Some(_) => *rest = ahead,
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_cannot_speak_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mred\u{1b}[0m b"), "ared b");
        assert_eq!(plain("\u{1b}]0;title\u{7}x\u{1b}]8;;u\u{1b}\\y"), "xy");
        assert_eq!(plain("a\u{9b}2Jb\rc\u{8}d\u{7f}"), "abcd");
        assert_eq!(plain("one\ntwo\tthree"), "one two three");
        assert_eq!(plain("7\u{202e}1 µGy·m²"), "71 µGy·m²");
        assert_eq!(plain("open \u{1b}]never closed"), "open ]never closed");
    }

    proptest::proptest! {
        #[test]
        fn no_control_character_ever_passes(text: String) {
            proptest::prop_assert!(!plain(&text).chars().any(char::is_control));
        }
    }
}
