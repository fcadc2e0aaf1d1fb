//! Any taps in any order, on any run.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::view::{ChecklistRun, ItemState};
use super::*;
use crate::ids::{RecordId, SystemIds};
use crate::record::{Fields, NewRecord, Patch, patched};
use crate::time::{Moment, UtcMillis};

/// A run outside of a book.
struct Run(NewRecord);

impl Run {
    fn of(fields: Value) -> Self {
        let at = moment(0);
        let id = RecordId::new(at.utc, &SystemIds);
        let fields = serde_json::from_value(fields).unwrap();
        Self(NewRecord { id, kind: CHECKLIST_RUN.to_owned(), at, fields })
    }

    fn put(&mut self, patch: Patch) {
        self.0.fields = patched(CHECKLIST_RUN, self.0.fields.clone(), patch);
    }

    fn shown(&self, now: Moment) -> ChecklistRun {
        ChecklistRun::read(self.0.id, &self.0.fields, self.0.at, now)
    }
}

fn moment(minute: i64) -> Moment {
    Moment { utc: UtcMillis(1_790_000_000_000 + minute * 60_000), offset_min: Some(-300) }
}

const ITEMS: [&str; 4] = ["S-62", "S-63", "S-60", "N-1.5"];
const STAGES: [&str; 4] = ["consent", "haemostasis", "hemostasis", "closure"];

fn tapped(fields: &Fields, (what, which, at): (u8, usize, i64)) -> Patch {
    let (item, stage, now) = (ITEMS[which], STAGES[which], moment(at));
    match what {
        0 | 1 => tick(fields, item, now),
        2 => untick(fields, item),
        3 => skip(fields, item, ["", "No time", " x "][which % 3]),
        4 => unskip(fields, item),
        5 => stamp(fields, stage, &json!(now.rfc3339())),
        6 => unstamp(fields, stage),
        7 => tense(now),
        8 => calm(now),
        9 => finish(fields, now),
        _ => reopen(),
    }
}

proptest! {
    #[test]
    fn an_item_is_never_ticked_and_skipped(
        begun in prop::bool::ANY,
        taps in prop::collection::vec((0u8..11, 0usize..4, 0i64..300), 0..40),
    ) {
        let mut run = if begun {
            Run::of(json!({"checklist": "during"}))
        } else {
            Run::of(json!({"checklist": "during", "skipped": ["S-62"], "other": {"kept": [1]},
                "ticks": [{"item": "S-63", "at": 7, "by": "me"}],
                "stages": [{"stage": "haemostasis", "at": "later"}]}))
        };
        for tap in taps {
            run.put(tapped(&run.0.fields, tap));
            let fields = &run.0.fields;
            let names = |list: &str, key: &str| -> Vec<String> {
                let items = fields.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
                let name = |item: &Value| item.get(key).unwrap_or(item).as_str().unwrap().to_owned();
                items.iter().map(name).collect()
            };
            let (ticked, skipped) = (names("ticks", "item"), names("skipped", "item"));
            prop_assert!(ticked.iter().all(|item| !skipped.contains(item)));
            let reasons = fields.get("skip_reasons").and_then(Value::as_object);
            prop_assert!(reasons.is_none_or(|reasons| reasons.keys().all(|item| skipped.contains(item))));
            let mut stages = names("stages", "stage");
            for stage in &mut stages {
                *stage = stage.replace("haemostasis", "hemostasis");
            }
            let stamped = stages.len();
            stages.sort();
            stages.dedup();
            prop_assert_eq!(stages.len(), stamped, "a stage is stamped twice");
            let shown = run.shown(moment(301));
            let count = |state| shown.items.iter().filter(|item| item.state == state).count();
            prop_assert_eq!((count(ItemState::Ticked), count(ItemState::Skipped)), (ticked.len(), skipped.len()));
            prop_assert_eq!(shown.stages.iter().filter(|stage| stage.is_stamped()).count(), stamped);
            prop_assert_eq!(shown.row.is_finished, shown.questions.is_none() && fields.contains_key("finished"));
            if !begun {
                prop_assert_eq!(&fields["other"], &json!({"kept": [1]}));
            }
        }
    }

    #[test]
    fn whatever_stands_in_a_run_is_shown(value in "[a-z0-9:T-]{0,12}", number: i64, which in 0usize..5) {
        let odd = [json!(value), json!(number), json!(null), json!([value]), json!({"at": value})];
        let odd = odd[which].clone();
        let run = Run::of(json!({
            "checklist": odd, "procedure": odd, "case": odd, "started": odd, "finished": odd, "note": odd,
            "ticks": [odd, {"item": odd, "at": odd}, {"item": "S-62", "at": odd}], "skipped": [odd, "S-62"],
            "stages": [{"stage": "access", "at": odd}], "skip_reasons": odd, "tense_since": odd
        }));
        let shown = run.shown(moment(0));
        prop_assert!(shown.items.iter().any(|item| item.id == "S-62" && item.state == ItemState::Ticked));
        let shown = Run::of(json!({"ticks": odd, "skipped": odd, "stages": odd})).shown(moment(0));
        prop_assert!(shown.stages.iter().all(|stage| !stage.is_stamped()));
    }
}

#[test]
fn what_a_newer_version_ticks_and_stamps_is_shown_as_written() {
    let run = Run::of(json!({
        "checklist": "during", "skipped": ["N-2"], "skip_reasons": {"N-2": "New to me"},
        "ticks": [{"item": "N-1", "at": "2026-10-19T12:38:00-05:00"}],
        "stages": [{"stage": "closure", "at": "2026-10-19T13:00:00-05:00"}]
    }));
    let shown = run.shown(moment(0));
    let newer: Vec<_> =
        shown.items.iter().skip(8).map(|item| (&*item.text, &*item.time, &*item.reason)).collect();
    assert_eq!(newer, [("N-1", "12:38", ""), ("N-2", "", "New to me")]);
    assert_eq!(shown.stages.last().unwrap().title, "closure");
    assert_eq!(shown.row.told, "1 of 10, 1 skipped");
    let other = Run::of(json!({"checklist": "weekly", "ticks": [{"item": "N-1", "at": "x"}]}));
    let shown = other.shown(moment(0));
    assert_eq!((shown.row.title.as_str(), shown.stages.len()), ("weekly", 0));
    assert_eq!(shown.items[0].time, "x");
}

#[test]
fn what_was_done_counts_before_what_was_passed_over() {
    let run = Run::of(json!({
        "checklist": "before", "skipped": ["S-48", "S-49"], "skip_reasons": {"S-48": "Late"},
        "ticks": [{"item": "S-48", "at": "2026-10-19T07:00:00-05:00"}]
    }));
    let shown = run.shown(moment(0));
    let first = &shown.items[0];
    assert_eq!((first.state, first.reason.as_str()), (ItemState::Ticked, ""));
    assert_eq!((shown.row.ticked, shown.row.skipped), (1, 1));
}

#[test]
fn a_long_stage_is_told_in_hours_and_by_its_day() {
    let mut run = Run::of(json!({"checklist": "during"}));
    run.put(stamp(&run.0.fields, "access", &json!(moment(0).rfc3339())));
    let since = |minute| run.shown(moment(minute)).here_since;
    let clock = moment(0).clock_time();
    assert_eq!(since(-5), format!("0 min, since {clock}"));
    assert_eq!(since(119), format!("119 min, since {clock}"));
    assert_eq!(since(125), format!("2 h 5 min, since {clock}"));
    assert_eq!(since(24 * 60), format!("since {}, {clock}", moment(0).day().short()));
}
