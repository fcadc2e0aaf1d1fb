//! Two states of one record become one.
//!
//! # Shape
//! Every value that stands on a path is a dot: the stamp of its write. A state also knows, for each
//! device, the highest of its stamps that it has taken in. A dot that the other side has taken in and no
//! longer has was overwritten there; every other dot stays. That is a join: order and repetition of
//! exchanges do not matter, and what stays on a path are exactly the writes that no other write knew.
//!
//! # What is shown
//! The highest dot. Members of a set, and being alive, are there as soon as one dot says so: an edit
//! beats a delete. Two dots of a register are both kept; the next edit resolves them.
//!
//! # Text
//! A text is a register until it is edited after it was shared; then its dot carries a document (see
//! `text`), and documents of one origin merge. A dot with a document is never dropped: taking a text
//! away empties its document.

use std::collections::BTreeMap;

use serde_json::Value;

use super::meta::{ALIVE, Meta};
use super::path::{Fields, flatten, is_within, join, put, split};
use super::shape::{FieldType, Shape};
use super::travel::Seen;
use super::{Record, text};
use crate::ids::RecordId;
use crate::time::{Hlc, Moment, Stamp};

/// One value on a path.
#[derive(Clone, PartialEq)]
pub(crate) struct Dot {
    /// `None`: taken away.
    pub(crate) value: Option<Value>,
    /// The text's document; its value is what the document says.
    pub(crate) document: Option<Document>,
}

/// A text that was edited after it was shared.
#[derive(Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    /// Its last edit.
    pub(crate) last: Stamp,
}

/// A value beside the one that is shown.
#[derive(Clone, PartialEq)]
pub(crate) struct Sibling {
    pub(crate) path: String,
    pub(crate) stamp: Stamp,
    pub(crate) value: Option<Value>,
}

/// What a write says that did not know of the one that is shown.
pub(crate) struct Other {
    pub(crate) path: String,
    /// Which of the writes on its path.
    pub(crate) stamp: Stamp,
    /// Its last edit.
    pub(crate) last: Stamp,
    pub(crate) value: Option<Value>,
}

/// A document on a path; the stamp is that of the text it began with.
#[derive(Clone, PartialEq)]
pub(crate) struct PathDocument {
    pub(crate) path: String,
    pub(crate) genesis: Stamp,
    pub(crate) document: Document,
}

/// A record with everything that is beside it: what is stored, and what travels.
#[derive(Clone, PartialEq)]
pub(crate) struct Whole {
    pub(crate) record: Record,
    pub(crate) siblings: Vec<Sibling>,
    pub(crate) documents: Vec<PathDocument>,
}

impl Whole {
    /// Whether anything is beside the record; mostly there is nothing.
    pub(crate) fn has_beside(&self) -> bool {
        !self.siblings.is_empty() || !self.documents.is_empty()
    }
}

type Dots = BTreeMap<Stamp, Dot>;

/// A record taken apart into its dots.
#[derive(Clone, PartialEq)]
pub(crate) struct State {
    pub(super) id: RecordId,
    pub(super) kind: String,
    pub(super) at: Moment,
    pub(super) base: Stamp,
    pub(super) seen: Seen,
    types: BTreeMap<String, FieldType>,
    pub(super) dots: BTreeMap<String, Dots>,
}

impl State {
    /// Takes a stored record apart.
    pub(crate) fn of(whole: &Whole) -> Self {
        let Whole { record, siblings, documents } = whole;
        let meta = &record.meta;
        let mut state = Self {
            id: record.id,
            kind: record.kind.clone(),
            at: record.at,
            base: meta.base,
            seen: meta.seen(),
            types: meta.types.clone(),
            dots: BTreeMap::new(),
        };
        let flat = flatten(&record.fields, &|path| state.type_of(path));
        for path in meta.exceptions.keys().filter(|path| !flat.contains_key(*path)) {
            state.put_dot(path, meta.stamp(path), None);
        }
        for (path, value) in flat {
            let stamp = meta.stamp(&path);
            state.put_dot(&path, stamp, Some(value));
        }
        state.put_dot(ALIVE, meta.stamp(ALIVE), Some(Value::Bool(record.alive)));
        for sibling in siblings {
            state.put_dot(&sibling.path, sibling.stamp, sibling.value.clone());
        }
        for PathDocument { path, genesis, document } in documents {
            let value = said(document);
            let dot = Dot { value, document: Some(document.clone()) };
            state.dots.entry(path.clone()).or_default().insert(*genesis, dot);
        }
        state
    }

    fn put_dot(&mut self, path: &str, stamp: Stamp, value: Option<Value>) {
        let dot = Dot { value, document: None };
        self.dots.entry(path.to_owned()).or_default().insert(stamp, dot);
    }

    fn type_of(&self, path: &str) -> FieldType {
        self.types.get(path).cloned().unwrap_or_else(|| Shape::of(&self.kind).field_type(path))
    }

    fn rule(&self, path: &str) -> Rule {
        if path == ALIVE {
            return Rule::AnyTrue;
        }
        if self.type_of(path) == FieldType::Text {
            return Rule::Text;
        }
        let segments = split(path);
        let outer = segments[..segments.len() - 1].iter().fold(String::new(), |p, s| join(&p, s));
        let is_member = !outer.is_empty() && self.type_of(&outer) == FieldType::Set;
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

    /// Writes a value, or takes it away: resolves whatever stood beside it. `shared` texts get a
    /// document, so that what others write meanwhile is not lost.
    pub(crate) fn write(&mut self, path: &str, value: Option<Value>, stamp: Stamp, shared: bool) {
        self.seen.insert(stamp.device, stamp.hlc);
        let rule = self.rule(path);
        let id = self.id;
        let dots = self.dots.entry(path.to_owned()).or_default();
        let mut kept = Dots::new();
        let mut written = false;
        if rule == Rule::Text && (shared || dots.values().any(|dot| dot.document.is_some())) {
            let text = value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            let is_text = value.as_ref().is_none_or(Value::is_string);
            let shown = shown_of(dots, rule).filter(|_| is_text);
            for (genesis, dot) in std::mem::take(dots) {
                let mine = shown == Some(genesis);
                let says = if mine { text.as_str() } else { "" };
                // What says nothing without a document was never edited; it just goes.
                if let Some(document) = edited(id, path, genesis, &dot, stamp, says) {
                    written |= mine;
                    let dot = Dot { value: said(&document), document: Some(document) };
                    kept.insert(genesis, dot);
                }
            }
            written |= value.is_none() && !kept.is_empty();
        }
        if !written {
            kept.insert(stamp, Dot { value, document: None });
        }
        *dots = kept;
    }

    /// Puts a value beside what was just written on its path, under a stamp below that one.
    pub(crate) fn put_beside(&mut self, path: &str, value: Option<Value>, stamp: Stamp) {
        self.put_dot(path, stamp, value);
    }

    /// Whether one of the values on the path is this one.
    pub(crate) fn says(&self, path: &str, value: Option<&Value>) -> bool {
        let dots = self.dots.get(path);
        dots.is_some_and(|dots| dots.values().any(|dot| dot.value.as_ref() == value))
    }

    /// What stands beside what is shown and says something else, the latest first on each path.
    pub(crate) fn others(&self) -> Vec<Other> {
        let shown = self.visible();
        let mut found: Vec<Other> = Vec::new();
        for (path, dots) in &self.dots {
            if self.rule(path) == Rule::AnyTrue {
                continue;
            }
            let value = shown.get(path.as_str()).map(|(_, value)| *value);
            let mut on_path: Vec<Other> = dots
                .iter()
                .filter(|(_, dot)| dot.value.as_ref() != value)
                // An empty document is a text that was taken away; another stands for it.
                .filter(|(_, dot)| dot.document.is_none() || dot.value.is_some())
                .map(|(stamp, dot)| Other {
                    path: path.clone(),
                    stamp: *stamp,
                    last: dot.document.as_ref().map_or(*stamp, |document| document.last),
                    value: dot.value.clone(),
                })
                .collect();
            on_path.sort_by_key(|other| std::cmp::Reverse(other.last));
            for other in on_path {
                if !found.iter().any(|known| known.path == *path && known.value == other.value) {
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
        let (kind, at) = (newer.kind.clone(), newer.at);
        let mut seen = self.seen.clone();
        hear(&mut seen, &other.seen);
        let mut types = self.types.clone();
        for (path, field_type) in &other.types {
            let known = types.entry(path.clone()).or_insert_with(|| field_type.clone());
            if *field_type > *known {
                *known = field_type.clone();
            }
        }
        let mut dots: BTreeMap<String, Dots> = BTreeMap::new();
        let (mut ours, mut theirs) = (self.dots, other.dots);
        let paths: Vec<String> = ours.keys().chain(theirs.keys()).cloned().collect();
        for path in paths {
            let (left, right) = (ours.remove(&path), theirs.remove(&path));
            let joined = join_dots(
                left.unwrap_or_default(),
                right.unwrap_or_default(),
                &self.seen,
                &other.seen,
            );
            if !joined.is_empty() {
                dots.insert(path, joined);
            }
        }
        Self { id: self.id, kind, at, base, seen, types, dots }
    }

    /// Puts the record together again. `order` are the fields that it had: lists keep their order.
    pub(crate) fn whole(&self, lseq: u64, order: Fields) -> Whole {
        let types = |path: &str| self.type_of(path);
        let shown = self.visible();
        let mut fields = order;
        let before = flatten(&fields, &types);
        for path in before.keys().filter(|path| !shown.contains_key(path.as_str())) {
            put(&mut fields, path, None, &types);
        }
        for (path, (_, value)) in &shown {
            if before.get(*path) != Some(value) {
                put(&mut fields, path, Some((*value).clone()), &types);
            }
        }
        let mut meta = Meta::new(self.base, self.types.clone());
        let (mut siblings, mut documents) = (Vec::new(), Vec::new());
        let mut alive = true;
        for (path, dots) in &self.dots {
            let Some(first) = shown_of(dots, self.rule(path)) else { continue };
            let is_visible = if path == ALIVE {
                alive = dots.get(&first).is_some_and(|dot| dot.value == Some(Value::Bool(true)));
                true
            } else {
                shown.contains_key(path.as_str())
            };
            if first != self.base || !is_visible || (path == ALIVE && !alive) {
                meta.exceptions.insert(path.clone(), first);
            }
            for (stamp, dot) in dots {
                if let Some(document) = &dot.document {
                    let document = document.clone();
                    documents.push(PathDocument { path: path.clone(), genesis: *stamp, document });
                } else if *stamp != first || (!is_visible && dot.value.is_some()) {
                    let value = dot.value.clone();
                    siblings.push(Sibling { path: path.clone(), stamp: *stamp, value });
                }
            }
        }
        meta.note_seen(&self.seen);
        let (id, kind, at) = (self.id, self.kind.clone(), self.at);
        Whole { record: Record { id, kind, at, fields, alive, lseq, meta }, siblings, documents }
    }

    /// The paths whose shown values make up the record. Where one path lies within another, which two
    /// devices of different age may write, the later write is shown; the other stays beside it.
    fn visible(&self) -> BTreeMap<&str, (Stamp, &Value)> {
        let mut all: Vec<(Stamp, &str, &Value)> = Vec::new();
        for (path, dots) in self.dots.iter().filter(|(path, _)| *path != ALIVE) {
            let shown = shown_of(dots, self.rule(path));
            let Some((stamp, dot)) = shown.and_then(|stamp| dots.get_key_value(&stamp)) else {
                continue;
            };
            if let Some(value) = &dot.value {
                all.push((
                    dot.document.as_ref().map_or(*stamp, |document| document.last),
                    path,
                    value,
                ));
            }
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

/// How the dots of a path come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Highest,
    AnyTrue,
    Text,
}

fn said(document: &Document) -> Option<Value> {
    text::read(&document.bytes).filter(|text| !text.is_empty()).map(Value::from)
}

/// The dot that is shown.
fn shown_of(dots: &Dots, rule: Rule) -> Option<Stamp> {
    let last =
        |stamp: &Stamp, dot: &Dot| dot.document.as_ref().map_or(*stamp, |document| document.last);
    let rank = |(stamp, dot): &(&Stamp, &Dot)| match rule {
        Rule::Highest => (false, **stamp),
        Rule::AnyTrue => (dot.value == Some(Value::Bool(true)), **stamp),
        Rule::Text => (dot.value.is_some(), last(stamp, dot)),
    };
    dots.iter().max_by_key(rank).map(|(stamp, _)| *stamp)
}

fn edited(
    id: RecordId,
    path: &str,
    genesis: Stamp,
    dot: &Dot,
    stamp: Stamp,
    says: &str,
) -> Option<Document> {
    let bytes = match (&dot.document, &dot.value) {
        (Some(document), _) => document.bytes.clone(),
        (None, Some(Value::String(text))) => text::genesis(id, path, genesis, text),
        (None, _) => return None,
    };
    text::edit(&bytes, stamp, says).map(|bytes| Document { bytes, last: stamp })
}

fn join_dots(left: Dots, mut right: Dots, left_seen: &Seen, right_seen: &Seen) -> Dots {
    let covered = |seen: &Seen, stamp: &Stamp| seen.get(&stamp.device) >= Some(&stamp.hlc);
    let mut joined = Dots::new();
    for (stamp, dot) in left {
        let other = right.remove(&stamp);
        match other {
            Some(other) => {
                joined.insert(stamp, join_dot(dot, other));
            }
            None if dot.document.is_some() || !covered(right_seen, &stamp) => {
                joined.insert(stamp, dot);
            }
            None => {}
        }
    }
    for (stamp, dot) in right {
        if dot.document.is_some() || !covered(left_seen, &stamp) {
            joined.insert(stamp, dot);
        }
    }
    joined
}

/// One dot that both sides have.
fn join_dot(left: Dot, right: Dot) -> Dot {
    match (left.document, right.document) {
        (Some(one), Some(other)) => {
            let last = one.last.max(other.last);
            if text::same(&one.bytes, &other.bytes) {
                let document = Document { bytes: one.bytes, last };
                return Dot { value: said(&document), document: Some(document) };
            }
            // Where one of the two cannot be read, the one that was edited last stands for both.
            let bytes = text::join(&one.bytes, &other.bytes).unwrap_or(if one.last >= other.last {
                one.bytes
            } else {
                other.bytes
            });
            let document = Document { bytes, last };
            Dot { value: said(&document), document: Some(document) }
        }
        (Some(document), None) | (None, Some(document)) => {
            Dot { value: said(&document), document: Some(document) }
        }
        // Equal stamps have equal values; should they not, both sides choose the same one.
        (None, None) => {
            let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
            let value =
                if text(&left.value) >= text(&right.value) { left.value } else { right.value };
            Dot { value, document: None }
        }
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
    /// Equal for equal states: documents by what they say and know.
    pub(crate) fn canonical(&self) -> String {
        let dot = |(stamp, dot): (&Stamp, &Dot)| {
            let known =
                dot.document.as_ref().map(|document| (text::known(&document.bytes), document.last));
            format!("{stamp:?} {:?} {known:?}", dot.value)
        };
        let dots = |(path, dots): (&String, &Dots)| {
            (path.clone(), dots.iter().map(dot).collect::<Vec<_>>())
        };
        let dots: Vec<_> = self.dots.iter().map(dots).collect();
        format!("{:?} {:?} {dots:#?}", self.base, self.seen)
    }

    pub(crate) fn stamps(&self, path: &str) -> Vec<Stamp> {
        self.dots.get(path).map(|dots| dots.keys().copied().collect()).unwrap_or_default()
    }
}
