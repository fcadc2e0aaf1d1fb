//! Real books that write apart and exchange in any order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::book;
use super::*;

fn fields(value: Value) -> crate::record::Fields {
    serde_json::from_value(value).unwrap()
}

/// One step of a run; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, u8),
    Edit(usize, usize, usize, u8),
    Delete(usize, usize),
    Restore(usize, usize),
    Undo(usize),
    Erase(usize, usize),
    Exchange { from: usize, to: usize, again: bool },
}

const PATHS: [&str; 5] = ["role", "labs.inr", "note", "tags", "fluoro_min"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..3;
    let which = 0usize..4;
    let step = prop_oneof![
        2 => (who.clone(), 0u8..5).prop_map(|(book, n)| Step::Create(book, n)),
        6 => (who.clone(), which.clone(), 0..PATHS.len(), 0u8..6).prop_map(|(b, r, p, n)| Step::Edit(b, r, p, n)),
        1 => (who.clone(), which.clone()).prop_map(|(b, r)| Step::Delete(b, r)),
        1 => (who.clone(), which.clone()).prop_map(|(b, r)| Step::Restore(b, r)),
        1 => who.clone().prop_map(Step::Undo),
        1 => (who.clone(), which).prop_map(|(b, r)| Step::Erase(b, r)),
        5 => (who.clone(), who, any::<bool>()).prop_map(|(from, to, again)| Step::Exchange { from, to, again }),
    ];
    prop::collection::vec(step, 1..30)
}

fn value(path: &str, n: u8) -> Value {
    match path {
        "note" => {
            json!("a longer text about the case ".repeat(usize::from(n % 3) + 1) + &n.to_string())
        }
        "tags" => json!((0..n % 4).map(|t| format!("tag{t}")).collect::<Vec<_>>()),
        _ => json!(n),
    }
}

struct Device {
    _folder: tempfile::TempDir,
    book: Logbook,
    /// How far each of the others was heard.
    heard: [u64; 3],
    last: Option<Change>,
}

fn records(book: &Logbook) -> Vec<RecordId> {
    let handed = book.hand_over(0, u32::MAX - 1).unwrap();
    let mut ids: Vec<RecordId> = handed.records.into_iter().map(|handed| handed.id).collect();
    ids.sort();
    ids
}

fn exchange(devices: &[Device], from: usize, to: usize, after: u64) -> u64 {
    let handed = devices[from].book.hand_over(after, 1_000).unwrap();
    let report =
        devices[to].book.take_in(handed.records.iter().map(|h| h.bytes.as_slice())).unwrap();
    assert!(report.refused.is_empty());
    handed.up_to
}

fn step(devices: &mut [Device], step: &Step) {
    let pick = |book: &Logbook, n: usize| {
        let ids = records(book);
        (!ids.is_empty()).then(|| ids[n % ids.len()])
    };
    match *step {
        Step::Create(at, n) => {
            let fields = fields(json!({"procedure": "picc", "labs": {"inr": n}, "tags": ["tag0"]}));
            devices[at].last = Some(devices[at].book.create_case(fields).unwrap().change);
        }
        Step::Edit(at, record, path, n) => {
            let Some(id) = pick(&devices[at].book, record) else { return };
            let patch = vec![(PATHS[path].to_owned(), Some(value(PATHS[path], n)))];
            // Erased records are not there to be edited.
            if let Ok(changed) = devices[at].book.transact(|tx| tx.edit(id, patch, None)) {
                devices[at].last = changed.value.change;
            }
        }
        Step::Delete(at, record) => {
            if let Some(id) = pick(&devices[at].book, record) {
                let _ = devices[at].book.delete(id);
            }
        }
        Step::Restore(at, record) => {
            if let Some(id) = pick(&devices[at].book, record) {
                let _ = devices[at].book.restore_record(id);
            }
        }
        Step::Undo(at) => {
            if let Some(change) = devices[at].last.take() {
                let _ = devices[at].book.undo(&change);
            }
        }
        Step::Erase(at, record) => {
            if let Some(id) = pick(&devices[at].book, record) {
                let _ = devices[at].book.erase(id);
            }
        }
        Step::Exchange { from, to, again } => {
            if from != to {
                let after = if again { 0 } else { devices[to].heard[from] };
                devices[to].heard[from] = exchange(devices, from, to, after);
            }
        }
    }
}

/// Everything that a user can see of a book.
fn shown(book: &Logbook) -> Vec<String> {
    records(book)
        .into_iter()
        .map(|id| match book.record(id) {
            Ok(record) => {
                let mut fields = record.fields.clone();
                if let Some(Value::Array(tags)) = fields.get_mut("tags") {
                    tags.sort_by_key(ToString::to_string);
                }
                format!("{id} {} {:?}", record.alive, fields)
            }
            Err(_) => format!("{id} erased"),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn books_agree_once_they_have_heard_each_other(steps in steps()) {
        let mut devices: Vec<Device> = (0..3)
            .map(|_| {
                let (folder, book) = book();
                Device { _folder: folder, book, heard: [0; 3], last: None }
            })
            .collect();
        for one in &steps {
            step(&mut devices, one);
        }
        for _ in 0..2 {
            for (from, to) in [(0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)] {
                devices[to].heard[from] = exchange(&devices, from, to, devices[to].heard[from]);
            }
        }
        let first = shown(&devices[0].book);
        prop_assert_eq!(&shown(&devices[1].book), &first);
        prop_assert_eq!(&shown(&devices[2].book), &first);
        // What was heard before is known: nothing is written, nothing comes back as new.
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            let before = devices[to].book.hand_over(0, 1_000).unwrap().up_to;
            exchange(&devices, from, to, 0);
            prop_assert_eq!(devices[to].book.hand_over(0, 1_000).unwrap().up_to, before);
        }
    }

    #[test]
    fn bytes_that_are_no_record_are_set_aside(bytes: Vec<u8>) {
        let (_folder, book) = book();
        let report = book.take_in([bytes.as_slice()]).unwrap();
        prop_assert_eq!(report, TakenInReport { refused: vec![0], ..TakenInReport::default() });
    }
}

#[test]
fn both_texts_survive_and_the_loser_is_in_the_history() {
    let ((_one, phone), (_two, laptop)) = (book(), book());
    let id = phone.create_case(fields(json!({"note": "A note.", "fluoro_min": 1}))).unwrap().id;
    let send = |from: &Logbook, to: &Logbook| {
        let handed = from.hand_over(0, 100).unwrap();
        to.take_in(handed.records.iter().map(|handed| handed.bytes.as_slice())).unwrap()
    };
    send(&phone, &laptop);
    let edit = |book: &Logbook, path: &str, value: Value| {
        book.transact(|tx| tx.edit(id, vec![(path.to_owned(), Some(value))], None)).unwrap();
    };
    edit(&phone, "note", json!("A note from the phone."));
    edit(&laptop, "note", json!("On the laptop: A note."));
    edit(&phone, "fluoro_min", json!(19.7));
    edit(&laptop, "fluoro_min", json!(17.9));
    send(&phone, &laptop);
    send(&laptop, &phone);
    for book in [&phone, &laptop] {
        let record = book.record(id).unwrap();
        assert_eq!(record.fields["note"], json!("On the laptop: A note from the phone."));
    }
    let shown = phone.record(id).unwrap().fields["fluoro_min"].clone();
    assert_eq!(laptop.record(id).unwrap().fields["fluoro_min"], shown);
    edit(&laptop, "fluoro_min", json!(18.5));
    let before: Vec<_> = laptop.history(id, "fluoro_min").unwrap();
    let values: Vec<_> = before.iter().filter_map(|v| v.value_json.as_deref()).collect();
    assert!(values.contains(&"19.7") && values.contains(&"17.9"), "{values:?}");
    send(&laptop, &phone);
    assert_eq!(phone.record(id).unwrap().fields["fluoro_min"], json!(18.5));
}
