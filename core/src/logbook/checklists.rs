//! Checklist runs and stages: each tap is one write, and what it shows afterward.

use serde_json::{Value, json};

use super::{CASE, Logbook};
use crate::case_log::list::{CaseFilter, CaseRow, CaseSort};
use crate::checklist::{self, CHECKLIST_RUN, ChecklistRun, RunPage, RunRow, RunStage, rows};
use crate::error::{LogbookError, Result};
use crate::form::{self, EntryContext, TypedField};
use crate::ids::RecordId;
use crate::record::{self, Change, Created, Fields, NewRecord, Patch, Record};
use crate::store::Connection;
use crate::time::{DAY_MS, Day, Moment, UtcMillis};

/// A run after a tap, and the write for undoing it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ChangedRun {
    /// The run as it is now.
    pub run: ChecklistRun,
    /// The write; `None` where nothing had changed.
    pub change: Option<Change>,
}

/// What a case shows of its stages and checklists.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseTimeline {
    /// In order; a time that is written on the case goes before one of a run.
    pub stages: Vec<RunStage>,
    /// Whether any of them has a stamp.
    pub is_stamped: bool,
    /// The runs that were for the case, newest first.
    pub runs: Vec<RunRow>,
}

quiet_debug!(ChangedRun, CaseTimeline);

/// Cases to choose from, at most.
const CHOICES: usize = 12;

impl Logbook {
    /// A page of runs, newest first, those that go on before all others; `after` is the `next` of the
    /// page before.
    pub fn checklist_runs(&self, after: Option<&str>) -> Result<RunPage> {
        self.read(|conn| {
            let open = match after {
                None => run_rows(conn, rows::page(conn, false, None)?.ids)?,
                Some(_) => Vec::new(),
            };
            let over = rows::page(conn, true, after)?;
            Ok(RunPage::new(open, run_rows(conn, over.ids)?, over.next))
        })
    }

    /// One run, deleted or not.
    ///
    /// # Errors
    /// `NotFound` where there is no such record, or it is no run.
    pub fn checklist_run(&self, id: RecordId) -> Result<ChecklistRun> {
        let mut run = ChecklistRun::of(&self.record(id)?, self.now())?;
        if let Some(case) = run.row.case.and_then(|case| self.case(case).ok()) {
            run.case_name = if case.alive { case.row.procedure_name } else { String::new() };
        }
        Ok(run)
    }

    /// What a case shows of its stages and checklists.
    pub fn case_timeline(&self, case: RecordId) -> Result<CaseTimeline> {
        let fields = self.record(case)?.fields;
        let mut stages = checklist::stages_of(&fields, true);
        let mut runs = Vec::new();
        for record in self.read(|conn| load(conn, rows::of_case(conn, case)?))? {
            for stage in checklist::stages_of(&record.fields, true) {
                match stages.iter_mut().find(|known| known.id == stage.id) {
                    Some(known) if known.is_stamped() || !stage.is_stamped() => {}
                    Some(known) => *known = stage,
                    None => stages.push(stage),
                }
            }
            runs.push(checklist::row(&record));
        }
        let is_stamped = stages.iter().any(RunStage::is_stamped);
        Ok(CaseTimeline { stages, is_stamped, runs })
    }

    /// Begins a run, now, for a procedure, by id or name, and for a case, whose procedure it takes where
    /// none is given.
    ///
    /// # Errors
    /// `UnknownDefinition` where there is no such checklist.
    pub fn begin_run(
        &self,
        checklist: &str,
        procedure: Option<&str>,
        case: Option<RecordId>,
    ) -> Result<ChangedRun> {
        let list = checklist::checklist(checklist).ok_or(LogbookError::UnknownDefinition)?;
        let now = self.now();
        let of_case = match case {
            Some(case) => self.case(case)?.row.procedure,
            None => None,
        };
        let given = procedure.map(str::to_owned).filter(|given| !given.trim().is_empty());
        let typed = TypedField {
            path: "procedure".to_owned(),
            texts: given.or(of_case).into_iter().collect(),
        };
        let form = self.form(CHECKLIST_RUN)?;
        let read = form::changes(&form, &Fields::new(), &[typed], &EntryContext::of(now));
        let id = RecordId::new(now.utc, &*self.ids);
        let fields = checklist::begun(list, case, now);
        let new = NewRecord { id, kind: CHECKLIST_RUN.to_owned(), at: now, fields };
        let new = NewRecord { fields: new.with(read.patch), ..new };
        let changed = self.transact(|tx| match tx.create(new)? {
            Created::New => Ok(tx.changes.last().cloned()),
            Created::Known | Created::Gone => Err(LogbookError::Io),
        })?;
        Ok(ChangedRun { run: self.checklist_run(id)?, change: changed.value })
    }

    fn change_run(
        &self,
        id: RecordId,
        patch: impl FnOnce(&Connection, &Record, Moment) -> Result<Patch>,
    ) -> Result<ChangedRun> {
        let now = self.now();
        let changed = self.transact(|tx| {
            let record = record::load(tx.conn(), id)?;
            if record.kind != CHECKLIST_RUN {
                return Err(LogbookError::NotFound { id });
            }
            let patch = patch(tx.conn(), &record, now)?;
            Ok(tx.edit(id, patch, None)?.change)
        })?;
        Ok(ChangedRun { run: self.checklist_run(id)?, change: changed.value })
    }

    /// Ticks items, now; one that is ticked keeps its time, one that was skipped is skipped no longer.
    pub fn tick_items(&self, id: RecordId, items: &[String]) -> Result<ChangedRun> {
        self.change_run(id, |_, run, now| {
            Ok(items.iter().flat_map(|item| checklist::tick(&run.fields, item, now)).collect())
        })
    }

    /// Takes a tick back.
    pub fn untick_item(&self, id: RecordId, item: &str) -> Result<ChangedRun> {
        self.change_run(id, |_, run, _| Ok(checklist::untick(&run.fields, item)))
    }

    /// Skips an item; the reason may be empty. A tick of it goes.
    pub fn skip_item(&self, id: RecordId, item: &str, reason: &str) -> Result<ChangedRun> {
        self.change_run(id, |_, run, _| Ok(checklist::skip(&run.fields, item, reason)))
    }

    /// Takes a skip back, with its reason.
    pub fn unskip_item(&self, id: RecordId, item: &str) -> Result<ChangedRun> {
        self.change_run(id, |_, run, _| Ok(checklist::unskip(&run.fields, item)))
    }

    /// Stamps a stage: now, or with a time that is typed, such as 12:40; what is no time is kept as it is
    /// written.
    pub fn stamp_stage(&self, id: RecordId, stage: &str, at: Option<&str>) -> Result<ChangedRun> {
        self.change_run(id, |conn, run, now| {
            let at = match at.map(str::trim).filter(|at| !at.is_empty()) {
                Some(typed) => read_time(typed, around(conn, run, now)),
                None => json!(now.rfc3339()),
            };
            Ok(checklist::stamp(&run.fields, stage, &at))
        })
    }

    /// Takes the stamp of a stage away.
    pub fn unstamp_stage(&self, id: RecordId, stage: &str) -> Result<ChangedRun> {
        self.change_run(id, |_, run, _| Ok(checklist::unstamp(&run.fields, stage)))
    }

    /// Writes times of stages, typed later, into a run or a case: those that differ from what is shown;
    /// an emptied one goes. Paths are the ids of stages.
    pub fn write_stages(&self, id: RecordId, typed: &[TypedField]) -> Result<Option<Change>> {
        let is_case = self.record(id)?.kind == CASE;
        let shown =
            if is_case { self.case_timeline(id)?.stages } else { self.checklist_run(id)?.stages };
        let now = self.now();
        let changed = self.transact(|tx| {
            let record = record::load(tx.conn(), id)?;
            let around = around(tx.conn(), &record, now);
            let mut patch = Patch::new();
            for TypedField { path, texts } in typed {
                let text = texts.iter().map(|text| text.trim()).find(|text| !text.is_empty());
                let stage = shown.iter().find(|stage| stage.id == *path);
                if stage.map_or("", |stage| stage.time.as_str()) == text.unwrap_or_default() {
                    continue;
                }
                patch.extend(match text {
                    Some(text) => checklist::stamp(&record.fields, path, &read_time(text, around)),
                    None => checklist::unstamp(&record.fields, path),
                });
            }
            Ok(tx.edit(id, patch, None)?.change)
        })?;
        Ok(changed.value)
    }

    /// Says that it is tense: silence is due until it is calm again.
    pub fn say_tense(&self, id: RecordId) -> Result<ChangedRun> {
        self.change_run(id, |_, _, now| Ok(checklist::tense(now)))
    }

    /// Says that it is calm, until the next stage or until it is tense again.
    pub fn say_calm(&self, id: RecordId) -> Result<ChangedRun> {
        self.change_run(id, |_, _, now| Ok(checklist::calm(now)))
    }

    /// Ends a run; what is neither ticked nor skipped stays open.
    pub fn finish_run(&self, id: RecordId) -> Result<ChangedRun> {
        self.change_run(id, |_, run, now| Ok(checklist::finish(&run.fields, now)))
    }

    /// Goes on with a run that was finished.
    pub fn reopen_run(&self, id: RecordId) -> Result<ChangedRun> {
        self.change_run(id, |_, _, _| Ok(checklist::reopen()))
    }

    /// Says which case a run was for, or that it was for none; a run without a procedure takes the case's.
    pub fn link_run(&self, id: RecordId, case: Option<RecordId>) -> Result<ChangedRun> {
        let procedure = match case {
            Some(case) => self.case(case)?.row.procedure,
            None => None,
        };
        self.change_run(id, |_, run, _| {
            let mut patch = checklist::link(case);
            if !run.fields.contains_key("procedure") {
                let procedure =
                    procedure.map(|procedure| ("procedure".to_owned(), Some(json!(procedure))));
                patch.extend(procedure);
            }
            Ok(patch)
        })
    }

    /// Cases that a run may have been for: those of its day and the days beside it, first those of its
    /// procedure, then the newest; 12 at most.
    pub fn cases_for_run(&self, id: RecordId) -> Result<Vec<CaseRow>> {
        let run = self.checklist_run(id)?.row;
        let day = run.when.day();
        let (from, to) = (Some(Day(day.0 - 1)), Some(Day(day.0 + 1)));
        let filter = CaseFilter { from, to, ..CaseFilter::default() };
        let page = self.cases(&filter, CaseSort::Newest, None)?;
        let mut cases: Vec<CaseRow> = page.rows().cloned().collect();
        cases.sort_by_key(|case| case.procedure != run.procedure);
        cases.truncate(CHOICES);
        Ok(cases)
    }
}

fn load(conn: &Connection, ids: Vec<RecordId>) -> Result<Vec<Record>> {
    ids.into_iter().map(|id| record::load(conn, id)).collect()
}

fn run_rows(conn: &Connection, ids: Vec<RecordId>) -> Result<Vec<RunRow>> {
    Ok(load(conn, ids)?.iter().map(checklist::row).collect())
}

/// The time that the stages of a record are near to: the case's where there is one, else its own.
fn around(conn: &Connection, record: &Record, now: Moment) -> Moment {
    let case = record.fields.get("case").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let case = case.and_then(|id| record::load(conn, id).ok()).filter(|case| case.kind == CASE);
    let when = case.map_or_else(|| record.when(), |case| case.when());
    Moment { offset_min: when.offset_min.or(now.offset_min), ..when }
}

/// A typed time; without a day it is the one nearest to `around`, so that a case may pass midnight.
fn read_time(typed: &str, around: Moment) -> Value {
    let on = |days: i64| {
        let day = around.at(UtcMillis(around.utc.0 + days * DAY_MS));
        form::moment(typed, &EntryContext::of(day))
    };
    let nearest = [0, -1, 1].into_iter().filter_map(on);
    let nearest = nearest.min_by_key(|moment| (moment.utc.0 - around.utc.0).abs());
    nearest.map_or_else(|| json!(typed), |moment| json!(moment.rfc3339()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checklist::{ItemState, StageState, Talk};
    use crate::logbook::tests::book;
    use crate::logbook::{ImportOptions, ImportSource, RecordName};

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

    #[test]
    fn each_tap_is_one_write_and_can_be_undone() {
        let (_folder, book) = book();
        let begun = book.begin_run("during", Some("PICC placement"), None).unwrap();
        let id = begun.run.row.id;
        assert_eq!(begun.run.row.procedure.as_deref(), Some("picc"));
        let items = ["S-62".to_owned(), "S-63".to_owned()];
        type Tap<'a> = Box<dyn Fn() -> Result<ChangedRun> + 'a>;
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
        let during =
            page.days.iter().flat_map(|day| &day.rows).find(|row| row.checklist == "during");
        let id = during.unwrap().id;
        let run = book.checklist_run(id).unwrap();
        let times: Vec<_> = run.stages.iter().map(|stage| stage.time.as_str()).collect();
        assert_eq!(times, ["12:20", "12:40", "12:49", "12:56", "13:05", "13:18"]);
        assert!(run.stages.iter().all(|stage| stage.state == StageState::Done));
        assert_eq!((run.talk, run.finished.as_str()), (None, "13:18"));
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
        assert_eq!(
            (day.as_str(), timeline.runs.len(), timeline.is_stamped),
            ("2026-10-21", 2, true)
        );
        // What is typed on the case goes before what a run says; what is left alone is not written.
        let sent = typed(&[
            ("timeout", "23:41"),
            ("access", "23:55"),
            ("navigation", "00:10"),
            ("consent", ""),
        ]);
        let change = book.write_stages(case, &sent).unwrap().unwrap();
        assert_eq!(book.record(case).unwrap().fields["stages"].as_array().unwrap().len(), 2);
        assert_eq!(book.case_timeline(case).unwrap().stages[1].time, "23:41");
        assert!(book.write_stages(case, &sent).unwrap().is_none());
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
    fn silence_is_due_where_the_stage_says_so_or_the_student() {
        let (_folder, book) = book();
        let id = book.begin_run("during", None, None).unwrap().run.row.id;
        let talk = |changed: ChangedRun| changed.run.talk.map(|talk| talk.talk);
        assert_eq!(book.checklist_run(id).unwrap().talk, None);
        assert_eq!(talk(book.stamp_stage(id, "timeout", None).unwrap()), Some(Talk::Silence));
        assert_eq!(talk(book.say_calm(id).unwrap()), Some(Talk::Pause));
        assert_eq!(talk(book.stamp_stage(id, "navigation", None).unwrap()), Some(Talk::Pause));
        let tense = book.say_tense(id).unwrap().run;
        assert_eq!(tense.talk.as_ref().unwrap().headline, "Silence is due");
        assert!(tense.talk.unwrap().advice.starts_with("Tense since "));
        assert_eq!(talk(book.stamp_stage(id, "hemostasis", None).unwrap()), Some(Talk::Silence));
        assert_eq!(talk(book.say_calm(id).unwrap()), Some(Talk::Open));
        let run = book.checklist_run(id).unwrap();
        assert_eq!(run.stages[4].state, StageState::Passed);
        assert!(run.here_since.starts_with("0 min, since "), "{}", run.here_since);
        assert_eq!((run.next, run.next_key.as_str()), (None, ""));
        let over = book.finish_run(id).unwrap().run;
        assert_eq!((over.talk, over.here, over.items[0].state), (None, None, ItemState::Open));
    }

    #[test]
    fn a_run_survives_closing_the_book() {
        let folder = tempfile::tempdir().unwrap();
        let setup = crate::logbook::tests::setup(folder.path());
        let book = Logbook::create(setup.clone()).unwrap().0;
        let id = book.begin_run("during", Some("picc"), None).unwrap().run.row.id;
        book.tick_items(id, &["S-62".to_owned()]).unwrap();
        book.stamp_stage(id, "access", None).unwrap();
        drop(book);
        let run = Logbook::open(setup).unwrap().checklist_run(id).unwrap();
        assert_eq!((run.row.ticked, run.here.unwrap().id.as_str()), (1, "access"));
        assert_eq!(run.next_key, "Navigation starts");
    }
}
