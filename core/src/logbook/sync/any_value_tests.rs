//! Any JSON value in any field of any kind, imported or sent by a peer, leaves every list, count, search
//! and export working, and goes out and in again unchanged.

#[path = "../../../../tests/src/any_value.rs"]
mod any_value;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::tests::book;
#[cfg(feature = "ffi")]
use super::any_value_phone_tests::Phone;
use super::tests::{paired, run};
use super::*;
use crate::logbook::{ExportFormat, ExportOptions, ImportOptions, ImportSource};
use crate::record::{MOST_RECORD_BYTES, Record, Traveling};
use any_value::{MARKER, groups, is_kept_back, line, lines, lines_of_imports, values};

fn import(book: &Logbook, lines: &[String]) -> u64 {
    let source = ImportSource::Bytes(Arc::from(lines.join("\n").into_bytes()));
    let job = book.import_job(source, ImportOptions::default()).unwrap();
    job.run(|_| ()).unwrap().added
}

fn export(book: &Logbook, format: ExportFormat) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = ExportOptions { replace: true, ..ExportOptions::default() };
    book.export_job(file.path(), format, &options).unwrap().run(|_| ()).unwrap();
    std::fs::read_to_string(file.path()).unwrap()
}

/// What is exported goes into an empty book and comes out as it was.
fn goes_around(book: &Logbook) -> usize {
    let out = export(book, ExportFormat::Jsonl);
    let (_folder, other) = self::book();
    let lines: Vec<String> = out.lines().map(str::to_owned).collect();
    assert_eq!(import(&other, &lines), lines.len() as u64);
    assert_eq!(out, export(&other, ExportFormat::Jsonl));
    lines.len()
}

fn is_whole(book: &Logbook) {
    let report = book.verify_job().unwrap().run(|_| ()).unwrap();
    assert!(report.is_whole() && report.repaired.is_empty(), "{report:?}");
}

#[test]
fn what_came_in_goes_out_by_import_and_by_peer() {
    let devices = paired::<2>();
    let all = lines();
    let [here, there] = [&devices[0].book, &devices[1].book];
    assert_eq!(import(here, &all), all.len() as u64);
    run(&devices, 0, 1, usize::MAX);
    let left_out = all.iter().filter(|line| is_kept_back(line)).count();
    for book in [here, there] {
        is_whole(book);
        assert_eq!(goes_around(book), all.len() - left_out);
        export(book, ExportFormat::Csv);
    }
    assert_eq!(export(here, ExportFormat::Jsonl), export(there, ExportFormat::Jsonl));
}

#[test]
fn what_is_too_much_for_a_peer_goes_out_of_an_import_too() {
    let (_folder, book) = book();
    let all = lines_of_imports();
    assert_eq!(import(&book, &all), all.len() as u64);
    let left_out = all.iter().filter(|line| is_kept_back(line)).count();
    is_whole(&book);
    assert_eq!(goes_around(&book), all.len() - left_out);
    export(&book, ExportFormat::Csv);
}

#[cfg(feature = "ffi")]
#[test]
fn every_call_of_a_phone_answers() {
    let devices = paired::<2>();
    let all = lines();
    import(&devices[0].book, &all);
    run(&devices, 0, 1, usize::MAX);
    for device in devices {
        let phone = Phone::new(device.book);
        phone.reads();
        phone.writes();
        phone.reads_of_the_whole();
        is_whole(phone.book());
        goes_around(phone.book());
    }
}

/// A value of any shape, or one that some field takes for its own.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => prop::sample::select(values()),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        2 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec![
                "item",
                "stage",
                "at",
                "inr",
                "grade",
                "scheme",
                "procedure"
            ])
            .prop_map(str::to_owned),
            ".{1,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(2)))]
    #[test]
    fn fields_of_several_shapes_stand_side_by_side(
        picked in prop::collection::vec((0usize..99, value(), value(), any::<u64>()), 12..13)
    ) {
        let devices = paired::<2>();
        let groups = groups();
        let mixed = |(number, (group, one, other, luck)): (usize, (usize, Value, Value, u64))| {
            let group = &groups[group % groups.len()];
            let picks = |path: &str| luck >> (path.len() * 7 % 64) & 1 == 0;
            let mut fields = group.fields(&one, false, picks);
            let others = group.fields(&other, luck & 1 == 0, |path| !picks(path));
            for (name, value) in others.as_object().unwrap() {
                fields.as_object_mut().unwrap().entry(name.clone()).or_insert(value.clone());
            }
            line(number, &group.kind, &fields)
        };
        let lines: Vec<String> = picked.into_iter().enumerate().map(mixed).collect();
        import(&devices[0].book, &lines);
        run(&devices, 0, 1, usize::MAX);
        for device in devices {
            goes_around(&device.book);
            #[cfg(feature = "ffi")]
            {
                let phone = Phone::new(device.book);
                phone.reads();
                phone.writes();
                phone.reads_of_the_whole();
                is_whole(phone.book());
                goes_around(phone.book());
            }
        }
    }
}

/// A record as a peer could send it that keeps to no rule of ours.
fn sent(kind: &str, at_ms: i64, offset_min: Option<i16>, fields: Value) -> record::Traveling {
    let (_folder, book) = book();
    let made = book.create_record("case", serde_json::from_value(fields).unwrap()).unwrap();
    let sent = book.read(|conn| {
        let entry = record::entries(conn, 0, 9)?.pop().unwrap();
        record::traveling(conn, &entry.what)
    });
    let Traveling::Record(mut whole) = sent.unwrap() else { panic!("a record") };
    let at = crate::time::Moment { utc: crate::time::UtcMillis(at_ms), offset_min };
    whole.record = Record { id: made.id, kind: kind.to_owned(), at, ..whole.record };
    Traveling::Record(whole)
}

fn nested(depth: usize) -> Value {
    json!({ "in": (0..depth).fold(json!(1), |value, _| json!([value])) })
}

#[test]
fn what_no_import_would_take_is_set_aside() {
    let devices = paired::<2>();
    let there = &devices[0].book;
    let fine = json!({ "note": MARKER });
    let (noon, far) = (1_790_000_000_000, 253_402_300_799_000);
    let mut taken = 0;
    let offered = [
        (sent("case", noon, None, fine.clone()), None),
        (sent("case", noon, Some(-300), nested(29)), None),
        (sent("case", noon, Some(-300), nested(62)), Some(WhyRefused::TooMuch)),
        (sent("a kind of next year", far, Some(0), fine.clone()), None),
        (sent("case", noon, Some(-300), nested(63)), Some(WhyRefused::TooMuch)),
        (sent("case", noon, Some(-300), nested(120)), Some(WhyRefused::TooMuch)),
        (sent("", noon, None, fine.clone()), Some(WhyRefused::Unreadable)),
        (sent(" ", noon, None, fine.clone()), Some(WhyRefused::Unreadable)),
        (sent("ca\u{1b}[2Jse", noon, None, fine.clone()), Some(WhyRefused::Unreadable)),
        (sent(&"k".repeat(65), noon, None, fine.clone()), Some(WhyRefused::TooMuch)),
        (sent("case", far, Some(60), fine.clone()), Some(WhyRefused::Unreadable)),
        (sent("case", -62_167_219_200_000, Some(-60), fine.clone()), Some(WhyRefused::Unreadable)),
    ];
    for (place, (traveling, why)) in offered.into_iter().enumerate() {
        let bytes = record::encode_traveling(&traveling);
        let incoming = Incoming { cursor: None, receipt: Receipt::default(), records: vec![bytes] };
        let applied = there.perform(super::tests::key(1), &Effect::Apply(incoming)).unwrap();
        let Some(Event::Applied(applied)) = applied else { panic!("applied") };
        let refused: Vec<WhyRefused> = applied.refused.iter().map(|one| one.why).collect();
        assert_eq!(refused, Vec::from_iter(why), "{place}");
        taken += usize::from(why.is_none());
    }
    assert_eq!(goes_around(there), taken);
    // The largest that a peer can send.
    let large = sent("case", noon, None, json!({ "note": "x".repeat(MOST_RECORD_BYTES - 1024) }));
    let bytes = record::encode_traveling(&large);
    assert!(bytes.len() > MOST_RECORD_BYTES - 1024 && bytes.len() <= MOST_RECORD_BYTES);
    let incoming = Incoming { cursor: None, receipt: Receipt::default(), records: vec![bytes] };
    there.perform(super::tests::key(1), &Effect::Apply(incoming)).unwrap();
    assert_eq!(goes_around(there), taken + 1);
}
