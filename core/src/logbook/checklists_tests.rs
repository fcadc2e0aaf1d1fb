//! Checklist runs in a book.

use serde_json::{Value, json};

use super::tests::book;
use super::*;
use crate::checklist::{ItemState, Questions, RunPage, StageState};
use crate::form::TypedField;
use crate::record::Fields;

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn typed(pairs: &[(&str, &str)]) -> Vec<TypedField> {
    let one = |(path, text): &(&str, &str)| TypedField {
        path: (*path).to_owned(),
        texts: vec![(*text).to_owned()],
    };
    pairs.iter().map(one).collect()
}

/// Lists in an order of their own: what comes back stands at the end.
fn sorted(fields: Fields) -> Value {
    let sorted = |value: Value| match value {
        Value::Array(mut items) => {
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other,
    };
    fields.into_iter().map(|(name, value)| (name, sorted(value))).collect()
}

/// What a finger does.
type Tap<'a> = Box<dyn Fn() -> Result<ChangedRun> + 'a>;

#[test]
fn each_tap_is_one_write_and_can_be_undone() {
    let (_folder, book) = book();
    let begun = book.begin_run("during", Some("PICC placement"), None).unwrap();
    let id = begun.run.row.id;
    assert_eq!(begun.run.row.procedure.as_deref(), Some("picc"));
    let items = ["S-62".to_owned(), "S-63".to_owned()];
    let taps: Vec<Tap<'_>> = vec![
        Box::new(|| book.tick_items(id, &items)),
        Box::new(|| book.skip_item(id, "S-62", "Not scrubbed")),
        Box::new(|| book.tick_items(id, &items)),
        Box::new(|| book.skip_item(id, "S-64", "")),
        Box::new(|| book.unskip_item(id, "S-64")),
        Box::new(|| book.untick_item(id, "S-63")),
        Box::new(|| book.stamp_stage(id, "access", None)),
        Box::new(|| book.say_tense(id)),
        Box::new(|| book.say_calm(id)),
        Box::new(|| book.unstamp_stage(id, "access")),
        Box::new(|| book.finish_run(id)),
        Box::new(|| book.reopen_run(id)),
    ];
    for (at, tap) in taps.iter().enumerate() {
        let before = book.record(id).unwrap().fields;
        let change = tap().unwrap().change.expect("something changed");
        let after = book.record(id).unwrap().fields;
        assert!(book.undo(&change).unwrap().is_some());
        assert_eq!(sorted(book.record(id).unwrap().fields), sorted(before), "{at}");
        assert!(tap().unwrap().change.is_some());
        assert_eq!(book.record(id).unwrap().fields.len(), after.len(), "{at}");
    }
    let idle = book.tick_items(id, &items[..1]).unwrap();
    assert!(idle.change.is_none(), "what is ticked keeps its time");
    book.undo(&begun.change.unwrap()).unwrap();
    assert!(book.checklist_runs(None).unwrap().open.is_empty());
    let case = book.create_case(Fields::new()).unwrap().id;
    assert!(book.tick_items(case, &items).is_err() && book.checklist_run(case).is_err());
    assert!(book.begin_run("after all", None, None).is_err());
}

#[test]
fn the_sample_rotation_opens_in_this_room() {
    let (_folder, book) = book();
    let sample = include_bytes!("../../../tests/vectors/rotation.jsonl");
    let source = ImportSource::Bytes(sample.as_slice().into());
    book.import_job(source, ImportOptions::default()).unwrap().run(|_| ()).unwrap();
    let page = book.checklist_runs(None).unwrap();
    assert!(page.open.is_empty() && page.next.is_none());
    let told: Vec<_> = page
        .days
        .iter()
        .flat_map(|day| &day.rows)
        .map(|row| format!("{} {}, {}", row.name(), row.clock_time, row.told))
        .collect();
    assert_eq!(
        told,
        [
            "After the case: Port placement 10:22, 4 of 4",
            "Every day 17:12, 3 of 4, 1 skipped",
            "Before the case: TIPS creation 11:05, 10 of 10",
            "During the case: Nephrostomy placement 12:20, 5 of 8, 3 skipped",
            "Before the case: Deep abscess or fluid drain placement 06:58, 7 of 10, 3 skipped",
            "Before the case: PICC placement 07:10, 4 of 10, 6 skipped",
        ]
    );
    let during = page.days.iter().flat_map(|day| &day.rows).find(|row| row.checklist == "during");
    let id = during.unwrap().id;
    let run = book.checklist_run(id).unwrap();
    let times: Vec<_> = run.stages.iter().map(|stage| stage.time.as_str()).collect();
    assert_eq!(times, ["12:20", "12:40", "12:49", "12:56", "13:05", "13:18"]);
    assert!(run.stages.iter().all(|stage| stage.state == StageState::Done));
    assert_eq!((run.questions, run.finished.as_str()), (None, "13:18"));
    assert!(run.note.starts_with("typed after"));
    // Stored as it came, changed where it stands.
    book.stamp_stage(id, "hemostasis", Some("13:20")).unwrap();
    let stored = book.record(id).unwrap().fields["stages"].as_array().unwrap().clone();
    assert_eq!(stored.len(), 6);
    assert_eq!(stored[5], json!({"stage": "haemostasis", "at": "2026-10-19T13:20:00-05:00"}));
    book.unstamp_stage(id, "hemostasis").unwrap();
    assert_eq!(book.checklist_run(id).unwrap().stages[5].time, "");
    let cases = book.cases_for_run(id).unwrap();
    assert_eq!(cases[0].procedure.as_deref(), Some("nephrostomy"));
    assert!((2..=12).contains(&cases.len()));
    assert_eq!(RecordName::of(&book.record(id).unwrap()).name, during.unwrap().name());
}

#[test]
fn a_run_belongs_to_a_case_at_once_or_later() {
    let (_folder, book) = book();
    let case = book.create_case(fields(json!({
        "procedure": "tips", "performed_at": "2026-10-20T23:50:00-05:00",
        "stages": [{"stage": "access", "at": "2026-10-20T23:55:00-05:00"}]
    })));
    let case = case.unwrap().id;
    let run = book.begin_run("before", None, Some(case)).unwrap().run;
    assert_eq!((run.row.procedure.as_deref(), run.row.case), (Some("tips"), Some(case)));
    assert_eq!(run.case_name, "TIPS creation");
    let later = book.begin_run("during", None, None).unwrap().run.row.id;
    let linked = book.link_run(later, Some(case)).unwrap().run;
    assert_eq!(linked.row.procedure.as_deref(), Some("tips"));
    // Times without a day are those nearest to the case.
    book.stamp_stage(later, "timeout", Some("23:40")).unwrap();
    book.stamp_stage(later, "navigation", Some("0:10")).unwrap();
    book.stamp_stage(later, "access", Some("23:59")).unwrap();
    book.stamp_stage(later, "intervention", Some("about one")).unwrap();
    let timeline = book.case_timeline(case).unwrap();
    let shown: Vec<_> = timeline.stages.iter().map(|stage| stage.time.as_str()).collect();
    assert_eq!(shown, ["", "23:40", "23:55", "00:10", "about one", ""]);
    let day = timeline.stages[3].at.unwrap().day().iso();
    assert_eq!((day.as_str(), timeline.runs.len(), timeline.is_stamped), ("2026-10-21", 2, true));
    // What is typed on the case goes before what a run says; what is left alone is not written.
    let sent = typed(&[
        ("timeout", "23:41"),
        ("access", "23:55"),
        ("navigation", "00:10"),
        ("consent", ""),
    ]);
    let change = book.write_stages(case, &sent).unwrap().change.unwrap();
    assert_eq!(book.record(case).unwrap().fields["stages"].as_array().unwrap().len(), 2);
    assert_eq!(book.case_timeline(case).unwrap().stages[1].time, "23:41");
    assert!(book.write_stages(case, &sent).unwrap().change.is_none());
    book.undo(&change).unwrap();
    assert_eq!(book.case_timeline(case).unwrap().stages[1].time, "23:40");
    book.write_stages(later, &typed(&[("timeout", "")])).unwrap();
    assert_eq!(book.case_timeline(case).unwrap().stages[1].state, StageState::Passed);
    book.delete(case).unwrap();
    assert_eq!(book.checklist_run(later).unwrap().case_name, "");
    let unlinked = book.link_run(later, None).unwrap().run;
    assert_eq!((unlinked.row.case, unlinked.row.procedure.as_deref()), (None, Some("tips")));
}

#[test]
fn lists_come_in_pages_with_what_goes_on_first() {
    let (_folder, book) = book();
    for _ in 0..60 {
        let id = book.begin_run("daily", None, None).unwrap().run.row.id;
        book.finish_run(id).unwrap();
    }
    let open = book.begin_run("before", None, None).unwrap().run.row.id;
    let first = book.checklist_runs(None).unwrap();
    assert_eq!(first.open.iter().map(|row| row.id).collect::<Vec<_>>(), [open]);
    let count = |page: &RunPage| page.days.iter().map(|day| day.rows.len()).sum::<usize>();
    let second = book.checklist_runs(first.next.as_deref()).unwrap();
    assert_eq!((count(&first), count(&second)), (50, 10));
    assert!(second.open.is_empty() && second.next.is_none());
    assert!(book.checklist_runs(Some("x")).is_err());
}

#[test]
fn calm_counts_also_where_the_time_of_the_stage_is_still_to_come() {
    let (_folder, book) = book();
    let id = book.begin_run("during", None, None).unwrap().run.row.id;
    let now = book.now();
    let soon = now.at(crate::time::UtcMillis(now.utc.0 + 90 * crate::time::MINUTE_MS)).clock_time();
    let questions = |changed: ChangedRun| changed.run.questions.map(|questions| questions.timing);
    let timeout = book.stamp_stage(id, "timeout", Some(&soon)).unwrap();
    assert_eq!(questions(timeout), Some(Questions::Silence));
    assert_eq!(questions(book.say_calm(id).unwrap()), Some(Questions::Pause));
    assert_eq!(questions(book.say_tense(id).unwrap()), Some(Questions::Silence));
}

#[test]
fn silence_is_due_where_the_stage_says_so_or_the_student() {
    let (_folder, book) = book();
    let id = book.begin_run("during", None, None).unwrap().run.row.id;
    let questions = |changed: ChangedRun| changed.run.questions.map(|questions| questions.timing);
    assert_eq!(book.checklist_run(id).unwrap().questions, None);
    assert_eq!(questions(book.stamp_stage(id, "timeout", None).unwrap()), Some(Questions::Silence));
    assert_eq!(questions(book.say_calm(id).unwrap()), Some(Questions::Pause));
    assert_eq!(
        questions(book.stamp_stage(id, "navigation", None).unwrap()),
        Some(Questions::Pause)
    );
    let tense = book.say_tense(id).unwrap().run;
    assert_eq!(tense.questions.as_ref().unwrap().headline, "Silence is due");
    assert!(tense.questions.unwrap().advice.starts_with("Tense since "));
    assert_eq!(
        questions(book.stamp_stage(id, "hemostasis", None).unwrap()),
        Some(Questions::Silence)
    );
    assert_eq!(questions(book.say_calm(id).unwrap()), Some(Questions::Open));
    let run = book.checklist_run(id).unwrap();
    assert_eq!(run.stages[4].state, StageState::Passed);
    assert!(run.here_since.starts_with("0 min, since "), "{}", run.here_since);
    assert_eq!((run.next, run.next_key.as_str()), (None, ""));
    let over = book.finish_run(id).unwrap().run;
    assert_eq!((over.questions, over.here, over.items[0].state), (None, None, ItemState::Open));
}

#[test]
fn a_run_survives_closing_the_book() {
    let folder = tempfile::tempdir().unwrap();
    let setup = super::tests::setup(folder.path());
    let book = Logbook::create(setup.clone()).unwrap().0;
    let id = book.begin_run("during", Some("picc"), None).unwrap().run.row.id;
    book.tick_items(id, &["S-62".to_owned()]).unwrap();
    book.stamp_stage(id, "access", None).unwrap();
    drop(book);
    let run = Logbook::open(setup).unwrap().checklist_run(id).unwrap();
    assert_eq!((run.row.ticked, run.here.unwrap().id.as_str()), (1, "access"));
    assert_eq!(run.next_key, "Navigation starts");
}
