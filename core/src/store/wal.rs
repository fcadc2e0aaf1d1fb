//! Reads the write-ahead log's own checksums before SQLite does.
//!
//! SQLite silently ignores everything after the first frame that does not add up: right after a
//! crash, wrong when a bit has flipped. The two look alike only in the last transaction: each commit
//! is on disk before the next one begins, so a whole transaction *after* the broken one means that
//! saved work is being cut off.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use crate::error::{LogbookError, Result};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Whether committed work in the log would be ignored.
pub(crate) fn cuts_off_saved_work(path: &Path) -> Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(LogbookError::reading(&error)),
    };
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER];
    if !fill(&mut input, &mut header)? {
        return Ok(false);
    }
    let mut log = Log::new(&header);
    let mut frame = vec![0; FRAME_HEADER + log.page_bytes];
    while fill(&mut input, &mut frame)? {
        log.read(&frame);
    }
    Ok(log.commits_after_break >= 2 || (log.commits_after_break == 1 && log.frames_after_commit))
}

struct Log {
    page_bytes: usize,
    big_endian: bool,
    /// Salts that a frame of the current log carries; learned from the frames where the header is broken.
    salt: Option<[u8; 8]>,
    sum: (u32, u32),
    broken: bool,
    commits_after_break: u32,
    frames_after_commit: bool,
}

impl Log {
    fn new(header: &[u8; HEADER]) -> Self {
        let magic = word(header, 0);
        let big_endian = magic & 1 == 1;
        let page_bytes = word(header, 8) as usize;
        let sum = checksum((0, 0), &header[..24], big_endian);
        let whole = magic & !1 == 0x377f_0682 && sum == (word(header, 24), word(header, 28));
        Self {
            page_bytes: if whole { page_bytes } else { super::PAGE_BYTES },
            big_endian,
            salt: if whole { Some(salt(header, 16)) } else { None },
            sum,
            broken: !whole,
            commits_after_break: 0,
            frames_after_commit: false,
        }
    }

    fn read(&mut self, frame: &[u8]) {
        let salt = salt(frame, 8);
        if *self.salt.get_or_insert(salt) != salt {
            // A stale tail from before the log was restarted, or the flip itself.
            self.broken = true;
            return;
        }
        if !self.broken {
            let sum = checksum(self.sum, &frame[..8], self.big_endian);
            self.sum = checksum(sum, &frame[FRAME_HEADER..], self.big_endian);
            self.broken = self.sum != (word(frame, 16), word(frame, 20));
        }
        if self.broken {
            self.frames_after_commit = self.commits_after_break > 0;
            if word(frame, 4) != 0 {
                self.commits_after_break += 1;
            }
        }
    }
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<bool> {
    match input.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn salt(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut salt = [0; 8];
    salt.copy_from_slice(&bytes[at..at + 8]);
    salt
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// SQLite's running checksum over pairs of 32-bit words.
fn checksum(mut sum: (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        let read = |at| {
            let four = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
            if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
        };
        sum.0 = sum.0.wrapping_add(read(0)).wrapping_add(sum.1);
        sum.1 = sum.1.wrapping_add(read(4)).wrapping_add(sum.0);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn a_flip_before_the_last_commit_is_seen_and_a_torn_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("book.db");
        let conn = Connection::open(&db).unwrap();
        conn.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x)",
        )
        .unwrap();
        for n in 0..5 {
            conn.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
        }
        let wal = folder.path().join("book.db-wal");
        let whole = std::fs::read(&wal).unwrap();
        let copy = folder.path().join("copy");
        let judged = |bytes: &[u8]| {
            std::fs::write(&copy, bytes).unwrap();
            cuts_off_saved_work(&copy).unwrap()
        };
        assert!(!judged(&whole));
        assert!(!judged(&whole[..whole.len() - 100]), "a torn last frame is an ordinary crash");
        let flip = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            judged(&bytes)
        };
        assert!(flip(HEADER + FRAME_HEADER + 10), "in the first page");
        assert!(flip(HEADER + 8), "in the first salt");
        assert!(flip(5), "in the header");
        assert!(!flip(whole.len() - 10), "in the last transaction");
        assert!(!cuts_off_saved_work(&folder.path().join("none")).unwrap());
    }
}
