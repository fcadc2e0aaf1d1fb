//! What a record says, as a hash that is equal on every device that has taken in the same.
//!
//! Only what can be compared is counted: deleted records are purged on each device in its own time, so
//! they are left out. The sums follow the local sequence: they are brought up to date before they are
//! compared, which costs a save nothing.

mod rows;

use std::collections::BTreeMap;

use serde_json::Value;

use super::dots::Dot;
use super::merge::{State, Whole};
use super::meta::ALIVE;
use super::path::{each_path, truth};
use super::rows::{Entry, entries};
use super::take_in::traveling;
use super::travel::{Seen, Traveling};
use super::write::type_of;
use super::{Record, rows as record_rows, text};
use crate::error::Result;
use crate::ids::RecordId;
use crate::record::sums::{Digest, Sums};
use crate::store::Connection;
use crate::time::{Moment, Stamp};

/// So many entries are summed up in one go.
const STEP: u32 = 1_000;

/// Brings the sums up to date; within a transaction.
pub(crate) fn sum_up(conn: &Connection) -> Result<(u64, Sums)> {
    let (mut summed, mut sums) = rows::sums(conn)?;
    let before = summed;
    let head = record_rows::newest(conn)?.0;
    loop {
        let step = entries(conn, summed, STEP)?;
        for Entry { lseq, what } in &step {
            summed = *lseq;
            let (id, digest) = match traveling(conn, what)? {
                Traveling::Record(whole) => {
                    let digest = whole.record.alive.then(|| digest(&whole));
                    (whole.record.id, digest)
                }
                Traveling::Gone(gone) => (gone.id, None),
            };
            replace(conn, &mut sums, id, digest)?;
        }
        if step.len() < STEP as usize {
            break;
        }
    }
    if before != head {
        rows::keep_sums(conn, head, &sums)?;
    }
    Ok((head, sums))
}

/// The sums without the records of `left_out`.
pub(crate) fn without(conn: &Connection, sums: &mut Sums, left_out: &[RecordId]) -> Result<()> {
    for id in left_out {
        if let Some(digest) = rows::digest(conn, *id)? {
            sums.remove(*id, digest);
        }
    }
    Ok(())
}

/// Counts the sums anew, in steps, on a connection that sees the book at one moment.
pub(crate) struct Recount {
    /// The local sequence up to which records are in the sums, and that of the last one read.
    summed: u64,
    after: u64,
    sums: Sums,
    agrees: bool,
}

impl Recount {
    /// `None` where nothing was summed up yet.
    pub(crate) fn begin(conn: &Connection) -> Result<Option<Self>> {
        let begun = |(summed, known): (u64, Option<Sums>)| Self {
            summed,
            after: 0,
            sums: Sums::default(),
            agrees: known.is_some(),
        };
        Ok(rows::kept(conn)?.map(begun))
    }

    /// The next records; whether they were the last.
    pub(crate) fn step(&mut self, conn: &Connection) -> Result<bool> {
        let step = entries(conn, self.after, STEP)?;
        for Entry { lseq, what } in &step {
            self.after = *lseq;
            let (id, counted) = match traveling(conn, what)? {
                Traveling::Record(whole) => {
                    let digest = whole.record.alive.then(|| digest(&whole));
                    (whole.record.id, digest)
                }
                Traveling::Gone(gone) => (gone.id, None),
            };
            let known = rows::digest(conn, id)?;
            // What was written since is in the sums as it was then.
            self.agrees &= *lseq > self.summed || known == counted;
            if let Some(known) = known {
                self.sums.add(id, known);
            }
        }
        Ok(step.len() < STEP as usize)
    }

    /// Whether the sums are what they should be.
    pub(crate) fn agrees(&self, conn: &Connection) -> Result<bool> {
        let known = rows::kept(conn)?.and_then(|(_, known)| known);
        Ok(self.agrees && known.as_ref() == Some(&self.sums))
    }
}

/// Forgets the sums: the next exchange makes them anew.
pub(crate) fn forget(conn: &Connection) -> Result<()> {
    rows::forget(conn)
}

fn replace(conn: &Connection, sums: &mut Sums, id: RecordId, digest: Option<Digest>) -> Result<()> {
    let known = rows::digest(conn, id)?;
    if known == digest {
        return Ok(());
    }
    if let Some(known) = known {
        sums.remove(id, known);
    }
    if let Some(digest) = digest {
        sums.add(id, digest);
    }
    rows::put(conn, id, digest)
}

/// Equal for records that say the same; documents count by what they say and know, for their bytes may
/// differ.
pub(super) fn digest(whole: &Whole) -> Digest {
    if whole.has_beside() {
        return of_state(&State::of(whole));
    }
    let Record { id, kind, at, fields, alive, meta, .. } = &whole.record;
    let mut said = Said::begin(*id, kind, *at, meta.base, &meta.seen());
    let types = type_of(kind, meta);
    let mut values: BTreeMap<String, Option<&Value>> =
        meta.exceptions.keys().map(|path| (path.clone(), None)).collect();
    each_path(fields, &types, &mut |path, value| {
        values.insert(path, Some(value));
    });
    values.insert(ALIVE.to_owned(), Some(truth(*alive)));
    for (path, value) in values {
        said.part(path.as_bytes());
        said.part(&meta.stamp(&path).bytes());
        said.value(value);
    }
    said.digest()
}

pub(super) fn of_state(state: &State) -> Digest {
    let mut said = Said::begin(state.id, &state.kind, state.at, state.base, &state.seen);
    for (path, dots) in &state.dots {
        said.part(path.as_bytes());
        for (stamp, Dot { value, document }) in dots.iter() {
            said.part(&stamp.bytes());
            said.value(value.as_ref());
            if let Some(document) = document {
                said.part(&document.last.bytes());
                for (client, clock) in text::known(&document.bytes) {
                    said.part(&client.to_be_bytes());
                    said.part(&clock.to_be_bytes());
                }
            }
        }
    }
    said.digest()
}

/// What is hashed: parts, each after its length.
struct Said(Vec<u8>);

impl Said {
    fn begin(id: RecordId, kind: &str, at: Moment, base: Stamp, seen: &Seen) -> Self {
        let mut said = Self(Vec::with_capacity(2048));
        said.part(&id.bytes());
        said.part(kind.as_bytes());
        said.part(&at.utc.0.to_be_bytes());
        said.part(&at.offset_min.unwrap_or(i16::MIN).to_be_bytes());
        said.part(&base.bytes());
        for (device, hlc) in seen {
            said.part(&Stamp { hlc: *hlc, device: *device }.bytes());
        }
        said
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
    }

    /// A value as compact JSON; nothing for one that was taken away.
    fn value(&mut self, value: Option<&Value>) {
        let length = self.0.len();
        self.0.extend([0; 8]);
        // Writing JSON into memory cannot fail.
        let wrote = value.map_or(Ok(()), |value| serde_json::to_writer(&mut self.0, value));
        debug_assert!(wrote.is_ok());
        let written = (self.0.len() - length - 8) as u64;
        self.0[length..length + 8].copy_from_slice(&written.to_be_bytes());
    }

    fn digest(self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("seldinger 2026 record digest");
        hasher.update(&self.0);
        let mut digest = [0; 16];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Digest(digest)
    }
}
