//! What stands on one path of a record, and how two devices' values of it come together.

use serde_json::Value;

use super::travel::Seen;
use crate::time::Stamp;

/// A value on a path.
#[derive(Clone, PartialEq)]
pub(crate) struct Dot {
    /// `None`: taken away.
    pub(crate) value: Option<Value>,
    /// Who wrote it, and when: the write that put it here, or, where that was a choice or an undo, the one
    /// that it brought back.
    pub(crate) author: Stamp,
}

/// How the dots of a path come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Highest,
    AnyTrue,
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

    /// Leaves only the dots with such a value.
    pub(super) fn keep(&mut self, stays: impl Fn(Option<&Value>) -> bool) {
        self.0.retain(|(_, dot)| stays(dot.value.as_ref()));
    }

    /// The stamp of the dot that is shown.
    pub(super) fn shown(&self, rule: Rule) -> Option<Stamp> {
        let rank = |(stamp, dot): &(Stamp, &Dot)| match rule {
            Rule::Highest => (false, *stamp),
            Rule::AnyTrue => (dot.value == Some(Value::Bool(true)), *stamp),
        };
        self.iter().max_by_key(rank).map(|(stamp, _)| stamp)
    }

    /// Both in one; `seen` and `other_seen` are what either side has taken in.
    pub(super) fn join(self, mut other: Self, seen: &Seen, other_seen: &Seen) -> Self {
        if self == other {
            return self;
        }
        let stays = |seen: &Seen, stamp: Stamp| seen.get(&stamp.device) < Some(&stamp.hlc);
        let mut joined = Self::default();
        for (stamp, dot) in self.0 {
            if let Some(at) = other.0.iter().position(|(known, _)| *known == stamp) {
                joined.0.push((stamp, same_write(dot, other.0.remove(at).1)));
            } else if stays(other_seen, stamp) {
                joined.0.push((stamp, dot));
            }
        }
        for (stamp, dot) in other.0 {
            if stays(seen, stamp) {
                joined.insert(stamp, dot);
            }
        }
        joined
    }
}

/// Equal stamps have equal values; should they not, both sides choose the same one.
fn same_write(one: Dot, other: Dot) -> Dot {
    let rank = |dot: &Dot| (dot.value.as_ref().map(Value::to_string), dot.author);
    if rank(&one) >= rank(&other) { one } else { other }
}

impl IntoIterator for Dots {
    type Item = (Stamp, Dot);
    type IntoIter = std::vec::IntoIter<(Stamp, Dot)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
