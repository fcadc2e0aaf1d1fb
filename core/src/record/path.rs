//! Fields as paths: `labs.inr`, `tags.on call`, `ticks.S-48.at`. A path is what carries a stamp.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::meta::ALIVE;
use super::shape::FieldType;

/// A record's fields: a JSON object, nested as exported.
pub type Fields = Map<String, Value>;

/// Every path of a record with its value.
pub(crate) type Flat<'a> = BTreeMap<String, &'a Value>;

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// A truth as a value; a word in a set is `true`.
fn truth(holds: bool) -> &'static Value {
    if holds { &TRUE } else { &FALSE }
}

/// Adds `segment` to a path. Dots and backslashes within a name are escaped, and an `@` at its start,
/// which marks the record's own registers.
pub(crate) fn join(prefix: &str, segment: &str) -> String {
    let mut path = String::with_capacity(prefix.len() + segment.len() + 1);
    if !prefix.is_empty() {
        path.push_str(prefix);
        path.push('.');
    }
    if !segment.starts_with('@') && !segment.contains(['.', '\\']) {
        path.push_str(segment);
        return path;
    }
    for (place, letter) in segment.chars().enumerate() {
        if letter == '.' || letter == '\\' || (place == 0 && letter == '@') {
            path.push('\\');
        }
        path.push(letter);
    }
    path
}

/// How many names a path consists of.
pub(crate) fn segments(path: &str) -> usize {
    let (mut count, mut is_escaped) = (1, false);
    for byte in path.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'.' => count += 1,
            _ => {}
        }
    }
    count
}

/// The names that a path consists of.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        if letter == '.' {
            segments.push(String::new());
            continue;
        }
        let letter = if letter == '\\' { letters.next().unwrap_or('\\') } else { letter };
        if let Some(last) = segments.last_mut() {
            last.push(letter);
        }
    }
    segments
}

/// The path that `path` lies right within; empty for a field of the record.
pub(crate) fn outer(path: &str) -> &str {
    let (mut last, mut is_escaped) = (0, false);
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'.' => last = at,
            _ => {}
        }
    }
    &path[..last]
}

/// The part of `path` that names an entry of the list at `list`: `ticks.S-48` of `ticks.S-48.at`.
pub(crate) fn entry_of<'a>(path: &'a str, list: &str) -> &'a str {
    let (from, mut is_escaped) = (list.len() + 1, false);
    let end = path.bytes().skip(from).position(|byte| {
        let ends = byte == b'.' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(path, |end| &path[..from + end])
}

/// Every path under `fields`. What is not of the form that its type promises is one value: a list with
/// repeats, or an object in the place of a list.
pub(crate) fn flatten<'a>(
    fields: impl IntoIterator<Item = (&'a String, &'a Value)>,
    type_of: &dyn Fn(&str) -> FieldType,
) -> Flat<'a> {
    let mut flat = Flat::new();
    each_path(fields, type_of, &mut |path, value| {
        flat.insert(path, value);
    });
    flat
}

/// The same, one after the other.
pub(crate) fn each_path<'a>(
    fields: impl IntoIterator<Item = (&'a String, &'a Value)>,
    type_of: &dyn Fn(&str) -> FieldType,
    each: &mut dyn FnMut(String, &'a Value),
) {
    let mut visit = |path, value| {
        each(path, value);
        ControlFlow::Continue(())
    };
    let _ = try_each_path(fields, type_of, &|_| true, &mut visit);
}

/// The same, but it ends where `each` says so, and before a path that may not be entered.
pub(crate) fn try_each_path<'a>(
    fields: impl IntoIterator<Item = (&'a String, &'a Value)>,
    type_of: &dyn Fn(&str) -> FieldType,
    may_enter: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(String, &'a Value) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut walk = Walk { type_of, may_enter, each };
    fields.into_iter().try_for_each(|(name, value)| walk.within(join("", name), value))
}

struct Walk<'w, 'a> {
    type_of: &'w dyn Fn(&str) -> FieldType,
    may_enter: &'w dyn Fn(&str) -> bool,
    each: &'w mut dyn FnMut(String, &'a Value) -> ControlFlow<()>,
}

impl<'a> Walk<'_, 'a> {
    fn within(&mut self, path: String, value: &'a Value) -> ControlFlow<()> {
        match value {
            Value::Object(object) if !object.is_empty() && !(self.type_of)(&path).is_list() => {
                self.enter(&path)?;
                for (name, value) in object {
                    self.within(join(&path, name), value)?;
                }
            }
            Value::Array(items) => match (self.type_of)(&path) {
                FieldType::Set if distinct(items.iter().map(Value::as_str)) => {
                    self.enter(&path)?;
                    for item in items.iter().filter_map(Value::as_str) {
                        (self.each)(join(&path, item), truth(true))?;
                    }
                }
                FieldType::Keyed(key) if distinct(items.iter().map(|i| key_of(i, &key))) => {
                    self.enter(&path)?;
                    for item in items {
                        if let Some(name) = key_of(item, &key) {
                            self.within(join(&path, name), item)?;
                        }
                    }
                }
                _ => (self.each)(path, value)?,
            },
            _ => (self.each)(path, value)?,
        }
        ControlFlow::Continue(())
    }

    fn enter(&self, path: &str) -> ControlFlow<()> {
        if (self.may_enter)(path) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// A path whose value a write changes.
pub(crate) struct ChangedPath<'a> {
    pub(crate) path: String,
    pub(crate) before: Option<&'a Value>,
    pub(crate) after: Option<&'a Value>,
}

impl ChangedPath<'_> {
    /// Whether a record is deleted.
    pub(crate) fn alive(before: bool, after: bool) -> Self {
        let (before, after) = (Some(truth(before)), Some(truth(after)));
        Self { path: ALIVE.to_owned(), before, after }
    }

    /// Whether one number or answer took another's place: no word came, went or moved.
    pub(crate) fn is_wordless(&self) -> bool {
        let is_wordless =
            |value: &Value| value.is_number() || value.is_boolean() || value.is_null();
        self.path != ALIVE
            && self.before.is_some_and(is_wordless)
            && self.after.is_some_and(is_wordless)
    }
}

/// The paths whose values differ, new ones last. Only the fields that differ are taken apart.
pub(crate) fn changed_paths<'a>(
    (before, types): (&'a Fields, &dyn Fn(&str) -> FieldType),
    (after, types_after): (&'a Fields, &dyn Fn(&str) -> FieldType),
) -> Vec<ChangedPath<'a>> {
    let differs = |other: &Fields, name: &String, value: &Value| other.get(name) != Some(value);
    let old = flatten(before.iter().filter(|(name, value)| differs(after, name, value)), types);
    let new =
        flatten(after.iter().filter(|(name, value)| differs(before, name, value)), types_after);
    let mut changed = Vec::new();
    for (path, before) in &old {
        let after = new.get(path).copied();
        if after != Some(*before) {
            changed.push(ChangedPath { path: path.clone(), before: Some(*before), after });
        }
    }
    for (path, after) in new {
        if !old.contains_key(&path) {
            changed.push(ChangedPath { path, before: None, after: Some(after) });
        }
    }
    changed
}

pub(super) fn key_of<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    item.as_object()?.get(key)?.as_str()
}

/// Whether there are words, all there and no two the same.
fn distinct<'a>(words: impl Iterator<Item = Option<&'a str>>) -> bool {
    let mut seen = BTreeSet::new();
    for word in words {
        if !word.is_some_and(|word| seen.insert(word)) {
            return false;
        }
    }
    !seen.is_empty()
}

/// The text at `path`; `None` where nothing or something else is written.
pub(crate) fn text<'a>(fields: &'a Fields, path: &str) -> Option<&'a str> {
    get(fields, path)?.as_str()
}

/// The value at `path`, where there is one.
pub(crate) fn get<'a>(fields: &'a Fields, path: &str) -> Option<&'a Value> {
    let within = |value: &'a Value, name: &str| value.as_object()?.get(name);
    if !path.contains('\\') {
        let mut names = path.split('.');
        let first = fields.get(names.next()?)?;
        return names.try_fold(first, within);
    }
    let names = split(path);
    let (first, rest) = names.split_first()?;
    rest.iter().try_fold(fields.get(first)?, |value, name| within(value, name))
}

/// Whether a path is another one or lies within it.
pub(crate) fn is_within(path: &str, outer: &str) -> bool {
    path == outer || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::put::put_all;
    use proptest::prelude::*;
    use serde_json::json;

    fn types(path: &str) -> FieldType {
        match path {
            "tags" => FieldType::Set,
            "ticks" => FieldType::Keyed("item".into()),
            _ => FieldType::Register,
        }
    }

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn objects_sets_and_keyed_lists_become_paths() {
        let record = fields(json!({
            "labs": {"inr": 1.4, "a.b": null}, "tags": ["on call", "x"], "devices": ["b", "a"], "empty": {},
            "ticks": [{"item": "S-48", "at": "t"}], "@alive": 1
        }));
        let flat = flatten(&record, &types);
        let paths: Vec<&str> = flat.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "\\@alive",
                "devices",
                "empty",
                "labs.a\\.b",
                "labs.inr",
                "tags.on call",
                "tags.x",
                "ticks.S-48.at",
                "ticks.S-48.item"
            ]
        );
        assert_eq!(split("labs.a\\.b"), ["labs", "a.b"]);
        assert_eq!(
            ["inr", "labs.inr", "labs.a\\.b", "a.b.c", "a\\\\.b"].map(outer),
            ["", "labs", "labs", "a.b", "a\\\\"]
        );
        assert_eq!(get(&record, "labs.a\\.b"), Some(&Value::Null));
        let entries = ["ticks.S-48.at", "ticks.S\\.48.at.b", "ticks.S-48", "ticks.a\\\\.at"];
        assert_eq!(
            entries.map(|path| entry_of(path, "ticks")),
            ["ticks.S-48", "ticks.S\\.48", "ticks.S-48", "ticks.a\\\\"]
        );
    }

    #[test]
    fn what_breaks_its_type_is_one_value() {
        let broken = fields(json!({"tags": ["a", "a"], "ticks": [{"at": "t"}]}));
        let objects = fields(json!({"tags": {"a": 1, "b": true}, "ticks": {"S-48": {"item": 1}}}));
        for broken in [broken, objects] {
            let flat = flatten(&broken, &types);
            assert_eq!(flat.keys().collect::<Vec<_>>(), ["tags", "ticks"]);
            let mut again = Fields::new();
            let values = flat.into_iter().map(|(path, value)| (path, Some(value.clone())));
            put_all(&mut again, values, &types);
            assert_eq!(again, broken);
        }
    }

    proptest! {
        #[test]
        fn names_survive_as_paths(names in prop::collection::vec(".{1,8}", 1..4)) {
            let path = names.iter().fold(String::new(), |path, name| join(&path, name));
            prop_assert_eq!(split(&path), names);
        }
    }
}
