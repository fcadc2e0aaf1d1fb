//! Checklist runs and stages: each tap is one write, and what it shows afterward.

use serde_json::{Value, json};

use super::{CASE, Logbook};
use crate::case_log::list::{CaseFilter, CaseRow, CaseSort};
use crate::checklist::{self, CHECKLIST_RUN, ChecklistRun, RunPage, RunRow, RunStage, rows};
use crate::error::{LogbookError, Result};
use crate::form::{self, EntryContext, FormProblem, FormWarning, TypedField};
use crate::ids::RecordId;
use crate::record::{self, Change, Fields, Patch, Record, patched, text};
use crate::store::Connection;
use crate::time::{Day, Moment};

/// A run after a tap, and the write for undoing it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ChangedRun {
    /// The run as it is now.
    pub run: ChecklistRun,
    /// The write; `None` where nothing had changed.
    pub change: Option<Change>,
    /// What is odd about a time that was typed, by the stage; it is kept all the same.
    pub warnings: Vec<FormWarning>,
}

/// Times of stages that were written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct WrittenStages {
    /// The write; `None` where nothing had changed.
    pub change: Option<Change>,
    /// What is odd about them, by the stage; they are kept all the same.
    pub warnings: Vec<FormWarning>,
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
        let read = form::changes(&form, &Fields::new(), &[typed], &self.entry());
        let fields = patched(CHECKLIST_RUN, checklist::begun(list, case, now), read.patch);
        let begun = self.create_record(CHECKLIST_RUN, fields)?;
        let (run, change) = (self.checklist_run(begun.id)?, Some(begun.change));
        Ok(ChangedRun { run, change, warnings: Vec::new() })
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
        let (run, change) = (self.checklist_run(id)?, changed.value);
        Ok(ChangedRun { run, change, warnings: Vec::new() })
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

    /// Stamps a stage: now, or with a time that is typed, such as 12:40 or 1:30 pm; what is no time is
    /// kept as it is written, and said.
    pub fn stamp_stage(&self, id: RecordId, stage: &str, at: Option<&str>) -> Result<ChangedRun> {
        let mut warnings = Vec::new();
        let changed = self.change_run(id, |conn, run, now| {
            let at = match at.map(str::trim).filter(|at| !at.is_empty()) {
                Some(typed) => self.read_stage(stage, typed, around(conn, run), &mut warnings),
                None => json!(now.rfc3339()),
            };
            Ok(checklist::stamp(&run.fields, stage, &at))
        })?;
        Ok(ChangedRun { warnings, ..changed })
    }

    /// Takes the stamp of a stage away.
    pub fn unstamp_stage(&self, id: RecordId, stage: &str) -> Result<ChangedRun> {
        self.change_run(id, |_, run, _| Ok(checklist::unstamp(&run.fields, stage)))
    }

    /// Writes times of stages, typed later, into a run or a case: those that differ from what is shown;
    /// an emptied one goes. Paths are the ids of stages.
    pub fn write_stages(&self, id: RecordId, typed: &[TypedField]) -> Result<WrittenStages> {
        let is_case = self.record(id)?.kind == CASE;
        let shown =
            if is_case { self.case_timeline(id)?.stages } else { self.checklist_run(id)?.stages };
        let mut warnings = Vec::new();
        let changed = self.transact(|tx| {
            let record = record::load(tx.conn(), id)?;
            let around = around(tx.conn(), &record);
            let mut patch = Patch::new();
            for TypedField { path, texts } in typed {
                let text = texts.iter().map(|text| text.trim()).find(|text| !text.is_empty());
                let stage = shown.iter().find(|stage| stage.id == *path);
                if stage.map_or("", |stage| stage.time.as_str()) == text.unwrap_or_default() {
                    continue;
                }
                patch.extend(match text {
                    Some(text) => {
                        let at = self.read_stage(path, text, around, &mut warnings);
                        checklist::stamp(&record.fields, path, &at)
                    }
                    None => checklist::unstamp(&record.fields, path),
                });
            }
            Ok(tx.edit(id, patch, None)?.change)
        })?;
        Ok(WrittenStages { change: changed.value, warnings })
    }

    /// A typed time; without a day it is the one nearest to `around`, so that a case may pass midnight.
    fn read_stage(
        &self,
        stage: &str,
        typed: &str,
        around: Moment,
        warnings: &mut Vec<FormWarning>,
    ) -> Value {
        let near = self.entry_near(around);
        let on = |days: i32| {
            let day = near.day.map(|day| Day(day.0 + days));
            form::moment(typed, &EntryContext { day, ..near.clone() })
        };
        let nearest = [0, -1, 1].into_iter().filter_map(on);
        let nearest = nearest.min_by_key(|read| (read.moment.utc.0 - around.utc.0).abs());
        let problem = nearest.map_or(Some(FormProblem::NotATime), |read| read.problem);
        warnings.extend(problem.map(|problem| FormWarning::new(stage, problem, &[])));
        nearest.map_or_else(|| json!(typed), |read| json!(read.moment.rfc3339()))
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
fn around(conn: &Connection, record: &Record) -> Moment {
    let case = text(&record.fields, "case").and_then(|id| id.parse().ok());
    let case = case.and_then(|id| record::load(conn, id).ok()).filter(|case| case.kind == CASE);
    case.map_or_else(|| record.when(), |case| case.when())
}
