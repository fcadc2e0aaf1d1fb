//! What a record says, as a hash that is equal on every device that has taken in the same.
//!
//! Only what can be compared is counted: deleted records are purged on each device in its own time, so
//! they are left out. The sums follow the local sequence: they are brought up to date before they are
//! compared, which costs a save nothing.

mod rows;

use super::budget;
use super::dots::Dot;
use super::merge::State;
use super::rows as record_rows;
use super::rows::{Entry, entries};
use super::take_in::traveling;
use super::travel::Traveling;
use crate::error::Result;
use crate::ids::RecordId;
use crate::record::sums::{Digest, Sums};
use crate::store::Connection;
use crate::time::Stamp;

/// So many entries are summed up in one go.
const STEP: u32 = 1_000;

/// Brings the sums up to date, within a transaction; `None` where there is more to do: whoever waits to
/// write comes first.
pub(crate) fn sum_up(conn: &Connection) -> Result<Option<(u64, Sums)>> {
    let (mut summed, mut sums) = rows::sums(conn)?;
    let before = summed;
    let head = record_rows::newest(conn)?.0;
    let step = entries(conn, summed, STEP)?;
    let (mut weight, mut is_whole) = (0, step.len() < STEP as usize);
    for (at, Entry { lseq, what }) in (1..).zip(&step) {
        summed = *lseq;
        let traveling = traveling(conn, what)?;
        // What a user has written here may be more than that, and is one step.
        weight += budget::weigh(&traveling, 0).unwrap_or(budget::PIECE);
        let (id, digest) = match traveling {
            Traveling::Record(whole) => {
                let beside = whole.siblings.iter().filter_map(|sibling| sibling.dot.value.as_ref());
                weight += whole.record.fields.values().chain(beside).map(bytes_of).sum::<usize>();
                let digest = whole.record.alive.then(|| digest(&State::of(&whole)));
                (whole.record.id, digest)
            }
            Traveling::Gone(gone) => (gone.id, None),
        };
        replace(conn, &mut sums, id, digest)?;
        if weight >= budget::PIECE {
            is_whole &= at == step.len();
            break;
        }
    }
    let summed = if is_whole { head } else { summed };
    if before != summed {
        rows::keep_sums(conn, summed, &sums)?;
    }
    Ok(is_whole.then_some((head, sums)))
}

/// Bytes of text in a value, roughly.
fn bytes_of(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(list) => list.iter().map(bytes_of).sum(),
        serde_json::Value::Object(object) => object.values().map(bytes_of).sum(),
        _ => 8,
    }
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
                    let digest = whole.record.alive.then(|| digest(&State::of(&whole)));
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

/// Equal for states that are equal.
pub(super) fn digest(state: &State) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("seldinger 2026 record digest");
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    part(&state.id.bytes());
    part(state.kind.as_bytes());
    part(&state.at.utc.0.to_be_bytes());
    part(&state.at.offset_min.unwrap_or(i16::MIN).to_be_bytes());
    part(&state.base.bytes());
    for (device, hlc) in &state.seen {
        part(&Stamp { hlc: *hlc, device: *device }.bytes());
    }
    for (path, dots) in &state.dots {
        part(path.as_bytes());
        for (stamp, Dot { value, author }) in dots.iter() {
            part(&stamp.bytes());
            part(value.as_ref().map(ToString::to_string).unwrap_or_default().as_bytes());
            let author = (*author != stamp).then(|| author.bytes());
            part(author.as_ref().map_or(&[], |author| author.as_slice()));
        }
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Digest(digest)
}
