//! Imports beside what is here already, of odd values, and stopped midway.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::book;
use super::*;
use crate::case_log::list::{CaseFilter, CaseSort};
use crate::case_log::values::Role;
use crate::error::{LogbookError, StopReason};
use crate::record::What;

fn source(lines: &[Value]) -> ImportSource {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    ImportSource::Bytes(Arc::from(text.join("\n").as_bytes()))
}

fn line(fields: &Value) -> Value {
    json!({"kind": "case", "at": "2026-10-05T07:05:00-05:00", "fields": fields})
}

fn with_id(number: u32, fields: &Value) -> Value {
    let mut line = line(fields);
    line["id"] = json!(id(number).to_string());
    line
}

fn id(number: u32) -> RecordId {
    format!("019a0000-0000-7000-8000-{number:012}").parse().unwrap()
}

fn import(book: &Logbook, lines: &[Value], options: ImportOptions) -> ImportReport {
    book.import_job(source(lines), options).unwrap().run(|_| ()).unwrap()
}

fn plain(book: &Logbook, lines: &[Value]) -> ImportReport {
    import(book, lines, ImportOptions::default())
}

fn cases(book: &Logbook) -> u64 {
    book.count_cases(&CaseFilter::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_file_of_any_lines_gives_as_many_records_and_none_the_second_time(
        which in prop::collection::vec(0..6_u8, 0..30),
        more in prop::collection::vec(0..6_u8, 0..5),
    ) {
        let (_folder, book) = book();
        let lines = |which: &[u8]| -> Vec<Value> {
            which.iter().map(|n| line(&json!({"procedure": "picc", "n": n % 4, "tags": ["a"]}))).collect()
        };
        let file = lines(&which);
        prop_assert_eq!(plain(&book, &file).added, file.len() as u64);
        let again = plain(&book, &file);
        prop_assert_eq!((again.added, again.known), (0, file.len() as u64));
        prop_assert_eq!(cases(&book), file.len() as u64);
        // A log that has grown adds what is new of it.
        let grown = [file.clone(), lines(&more)].concat();
        prop_assert_eq!(plain(&book, &grown).added, more.len() as u64);
        // What was exported has ids, and is known wherever it came from.
        let other = super::tests::book();
        let path = other.0.path().join("out.jsonl");
        book.export_job(&path, ExportFormat::Jsonl, &ExportOptions::default()).unwrap().run(|_| ()).unwrap();
        let imported = other.1.import_job(ImportSource::Path(path), ImportOptions::default()).unwrap();
        prop_assert_eq!(imported.run(|_| ()).unwrap().added, grown.len() as u64);
        let known = plain(&other.1, &grown);
        prop_assert_eq!((known.added, known.known), (0, grown.len() as u64));
    }
}

#[test]
fn what_is_known_and_differs_is_left_or_updated_as_an_edit() {
    let (_folder, book) = book();
    let old = json!({"procedure": "picc", "note": "one", "labs": {"inr": 1.0, "crp": 4}, "tags": ["a", "b"]});
    let new =
        json!({"procedure": "port", "labs": {"inr": 1.4}, "tags": ["a", "b"], "lesson": "two"});
    let file = [with_id(1, &new), with_id(2, &old), with_id(3, &old)];
    plain(&book, &[with_id(1, &old), with_id(2, &old)]);
    let report = plain(&book, &file);
    assert_eq!((report.added, report.known, report.differ, report.updated), (1, 1, 1, 0));
    let fields = || Value::Object(book.record(id(1)).unwrap().fields);
    assert_eq!(fields(), old);

    let update = ImportOptions { update: true, ..ImportOptions::default() };
    let report = import(&book, &file, update);
    assert_eq!((report.added, report.known, report.differ, report.updated), (0, 2, 0, 1));
    assert_eq!(fields()["labs"], json!({"inr": 1.4}));
    assert_eq!(fields()["procedure"], json!("port"));
    assert_eq!(fields()["note"], json!("one"), "the line says nothing of it");
    let history = book.history(id(1), "procedure").unwrap();
    assert_eq!(history.len(), 2, "what stood there is kept");
    let again = plain(&book, &file);
    assert_eq!((again.known, again.differ), (3, 0));
    // Each can be undone like any edit.
    let [change] = report.changes.as_slice() else { panic!("one record was changed") };
    book.undo(change).unwrap();
    assert_eq!(fields(), old);
    // The order of a set is nothing.
    let turned = with_id(
        2,
        &json!({"procedure": "picc", "note": "one", "labs": {"inr": 1.0, "crp": 4}, "tags": ["b", "a"]}),
    );
    assert_eq!(plain(&book, &[turned]).known, 1);
}

/// As somebody wrote it who wanted to mend one field.
#[test]
fn a_line_of_one_field_takes_nothing_else_away() {
    let (_folder, book) = book();
    let case =
        json!({"procedure": "tips", "role": "observed", "jot": "TIPS", "air_kerma_mgy": 900});
    plain(&book, &[with_id(1, &case)]);
    let update = ImportOptions { update: true, ..ImportOptions::default() };
    let one = [with_id(1, &json!({"attending": "Lindqvist"}))];
    assert_eq!(import(&book, &one, update).updated, 1);
    let mut wanted = case;
    wanted["attending"] = json!("Lindqvist");
    assert_eq!(Value::Object(book.record(id(1)).unwrap().fields), wanted);
    assert_eq!(import(&book, &one, update).known, 1);
}

/// A program that syncs folders, or somebody who tidies up, may take the file from under an open book.
#[cfg(unix)]
#[test]
fn what_is_written_to_a_file_that_was_moved_is_not_called_saved() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(super::tests::setup(folder.path())).unwrap().0;
    plain(&book, &[with_id(1, &json!({"note": "one"}))]);
    let (database, away) = (folder.path().join("book.db"), folder.path().join("away"));
    std::fs::rename(&database, &away).unwrap();
    for _ in 0..2 {
        assert_eq!(book.delete(id(1)).map(drop), Err(LogbookError::FilesMoved));
        let two = source(&[with_id(2, &json!({"note": "two"}))]);
        let begun = book.import_job(two, ImportOptions::default()).map(drop);
        assert_eq!(begun, Err(LogbookError::FilesMoved));
        std::fs::copy(&away, &database).unwrap();
    }
    std::fs::rename(&away, &database).unwrap();
    book.delete(id(1)).unwrap();
}

#[test]
fn what_was_deleted_here_is_told_apart_and_comes_back_where_it_shall() {
    let (_folder, book) = book();
    let (old, new) = (json!({"note": "old"}), json!({"note": "new"}));
    plain(&book, &[with_id(1, &old), with_id(2, &old), with_id(3, &old)]);
    book.delete(id(1)).unwrap();
    book.delete(id(2)).unwrap();
    book.erase(id(3)).unwrap();
    let file = [with_id(1, &old), with_id(2, &new), with_id(3, &old)];
    let update = ImportOptions { update: true, ..ImportOptions::default() };
    let restore = ImportOptions { restore: true, ..ImportOptions::default() };
    for options in [ImportOptions::default(), update] {
        let report = import(&book, &file, options);
        assert_eq!((report.deleted, report.known, report.gone), (2, 0, 1));
    }
    assert_eq!(cases(&book), 0);
    let note = |number| book.record(id(number)).unwrap().fields["note"].clone();
    let report = import(&book, &file, restore);
    assert_eq!((report.restored, report.deleted, report.gone), (2, 0, 1));
    assert_eq!((cases(&book), note(2)), (2, json!("old")));
    assert_eq!(
        report.changes.iter().map(|change| change.what).collect::<Vec<_>>(),
        [What::Restored; 2]
    );
    book.delete(id(2)).unwrap();
    let both = ImportOptions { update: true, restore: true, ..ImportOptions::default() };
    assert_eq!(import(&book, &file, both).restored, 1);
    assert_eq!(note(2), json!("new"));
}

#[test]
fn a_stopped_import_says_how_much_is_in() {
    let (_folder, book) = book();
    let file: Vec<Value> = (0..900).map(|n| line(&json!({"n": n}))).collect();
    let job = book.import_job(source(&file), ImportOptions::default()).unwrap();
    job.cancel();
    assert_eq!(job.step(), Err(LogbookError::Cancelled), "nothing is in");
    let job = book.import_job(source(&file), ImportOptions::default()).unwrap();
    while cases(&book) == 0 {
        job.step().unwrap();
    }
    job.cancel();
    let records = cases(&book);
    let stopped = LogbookError::ImportStopped { reason: StopReason::Cancelled, records };
    assert_eq!(job.step(), Err(stopped.clone()));
    let told = stopped.wording().line();
    assert!(told.contains(&records.to_string()) && told.contains("again"), "{told}");
    let rest = plain(&book, &file);
    assert_eq!((rest.added, rest.known), (900 - records, records));
}

#[test]
fn values_stay_as_they_are_and_are_read_where_that_is_certain() {
    let (_folder, book) = book();
    let odd = [
        json!({"procedure": "PICC placement", "role": "Did part", "fluoro_min": "3,5", "air_kerma_mgy": "1.2 Gy"}),
        json!({"procedure": "picc", "role": "S-TS", "fluoro_min": 2, "air_kerma_mgy": "1,240"}),
        json!({"procedure": "new thing", "role": "observed", "air_kerma_mgy": 7, "performed_at": "05/10/2026"}),
        json!({"air_kerma_mgy": true, "interesting": "yes"}),
    ];
    let file: Vec<Value> = (1..).zip(&odd).map(|(n, fields)| with_id(n, fields)).collect();
    let report = plain(&book, &file);
    let unread: BTreeSet<(u64, &str)> =
        report.unread_values.iter().map(|value| (value.line, value.path.as_str())).collect();
    let wanted = [
        (2, "role"),
        (2, "air_kerma_mgy"),
        (3, "procedure"),
        (3, "performed_at"),
        (4, "air_kerma_mgy"),
    ];
    assert_eq!(unread, BTreeSet::from(wanted));
    assert_eq!(report.unread, 5);
    for (n, fields) in (1..).zip(&odd) {
        assert_eq!(&Value::Object(book.record(id(n)).unwrap().fields), fields, "verbatim");
    }
    judge_readings(&book);
    // Written again by a form, a value needs no reading.
    let patch = vec![("fluoro_min".to_owned(), Some(json!(4)))];
    book.transact(|tx| tx.edit(id(1), patch, None)).unwrap();
    let tally = book.tally_job(&CaseFilter::default(), None).unwrap().run(|_| ()).unwrap();
    assert!((tally.dose.fluoro_min.sum - 6.0).abs() < 1e-9);
}

/// What lists, filters and sums make of the odd values.
fn judge_readings(book: &Logbook) {
    let tally = book.tally_job(&CaseFilter::default(), None).unwrap().run(|_| ()).unwrap();
    let dose = &tally.dose;
    assert!((dose.fluoro_min.sum - 5.5).abs() < 1e-9);
    assert!((dose.air_kerma_mgy.sum - 1207.0).abs() < 1e-9);
    assert_eq!((dose.air_kerma_mgy.left_out, dose.fluoro_min.left_out), (2, 0));
    let count = |filter: CaseFilter| book.count_cases(&filter).unwrap();
    let any = CaseFilter::default;
    assert_eq!(count(CaseFilter { procedures: vec!["picc".into()], ..any() }), 2);
    assert_eq!(count(CaseFilter { role: Some(Role::DidPart), ..any() }), 1);
    assert_eq!(count(CaseFilter { interesting: true, ..any() }), 1);
    let page = book.cases(&any(), CaseSort::AirKerma, None).unwrap();
    let kerma: Vec<_> = page.rows().map(|row| row.air_kerma_mgy).collect();
    assert_eq!(kerma, [Some(1200.0), Some(7.0), None, None]);
    let first = page.rows().next().unwrap();
    assert_eq!((first.procedure.as_deref(), first.role), (Some("picc"), Some(Role::DidPart)));
    assert_eq!(first.procedure_name, "PICC placement");
}

#[test]
fn readings_are_made_again_by_a_version_that_reads_more() {
    let folder = tempfile::tempdir().unwrap();
    let setup = super::tests::setup(folder.path());
    let book = Logbook::create(setup.clone()).unwrap().0;
    plain(&book, &[with_id(1, &json!({"procedure": "PICC placement", "fluoro_min": "3,5"}))]);
    let minutes = |book: &Logbook| {
        let tally = book.tally_job(&CaseFilter::default(), None).unwrap().run(|_| ()).unwrap();
        tally.dose.fluoro_min.sum
    };
    // As a version left it that could read none of this.
    book.store
        .write(|conn| {
            conn.execute("UPDATE record SET readings = '{}'", []).unwrap();
            local::set(conn, READINGS, &1)
        })
        .unwrap();
    assert!(minutes(&book).abs() < 1e-9);
    drop(book);
    let book = Logbook::open(setup).unwrap();
    assert!((minutes(&book) - 3.5).abs() < 1e-9);
}

#[test]
fn a_tag_that_stands_alone_is_a_list_of_one_to_whoever_chooses() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(super::tests::setup(folder.path())).unwrap().0;
    plain(&book, &[with_id(1, &json!({"tags": "x"})), with_id(2, &json!({"tags": {"a": 1}}))]);
    assert_eq!(book.case_choices().unwrap().tags, ["x"]);
    let tagged = CaseFilter { tag: Some("x".to_owned()), ..CaseFilter::default() };
    assert_eq!(book.count_cases(&tagged).unwrap(), 1);
}
