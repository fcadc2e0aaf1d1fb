//! Text that comes from outside: UTF-8, or refused by the line. A letter that cannot be read is never
//! replaced by another one: what is saved is what was written.

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use seldinger_core::content::Wording;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::say;
use crate::vault::is_interactive;

const STANDARD_INPUT: &str = "standard input";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Hands on each line of standard input, without its end.
///
/// # Errors
/// `NotText` at the first line that is not UTF-8; those before it were handed on, which the caller says
/// where it matters.
pub fn for_each_line(mut take: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut number = 0;
    for_each_line_as_it_is(|line| {
        number += 1;
        let text = std::str::from_utf8(line);
        let text = text.map_err(|_| not_text(STANDARD_INPUT, number))?;
        let text = if number == 1 { without_mark(text) } else { text };
        take(text.trim_end_matches(['\n', '\r']))
    })
}

/// Hands on each line of standard input in whatever bytes it is written, for whoever answers each.
pub fn for_each_line_as_it_is(
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut input = std::io::stdin().lock();
    let mut line = Zeroizing::new(Vec::new());
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line).map_err(|_| unreadable(STANDARD_INPUT))?;
        if read == 0 {
            return Ok(());
        }
        take(&line)?;
    }
}

/// The first line of standard input, without its end; empty where there is none.
pub fn first_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(Vec::new());
    let mut input = std::io::stdin().lock();
    input.read_until(b'\n', &mut line).map_err(|_| unreadable(STANDARD_INPUT))?;
    let text = std::str::from_utf8(&line).map_err(|_| not_text(STANDARD_INPUT, 1))?;
    Ok(Zeroizing::new(without_mark(text).trim_end_matches(['\n', '\r']).to_owned()))
}

/// What somebody at a terminal answers to a question; `None` where nobody can be asked.
///
/// # Errors
/// `NotText`: an answer that cannot be read is none.
pub fn answer(question: &Wording) -> Result<Option<Zeroizing<String>>, Failure> {
    if !is_interactive() {
        return Ok(None);
    }
    say::note(&question.line());
    first_line().map(Some)
}

/// A whole file, or standard input where it is called `-`.
pub fn whole(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let is_dash = file.as_os_str() == "-";
    let name = if is_dash { STANDARD_INPUT.to_owned() } else { file.display().to_string() };
    let read = if is_dash {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::unreadable(Path::new(&name), &error))?;
    text_of(&bytes, &name).map(str::to_owned)
}

/// What was read from `name` as text.
fn text_of<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        not_text(name, before.split(|byte| *byte == b'\n').count() as u64)
    });
    text.map(without_mark)
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

fn not_text(name: &str, line: u64) -> Failure {
    Failure::NotText { from: name.to_owned(), line, saved_before: false }
}

fn unreadable(name: &str) -> Failure {
    Failure::CannotRead(PathBuf::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_is_no_text_is_named() {
        let line = |bytes: &[u8]| match text_of(bytes, "x") {
            Ok(_) => 0,
            Err(Failure::NotText { line, .. }) => line,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(line("PICC re. Arm, Aufklärung\n".as_bytes()), 0);
        assert_eq!(line(b"\xef\xbb\xbfPICC"), 0);
        assert_eq!(line(b"PICC, Aufkl\xe4rung"), 1);
        assert_eq!(line(b"PICC\r\n\nport \xc3"), 3);
        assert_eq!(line(b"\xff\xfeP\0I\0C\0C\0"), 1, "UTF-16");
        assert_eq!(line(b"one\xed\xa0\x80"), 1, "half of a pair of UTF-16");
    }

    #[test]
    fn a_byte_order_mark_is_no_letter() {
        assert_eq!(text_of(b"\xef\xbb\xbfPICC", "x").unwrap(), "PICC");
    }
}
