//! The logbook over a real file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::case_log::list::{CaseFilter, CaseSort};
use crate::case_log::values::Role;
use crate::error::LogbookError;
use crate::form::TypedField;
use crate::ids::SystemIds;
use crate::record::{Fields, What};
use crate::store::key::KeyVaultError;
use crate::time::Moment;

#[derive(Default)]
pub(super) struct MemoryVault(Mutex<BTreeMap<String, Vec<u8>>>);

impl KeyVault for MemoryVault {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        Ok(self.0.lock().unwrap().get(&name).cloned())
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        self.0.lock().unwrap().insert(name, secret);
        Ok(())
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        self.0.lock().unwrap().remove(&name);
        Ok(())
    }
}

struct Ticking(Mutex<i64>);

impl Clock for Ticking {
    fn now(&self) -> Moment {
        let mut now = self.0.lock().unwrap();
        *now += 1000;
        Moment { utc: UtcMillis(*now), offset_min: Some(-300) }
    }
}

pub(super) fn setup(folder: &std::path::Path) -> Setup {
    Setup {
        place: Place::new(folder),
        vault: Arc::new(MemoryVault::default()),
        clock: Arc::new(Ticking(Mutex::new(1_790_000_000_000))),
        ids: Arc::new(SystemIds),
        installation: "here".to_owned(),
    }
}

pub(crate) fn book() -> (tempfile::TempDir, Logbook) {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(folder.path())).unwrap().0;
    (folder, book)
}

pub(crate) fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

pub(super) fn case(book: &Logbook, value: Value) -> SavedCase {
    book.create_case(fields(value)).unwrap()
}

fn json_of(book: &Logbook, id: RecordId) -> Value {
    Value::Object(book.record(id).unwrap().fields)
}

#[test]
fn what_was_saved_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let (book, code) = Logbook::create(setup.clone()).unwrap();
    assert_eq!(code.text().len(), 30);
    let fields = json!({"procedure": "picc", "fluoro_min": 0.6, "labs": {"inr": 1.0, "hgb": null}, "tags": []});
    let saved = case(&book, fields.clone());
    let device = book.device();
    assert_eq!(Logbook::create(setup.clone()).unwrap_err(), LogbookError::BookExists);
    drop(book);
    let book = Logbook::open(setup.clone()).unwrap();
    assert_eq!(json_of(&book, saved.id), fields);
    assert_eq!(book.device(), device);
    drop(book);
    let moved = Setup { installation: "elsewhere".to_owned(), ..setup };
    assert_ne!(
        Logbook::open(moved).unwrap().device(),
        device,
        "a copied book stamps under a new name"
    );
}

#[test]
fn an_edit_keeps_history_and_undo_brings_it_back() {
    let (_folder, book) = book();
    let saved = case(&book, json!({"procedure": "picc", "tags": ["a", "b"], "labs": {"inr": 1.1}}));
    let patch = vec![
        ("labs.inr".to_owned(), Some(json!(1.4))),
        ("tags".to_owned(), Some(json!(["b", "c"]))),
        ("note".to_owned(), Some(json!("new"))),
        ("procedure".to_owned(), Some(json!("picc"))),
    ];
    let edit = book.transact(|tx| tx.edit(saved.id, patch, None)).unwrap();
    let change = edit.value.change.unwrap();
    assert_eq!(edit.changes, std::slice::from_ref(&change));
    let history = book.history(saved.id, "labs.inr").unwrap();
    let values: Vec<_> = history.iter().map(|v| v.value_json.clone().unwrap()).collect();
    assert_eq!(values, ["1.4", "1.1"]);
    assert_eq!(history[1].replaced, Some(history[0].by.at));
    assert_eq!(
        book.history(saved.id, "procedure").unwrap().len(),
        1,
        "what stayed the same has no history"
    );
    book.undo(&change).unwrap().unwrap();
    let back = json!({"procedure": "picc", "tags": ["b", "a"], "labs": {"inr": 1.1}});
    assert_eq!(json_of(&book, saved.id), back);
}

#[test]
fn a_value_and_what_took_its_place_are_each_brought_back_whole() {
    let (_folder, book) = book();
    let one = json!({"labs": 5, "stages": "as always"});
    let other = json!({"labs": {"inr": 1}, "stages": [{"stage": "cut", "at": 1}]});
    for (before, after) in [(&one, &other), (&other, &one)] {
        let id = case(&book, before.clone()).id;
        let opened = book.record(id).unwrap().lseq;
        let patch = fields(after.clone()).into_iter().map(|(name, value)| (name, Some(value)));
        let edit = book.transact(|tx| tx.edit(id, patch.collect(), None)).unwrap();
        assert_eq!(json_of(&book, id), *after);
        let then = book.read(|conn| crate::record::fields_at(conn, id, opened)).unwrap();
        assert_eq!(Value::Object(then), *before);
        book.undo(&edit.value.change.unwrap()).unwrap();
        assert_eq!(json_of(&book, id), *before);
        // What is not there is not taken out of what is.
        for path in ["labs.inr.x", "stages.cut.stage.x", "stages.none.at", "labs.none"] {
            let edit = book.transact(|tx| tx.edit(id, vec![(path.to_owned(), None)], None));
            assert_eq!(edit.unwrap().value.change, None, "{path}");
        }
        assert_eq!(json_of(&book, id), *before);
    }
}

#[test]
fn undoing_what_is_undone_or_gone_changes_nothing() {
    let (_folder, book) = book();
    let id = case(&book, json!({"note": "first", "role": "observed"})).id;
    let set = |value: &str| {
        let patch = vec![("note".to_owned(), Some(json!(value)))];
        book.transact(|tx| tx.edit(id, patch, None)).unwrap().value.change.unwrap()
    };
    let second = set("second");
    let third = set("third");
    // The field was written again since.
    assert_eq!(book.undo(&second).unwrap(), None);
    assert!(book.undo(&third).unwrap().is_some());
    assert_eq!(book.undo(&third).unwrap(), None);
    assert_eq!(json_of(&book, id), json!({"note": "second", "role": "observed"}));
    let deleted = book.delete(id).unwrap().unwrap();
    assert!(book.undo(&deleted).unwrap().is_some());
    assert_eq!(book.undo(&deleted).unwrap(), None);
    let erased = book.erase(id).unwrap();
    assert_eq!(book.undo(&erased).unwrap_err(), LogbookError::NotFound { id });
}

#[test]
fn a_stale_form_overwrites_nothing() {
    let (_folder, book) = book();
    let saved = case(&book, json!({"note": "first", "labs": {"inr": 1.1}}));
    let opened = book.case(saved.id).unwrap().opened;
    let set = |path: &str, value: Value| vec![(path.to_owned(), Some(value))];
    book.transact(|tx| tx.edit(saved.id, set("labs.inr", json!(1.5)), Some(opened))).unwrap();
    let both = [set("labs.inr", json!(1.2)), set("note", json!("second"))].concat();
    let outcome = book.transact(|tx| tx.edit(saved.id, both, Some(opened))).unwrap().value;
    assert_eq!(json_of(&book, saved.id), json!({"note": "second", "labs": {"inr": 1.5}}));
    assert_eq!(outcome.stale.len(), 1);
    assert_eq!(outcome.stale[0].path, "labs.inr");
    assert_eq!(outcome.stale[0].typed_json.as_deref(), Some("1.2"));
    assert_eq!(outcome.stale[0].current_json.as_deref(), Some("1.5"));
    let then = book.read(|conn| crate::record::fields_at(conn, saved.id, opened)).unwrap();
    assert_eq!(Value::Object(then), json!({"note": "first", "labs": {"inr": 1.1}}));
}

#[test]
fn delete_restore_and_erase() {
    let (_folder, book) = book();
    let saved = case(&book, json!({"note": "xylophone"}));
    let found = |book: &Logbook| book.search("xylo", None, None).unwrap().hits.len();
    assert_eq!(found(&book), 1);
    let deleted = book.delete(saved.id).unwrap().unwrap();
    assert_eq!(deleted.what, What::Deleted);
    assert_eq!(book.delete(saved.id).unwrap(), None);
    assert_eq!((found(&book), book.recently_deleted().unwrap().len()), (0, 1));
    assert_eq!(book.undo(&deleted).unwrap().unwrap().what, What::Restored);
    assert_eq!((found(&book), book.recently_deleted().unwrap().len()), (1, 0));
    book.erase(saved.id).unwrap();
    assert_eq!(book.record(saved.id).unwrap_err(), LogbookError::NotFound { id: saved.id });
    assert_eq!(found(&book), 0);
    let again = crate::record::NewRecord {
        id: saved.id,
        kind: CASE.into(),
        at: book.now(),
        fields: Fields::new(),
    };
    let outcome = book.transact(|tx| tx.create(again)).unwrap();
    assert_eq!(outcome.value, crate::record::Created::Gone, "erased is for good");
}

#[test]
fn lists_page_by_page_with_filters() {
    let (_folder, book) = book();
    for n in 0..120 {
        let role = if n % 3 == 0 { "observed" } else { "scrubbed" };
        case(
            &book,
            json!({"procedure": if n % 2 == 0 { "picc" } else { "tips" }, "role": role, "air_kerma_mgy": n}),
        );
    }
    for sort in CaseSort::ALL.map(|(sort, _)| sort) {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = book.cases(&CaseFilter::default(), sort, after.as_deref()).unwrap();
            seen.extend(page.rows().map(|row| row.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 120, "{sort:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 120, "{sort:?}");
    }
    let filter = CaseFilter {
        category: Some("hepatobiliary-gi".to_owned()),
        role: Some(Role::Observed),
        text: Some("port sys".to_owned()),
        ..CaseFilter::default()
    };
    assert_eq!(book.count_cases(&filter).unwrap(), 0);
    let filter = CaseFilter { text: Some("TIPS obs".to_owned()), ..filter };
    assert_eq!(book.count_cases(&filter).unwrap(), 20);
    assert_eq!(
        book.cases(&filter, CaseSort::AirKerma, None).unwrap().days[0].rows[0].air_kerma_mgy,
        Some(117.0)
    );
    let all = book.case_list(&CaseFilter::default(), CaseSort::Newest, None).unwrap();
    assert_eq!((all.page.rows().count(), all.count, all.told.len()), (50, 120, 0));
    let rest = book.case_list(&CaseFilter::default(), CaseSort::Newest, all.page.next.as_deref());
    assert_eq!(rest.unwrap().count, 120);
    let nobodys = CaseFilter { attending: Some("Nobody".to_owned()), ..CaseFilter::default() };
    let list = book.case_list(&nobodys, CaseSort::Newest, None).unwrap();
    assert_eq!((list.page.rows().count(), list.count), (0, 0));
    assert!(list.told[0].line().contains("Nobody"));
    assert_eq!(book.tally(&nobodys, None).unwrap().told, list.told);
}

#[test]
fn search_marks_words_and_knows_procedures_by_name() {
    let (_folder, book) = book();
    case(
        &book,
        json!({"procedure": "thrombectomy-pulmonary", "note": "Ångström café, treat the right ventricle"}),
    );
    let hits = |typed: &str| book.search(typed, Some(CASE), None).unwrap().hits;
    let hit = &hits("VENTRIC")[0];
    assert!(hit.pieces.iter().any(|piece| piece.found && piece.text == "ventricle"));
    assert_eq!(hits("pulmonary artery thr cafe").len(), 1);
    assert_eq!(hits("angstrom").len(), 1);
    assert_eq!(hits("left").len(), 0);
    assert_eq!(hits("\"(*").len(), 0);
    assert_eq!(book.search("cafe", Some("person"), None).unwrap().hits.len(), 0);
}

#[test]
fn drafts_survive_and_time_their_debrief() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let (book, _) = Logbook::create(setup.clone()).unwrap();
    let saved = case(&book, json!({"note": "x"}));
    let draft = book.begin_debrief(saved.id).unwrap();
    let typed = vec![TypedField { path: "lesson".into(), texts: vec!["small steps".into()] }];
    book.keep_draft(draft.id, typed.clone()).unwrap();
    drop(book);
    let book = Logbook::open(setup).unwrap();
    let kept = book.draft(draft.id).unwrap();
    assert_eq!((&kept.typed, kept.opened), (&typed, saved.change.lseq));
    assert!(book.debrief_timer(draft.id).unwrap().elapsed_s > 0);
    book.drop_draft(draft.id).unwrap();
    assert_eq!(book.keep_draft(draft.id, typed).unwrap_err(), LogbookError::NoDraft);
}

#[test]
fn observers_hear_of_what_was_committed_and_only_of_that() {
    struct Ear(Mutex<Vec<Change>>);
    impl ChangeObserver for Ear {
        fn changed(&self, changes: Vec<Change>) -> Result<(), ObserverError> {
            self.0.lock().unwrap().extend(changes);
            Err(ObserverError::Failed)
        }
    }
    let (_folder, book) = book();
    let ear = Arc::new(Ear(Mutex::default()));
    book.observe(ear.clone());
    let saved = case(&book, json!({}));
    let failed: Result<Changed<()>> = book.transact(|tx| {
        tx.delete(saved.id)?;
        Err(LogbookError::Cancelled)
    });
    assert_eq!(failed, Err(LogbookError::Cancelled));
    assert!(book.record(saved.id).unwrap().alive);
    assert_eq!(*ear.0.lock().unwrap(), [saved.change]);
}

#[test]
fn wrong_and_missing_keys_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    assert_eq!(Logbook::open(setup.clone()).unwrap_err(), LogbookError::NoBook);
    drop(Logbook::create(setup.clone()).unwrap());
    let empty = Setup { vault: Arc::new(MemoryVault::default()), ..setup.clone() };
    assert_eq!(Logbook::open(empty).unwrap_err(), LogbookError::KeyMissing);
    let wrong = MemoryVault::default();
    for name in setup_names(&setup, folder.path()) {
        wrong.store(name, vec![1; 48]).unwrap();
    }
    let wrong = Setup { vault: Arc::new(wrong), ..setup };
    assert_eq!(Logbook::open(wrong).unwrap_err(), LogbookError::WrongKey);
}

/// The name of the book's key, as its key file says it.
fn setup_names(_: &Setup, folder: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("book.key")).unwrap();
    let body: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    vec![body["key_name"].as_str().unwrap().to_owned()]
}

#[test]
fn a_form_suggests_the_people_on_record() {
    let (_folder, book) = book();
    for (surname, role) in [("Okafor", "attending"), ("Haddad", "fellow"), ("Moreau", "attending")]
    {
        book.create_record("person", fields(json!({"surname": surname, "role": role}))).unwrap();
    }
    case(&book, json!({"procedure": "picc", "attending": "Moreau"}));
    let form = book.open_form("case", None).unwrap().view;
    let field = form.sections.iter().flat_map(|s| &s.fields).find(|f| f.path == "attending");
    let told: Vec<_> =
        field.unwrap().options.iter().map(|o| (o.value.as_str(), o.recent)).collect();
    assert_eq!(told, [("Moreau", true), ("Okafor", false)]);
}

#[test]
fn a_form_saves_what_changed_and_nothing_else() {
    let (_folder, book) = book();
    let typed = |path: &str, text: &str| TypedField { path: path.into(), texts: vec![text.into()] };
    let new = [
        typed("procedure", "picc"),
        typed("fluoro_min", "90 s"),
        typed("air_kerma_mgy", "4O2"),
        typed("labs.inr", "1.2"),
    ];
    let saved = book.save_form("case", None, 0, &new, None).unwrap();
    assert_eq!(saved.warnings.len(), 1);
    let stored = json!({"procedure": "picc", "fluoro_min": 1.5, "air_kerma_mgy": "4O2", "labs": {"inr": 1.2}});
    assert_eq!(json_of(&book, saved.id), stored);

    let draft = book.begin_draft("case", Some(saved.id)).unwrap();
    book.keep_draft(draft.id, vec![typed("labs.inr", "1.4")]).unwrap();
    let elsewhere =
        vec![("labs.inr".to_owned(), Some(json!(1.3))), ("note".to_owned(), Some(json!("kept")))];
    book.transact(|tx| tx.edit(saved.id, elsewhere, None)).unwrap();
    let open = book.open_draft(draft.id).unwrap();
    let inr =
        open.view.sections.iter().flat_map(|s| &s.fields).find(|f| f.path == "labs.inr").unwrap();
    assert_eq!(inr.values, ["1.4"], "a draft comes back as it was typed");

    let all = [typed("labs.inr", "1.4"), typed("note", ""), typed("lesson", "slow hands")];
    let edited = book.save_form("case", open.record, open.opened, &all, open.draft).unwrap();
    assert_eq!(edited.stale.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), ["labs.inr"]);
    let now = json_of(&book, saved.id);
    assert_eq!((&now["note"], &now["lesson"]), (&json!("kept"), &json!("slow hands")));
    assert_eq!(book.drafts().unwrap(), []);
    assert_eq!(book.open_form("no such form", None).unwrap_err(), LogbookError::UnknownDefinition);
}

#[test]
fn a_jot_becomes_a_case_with_the_people_on_record() {
    let (_folder, book) = book();
    let person = |surname: &str, role: &str| fields(json!({"surname": surname, "role": role}));
    book.create_record("person", person("Okafor", "attending")).unwrap();
    book.create_record("person", person("Haddad", "fellow")).unwrap();
    let text =
        "picc R basilic 5F US, okafr, w haddad, scrubbed, FT 36 sec, no cx, wore the blue lead";
    let draft = book.begin_draft(JOT, None).unwrap();
    let saved = book
        .save_jot(text, &JotOptions { draft: Some(draft.id), ..JotOptions::default() })
        .unwrap();
    let stored = json_of(&book, saved.id);
    assert_eq!(stored["procedure"], "picc");
    assert_eq!((&stored["attending"], &stored["role"]), (&json!("Okafor"), &json!("scrubbed")));
    assert_eq!((&stored["fluoro_min"], &stored["french"]), (&json!(0.6), &json!(5)));
    assert_eq!(
        (&stored["access"]["guidance"], &stored["complications"]),
        (&json!(["us"]), &json!("none"))
    );
    assert_eq!(stored["jot"], text, "the line itself is kept");
    assert_eq!(stored["note"], "basilic, haddad, wore the blue lead");
    assert_eq!(book.drafts().unwrap(), []);
    let late = Moment::parse("2026-10-05T21:00:00-05:00").unwrap();
    let typed_later = book
        .save_jot("para 4 L", &JotOptions { performed: Some(late), ..JotOptions::default() })
        .unwrap();
    assert_eq!(book.case(typed_later.id).unwrap().day_long, "Monday 5 October");
}
