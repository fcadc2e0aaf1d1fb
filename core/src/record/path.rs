//! Fields as paths: `labs.inr`, `tags.on call`, `ticks.S-48.at`. A path is what carries a stamp.

use std::collections::{BTreeMap, BTreeSet};

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
    for (name, value) in fields {
        each_within(join("", name), value, type_of, each);
    }
}

fn each_within<'a>(
    path: String,
    value: &'a Value,
    type_of: &dyn Fn(&str) -> FieldType,
    each: &mut dyn FnMut(String, &'a Value),
) {
    match value {
        Value::Object(object) if !object.is_empty() && !type_of(&path).is_list() => {
            for (name, value) in object {
                each_within(join(&path, name), value, type_of, each);
            }
        }
        Value::Array(items) => match type_of(&path) {
            FieldType::Set if distinct(items.iter().map(Value::as_str)) => {
                for item in items.iter().filter_map(Value::as_str) {
                    each(join(&path, item), truth(true));
                }
            }
            FieldType::Keyed(key) if distinct(items.iter().map(|i| key_of(i, &key))) => {
                for item in items {
                    if let Some(name) = key_of(item, &key) {
                        each_within(join(&path, name), item, type_of, each);
                    }
                }
            }
            _ => each(path, value),
        },
        _ => each(path, value),
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

fn key_of<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
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

/// Puts `value` at `path`, or takes the path away; lists keep their order, and an object that becomes
/// empty goes too.
pub(crate) fn put(
    fields: &mut Fields,
    path: &str,
    value: Option<Value>,
    type_of: &dyn Fn(&str) -> FieldType,
) {
    put_in(fields, "", &split(path), value, type_of);
}

/// Puts several values, each path once. What tells an entry of a list from the others is taken away last:
/// without it the rest of the entry would not be found.
pub(crate) fn put_all(
    fields: &mut Fields,
    values: impl IntoIterator<Item = (String, Option<Value>)>,
    type_of: &dyn Fn(&str) -> FieldType,
) {
    let is_lost_key =
        |(path, value): &(String, Option<Value>)| value.is_none() && is_key(path, type_of);
    let (last, first): (Vec<_>, Vec<_>) = values.into_iter().partition(is_lost_key);
    for (path, value) in first.into_iter().chain(last) {
        put(fields, &path, value, type_of);
    }
}

/// Whether a path is the field that tells an entry of a list from the others: `ticks.S-48.item`.
fn is_key(path: &str, type_of: &dyn Fn(&str) -> FieldType) -> bool {
    let segments = split(path);
    let [above @ .., _, key] = segments.as_slice() else { return false };
    let list = above.iter().fold(String::new(), |path, name| join(&path, name));
    type_of(&list) == FieldType::Keyed(key.clone())
}

fn put_in(
    object: &mut Fields,
    prefix: &str,
    segments: &[String],
    value: Option<Value>,
    type_of: &dyn Fn(&str) -> FieldType,
) {
    let Some((name, rest)) = segments.split_first() else { return };
    if rest.is_empty() {
        match value {
            Some(value) => object.insert(name.clone(), value),
            None => object.remove(name),
        };
        return;
    }
    let path = join(prefix, name);
    if value.is_none() && !object.contains_key(name) {
        return;
    }
    let child = object.entry(name.clone()).or_insert(Value::Null);
    let had_items = child.as_array().is_some_and(|items| !items.is_empty());
    match type_of(&path) {
        FieldType::Set if rest.len() == 1 => put_in_set(child, &rest[0], value.is_some()),
        FieldType::Keyed(key) => put_in_keyed(child, &path, &key, rest, value, type_of),
        _ => {
            if !child.is_object() {
                *child = Value::Object(Fields::new());
            }
            if let Value::Object(child) = child {
                put_in(child, &path, rest, value, type_of);
            }
        }
    }
    // An empty list or object that somebody wrote is a value of its own; one that ran empty is gone.
    let ran_empty = child.as_array().is_some_and(|items| items.is_empty() && had_items);
    if ran_empty || child.as_object().is_some_and(Map::is_empty) {
        object.remove(name);
    }
}

fn put_in_set(list: &mut Value, word: &str, there: bool) {
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    if let Value::Array(items) = list {
        let at = items.iter().position(|item| item.as_str() == Some(word));
        match (at, there) {
            (None, true) => items.push(Value::from(word)),
            (Some(at), false) => drop(items.remove(at)),
            _ => {}
        }
    }
}

fn put_in_keyed(
    list: &mut Value,
    path: &str,
    key: &str,
    segments: &[String],
    value: Option<Value>,
    type_of: &dyn Fn(&str) -> FieldType,
) {
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    let Value::Array(items) = list else { return };
    let name = &segments[0];
    let at = items.iter().position(|item| key_of(item, key) == Some(name));
    if segments.len() == 1 {
        match (at, value) {
            (Some(at), Some(value)) => items[at] = value,
            (None, Some(value)) => items.push(value),
            (Some(at), None) => drop(items.remove(at)),
            (None, None) => {}
        }
        return;
    }
    if at.is_none() && value.is_none() {
        return;
    }
    let at = at.unwrap_or_else(|| {
        items
            .push(Value::Object(Fields::from_iter([(key.to_owned(), Value::from(name.as_str()))])));
        items.len() - 1
    });
    if let Value::Object(item) = &mut items[at] {
        put_in(item, &join(path, name), &segments[1..], value, type_of);
        if item.is_empty() {
            items.remove(at);
        }
    }
}

/// Whether a path is another one or lies within it.
pub(crate) fn is_within(path: &str, outer: &str) -> bool {
    path == outer || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn put_reaches_into_lists_and_leaves_no_empty_objects() {
        let mut record = fields(json!({"labs": {"inr": 1}, "tags": ["b", "a"]}));
        put(&mut record, "labs.inr", None, &types);
        put(&mut record, "tags.c", Some(json!(true)), &types);
        put(&mut record, "tags.b", None, &types);
        put(&mut record, "ticks.S-50.at", Some(json!("now")), &types);
        put(&mut record, "access.site", Some(json!("vein")), &types);
        assert_eq!(
            Value::Object(record),
            json!({"tags": ["a", "c"], "ticks": [{"item": "S-50", "at": "now"}], "access": {"site": "vein"}})
        );
    }

    #[test]
    fn an_entry_goes_whole_in_whichever_order_its_parts_are_named() {
        let whole = fields(
            json!({"ticks": [{"item": "S-48", "at": "t", "on": 1}, {"item": "S-50", "at": "u"}]}),
        );
        let mut paths = ["ticks.S-48.item", "ticks.S-48.at", "ticks.S-48.on", "ticks.S-51.at"];
        for _ in 0..paths.len() {
            paths.rotate_left(1);
            let mut record = whole.clone();
            put_all(&mut record, paths.map(|path| (path.to_owned(), None)), &types);
            assert_eq!(Value::Object(record), json!({"ticks": [{"item": "S-50", "at": "u"}]}));
        }
    }

    proptest! {
        #[test]
        fn names_survive_as_paths(names in prop::collection::vec(".{1,8}", 1..4)) {
            let path = names.iter().fold(String::new(), |path, name| join(&path, name));
            prop_assert_eq!(split(&path), names);
        }

        #[test]
        fn putting_every_path_rebuilds_the_record(keys in prop::collection::btree_map("[a-d.@]{1,3}", 0i32..9, 1..6)) {
            let nested: Fields = keys.iter().map(|(k, v)| (k.clone(), json!({"x": v, "tags": [k]}))).collect();
            let flat = flatten(&nested, &types);
            let mut again = Fields::new();
            for (path, value) in flat {
                put(&mut again, &path, Some(value.clone()), &types);
            }
            prop_assert_eq!(again, nested);
        }
    }
}
