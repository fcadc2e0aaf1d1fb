//! Putting values into a record by path, and taking them away.

use serde_json::{Map, Value};

use super::path::{Fields, join, key_of, split};
use super::shape::FieldType;

/// Puts `value` at `path`, or takes the path away; lists keep their order, and an object that becomes
/// empty goes too. Where something else stands in which the path cannot lie, it takes the place of that;
/// there is nothing to be taken away there.
fn put(fields: &mut Fields, path: &str, value: Option<Value>, type_of: &dyn Fn(&str) -> FieldType) {
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
    let field_type = type_of(&path);
    let is_list = match field_type {
        FieldType::Set => rest.len() == 1,
        FieldType::Keyed(_) => true,
        FieldType::Register => false,
    };
    let may_lie_in = |child: &Value| if is_list { child.is_array() } else { child.is_object() };
    if value.is_none() && !object.get(name).is_some_and(may_lie_in) {
        return;
    }
    let child = object.entry(name.clone()).or_insert(Value::Null);
    let had_items = child.as_array().is_some_and(|items| !items.is_empty());
    match field_type {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::record::path::flatten;

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
    fn what_cannot_lie_in_a_value_is_not_taken_out_of_it() {
        let whole = fields(json!({"labs": 5, "tags": "none", "ticks": "all done", "note": ["a"]}));
        let mut record = whole.clone();
        for path in ["labs.inr", "tags.a", "tags.a.b", "ticks.S-48.item", "ticks.S-48", "note.a"] {
            put(&mut record, path, None, &types);
            assert_eq!(record, whole, "{path}");
        }
        // A list that became a text, in one write.
        let mut record = fields(json!({"ticks": [{"item": "S-48", "at": "t"}]}));
        let text = ("ticks".to_owned(), Some(json!("all done")));
        let gone = ["ticks.S-48.item", "ticks.S-48.at"].map(|path| (path.to_owned(), None));
        put_all(&mut record, std::iter::once(text).chain(gone), &types);
        assert_eq!(Value::Object(record), json!({"ticks": "all done"}));
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
