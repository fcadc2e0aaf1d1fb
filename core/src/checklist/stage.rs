//! Stages with their times: of a run, or written on a case.

use serde_json::{Value, json};

use super::definition::{ProcedureStage, stages};
use super::run::{entries, entry};
use crate::record::{Fields, Patch, join};
use crate::time::Moment;

const STAGES: &str = "stages";

/// Where a stage is in a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum StageState {
    /// It was stamped, and a later one too or the run is over.
    Done,
    /// It goes on.
    Here,
    /// A later one was stamped, this one was not.
    Passed,
    /// Still to come.
    Ahead,
}

/// One stage of a timeline.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RunStage {
    /// The stage; as it is stored where this version does not know it.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// When it began; `None` where that is not written, or is no time.
    pub at: Option<Moment>,
    /// The same on the wall clock, or as it was written; empty for nothing.
    pub time: String,
    /// Where it is.
    pub state: StageState,
}

quiet_debug!(RunStage);

/// The stages that are written in `fields` and those still to come, in their order; what this version
/// does not know comes last, as it is written.
pub(crate) fn shown(fields: &Fields, over: bool) -> Vec<RunStage> {
    let stored: Vec<(&str, &Fields)> = entries(fields, STAGES, "stage").collect();
    let known = stages();
    let stamp =
        |stage: &ProcedureStage| stored.iter().find(|(name, _)| stage.is(name)).map(|(_, e)| *e);
    let last = known.iter().rposition(|stage| stamp(stage).is_some());
    let mut shown = Vec::new();
    for (place, stage) in known.iter().enumerate() {
        let stamp = stamp(stage);
        let state = match (stamp, last) {
            (Some(_), Some(last)) if place == last && !over => StageState::Here,
            (Some(_), _) => StageState::Done,
            (None, Some(last)) if place < last => StageState::Passed,
            (None, _) => StageState::Ahead,
        };
        shown.push(RunStage::new(&stage.id, &stage.title, stamp, state));
    }
    for (name, stamp) in &stored {
        if !known.iter().any(|stage| stage.is(name)) {
            shown.push(RunStage::new(name, name, Some(stamp), StageState::Done));
        }
    }
    shown
}

impl RunStage {
    fn new(id: &str, title: &str, stamp: Option<&Fields>, state: StageState) -> Self {
        let (at, time) = stamp.map(|stamp| time(stamp.get("at"))).unwrap_or_default();
        Self { id: id.to_owned(), title: title.to_owned(), at, time, state }
    }

    /// Whether anything is written for it.
    pub fn is_stamped(&self) -> bool {
        matches!(self.state, StageState::Done | StageState::Here)
    }
}

/// A stored time, and what is shown of it.
pub(super) fn time(value: Option<&Value>) -> (Option<Moment>, String) {
    match value {
        Some(Value::String(text)) => match Moment::parse(text) {
            Ok(moment) => (Some(moment), moment.clock_time()),
            Err(_) => (None, text.clone()),
        },
        None | Some(Value::Null) => (None, String::new()),
        Some(other) => (None, other.to_string()),
    }
}

/// Every name under which a stage can be stored.
fn names(stage: &str) -> Vec<&str> {
    match stages().iter().find(|known| known.is(stage)) {
        Some(known) => std::iter::once(known.id.as_str())
            .chain(known.also.iter().map(String::as_str))
            .collect(),
        None => vec![stage],
    }
}

/// Stamps a stage with a time, or with what was typed for one; a stamp that is there gets another time,
/// under the name that it has.
pub(crate) fn stamp(fields: &Fields, stage: &str, at: &Value) -> Patch {
    let names = names(stage);
    let stored = names.iter().find(|name| entry(fields, STAGES, "stage", name).is_some());
    if let Some(name) = stored {
        return vec![(join(&join(STAGES, name), "at"), Some(at.clone()))];
    }
    let name = names.first().copied().unwrap_or(stage);
    vec![(join(STAGES, name), Some(json!({ "stage": name, "at": at })))]
}

/// Takes the stamp of a stage away.
pub(crate) fn unstamp(fields: &Fields, stage: &str) -> Patch {
    let stored = names(stage);
    let stored = stored.iter().filter(|name| entry(fields, STAGES, "stage", name).is_some());
    stored.map(|name| (join(STAGES, name), None)).collect()
}
