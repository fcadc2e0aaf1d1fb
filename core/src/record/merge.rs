//! Two states of one record become one.
//!
//! # Shape
//! Every value that stands on a path is a dot: the stamp of its write. A state also knows, for each
//! device, the highest of its stamps that it has taken in. A dot that the other side has taken in and no
//! longer has was overwritten there; every other dot stays. That is a join: order and repetition of
//! exchanges do not matter, and what stays on a path are exactly the writes that no other write knew.
//!
//! # What is shown
//! The highest dot. An entry of a list is shown while its key is. Members of a set, and being alive, are there as soon as one dot says so: an edit
//! beats a delete. Two dots of a register, a long text too, are both kept, each as somebody wrote it,
//! until somebody chooses. An edit replaces what was shown; what stands beside it stays. A value that a
//! choice or an undo brings back keeps its author: the history says who wrote what.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Record;
use super::dots::{Dot, Dots, Rule};
use super::meta::{ALIVE, Meta};
use super::path::{Fields, each_path, entry_of, flatten, is_within, join, outer, split};
use super::put::put_all;
use super::shape::{FieldType, Shape};
use super::travel::Seen;
use crate::ids::RecordId;
use crate::time::{Hlc, Moment, Stamp};

/// A value beside the one that is shown: of a write that did not know of that one.
#[derive(Clone, PartialEq)]
pub(crate) struct Sibling {
    pub(crate) path: String,
    /// Which of the writes on its path.
    pub(crate) stamp: Stamp,
    pub(crate) dot: Dot,
}

/// What a write does on one path.
pub(crate) struct Put<'a> {
    pub(crate) path: &'a str,
    /// What the record showed there.
    pub(crate) before: Option<&'a Value>,
    pub(crate) dot: Dot,
    pub(crate) stamp: Stamp,
    /// Whether it is a choice: what stands beside goes.
    pub(crate) settles: bool,
}

/// A record with everything that is beside it: what is stored, and what travels.
#[derive(Clone, PartialEq)]
pub(crate) struct Whole {
    pub(crate) record: Record,
    pub(crate) siblings: Vec<Sibling>,
}

impl Whole {
    /// Whether anything is beside the record; mostly there is nothing.
    pub(crate) fn has_beside(&self) -> bool {
        !self.siblings.is_empty()
    }

    /// Whether both are the same, wherever their writes stand in the local sequence.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let (one, two) = (&self.record, &other.record);
        (one.at, one.alive, &one.kind) == (two.at, two.alive, &two.kind)
            && (&one.fields, &one.meta) == (&two.fields, &two.meta)
            && self.siblings == other.siblings
    }
}

/// A record taken apart into its dots.
#[derive(Clone, PartialEq)]
pub(crate) struct State {
    pub(super) id: RecordId,
    pub(super) kind: String,
    pub(super) at: Moment,
    pub(super) base: Stamp,
    pub(super) seen: Seen,
    shape: &'static Shape,
    types: BTreeMap<String, FieldType>,
    pub(super) dots: BTreeMap<String, Dots>,
}

impl State {
    /// Takes a stored record apart.
    pub(crate) fn of(whole: &Whole) -> Self {
        let Whole { record, siblings } = whole;
        let meta = &record.meta;
        let mut state = Self {
            id: record.id,
            kind: record.kind.clone(),
            at: record.at,
            base: meta.base,
            seen: meta.seen(),
            shape: Shape::of(&record.kind),
            types: meta.types.clone(),
            dots: BTreeMap::new(),
        };
        let mut dots = BTreeMap::new();
        let types = |path: &str| state.type_of(path);
        each_path(&record.fields, &types, &mut |path, value| {
            let stamp = meta.stamp(&path);
            let dot = Dot { value: Some(value.clone()), author: meta.author(&path) };
            dots.insert(path, Dots::one(stamp, dot));
        });
        state.dots = dots;
        for (path, stamp) in &meta.exceptions {
            if !state.dots.contains_key(path) {
                state.put_dot(path, *stamp, Dot { value: None, author: meta.author(path) });
            }
        }
        let alive = Dot { value: Some(Value::Bool(record.alive)), author: meta.author(ALIVE) };
        state.put_dot(ALIVE, meta.stamp(ALIVE), alive);
        for sibling in siblings {
            state.put_dot(&sibling.path, sibling.stamp, sibling.dot.clone());
        }
        state
    }

    fn put_dot(&mut self, path: &str, stamp: Stamp, dot: Dot) {
        self.dots.entry(path.to_owned()).or_default().insert(stamp, dot);
    }

    fn type_of(&self, path: &str) -> FieldType {
        self.types.get(path).cloned().unwrap_or_else(|| self.shape.field_type(path))
    }

    fn rule(&self, path: &str) -> Rule {
        if path == ALIVE {
            return Rule::AnyTrue;
        }
        let outer = outer(path);
        let is_member = !outer.is_empty() && self.type_of(outer) == FieldType::Set;
        if is_member { Rule::AnyTrue } else { Rule::Highest }
    }

    /// The highest stamp that it has taken in; the next write must lie above it.
    pub(crate) fn highest(&self) -> Hlc {
        self.seen.values().copied().max().unwrap_or_default()
    }

    /// The same, which also knows what a purged copy of it had taken in.
    pub(crate) fn knowing(mut self, seen: &Seen) -> Self {
        hear(&mut self.seen, seen);
        self
    }

    /// Writes a value, or takes it away. What says the same as what was shown, or as what is written, is
    /// replaced by it; what says something else stays beside it, unless this is a choice.
    pub(crate) fn write(&mut self, put: Put<'_>) {
        let Put { path, before, dot, stamp, settles } = put;
        self.seen.insert(stamp.device, stamp.hlc);
        let replaces_all = settles || self.rule(path) == Rule::AnyTrue;
        let dots = self.dots.entry(path.to_owned()).or_default();
        dots.keep(|value| !replaces_all && value != before && value != dot.value.as_ref());
        dots.insert(stamp, dot);
    }

    /// Puts a value beside what was just written on its path, under a stamp below that one.
    pub(crate) fn put_beside(&mut self, path: &str, dot: Dot, stamp: Stamp) {
        self.put_dot(path, stamp, dot);
    }

    /// Whether one of the values on the path is this one.
    pub(crate) fn says(&self, path: &str, value: Option<&Value>) -> bool {
        let dots = self.dots.get(path);
        dots.is_some_and(|dots| dots.iter().any(|(_, dot)| dot.value.as_ref() == value))
    }

    /// Whether this write still stands on its path.
    pub(crate) fn holds(&self, path: &str, stamp: Stamp) -> bool {
        self.dots.get(path).is_some_and(|dots| dots.get(stamp).is_some())
    }

    #[cfg(test)]
    /// The writes that stand on the path.
    pub(crate) fn stamps(&self, path: &str) -> Vec<Stamp> {
        let dots = self.dots.get(path);
        dots.map(|dots| dots.iter().map(|(stamp, _)| stamp).collect()).unwrap_or_default()
    }

    /// What stands beside what is shown and says something else, the latest first on each path.
    pub(crate) fn others(&self) -> Vec<Sibling> {
        let shown = self.visible();
        let mut found: Vec<Sibling> = Vec::new();
        for (path, dots) in &self.dots {
            if self.rule(path) == Rule::AnyTrue {
                continue;
            }
            let value = shown.get(path.as_str()).map(|(_, value)| *value);
            let mut on_path: Vec<Sibling> = dots
                .iter()
                .filter(|(_, dot)| dot.value.as_ref() != value)
                .map(|(stamp, dot)| Sibling { path: path.clone(), stamp, dot: dot.clone() })
                .collect();
            on_path.sort_by_key(|other| std::cmp::Reverse(other.stamp));
            for other in on_path {
                let is_known =
                    |known: &Sibling| known.path == *path && known.dot.value == other.dot.value;
                if !found.iter().any(is_known) {
                    found.push(other);
                }
            }
        }
        found
    }

    /// Both in one.
    pub(crate) fn join(self, other: Self) -> Self {
        let (base, newer) =
            if self.base >= other.base { (self.base, &self) } else { (other.base, &other) };
        let (kind, at, shape) = (newer.kind.clone(), newer.at, newer.shape);
        let mut types = self.types;
        for (path, field_type) in other.types {
            match types.get_mut(&path) {
                Some(known) if *known >= field_type => {}
                Some(known) => *known = field_type,
                None => drop(types.insert(path, field_type)),
            }
        }
        let joined = |left: Option<Dots>, right: Option<Dots>| {
            let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
            left.join(right, &self.seen, &other.seen)
        };
        let mut dots = Vec::with_capacity(self.dots.len() + 1);
        let mut theirs = other.dots.into_iter().peekable();
        for (path, left) in self.dots {
            while let Some((path, right)) = theirs.next_if(|(other, _)| *other < path) {
                dots.push((path, joined(None, Some(right))));
            }
            let right = theirs.next_if(|(other, _)| *other == path).map(|(_, right)| right);
            dots.push((path, joined(Some(left), right)));
        }
        dots.extend(theirs.map(|(path, right)| (path, joined(None, Some(right)))));
        let dots = dots.into_iter().filter(|(_, dots)| !dots.is_empty()).collect();
        let mut seen = self.seen;
        hear(&mut seen, &other.seen);
        Self { id: self.id, kind, at, base, seen, shape, types, dots }
    }

    /// Puts the record together again. `order` are the fields that it had: lists keep their order.
    pub(crate) fn whole(&self, lseq: u64, order: Fields) -> Whole {
        let types = |path: &str| self.type_of(path);
        let shown = self.visible();
        let mut fields = order;
        let before = flatten(&fields, &types);
        // What lies within a value that is shown now went with what stood there before.
        let is_shown = |path: &str| {
            shown.contains_key(path) || prefixes(path).any(|outer| shown.contains_key(outer))
        };
        let gone = before.keys().filter(|path| !is_shown(path));
        let mut changed: Vec<_> = gone.map(|path| (path.clone(), None)).collect();
        for (path, (_, value)) in &shown {
            if before.get(*path) != Some(value) {
                changed.push(((*path).to_owned(), Some((*value).clone())));
            }
        }
        put_all(&mut fields, changed, &types);
        let mut meta = Meta::new(self.base, self.types.clone());
        let mut siblings = Vec::new();
        let mut alive = true;
        for (path, dots) in &self.dots {
            let Some(first) = dots.shown(self.rule(path)) else { continue };
            let is_visible = if path == ALIVE {
                alive = dots.get(first).is_some_and(|dot| dot.value == Some(Value::Bool(true)));
                true
            } else {
                shown.contains_key(path.as_str())
            };
            if first != self.base || !is_visible || (path == ALIVE && !alive) {
                meta.exceptions.insert(path.clone(), first);
            }
            if let Some(dot) = dots.get(first).filter(|dot| dot.author != first) {
                meta.authors.insert(path.clone(), dot.author);
            }
            for (stamp, dot) in dots.iter() {
                if stamp != first || (!is_visible && dot.value.is_some()) {
                    let dot = dot.clone();
                    siblings.push(Sibling { path: path.clone(), stamp, dot });
                }
            }
        }
        meta.note_seen(&self.seen);
        let (id, kind, at) = (self.id, self.kind.clone(), self.at);
        Whole { record: Record { id, kind, at, fields, alive, lseq, meta }, siblings }
    }

    /// Whether a record can have this value there: in a set only that a word is there, in a list of entries
    /// only what belongs to an entry whose key stands, too. Where a device takes an entry away while another
    /// one edits it, the edit has no entry to stand in.
    fn has_place(&self, path: &str, value: &Value) -> bool {
        prefixes(path).all(|list| match self.type_of(list) {
            FieldType::Register => true,
            FieldType::Set => outer(path) == list && *value == Value::Bool(true),
            FieldType::Keyed(key) => {
                let entry = entry_of(path, list);
                let name = split(entry).pop().map(Value::String);
                let key = join(entry, &key);
                if path == key {
                    return name.as_ref() == Some(value);
                }
                path != entry && !is_within(path, &key) && self.shown_at(&key) == name.as_ref()
            }
        })
    }

    /// The value on a path that would be shown.
    fn shown_at(&self, path: &str) -> Option<&Value> {
        let dots = self.dots.get(path)?;
        dots.get(dots.shown(self.rule(path))?)?.value.as_ref()
    }

    /// The paths whose shown values make up the record. Where one path lies within another, which two
    /// devices of different age may write, the later write is shown; the other stays beside it. So does what
    /// has no place in the record.
    fn visible(&self) -> BTreeMap<&str, (Stamp, &Value)> {
        let mut all: Vec<(Stamp, &str, &Value)> = Vec::with_capacity(self.dots.len());
        let mut may_clash = false;
        for (path, dots) in self.dots.iter().filter(|(path, _)| *path != ALIVE) {
            let shown = dots.shown(self.rule(path));
            let Some((stamp, dot)) = shown.and_then(|stamp| Some((stamp, dots.get(stamp)?))) else {
                continue;
            };
            if let Some(value) = dot.value.as_ref().filter(|value| self.has_place(path, value)) {
                may_clash |= prefixes(path).any(|outer| self.dots.contains_key(outer));
                all.push((stamp, path, value));
            }
        }
        if !may_clash {
            return all.into_iter().map(|(stamp, path, value)| (path, (stamp, value))).collect();
        }
        all.sort_by(|one, other| (other.0, other.1).cmp(&(one.0, one.1)));
        let mut visible: BTreeMap<&str, (Stamp, &Value)> = BTreeMap::new();
        for (stamp, path, value) in all {
            let clash = prefixes(path).any(|outer| visible.contains_key(outer))
                || visible
                    .range(path..)
                    .take_while(|(other, _)| other.starts_with(path))
                    .any(|(other, _)| is_within(other, path));
            if !clash {
                visible.insert(path, (stamp, value));
            }
        }
        visible
    }
}

/// Both have taken in what either has.
pub(super) fn hear(seen: &mut Seen, other: &Seen) {
    for (device, hlc) in other {
        let known = seen.entry(*device).or_default();
        *known = (*known).max(*hlc);
    }
}

/// The paths that `path` lies within.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(at, _)| &path[..at])
}

#[cfg(test)]
impl State {
    /// Equal for equal states.
    pub(crate) fn canonical(&self) -> String {
        let dot =
            |(stamp, dot): (Stamp, &Dot)| format!("{stamp:?} {:?} {:?}", dot.value, dot.author);
        let dots = |(path, dots): (&String, &Dots)| {
            (path.clone(), dots.iter().map(dot).collect::<Vec<_>>())
        };
        let dots: Vec<_> = self.dots.iter().map(dots).collect();
        format!("{:?} {:?} {dots:#?}", self.base, self.seen)
    }
}
