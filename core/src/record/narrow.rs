//! Joining only what differs: where both sides have a path under the same stamp, it is the same write.
//!
//! Two devices that edit the same case mostly write one or two plain fields of it. Everything else is left
//! out of the join and put back afterwards; where fields lie within others the whole record is joined.

use std::collections::{BTreeMap, BTreeSet};

use super::Record;
use super::merge::{State, Whole};
use super::meta::ALIVE;
use super::path::Fields;
use crate::time::Stamp;

/// Our side of a join.
pub(super) struct Rest {
    /// What is joined, as it was.
    pub(super) was: Record,
    /// What is not.
    fields: Fields,
    exceptions: Stamps,
    authors: Stamps,
}

impl Rest {
    /// Puts what was not joined back into what came of the join.
    pub(super) fn put_back(&mut self, after: &mut Record) {
        let seen = after.meta.seen();
        // The few are put into the many.
        let joined = std::mem::replace(&mut after.fields, std::mem::take(&mut self.fields));
        after.fields.extend(joined);
        after.meta.exceptions.append(&mut self.exceptions);
        after.meta.authors.append(&mut self.authors);
        after.meta.note_seen(&seen);
    }
}

/// Takes two sides of a record apart, as far as they have to be joined. Who has taken in the same and says
/// something else all the same is not `sane`: then nothing is left out.
pub(super) fn apart(mut ours: Whole, mut theirs: Whole, sane: bool) -> (State, State, Rest) {
    let paths = if sane { differing(&ours, &theirs) } else { None };
    let (fields, exceptions, authors) = match paths {
        Some(paths) => {
            narrow(&mut theirs.record, &paths);
            narrow(&mut ours.record, &paths)
        }
        None => Default::default(),
    };
    let states = (State::of(&ours), State::of(&theirs));
    (states.0, states.1, Rest { was: ours.record, fields, exceptions, authors })
}

/// The paths that the two have under different stamps, or something beside; `None` where they cannot be
/// told from the rest.
fn differing(ours: &Whole, theirs: &Whole) -> Option<BTreeSet<String>> {
    let (one, other) = (&ours.record, &theirs.record);
    let is_alike = one.meta.base == other.meta.base
        && one.meta.types == other.meta.types
        && (&one.kind, one.at) == (&other.kind, other.at);
    if !is_alike {
        return None;
    }
    let written = one.meta.exceptions.keys().chain(other.meta.exceptions.keys());
    let written = written.filter(|path| one.meta.stamp(path) != other.meta.stamp(path));
    let beside = ours.siblings.iter().chain(&theirs.siblings).map(|sibling| &sibling.path);
    let paths: BTreeSet<String> = written.chain(beside).cloned().collect();
    let holds_one_value = |path: &str, fields: &Fields| {
        fields.get(path).is_none_or(|value| !value.is_object() && !value.is_array())
    };
    let is_plain = |path: &str| {
        // A name without these is its own path.
        !path.contains(['.', '\\'])
            && holds_one_value(path, &one.fields)
            && holds_one_value(path, &other.fields)
    };
    paths.iter().all(|path| path == ALIVE || is_plain(path)).then_some(paths)
}

type Stamps = BTreeMap<String, Stamp>;

/// Leaves only these paths in a record; gives the others.
fn narrow(record: &mut Record, paths: &BTreeSet<String>) -> (Fields, Stamps, Stamps) {
    let seen = record.meta.seen();
    let mut fields = std::mem::take(&mut record.fields);
    let mut exceptions = std::mem::take(&mut record.meta.exceptions);
    let mut authors = std::mem::take(&mut record.meta.authors);
    for path in paths {
        if path != ALIVE {
            record.fields.extend(fields.remove_entry(path));
        }
        record.meta.exceptions.extend(exceptions.remove_entry(path));
        record.meta.authors.extend(authors.remove_entry(path));
    }
    record.meta.note_seen(&seen);
    (fields, exceptions, authors)
}
