use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::content::Messages;

/// Kind and text of each hit.
fn hits(text: &str) -> Vec<(IdentifierKind, String)> {
    let letters: Vec<char> = text.chars().collect();
    let piece = |hit: IdentifierHit| letters[hit.start as usize..hit.end as usize].iter().collect();
    scan(text).into_iter().map(|hit| (hit.kind, piece(hit))).collect()
}

#[derive(serde::Deserialize)]
struct Vector {
    text: String,
    /// Kind and piece of text.
    hits: Vec<(String, String)>,
}

#[test]
fn the_vectors_hold() {
    for line in include_str!("../../../tests/vectors/identifiers.jsonl").lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let found: Vec<(String, String)> = hits(&vector.text)
            .into_iter()
            .map(|(kind, piece)| (kind.key().trim_start_matches("privacy.").to_owned(), piece))
            .collect();
        assert_eq!(found, vector.hits, "{}", vector.text);
    }
}

/// Every text of the invented rotation and of the invented jots.
fn sample() -> Vec<String> {
    let rotation = include_str!("../../../tests/vectors/rotation.jsonl");
    let mut texts = Vec::new();
    for line in rotation.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let fields: Fields = serde_json::from_value(record["fields"].clone()).unwrap();
        for hit in scan_fields(&fields) {
            texts.push(format!("{} {:?}", hit.path, hit.hit));
        }
    }
    for line in include_str!("../../../tests/vectors/jots_dev.jsonl").lines() {
        let jot: Value = serde_json::from_str(line).unwrap();
        let text = jot["text"].as_str().unwrap();
        texts.extend(
            hits(text).into_iter().map(|(kind, piece)| format!("{kind:?} {piece} in {text}")),
        );
    }
    texts
}

#[test]
fn notes_without_identifiers_stay_quiet() {
    assert_eq!(sample(), Vec::<String>::new());
}

#[test]
fn fields_are_scanned_where_people_write() {
    let fields: Fields = serde_json::from_value(json!({
        "note": "MRN 0012345",
        "devices": ["8 Fr drain", "call 555-010-4477"],
        "labs": {"own": "for Mr. Smith"},
        "started": "2026-10-05T07:10:00-05:00",
        "due": "2026-11-20",
        "lesson": "2026-11-20",
        "fluoro_min": 1_234_567,
    }))
    .unwrap();
    let mut found: Vec<_> =
        scan_fields(&fields).into_iter().map(|hit| (hit.path, hit.hit.kind)).collect();
    found.sort();
    let wanted = [
        ("devices[1]", IdentifierKind::Phone),
        ("labs.own", IdentifierKind::Name),
        ("lesson", IdentifierKind::Date),
        ("note", IdentifierKind::RecordNumber),
    ];
    assert_eq!(found, wanted.map(|(path, kind)| (path.to_owned(), kind)));
}

#[test]
fn what_names_another_record_is_no_identifier() {
    let id = "01a22321-c0aa-7e7e-878a-ed74003505cb";
    let written =
        json!({"consult": id, "template": format!("own/{id}"), "note": format!("see {id}")});
    let found = scan_fields(&serde_json::from_value(written).unwrap());
    let paths: Vec<&str> = found.iter().map(|hit| hit.path.as_str()).collect();
    assert!(paths.iter().all(|path| *path == "note") && !paths.is_empty(), "{paths:?}");
}

#[test]
fn positions_count_scalars() {
    let text = "µ😀 Mr. Smith";
    assert_eq!(scan(text), [IdentifierHit { kind: IdentifierKind::Name, start: 3, end: 12 }]);
}

#[test]
fn every_kind_has_its_words() {
    for kind in IdentifierKind::ALL {
        let words = kind.wording();
        assert!(Messages::shipped().has(kind.key()));
        assert!(!words.kept.is_empty() && !words.todo.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_is_scanned_and_spans_lie_within(
        text in "\\PC{0,60}|([0-9]{1,8}[-/. ,()+@:]{0,2}){0,8}|((mr|Ms|MRN|dob|aged|oct|of|Smith|O'Brien|9[0-9]|20|s|yo)[ .:-]{0,2}){0,10}"
    ) {
        let length = text.chars().count();
        let mut last = 0;
        for hit in scan(&text) {
            prop_assert!(hit.start >= last && hit.start < hit.end && hit.end as usize <= length);
            last = hit.end;
        }
    }
}
