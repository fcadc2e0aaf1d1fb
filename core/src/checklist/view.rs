//! A run as a shell draws it.

use super::definition::{Checklist, ProcedureStage, Questions, checklist, stages};
use super::run::{self, entries};
use super::stage::{RunStage, StageState, shown, time};
use crate::content::{Content, reading, words};
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::record::{self, Fields, Record, join};
use crate::time::{Day, MINUTE_MS, Moment};

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum ItemState {
    /// Nothing yet.
    Open,
    /// It is ticked.
    Ticked,
    /// It is skipped.
    Skipped,
}

/// One item of a run.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RunItem {
    /// The item.
    pub id: String,
    /// What is ticked; the id where this version does not know it.
    pub text: String,
    /// Why, in a sentence; empty for none.
    pub why: String,
    /// What became of it.
    pub state: ItemState,
    /// When it was ticked.
    pub at: Option<Moment>,
    /// The same on the wall clock, or as it was written; empty for nothing.
    pub time: String,
    /// Why it was skipped; empty where that is not written.
    pub reason: String,
}

/// Whether the student may speak now.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct QuestionsNow {
    /// When.
    pub timing: Questions,
    /// The same in a few words.
    pub headline: String,
    /// What to do or say.
    pub advice: String,
}

/// One run of a checklist, whole.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ChecklistRun {
    /// As a list shows it.
    pub row: RunRow,
    /// What the checklist is for; empty where this version does not know it.
    pub purpose: String,
    /// The case's name where that is still there; empty for none.
    pub case_name: String,
    /// In the order of the definition; what it does not have comes last.
    pub items: Vec<RunItem>,
    /// Why something is skipped, to pick from.
    pub reasons: Vec<String>,
    /// The timeline; empty where the checklist has none and none is written.
    pub stages: Vec<RunStage>,
    /// The stage that goes on, with what to watch in it.
    pub here: Option<ProcedureStage>,
    /// `3 min, since 12:56`; empty where no stage goes on.
    pub here_since: String,
    /// The stage to come.
    pub next: Option<ProcedureStage>,
    /// What the key for that says; empty for none.
    pub next_key: String,
    /// Whether the student may speak now; `None` where nothing goes on.
    pub questions: Option<QuestionsNow>,
    /// What was written about it.
    pub note: String,
    /// When it was finished, on the wall clock; empty while it goes on.
    pub finished: String,
    /// Not deleted.
    pub alive: bool,
}

/// A run as a line of a list.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RunRow {
    /// The run.
    pub id: RecordId,
    /// Which checklist, as stored.
    pub checklist: String,
    /// What that is called.
    pub title: String,
    /// The procedure's id, or what was written.
    pub procedure: Option<String>,
    /// What that is called; empty for none.
    pub procedure_name: String,
    /// The case that it was for.
    pub case: Option<RecordId>,
    /// When it began, or was typed.
    pub when: Moment,
    /// That day, `Monday 19 October`.
    pub day_long: String,
    /// That time of day, `12:20`.
    pub clock_time: String,
    /// How many items are ticked.
    pub ticked: u32,
    /// How many are skipped.
    pub skipped: u32,
    /// How many there are.
    pub items: u32,
    /// The same in words.
    pub told: String,
    /// It is over.
    pub is_finished: bool,
}

/// The runs of a day.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RunDay {
    /// The day.
    pub day: Day,
    /// `Monday 19 October`.
    pub long: String,
    /// Newest first.
    pub rows: Vec<RunRow>,
}

/// A page of runs.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RunPage {
    /// Those that go on, newest first, 50 at most; on the first page only.
    pub open: Vec<RunRow>,
    /// Those that are over, 50 at most, newest first, by day.
    pub days: Vec<RunDay>,
    /// Given back for the next page; `None` on the last.
    pub next: Option<String>,
}

quiet_debug!(RunItem, QuestionsNow, ChecklistRun, RunRow, RunDay, RunPage);

impl RunPage {
    /// Puts rows, which are sorted, under their days.
    pub(crate) fn new(open: Vec<RunRow>, over: Vec<RunRow>, next: Option<String>) -> Self {
        let mut days: Vec<RunDay> = Vec::new();
        for row in over {
            let day = row.when.day();
            match days.last_mut().filter(|last| last.day == day) {
                Some(last) => last.rows.push(row),
                None => days.push(RunDay { day, long: row.day_long.clone(), rows: vec![row] }),
            }
        }
        Self { open, days, next }
    }
}

impl RunRow {
    /// What it is called in a line: `During the case: Nephrostomy`.
    pub fn name(&self) -> String {
        if self.procedure_name.is_empty() {
            return self.title.clone();
        }
        format!("{}: {}", self.title, self.procedure_name)
    }
}

impl ChecklistRun {
    /// Reads what it can of a record; the rest stays in it.
    ///
    /// # Errors
    /// `NotFound` where it is no run.
    pub(crate) fn of(record: &Record, now: Moment) -> Result<Self> {
        if !run::is_run(record) {
            return Err(LogbookError::NotFound { id: record.id });
        }
        let run = Self::read(record.id, &record.fields, record.when(), now);
        Ok(Self { alive: record.alive, ..run })
    }

    pub(super) fn read(id: RecordId, fields: &Fields, when: Moment, now: Moment) -> Self {
        let row = read_row(id, fields, when);
        let list = checklist(&row.checklist);
        let stages = if list.is_some_and(|list| list.has_stages) || fields.contains_key("stages") {
            shown(fields, row.is_finished)
        } else {
            Vec::new()
        };
        let here = stages.iter().find(|stage| stage.state == StageState::Here);
        let known = here.and_then(|here| definition(&here.id));
        let next = if stages.is_empty() || row.is_finished { None } else { next(&stages) };
        let goes_on = !stages.is_empty() && !row.is_finished;
        Self {
            purpose: list.map(|list| list.purpose.clone()).unwrap_or_default(),
            case_name: String::new(),
            items: items(fields, list),
            reasons: list.map(|list| list.reasons.clone()).unwrap_or_default(),
            here_since: here.map(|here| since(here, now)).unwrap_or_default(),
            questions: if goes_on { questions(fields, here, known, now) } else { None },
            here: known.cloned(),
            next_key: next.map(starts).unwrap_or_default(),
            next: next.cloned(),
            note: text(fields, "note").unwrap_or_default(),
            finished: time(fields.get(run::FINISHED)).1,
            alive: true,
            stages,
            row,
        }
    }
}

/// A run as a line of a list.
pub(crate) fn row(record: &Record) -> RunRow {
    read_row(record.id, &record.fields, record.when())
}

fn read_row(id: RecordId, fields: &Fields, when: Moment) -> RunRow {
    let checklist = text(fields, "checklist").unwrap_or_default();
    let list = self::checklist(&checklist);
    let items = items(fields, list);
    let count = |state| items.iter().filter(|item| item.state == state).count();
    let (ticked, skipped) = (count(ItemState::Ticked), count(ItemState::Skipped));
    let procedure = reading::word("checklist_run", fields, "procedure");
    let known = procedure.as_deref().and_then(|id| Content::shipped().procedure(id));
    let name = known.map(|known| known.name.clone()).or_else(|| procedure.clone());
    RunRow {
        id,
        title: list.map_or_else(|| checklist.clone(), |list| list.title.clone()),
        checklist,
        procedure,
        procedure_name: name.unwrap_or_default(),
        case: text(fields, run::CASE).and_then(|id| id.parse().ok()),
        when,
        day_long: when.day().long(),
        clock_time: when.clock_time(),
        told: counted(ticked, skipped, items.len()),
        ticked: small(ticked),
        skipped: small(skipped),
        items: small(items.len()),
        is_finished: run::is_finished(fields),
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn counted(ticked: usize, skipped: usize, all: usize) -> String {
    let (ticked, skipped, all) = (ticked.to_string(), skipped.to_string(), all.to_string());
    if skipped == "0" {
        return words("badge.run_counted", &[("ticked", &ticked), ("all", &all)]);
    }
    let values = [("ticked", ticked.as_str()), ("all", &all), ("skipped", &skipped)];
    words("badge.run_counted_skipped", &values)
}

fn text(fields: &Fields, path: &str) -> Option<String> {
    let text = record::text(fields, path)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The items of the definition, then whatever else was ticked or skipped.
fn items(fields: &Fields, list: Option<&Checklist>) -> Vec<RunItem> {
    let known = list.map(|list| list.items.as_slice()).unwrap_or_default();
    let mut items: Vec<RunItem> =
        known.iter().map(|item| run_item(fields, &item.id, &item.text, &item.why)).collect();
    let ticked = entries(fields, run::TICKS, "item").map(|(item, _)| item);
    for other in ticked.chain(run::skipped(fields)) {
        if !items.iter().any(|item| item.id == other) {
            items.push(run_item(fields, other, other, ""));
        }
    }
    items
}

/// What was done counts before what was passed over, where two devices said both.
fn run_item(fields: &Fields, id: &str, text: &str, why: &str) -> RunItem {
    let tick = run::entry(fields, run::TICKS, "item", id);
    let state = match tick {
        Some(_) => ItemState::Ticked,
        None if run::skipped(fields).any(|item| item == id) => ItemState::Skipped,
        None => ItemState::Open,
    };
    let (at, time) = tick.map(|tick| time(tick.get("at"))).unwrap_or_default();
    let reason = record::text(fields, &join(run::REASONS, id));
    RunItem {
        id: id.to_owned(),
        text: text.to_owned(),
        why: why.to_owned(),
        state,
        at,
        time,
        reason: reason.filter(|_| state == ItemState::Skipped).unwrap_or_default().to_owned(),
    }
}

fn definition(id: &str) -> Option<&'static ProcedureStage> {
    stages().iter().find(|stage| stage.id == id)
}

/// The stage after the last that was stamped.
fn next(shown: &[RunStage]) -> Option<&'static ProcedureStage> {
    let ahead = shown.iter().find(|stage| stage.state == StageState::Ahead)?;
    definition(&ahead.id)
}

fn starts(next: &ProcedureStage) -> String {
    words("badge.stage_starts", &[("stage", &next.title)])
}

/// Hours are told from here on.
const LONG_MIN: i64 = 120;

fn since(here: &RunStage, now: Moment) -> String {
    let Some(at) = here.at else { return here.time.clone() };
    let minutes = (now.utc.0 - at.utc.0).max(0) / MINUTE_MS;
    if at.day() != now.day() {
        let (day, time) = (at.day().short(), here.time.as_str());
        return words("badge.stage_since_day", &[("day", &day), ("time", time)]);
    }
    let (hours, rest) = ((minutes / 60).to_string(), (minutes % 60).to_string());
    let minutes = if minutes < LONG_MIN {
        words("badge.stage_minutes", &[("minutes", &minutes.to_string())])
    } else {
        words("badge.stage_hours", &[("hours", &hours), ("minutes", &rest)])
    };
    words("badge.stage_since", &[("long", &minutes), ("time", &here.time)])
}

/// What the student said of the room goes before what the stage says: that it is tense until it is calm
/// again, that it is calm until the next stage.
fn questions(
    fields: &Fields,
    here: Option<&RunStage>,
    known: Option<&'static ProcedureStage>,
    now: Moment,
) -> Option<QuestionsNow> {
    let said = |path: &str| time(fields.get(path)).0;
    let (tense, calm) = (said(run::TENSE), said(run::CALM));
    if let Some(tense) = tense.filter(|tense| calm.is_none_or(|calm| calm.utc <= tense.utc)) {
        let advice = words("checklist.tense", &[("time", &tense.clock_time())]);
        return Some(QuestionsNow::new(Questions::Silence, advice));
    }
    let stage = known?;
    // A time that was typed and is still to come does not outdo what is said now.
    let begun = here.and_then(|here| here.at).filter(|begun| begun.utc <= now.utc);
    let calm = calm.filter(|calm| begun.is_none_or(|begun| calm.utc >= begun.utc));
    match calm.filter(|_| stage.questions == Questions::Silence) {
        Some(calm) => {
            let advice = words("checklist.calm", &[("time", &calm.clock_time())]);
            Some(QuestionsNow::new(Questions::Pause, advice))
        }
        None => Some(QuestionsNow::new(stage.questions, stage.advice.clone())),
    }
}

impl QuestionsNow {
    fn new(timing: Questions, advice: String) -> Self {
        let headline = match timing {
            Questions::Open => words("badge.questions_open", &[]),
            Questions::Pause => words("badge.questions_pause", &[]),
            Questions::Silence => words("badge.questions_silence", &[]),
        };
        Self { timing, headline, advice }
    }
}
