//! `checklist`: lists, runs of them, and the stages of a procedure.

use clap::{Args, Subcommand};
use seldinger_core::checklist::{
    Checklist, ChecklistItem, ChecklistRun, ItemState, Questions, RunRow, StageState, checklists,
    stages,
};
use seldinger_core::error::LogbookError;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{ChangedRun, Logbook};
use seldinger_core::time::Moment;
use serde_json::{Value, json};

use super::{cases, look, tell_recovery_code};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// Wide enough for the ids of lists, items and stages.
const ID_WIDTH: usize = 12;
/// Wide enough for a time.
const TIME_WIDTH: usize = 5;

/// What is done with checklists; without a command, lists and runs are shown.
#[derive(Args)]
pub struct ChecklistArgs {
    #[command(subcommand)]
    command: Option<ChecklistCommand>,
    /// JSON: the lists, or the run as it is afterward.
    #[arg(long, global = true)]
    json: bool,
}

/// RUN is the id of a run, or enough of its beginning; `last` is the newest.
#[derive(Subcommand)]
enum ChecklistCommand {
    /// Begin a run, now.
    Begin {
        /// Which checklist: before, during, after or daily.
        checklist: String,
        /// The case that it is for: its id, enough of its beginning, or last.
        #[arg(long, value_name = "ID")]
        case: Option<String>,
        /// The procedure, by id or name; without it, the case's.
        #[arg(long, value_name = "ID")]
        procedure: Option<String>,
    },
    /// Show a run.
    Show { run: String },
    /// Tick items, now.
    Tick {
        run: String,
        #[arg(required = true)]
        items: Vec<String>,
    },
    /// Take a tick back.
    Untick { run: String, item: String },
    /// Skip an item.
    Skip {
        run: String,
        item: String,
        /// Why.
        #[arg(long, default_value = "", value_name = "TEXT")]
        because: String,
    },
    /// Take a skip back.
    Unskip { run: String, item: String },
    /// Stamp a stage: consent, timeout, access, navigation, intervention or hemostasis.
    Stage {
        run: String,
        stage: String,
        /// When it began, if not now, such as 13:40, 0130, 1:30 pm or 2026-10-21 13:40.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Take the time of a stage away.
    Unstage { run: String, stage: String },
    /// Say that it is tense: silence is due.
    Tense { run: String },
    /// Say that it is calm again.
    Calm { run: String },
    /// End a run; what is left open stays open.
    Finish { run: String },
    /// Go on with a run that was finished.
    Reopen { run: String },
    /// Say which case a run was for; without one, that it was for none.
    Link {
        run: String,
        #[arg(long, value_name = "ID")]
        case: Option<String>,
    },
}

/// Lists, or does what is asked.
pub fn run(home: &Home, args: &ChecklistArgs) -> Result<(), Failure> {
    let mut out = Out::new();
    match &args.command {
        None => list(home, &mut out, args.json)?,
        Some(command) => {
            let run = done(home, command)?;
            if args.json { out.line(run_json(&run))? } else { show(&mut out, &run)? }
        }
    }
    out.flush()
}

fn done(home: &Home, command: &ChecklistCommand) -> Result<ChecklistRun, Failure> {
    use ChecklistCommand as C;
    let opened = match command {
        C::Begin { .. } => home.existing_or_new()?,
        _ => home.existing()?,
    };
    if let Some(code) = &opened.recovery_code {
        tell_recovery_code(code, opened.vault.mode);
    }
    let book = &opened.book;
    let id = |given: &str| find(book, given);
    let changed: ChangedRun = match command {
        C::Begin { checklist, case, procedure } => {
            let case = case.as_deref().map(|given| cases::find(book, given.trim())).transpose()?;
            book.begin_run(list_named(checklist)?, procedure.as_deref(), case)?
        }
        C::Show { run } => return Ok(book.checklist_run(id(run)?)?),
        C::Tick { run, items } => {
            let id = id(run)?;
            let items = items.iter().map(|given| item(book, id, given));
            book.tick_items(id, &items.collect::<Result<Vec<_>, _>>()?)?
        }
        C::Untick { run, item: given } => {
            let id = id(run)?;
            book.untick_item(id, &item(book, id, given)?)?
        }
        C::Skip { run, item: given, because } => {
            let id = id(run)?;
            book.skip_item(id, &item(book, id, given)?, because)?
        }
        C::Unskip { run, item: given } => {
            let id = id(run)?;
            book.unskip_item(id, &item(book, id, given)?)?
        }
        C::Stage { run, stage: given, at } => {
            book.stamp_stage(id(run)?, stage(given)?, at.as_deref())?
        }
        C::Unstage { run, stage: given } => book.unstamp_stage(id(run)?, stage(given)?)?,
        C::Tense { run } => book.say_tense(id(run)?)?,
        C::Calm { run } => book.say_calm(id(run)?)?,
        C::Finish { run } => book.finish_run(id(run)?)?,
        C::Reopen { run } => book.reopen_run(id(run)?)?,
        C::Link { run, case } => {
            let case = case.as_deref().map(|given| cases::find(book, given.trim()));
            book.link_run(id(run)?, case.transpose()?)?
        }
    };
    for warning in &changed.warnings {
        say::note(&format!("{}: {}", warning.path, warning.text));
    }
    Ok(changed.run)
}

fn list_named(given: &str) -> Result<&str, Failure> {
    one_of(given, given, checklists().iter().map(|list| list.id.as_str())).map(|()| given)
}

/// An item by its id, or by the number in it: `S-62`, `s-62`, `62`.
fn item(book: &Logbook, run: RecordId, given: &str) -> Result<String, Failure> {
    let run = book.checklist_run(run)?;
    let ids = || run.items.iter().map(|item| item.id.as_str());
    let named = |id: &&str| id.eq_ignore_ascii_case(given) || id.strip_prefix("S-") == Some(given);
    let found = ids().find(named).unwrap_or(given);
    one_of(found, given, ids()).map(|()| found.to_owned())
}

fn stage(given: &str) -> Result<&str, Failure> {
    one_of(given, given, stages().iter().map(|stage| stage.id.as_str())).map(|()| given)
}

fn one_of<'a>(
    found: &str,
    given: &str,
    mut choices: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Failure> {
    let all = choices.clone();
    if choices.any(|choice| choice == found) {
        return Ok(());
    }
    let choices = all.collect::<Vec<_>>().join(", ");
    Err(Failure::NotAChoice { given: given.to_owned(), choices })
}

/// The run with this id, or the one whose id begins so.
fn find(book: &Logbook, given: &str) -> Result<RecordId, Failure> {
    let wanted = given.trim().to_lowercase();
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let mut runs = rows(book)?;
    if wanted == "last" {
        runs.sort_by_key(|row| std::cmp::Reverse(row.when.utc));
        let newest = runs.first().map(|row| row.id);
        return newest.ok_or_else(|| Failure::NoSuchRun(given.to_owned()));
    }
    runs.retain(|row| !wanted.is_empty() && row.id.to_string().starts_with(&wanted));
    match runs.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Failure::NoSuchRun(given.to_owned())),
        _ => Err(Failure::ManyRuns(given.to_owned())),
    }
}

/// Every run, those that go on first.
fn rows(book: &Logbook) -> Result<Vec<RunRow>, Failure> {
    let mut page = book.checklist_runs(None)?;
    let mut rows = page.open;
    loop {
        rows.extend(page.days.into_iter().flat_map(|day| day.rows));
        let Some(next) = page.next else { return Ok(rows) };
        page = book.checklist_runs(Some(&next))?;
    }
}

/// What there is to tick, then the runs, where there is a log.
fn list(home: &Home, out: &mut Out, json: bool) -> Result<(), Failure> {
    let runs = match home.existing() {
        Ok(opened) => rows(&opened.book)?,
        Err(Failure::Book(LogbookError::NoBook)) => Vec::new(),
        Err(other) => return Err(other),
    };
    if json {
        let lists: Vec<_> = checklists().iter().map(list_json).collect();
        let runs: Vec<_> = runs.iter().map(row_json).collect();
        return out.line(json!({ "checklists": lists, "runs": runs }));
    }
    for list in checklists() {
        out.line(format_args!("{:ID_WIDTH$} {}", list.id, list.title))?;
        out.line(format_args!("{:ID_WIDTH$} {}", "", list.purpose))?;
    }
    if !runs.is_empty() {
        out.line("")?;
    }
    for row in &runs {
        let (day, name) = (row.when.day().iso(), plain(&row.name()));
        let goes_on = if row.is_finished { "" } else { ", going on" };
        let id = look::short_id(row.id);
        out.line(format_args!("{id}  {day} {}  {name}  {}{goes_on}", row.clock_time, row.told))?;
    }
    Ok(())
}

fn show(out: &mut Out, run: &ChecklistRun) -> Result<(), Failure> {
    let row = &run.row;
    out.line(format_args!("{}  {}", look::short_id(row.id), plain(&row.name())))?;
    out.line(format_args!("{}, {}, {}", row.day_long, row.clock_time, row.told))?;
    for stage in &run.stages {
        let (time, title) = (plain(&stage.time), plain(&stage.title));
        let here = if stage.state == StageState::Here { &run.here_since } else { "" };
        let line = format!("{time:TIME_WIDTH$}  {title:ID_WIDTH$}  {}", plain(here));
        out.line(line.trim_end())?;
    }
    if let Some(questions) = &run.questions {
        out.line(format_args!("{}. {}", questions.headline, questions.advice))?;
    }
    for item in &run.items {
        let mark = match item.state {
            ItemState::Open => "[ ]",
            ItemState::Ticked => "[x]",
            ItemState::Skipped => "[-]",
        };
        let more = if item.state == ItemState::Skipped { &item.reason } else { &item.time };
        let line = format!("{mark} {:5} {}  {}", plain(&item.id), plain(&item.text), plain(more));
        out.line(line.trim_end())?;
    }
    if !run.note.is_empty() {
        out.line(plain(&run.note))?;
    }
    Ok(())
}

fn list_json(list: &Checklist) -> Value {
    let item = |item: &ChecklistItem| json!({ "id": item.id, "text": item.text, "why": item.why });
    json!({
        "id": list.id,
        "title": list.title,
        "purpose": list.purpose,
        "items": list.items.iter().map(item).collect::<Vec<_>>(),
    })
}

fn row_json(row: &RunRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "checklist": row.checklist,
        "procedure": row.procedure,
        "case": row.case.map(|case| case.to_string()),
        "started": row.when.rfc3339(),
        "finished": row.is_finished,
        "ticked": row.ticked,
        "skipped": row.skipped,
        "items": row.items,
    })
}

fn run_json(run: &ChecklistRun) -> Value {
    let mut told = row_json(&run.row);
    let at = |at: Option<Moment>| at.map(|at| at.rfc3339());
    let state = |state| match state {
        ItemState::Open => "open",
        ItemState::Ticked => "ticked",
        ItemState::Skipped => "skipped",
    };
    told["items"] = run
        .items
        .iter()
        .map(|item| json!({ "item": item.id, "state": state(item.state), "at": at(item.at), "reason": item.reason }))
        .collect();
    let stamped = run.stages.iter().filter(|stage| stage.is_stamped());
    told["stages"] = stamped
        .map(|stage| json!({ "stage": stage.id, "at": at(stage.at), "written": stage.time }))
        .collect();
    told["here"] = json!(run.here.as_ref().map(|stage| &stage.id));
    told["silence"] = json!(
        run.questions.as_ref().is_some_and(|questions| questions.timing == Questions::Silence)
    );
    told["note"] = json!(run.note);
    told
}
