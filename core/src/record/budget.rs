//! How much a record of another device may be.
//!
//! The limits are counts, so every device decides alike about the same bytes. They are far above what a
//! person writes. They are low enough that two records within them are joined quickly, whatever they hold.
//! What a user writes on this device is not limited: where it is more than this, it stays here and other
//! devices set it aside. What an import takes is wider in everything, and stands in `bounds.rs`: what is
//! taken in from a peer, also after many joins, comes out of an export and goes in again.

use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::Value;

use super::bounds;
use super::merge::Whole;
use super::path::{segments, try_each_path};
use super::travel::{Gone, Traveling};
use super::write::type_of;

/// Bytes of a record as it travels.
pub(crate) const MOST_RECORD_BYTES: usize = 1 << 20;
/// Bytes of a kind, and of a path.
const MOST_KIND_BYTES: usize = 64;
const MOST_PATH_BYTES: usize = 1_024;
/// Names within each other: of a path, and of the value that stands there.
const MOST_DEEP: usize = 32;
/// Values, stamps and types of one record.
const MOST_ITEMS: usize = 4_096;
/// Values on one path.
const MOST_ON_PATH: usize = 64;
/// Devices that a record has seen.
const MOST_DEVICES: usize = 1_024;
/// What one item weighs, in bytes of text: its stamp, its path, its row.
const ITEM_WEIGHT: usize = 64;
/// What JSON puts around a value at most, beside its name: quotes, a colon, a comma.
const JSON_AROUND: usize = 4;
/// What is taken in at once, before others may write.
pub(crate) const PIECE: usize = 1 << 20;

/// What taking a record in costs, in bytes; `None` where it is more than any may be.
pub(crate) fn weigh(traveling: &Traveling, bytes: usize) -> Option<usize> {
    if bytes > MOST_RECORD_BYTES {
        return None;
    }
    let items = match traveling {
        Traveling::Record(whole) => items_of(whole)?,
        Traveling::Gone(Gone { seen, erased, .. }) => {
            // What was erased for good needs no account of what it had seen.
            if seen.len() > MOST_DEVICES && !erased {
                return None;
            }
            seen.len()
        }
    };
    Some(bytes + items * ITEM_WEIGHT)
}

/// Whether what came of a join is within what a record of another device may be.
pub(crate) fn fits(whole: &Whole) -> bool {
    items_of(whole).is_some() && bytes_of(whole) <= bounds::FIELDS_BYTES_MAX
}

/// Its values, stamps, types and devices.
fn items_of(whole: &Whole) -> Option<usize> {
    let Whole { record, siblings, .. } = whole;
    let meta = &record.meta;
    let devices = meta.seen().len();
    let mut items = meta.types.len() + meta.exceptions.len() + meta.authors.len() + siblings.len();
    let paths = meta.types.keys().chain(meta.exceptions.keys()).chain(meta.authors.keys());
    if record.kind.len() > MOST_KIND_BYTES
        || devices > MOST_DEVICES
        || items > MOST_ITEMS
        || !paths.map(String::as_str).all(is_path)
    {
        return None;
    }
    let mut add = |path: &str, value: Option<&Value>| {
        items += is_path(path).then(|| value.map_or(Some(0), |value| values_at(path, value)))??;
        (items <= MOST_ITEMS).then_some(())
    };
    // Paths as they are stamped: words of a set and keys of entries are names in them.
    let mut each = |path: String, value| match add(&path, Some(value)) {
        Some(()) => ControlFlow::Continue(()),
        None => ControlFlow::Break(()),
    };
    let types = type_of(&record.kind, meta);
    let walked = try_each_path(&record.fields, &types, &is_path, &mut each);
    walked.is_continue().then_some(())?;
    let (mut on_path, mut last) = (0, None);
    for sibling in siblings {
        let path = sibling.path.as_str();
        add(path, sibling.dot.value.as_ref())?;
        on_path = if last == Some(path) { on_path + 1 } else { 1 };
        last = Some(path);
        (on_path <= MOST_ON_PATH).then_some(())?;
    }
    Some(items + devices)
}

fn is_path(path: &str) -> bool {
    path.len() <= MOST_PATH_BYTES && segments(path) <= MOST_DEEP
}

/// The values in one that stands at `path`; `None` where it is too deep, or its names are too long.
fn values_at(path: &str, value: &Value) -> Option<usize> {
    values_in(value, MOST_DEEP - segments(path), MOST_PATH_BYTES - path.len())
}

/// The values within one; `None` where they are nested deeper than `deep`, or their names together are
/// longer than `room`.
fn values_in(value: &Value, deep: usize, room: usize) -> Option<usize> {
    match value {
        Value::Object(object) => {
            let deep = deep.checked_sub(1)?;
            let mut items = 1;
            for (name, value) in object {
                items += values_in(value, deep, room.checked_sub(name.len() + 1)?)?;
            }
            Some(items)
        }
        Value::Array(list) => {
            let deep = deep.checked_sub(1)?;
            list.iter().try_fold(1, |items, value| Some(items + values_in(value, deep, room)?))
        }
        _ => Some(1),
    }
}

/// The bytes of its values as JSON, and of the paths that lead to them.
fn bytes_of(whole: &Whole) -> usize {
    let beside = whole.siblings.iter().filter_map(|sibling| {
        let value = sibling.dot.value.as_ref()?;
        Some(sibling.path.len() + JSON_AROUND + json_bytes(value))
    });
    json_bytes(&whole.record.fields) + beside.sum::<usize>()
}

/// The bytes of a value as JSON.
fn json_bytes(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX / 2,
    }
}

/// Parts of a page that are each taken in at once, by where each ends. `weights` are those of its records.
pub(crate) fn pieces(weights: &[usize]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut weight = 0;
    for (at, one) in weights.iter().enumerate() {
        if weight > 0 && weight + one > PIECE {
            ends.push(at);
            weight = 0;
        }
        weight += one;
    }
    ends.push(weights.len());
    ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ids::{DeviceId, RecordId};
    use crate::record::Record;
    use crate::record::dots::Dot;
    use crate::record::merge::Sibling;
    use crate::record::meta::Meta;
    use crate::record::travel::{decode, encode};
    use crate::time::{Hlc, Moment, Stamp, UtcMillis};

    fn stamp(hlc: u64, device: u64) -> Stamp {
        Stamp { hlc: Hlc(hlc), device: DeviceId(device) }
    }

    fn plain(fields: Value) -> Whole {
        let meta = Meta::new(stamp(9, 1), [].into());
        let at = Moment { utc: UtcMillis(0), offset_min: None };
        let id = RecordId::from_bytes([1; 16]);
        let fields = serde_json::from_value(fields).unwrap();
        let record = Record { id, kind: "case".to_owned(), at, fields, alive: true, lseq: 0, meta };
        Whole { record, siblings: Vec::new() }
    }

    /// As it comes over the wire: the bytes, read and weighed.
    fn weight(whole: &Whole) -> Option<usize> {
        let bytes = encode(&Traveling::Record(Box::new(whole.clone())));
        // What cannot even be read is set aside as well.
        weigh(&decode(&bytes).ok()?, bytes.len())
    }

    fn nested(deep: usize) -> Value {
        (0..deep).fold(json!(1), |value, _| json!({ "a": value }))
    }

    fn with(fields: usize, name: impl Fn(usize) -> String) -> Whole {
        plain((0..fields).map(|n| (name(n), json!(n))).collect::<serde_json::Map<_, _>>().into())
    }

    #[test]
    fn what_a_person_writes_is_far_below() {
        let case = json!({
            "note": "long ".repeat(20_000), "labs": {"inr": 1.4}, "tags": ["a", "b"],
            "stages": (0..50).map(|n| json!({"stage": n.to_string(), "at": "t"})).collect::<Vec<_>>(),
        });
        let weight = weight(&plain(case)).unwrap();
        assert!((100_000..120_000).contains(&weight), "{weight}");
    }

    #[test]
    fn each_way_of_being_too_much_is_seen() {
        let fits = |whole: &Whole| weight(whole).is_some();
        assert!(fits(&plain(nested(30))) && !fits(&plain(nested(40))));
        assert!(!fits(&plain(json!({ "a": (0..40).fold(json!([]), |v, _| json!([v])) }))));
        assert!(fits(&with(4_000, |n| n.to_string())) && !fits(&with(5_000, |n| n.to_string())));
        assert!(!fits(&plain(json!({ "tags": vec!["x"; 5_000] }))));
        assert!(!fits(&with(1, |_| "n".repeat(2_000))));
        assert!(!fits(&plain(json!({"a": {"b".repeat(600): {"c".repeat(600): 1}}}))));
        assert!(!fits(&plain(json!({ "note": "x".repeat(MOST_RECORD_BYTES) }))));
        let mut long_kind = plain(json!({}));
        long_kind.record.kind = "k".repeat(65);
        assert!(!fits(&long_kind));
    }

    #[test]
    fn stamps_types_siblings_and_devices_count() {
        let fits = |whole: &Whole| weight(whole).is_some();
        let mut many = plain(json!({}));
        many.record.meta.exceptions = (0..5_000).map(|n| (n.to_string(), stamp(9, 1))).collect();
        assert!(!fits(&many));
        let mut deep = plain(json!({}));
        deep.record.meta.exceptions = [(vec!["a"; 400].join("."), stamp(9, 1))].into();
        assert!(!fits(&deep));
        let mut seen = plain(json!({}));
        seen.record.meta.context = (2..1_500).map(|n| (DeviceId(n), Hlc(1))).collect();
        assert!(!fits(&seen));
        seen.record.meta.context = (2..900).map(|n| (DeviceId(n), Hlc(1))).collect();
        assert!(fits(&seen));
        let beside = |path: &dyn Fn(usize) -> String, value: Value, count: usize| {
            let mut whole = plain(json!({}));
            whole.record.meta.base = stamp(9_999, 1);
            let dot = Dot { value: Some(value), author: stamp(0, 1) };
            let one = |n| Sibling { path: path(n), stamp: stamp(n as u64, 1), dot: dot.clone() };
            whole.siblings = (0..count).map(one).collect();
            fits(&whole)
        };
        assert!(beside(&|_| "role".to_owned(), json!(1), 60));
        assert!(!beside(&|_| "role".to_owned(), json!(1), 70));
        assert!(beside(&|n| n.to_string(), json!(1), 2_000));
        assert!(!beside(&|n| n.to_string(), json!(1), 5_000));
        // A path and the value on it are one depth.
        assert!(!beside(&|_| vec!["a"; 20].join("."), nested(20), 1));
    }

    #[test]
    fn paths_are_measured_as_they_are_stamped() {
        let fits = |whole: &Whole| weight(whole).is_some();
        // Each dot costs two bytes in a path.
        assert!(fits(&with(1, |_| ".".repeat(500))) && !fits(&with(1, |_| ".".repeat(600))));
        let inner = |name: String| plain(json!({ "labs": { name: 1 } }));
        assert!(fits(&inner(".".repeat(500))) && !fits(&inner(".".repeat(600))));
        // Words of a set, and keys of entries, are names.
        let set = |word: String| plain(json!({ "tags": ["a", word] }));
        assert!(fits(&set("x".repeat(1_000))) && !fits(&set("x".repeat(1_020))));
        let entry = |key: String| plain(json!({ "stages": [{"stage": key, "at": "t"}] }));
        assert!(fits(&entry("x".repeat(1_000))) && !fits(&entry("x".repeat(1_020))));
        // What is no set has a value that may be as long as any text.
        assert!(fits(&plain(json!({ "note": ["a", "x".repeat(2_000)] }))));
        assert!(fits(&plain(json!({ "tags": ["x".repeat(2_000), "x".repeat(2_000)] }))));
    }

    #[test]
    fn what_was_erased_is_never_too_much() {
        let id = RecordId::from_bytes([1; 16]);
        let seen = (0..2_000).map(|n| (DeviceId(n), Hlc(1))).collect();
        let mut gone = Gone { id, erased: true, stamp: stamp(9, 1), seen };
        assert!(weigh(&Traveling::Gone(gone.clone()), 50_000).is_some());
        gone.erased = false;
        assert_eq!(weigh(&Traveling::Gone(gone), 50_000), None);
    }

    #[test]
    fn many_joins_make_no_record_that_an_export_could_not_give_back() {
        let note = |name: usize| (name.to_string(), json!("x".repeat(MOST_RECORD_BYTES - 4_096)));
        let of =
            |notes: usize| plain((0..notes).map(note).collect::<serde_json::Map<_, _>>().into());
        assert!(super::fits(&of(4)) && !super::fits(&of(5)));
        let mut beside = of(4);
        let dot = Dot { value: Some(note(4).1), author: stamp(0, 1) };
        beside.siblings = vec![Sibling { path: "0".to_owned(), stamp: stamp(8, 2), dot }];
        assert!(!super::fits(&beside));
        for value in [json!(1e15), json!("\n\u{1}é"), json!([1, {"a": null}])] {
            assert_eq!(json_bytes(&value), value.to_string().len());
        }
    }

    proptest! {
        #[test]
        fn pieces_are_small_and_leave_nothing_out(weights in prop::collection::vec(0..2 * PIECE, 0..60)) {
            let ends = pieces(&weights);
            prop_assert_eq!(ends.last(), Some(&weights.len()));
            let mut from = 0;
            for end in ends {
                let piece = &weights[from..end];
                let largest = piece.iter().copied().max().unwrap_or(0);
                prop_assert!(piece.iter().sum::<usize>() <= PIECE.max(largest));
                from = end;
            }
        }
    }
}
