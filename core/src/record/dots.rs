//! What stands on one path of a record, and how two devices' values of it come together.

use serde_json::Value;

use super::text;
use super::travel::Seen;
use crate::time::Stamp;

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

/// How the dots of a path come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Highest,
    AnyTrue,
    Text,
}

impl Dot {
    pub(super) fn plain(value: Option<Value>) -> Self {
        Self { value, document: None }
    }

    pub(super) fn of(document: Document) -> Self {
        let text = text::read(&document.bytes).filter(|text| !text.is_empty());
        Self { value: text.map(Value::from), document: Some(document) }
    }

    /// Its last edit; `stamp` is the one that it stands under.
    pub(super) fn last(&self, stamp: Stamp) -> Stamp {
        self.document.as_ref().map_or(stamp, |document| document.last)
    }

    /// One dot that both sides have.
    fn join(self, other: Self) -> Self {
        match (self.document, other.document) {
            (Some(one), Some(other)) => {
                let last = one.last.max(other.last);
                if text::same(&one.bytes, &other.bytes) {
                    return Self::of(Document { bytes: one.bytes, last });
                }
                // Where one of the two cannot be read, the one that was edited last stands for both.
                let is_later = one.last >= other.last;
                let bytes = text::join(&one.bytes, &other.bytes);
                let bytes = bytes.unwrap_or(if is_later { one.bytes } else { other.bytes });
                Self::of(Document { bytes, last })
            }
            (Some(document), None) | (None, Some(document)) => Self::of(document),
            // Equal stamps have equal values; should they not, both sides choose the same one.
            (None, None) => {
                let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
                let is_first = text(&self.value) >= text(&other.value);
                Self::plain(if is_first { self.value } else { other.value })
            }
        }
    }
}

/// What stands on a path, by stamp; mostly one.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Dots(Vec<(Stamp, Dot)>);

impl Dots {
    pub(super) fn one(stamp: Stamp, dot: Dot) -> Self {
        Self(vec![(stamp, dot)])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Stamp, &Dot)> {
        self.0.iter().map(|(stamp, dot)| (*stamp, dot))
    }

    pub(super) fn get(&self, stamp: Stamp) -> Option<&Dot> {
        self.0.iter().find(|(known, _)| *known == stamp).map(|(_, dot)| dot)
    }

    /// Puts a dot in its place; another one of the same stamp goes.
    pub(super) fn insert(&mut self, stamp: Stamp, dot: Dot) {
        match self.0.binary_search_by_key(&stamp, |(known, _)| *known) {
            Ok(at) => self.0[at].1 = dot,
            Err(at) => self.0.insert(at, (stamp, dot)),
        }
    }

    /// The stamp of the dot that is shown.
    pub(super) fn shown(&self, rule: Rule) -> Option<Stamp> {
        let rank = |(stamp, dot): &(Stamp, &Dot)| match rule {
            Rule::Highest => (false, *stamp),
            Rule::AnyTrue => (dot.value == Some(Value::Bool(true)), *stamp),
            Rule::Text => (dot.value.is_some(), dot.last(*stamp)),
        };
        self.iter().max_by_key(rank).map(|(stamp, _)| stamp)
    }

    /// Both in one; `seen` and `other_seen` are what either side has taken in.
    pub(super) fn join(self, mut other: Self, seen: &Seen, other_seen: &Seen) -> Self {
        if self == other {
            return self;
        }
        let stays = |seen: &Seen, stamp: Stamp, dot: &Dot| {
            dot.document.is_some() || seen.get(&stamp.device) < Some(&stamp.hlc)
        };
        let mut joined = Self::default();
        for (stamp, dot) in self.0 {
            if let Some(at) = other.0.iter().position(|(known, _)| *known == stamp) {
                joined.0.push((stamp, dot.join(other.0.remove(at).1)));
            } else if stays(other_seen, stamp, &dot) {
                joined.0.push((stamp, dot));
            }
        }
        for (stamp, dot) in other.0 {
            if stays(seen, stamp, &dot) {
                joined.insert(stamp, dot);
            }
        }
        joined
    }
}

impl IntoIterator for Dots {
    type Item = (Stamp, Dot);
    type IntoIter = std::vec::IntoIter<(Stamp, Dot)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
