//! A record is a kind and named fields. This room knows no feature: a new kind needs a struct where it
//! is shown and, if its fields merge in a way of their own, a line in `content/kinds.toml`.
//!
//! # Merge unit
//! Objects flatten to paths (`labs.inr`), each with a stamp of its own; sets by word, keyed lists by
//! key. A write stamps above everything in the record ("record's highest plus one"): stamping above
//! the field alone loses writes when clocks disagree. Deleting writes the register `@alive`; undo is a
//! write too. Previous values go to the local `history` (90 days). Erasing for good is absorbing: what
//! is left is an id in `tomb`.
//!
//! Unknown fields and unknown kinds are kept, stamped and sent on like any other.
//!
//! # Search
//! The search index follows the records in steps of 512 writes, in the transaction of the last of them,
//! and catches up before every search: nothing written is ever missed, and a save writes 19 KiB
//! instead of 61. How far it is stands in `local`; the view that it is built from ends there. An edit that
//! changes no word leaves the index alone: wiping words from it takes ten times as long as the rest.
//! Words that its tokenizer does not see are put beside the text: `store/spelling.rs`.

mod beside;
pub(crate) mod bounds;
mod bring_in;
mod budget;
mod choice;
mod cursor;
mod digest;
mod dots;
mod history;
mod merge;
#[cfg(test)]
mod merge_tests;
mod meta;
mod narrow;
mod path;
mod put;
mod rows;
mod shape;
pub mod sums;
mod take_in;
mod travel;
mod write;

pub(crate) use beside::{contested, others_of};
pub(crate) use bring_in::{BroughtIn, WhenKnown};
#[cfg(test)]
pub(crate) use budget::PIECE;
pub(crate) use budget::{MOST_RECORD_BYTES, pieces, weigh};
pub use choice::Choice;
pub(crate) use cursor::Cursor;
pub(crate) use digest::{Recount, forget as forget_sums, sum_up, without};
pub use history::fields_at;
pub(crate) use history::{Version, history_of};
pub use path::Fields;
pub(crate) use path::{get, is_within, join, text};
pub(crate) use rows::{
    Listed, column, count, is_readable, json_error, known_and_gone, last_sequence, listed, load_at,
    load_new,
};
pub(crate) use rows::{entries, entries_of, read_again};
pub use rows::{for_each_alive, load};
pub use shape::FieldType;
pub(crate) use shape::{is_set, is_when};
pub(crate) use take_in::traveling;
pub use take_in::{SenderHasIt, TakenIn};
pub(crate) use travel::Traveling;
pub(crate) use travel::{decode as decode_traveling, encode as encode_traveling};
pub(crate) use travel::{is_too_large, too_large};
pub use write::{Change, Created, EditOutcome, NewRecord, Patch, StaleField, Tx, What, patched};
pub(crate) use write::{catch_up_index, index_beside, index_is_behind};

use serde_json::Value;

use crate::ids::RecordId;
use crate::time::{Moment, Stamp};

/// One record as stored.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// The same on every device.
    pub id: RecordId,
    /// `case`, `consult`, …
    pub kind: String,
    /// When it was typed.
    pub at: Moment,
    /// What the user wrote.
    pub fields: Fields,
    /// `false` once deleted and not restored.
    pub alive: bool,
    /// The local sequence of its last write; a form remembers it as what it was opened with.
    pub lseq: u64,
    pub(crate) meta: meta::Meta,
}

impl std::fmt::Debug for Record {
    /// Prints no field: notes never reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Record {
    /// When it happened: the kind's own field for it (`performed_at` of a case), else when it was typed.
    pub fn when(&self) -> Moment {
        when(&self.kind, self.at, &self.fields)
    }

    /// What a path shows, in a list of the record, too.
    pub(crate) fn shown(&self, path: &str) -> Option<Value> {
        let flat = path::flatten(&self.fields, &write::type_of(&self.kind, &self.meta));
        flat.get(path).map(|value| (*value).clone())
    }

    /// The write that put the value at `path` there.
    pub(crate) fn stamp(&self, path: &str) -> Stamp {
        self.meta.stamp(path)
    }

    /// The write that the value at `path` is of: an earlier one where a choice or an undo brought it back.
    pub(crate) fn author(&self, path: &str) -> Stamp {
        self.meta.author(path)
    }
}

pub(crate) fn when(kind: &str, at: Moment, fields: &Fields) -> Moment {
    let field = shape::Shape::of(kind).when.as_ref().and_then(|name| fields.get(name)?.as_str());
    field.and_then(|text| Moment::parse(text).ok()).unwrap_or(at)
}
