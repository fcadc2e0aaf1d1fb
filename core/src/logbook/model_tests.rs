//! Random writes against a model that keeps every state in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::book;
use super::*;
use crate::case_log::list::CaseFilter;
use crate::record::{self, Fields, Patch};

/// One write to one of a few cases.
#[derive(Debug, Clone)]
enum Write {
    Create(BTreeMap<String, u8>),
    Edit(usize, Vec<(usize, Option<u8>)>),
    Delete(usize),
    Restore(usize),
    Undo(usize),
    Erase(usize),
}

const PATHS: [&str; 7] =
    ["note", "labs.inr", "labs.hgb", "access.site", "tags", "devices", "procedure"];

fn value(path: &str, n: u8) -> Value {
    match path {
        "tags" => json!((0..n % 4).map(|t| format!("tag{t}")).collect::<Vec<_>>()),
        "devices" => json!([format!("{n} Fr"), "wire"]),
        "labs.inr" | "labs.hgb" => json!(f64::from(n) / 10.0),
        _ => json!(format!("word{n}")),
    }
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let which = 0usize..4;
    let change = prop::collection::vec((0..PATHS.len(), prop::option::of(0u8..5)), 0..4);
    let write = prop_oneof![
        2 => prop::collection::btree_map("[a-c]{1,2}", 0u8..5, 0..3).prop_map(Write::Create),
        6 => (which.clone(), change).prop_map(|(at, change)| Write::Edit(at, change)),
        1 => which.clone().prop_map(Write::Delete),
        1 => which.clone().prop_map(Write::Restore),
        3 => which.clone().prop_map(Write::Undo),
        1 => which.prop_map(Write::Erase),
    ];
    prop::collection::vec(write, 1..25)
}

/// A record as the model keeps it: each state that it had, by the sequence of the write.
struct Modeled {
    id: RecordId,
    states: BTreeMap<u64, (Fields, bool)>,
    last: Option<Change>,
}

impl Modeled {
    fn now(&self) -> &(Fields, bool) {
        self.states.values().next_back().unwrap()
    }

    /// The state before the last write.
    fn before(&self) -> Option<(Fields, bool)> {
        self.states.values().rev().nth(1).cloned()
    }

    fn write(
        &mut self,
        change: Option<Change>,
        state: (Fields, bool),
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(
            change.is_some(),
            *self.now() != state,
            "a write is told exactly when something changed"
        );
        if let Some(change) = change {
            self.states.insert(change.lseq, state);
            self.last = Some(change);
        }
        Ok(())
    }
}

fn apply(book: &Logbook, cases: &mut Vec<Modeled>, write: Write) -> Result<(), TestCaseError> {
    let count = cases.len();
    let at = |n: usize| n % count.max(1);
    match write {
        Write::Create(names) => {
            let fields: Fields = names.iter().map(|(name, n)| (name.clone(), json!(n))).collect();
            let saved = book.create_case(fields.clone()).unwrap();
            let states = BTreeMap::from([(saved.change.lseq, (fields, true))]);
            cases.push(Modeled { id: saved.id, states, last: Some(saved.change) });
        }
        _ if count == 0 => {}
        Write::Edit(n, change) => {
            let case = &mut cases[at(n)];
            let patch: Patch = change
                .into_iter()
                .map(|(path, n)| (PATHS[path].to_owned(), n.map(|n| value(PATHS[path], n))))
                .collect();
            let expected = record::patched(CASE, case.now().0.clone(), patch.clone());
            let changed = book.transact(|tx| tx.edit(case.id, patch, None)).unwrap().value.change;
            case.write(changed, (expected, true))?;
        }
        Write::Delete(n) => {
            let case = &mut cases[at(n)];
            let fields = case.now().0.clone();
            case.write(book.delete(case.id).unwrap(), (fields, false))?;
        }
        Write::Restore(n) => {
            let case = &mut cases[at(n)];
            let fields = case.now().0.clone();
            case.write(book.restore_record(case.id).unwrap(), (fields, true))?;
        }
        Write::Undo(n) => {
            let case = &mut cases[at(n)];
            if let Some(change) = case.last.take() {
                // Undoing a creation deletes; everything else brings back the state before.
                let state = case.before().unwrap_or_else(|| (case.now().0.clone(), false));
                case.write(book.undo(&change).unwrap(), state)?;
                case.last = None;
            }
        }
        Write::Erase(n) => {
            let case = cases.remove(at(n));
            book.erase(case.id).unwrap();
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_writes_leave_the_book_as_the_model_says(writes in writes()) {
        let (_folder, book) = book();
        let mut cases = Vec::new();
        for write in writes {
            apply(&book, &mut cases, write)?;
        }
        for case in &cases {
            let record = book.record(case.id).unwrap();
            prop_assert_eq!((sorted(&record.fields), record.alive), (sorted(&case.now().0), case.now().1));
            for (lseq, (fields, _)) in &case.states {
                let then = book.read(|conn| record::fields_at(conn, case.id, *lseq)).unwrap();
                prop_assert_eq!(sorted(&then), sorted(fields), "as after write {}", lseq);
            }
        }
        let alive = cases.iter().filter(|case| case.now().1).count();
        prop_assert_eq!(book.count_cases(&CaseFilter::default()).unwrap(), alive as u64);
        let with_word = |case: &&Modeled| case.now().1 && format!("{:?}", case.now().0).contains("word");
        let found = book.search("word", None, None).unwrap().hits.len();
        prop_assert_eq!(found, cases.iter().filter(with_word).count());
    }
}

/// Sets have no order: a tag that was taken away and comes back stands last.
fn sorted(fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    if let Some(Value::Array(tags)) = fields.get_mut("tags") {
        tags.sort_by_key(ToString::to_string);
    }
    fields
}
