//! Checklists and the stages of a procedure.

use super::Logbook;
use crate::case_log::list::CaseRow;
use crate::checklist::{self, Checklist, ChecklistRun, ProcedureStage, RunPage};
use crate::error::Result;
use crate::form::TypedField;
use crate::ids::RecordId;
use crate::logbook::{CaseTimeline, ChangedRun, WrittenStages};

/// Every checklist, in the order of a day.
#[uniffi::export]
pub fn checklists() -> Vec<Checklist> {
    checklist::checklists().to_vec()
}

/// The stages of a procedure, in order.
#[uniffi::export]
pub fn procedure_stages() -> Vec<ProcedureStage> {
    checklist::stages().to_vec()
}

#[uniffi::export]
impl Logbook {
    /// A page of runs, newest first, those that go on before all others; `after` is the `next` of the
    /// page before.
    pub fn checklist_runs(&self, after: Option<String>) -> Result<RunPage> {
        self.book.checklist_runs(after.as_deref())
    }

    /// One run, deleted or not.
    pub fn checklist_run(&self, id: RecordId) -> Result<ChecklistRun> {
        self.book.checklist_run(id)
    }

    /// What a case shows of its stages and checklists.
    pub fn case_timeline(&self, id: RecordId) -> Result<CaseTimeline> {
        self.book.case_timeline(id)
    }

    /// Begins a run, now, for a procedure, by id or name, and for a case.
    pub fn begin_run(
        &self,
        checklist: String,
        procedure: Option<String>,
        of_case: Option<RecordId>,
    ) -> Result<ChangedRun> {
        self.book.begin_run(&checklist, procedure.as_deref(), of_case)
    }

    /// Ticks items, now; one that is ticked keeps its time, one that was skipped is skipped no longer.
    pub fn tick_items(&self, id: RecordId, items: Vec<String>) -> Result<ChangedRun> {
        self.book.tick_items(id, &items)
    }

    /// Takes a tick back.
    pub fn untick_item(&self, id: RecordId, item: String) -> Result<ChangedRun> {
        self.book.untick_item(id, &item)
    }

    /// Skips an item; the reason may be empty. A tick of it goes.
    pub fn skip_item(&self, id: RecordId, item: String, reason: String) -> Result<ChangedRun> {
        self.book.skip_item(id, &item, &reason)
    }

    /// Takes a skip back, with its reason.
    pub fn unskip_item(&self, id: RecordId, item: String) -> Result<ChangedRun> {
        self.book.unskip_item(id, &item)
    }

    /// Stamps a stage: now, or with a time that is typed, such as 12:40.
    pub fn stamp_stage(
        &self,
        id: RecordId,
        stage: String,
        at: Option<String>,
    ) -> Result<ChangedRun> {
        self.book.stamp_stage(id, &stage, at.as_deref())
    }

    /// Takes the stamp of a stage away.
    pub fn unstamp_stage(&self, id: RecordId, stage: String) -> Result<ChangedRun> {
        self.book.unstamp_stage(id, &stage)
    }

    /// Writes times of stages, typed later, into a run or a case: those that differ from what is shown;
    /// an emptied one goes. Paths are the ids of stages.
    pub fn write_stages(&self, id: RecordId, typed: Vec<TypedField>) -> Result<WrittenStages> {
        self.book.write_stages(id, &typed)
    }

    /// Says that it is tense: silence is due until it is calm again.
    pub fn say_tense(&self, id: RecordId) -> Result<ChangedRun> {
        self.book.say_tense(id)
    }

    /// Says that it is calm, until the next stage or until it is tense again.
    pub fn say_calm(&self, id: RecordId) -> Result<ChangedRun> {
        self.book.say_calm(id)
    }

    /// Ends a run; what is neither ticked nor skipped stays open.
    pub fn finish_run(&self, id: RecordId) -> Result<ChangedRun> {
        self.book.finish_run(id)
    }

    /// Goes on with a run that was finished.
    pub fn reopen_run(&self, id: RecordId) -> Result<ChangedRun> {
        self.book.reopen_run(id)
    }

    /// Says which case a run was for, or that it was for none.
    pub fn link_run(&self, id: RecordId, of_case: Option<RecordId>) -> Result<ChangedRun> {
        self.book.link_run(id, of_case)
    }

    /// Cases that a run may have been for, the likeliest first.
    pub fn cases_for_run(&self, id: RecordId) -> Result<Vec<CaseRow>> {
        self.book.cases_for_run(id)
    }
}
