//! Bringing in records from a file, some of which may be here already.

use super::history::changes;
use super::path::join;
use super::rows;
use super::write::{Created, NewRecord, Patch, Tx};
use super::{Fields, Record};
use crate::error::Result;

/// What happens to a record that is here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WhenKnown {
    /// One that differs is edited.
    pub(crate) update: bool,
    /// One that was deleted comes back.
    pub(crate) restore: bool,
}

/// What became of a record that was brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BroughtIn {
    /// It is written.
    New,
    /// It is here already, just so.
    Same,
    /// It is here and differs; it was left alone.
    Differs,
    /// It was here and differed, and was edited.
    Updated,
    /// It is deleted here; it was left so.
    Deleted,
    /// It was deleted here and is back.
    Restored,
    /// It was erased or purged here; it does not come back.
    Gone,
}

impl Tx<'_> {
    /// Writes a new record; of one that is here already, what is asked for.
    pub(crate) fn bring_in(&mut self, new: NewRecord, known: WhenKnown) -> Result<BroughtIn> {
        let Some((_, record)) = rows::load_row(self.conn(), new.id)? else {
            return Ok(match self.create(new)? {
                Created::New => BroughtIn::New,
                Created::Known => BroughtIn::Same,
                Created::Gone => BroughtIn::Gone,
            });
        };
        if !record.alive {
            if !known.restore {
                return Ok(BroughtIn::Deleted);
            }
            self.restore(new.id)?;
        }
        let updated = known.update && record.kind == new.kind && {
            self.edit(new.id, said_by(&new.fields), None)?.change.is_some()
        };
        Ok(if !record.alive {
            BroughtIn::Restored
        } else if updated {
            BroughtIn::Updated
        } else if differs(&record, &new) {
            BroughtIn::Differs
        } else {
            BroughtIn::Same
        })
    }
}

/// The edit after which a record says what a line says. A line that does not name a field says nothing of
/// it: what was written there stays.
fn said_by(wanted: &Fields) -> Patch {
    wanted.iter().map(|(name, value)| (join("", name), Some(value.clone()))).collect()
}

/// Whether a record says something else than a line does, of what the line speaks of; the order of a set is
/// nothing.
fn differs(record: &Record, new: &NewRecord) -> bool {
    if record.kind != new.kind || record.at != new.at {
        return true;
    }
    let mut wanted = record.clone();
    wanted.fields.extend(new.fields.clone());
    !changes(record, &wanted).is_empty()
}
