//! Checklists and the stages of a procedure: what there is to tick (`content/checklists/`), and a run of
//! one.
//!
//! A run is a record like any other: a tick, a skip and a stage are fields with stamps of their own, so
//! that two devices may tick the same list. What a newer version ticks is shown as it is written. Nothing
//! blocks: any item can be ticked, skipped or left, in any order, also after the run was finished.

mod definition;
pub(crate) mod rows;
mod run;
mod stage;
#[cfg(test)]
mod tests;
mod view;

pub use definition::{
    Checklist, ChecklistItem, ProcedureStage, Questions, TIMELINE_ITEM, checklist, checklists,
    stages,
};
pub(crate) use run::{begun, calm, finish, link, reopen, skip, tense, tick, unskip, untick};
pub use stage::{RunStage, StageState};
pub(crate) use stage::{shown as stages_of, stamp, unstamp};
pub(crate) use view::row;
pub use view::{ChecklistRun, ItemState, QuestionsNow, RunDay, RunItem, RunPage, RunRow};

/// The kind of checklist runs.
pub const CHECKLIST_RUN: &str = "checklist_run";
