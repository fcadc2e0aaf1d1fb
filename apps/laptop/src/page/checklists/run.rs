//! One run: ticked, skipped, stamped.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::case_log::list::CaseRow;
use seldinger_core::checklist::{
    CHECKLIST_RUN, ChecklistRun, ItemState, Questions, RunItem, RunStage, StageState,
};
use seldinger_core::content::words as told;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{CASE, ChangedRun, Logbook, RecordSheet, WrittenStages};
use seldinger_core::time::Moment;

use super::run as drawn;
use crate::page::facts::{self, Fact, Shape};
use crate::page::fields::{FIELD, Posted};
use crate::page::live::{Seen, look, unless_seen};
use crate::page::places;
use crate::page::shell::{Notice, Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Above the rows already.
const IN_HEADING: [&str; 3] = ["procedure", "started", "finished"];

#[derive(Template)]
#[template(path = "checklists/run.html")]
struct RunPage {
    shell: Shell,
    run: ChecklistRun,
    sheet: RecordSheet,
    /// Cases that it may have been for.
    cases: Vec<CaseRow>,
    /// An edit is typed and not saved.
    edited: bool,
    now: Moment,
    seen: String,
}

impl RunPage {
    fn facts(&self) -> Vec<Fact<'_>> {
        facts::rows(&self.sheet.sections, &IN_HEADING)
    }

    fn is_for(&self, row: &CaseRow) -> bool {
        self.run.row.case == Some(row.id)
    }

    fn offers(&self, case: &RecordId) -> bool {
        self.cases.iter().any(|row| row.id == *case)
    }

    fn case_link(&self) -> Option<String> {
        self.run.row.case.filter(|_| !self.run.case_name.is_empty()).map(|id| places::of(CASE, id))
    }
}

#[derive(Template)]
#[template(path = "checklists/changed.html")]
struct ChangedPart {
    shell: Shell,
    run: ChecklistRun,
    notice: Option<Notice>,
    /// For who does not see it.
    said: String,
    seen: String,
}

/// What a tick changes, here or on a phone.
#[derive(Template)]
#[template(path = "checklists/part.html")]
struct RunPart<'a> {
    shell: &'a Shell,
    run: &'a ChecklistRun,
    seen: String,
}

/// A word for how a run looks, whichever page shows it.
fn look_of(shell: &Shell, run: &ChecklistRun) -> Result<String> {
    let part = RunPart { shell, run, seen: String::new() };
    let drawn = part.render().map_err(|_| LogbookError::Io)?;
    Ok(look(&[&drawn.replace(&shell.csrf, "")]))
}

/// What is said beneath an item: why it was skipped, else why it is asked.
fn beneath(item: &RunItem) -> String {
    match item.state {
        ItemState::Skipped if item.reason.is_empty() => "Skipped".to_owned(),
        ItemState::Skipped => format!("Skipped: {}", item.reason),
        _ => item.why.clone(),
    }
}

/// Where a run is.
fn at(run: &ChecklistRun) -> String {
    places::of(CHECKLIST_RUN, run.row.id)
}

/// Whether silence is due.
fn is_silent(run: &ChecklistRun) -> bool {
    run.questions.as_ref().is_some_and(|questions| questions.timing == Questions::Silence)
}

/// Whether any stage has a time.
fn is_stamped(run: &ChecklistRun) -> bool {
    run.stages.iter().any(RunStage::is_stamped)
}

/// What the key at the end does.
fn end_act(run: &ChecklistRun) -> &'static str {
    if run.row.is_finished { "reopen" } else { "finish" }
}

/// One run.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> std::result::Result<Response, Trouble> {
    let shell = shell.at(Room::Checklists);
    let page = state.ask(move |book| {
        let id = id.parse()?;
        let (run, sheet, cases) =
            (book.checklist_run(id)?, book.record_sheet(id)?, book.cases_for_run(id)?);
        let draft = book.draft_of(CHECKLIST_RUN, Some(id))?;
        let edited = draft.is_some_and(|draft| !draft.typed.is_empty());
        let seen = look_of(&shell, &run)?;
        Ok(RunPage { shell, run, sheet, cases, edited, now: book.now(), seen })
    });
    draw(&page.await?)
}

/// The run again.
pub async fn live(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
    Query(seen): Query<Seen>,
) -> std::result::Result<Response, Trouble> {
    let run = state.ask(move |book| book.checklist_run(id.parse()?)).await?;
    let look = look_of(&shell, &run)?;
    unless_seen(&RunPart { shell: &shell, run: &run, seen: look.clone() }, &look, &seen)
}

/// Does one thing; what is said of it, where the page does not show it by itself.
fn done(book: &Logbook, id: RecordId, act: &str, posted: &Posted) -> Result<(ChangedRun, String)> {
    let (item, stage) = (posted.one("item"), posted.one("stage"));
    let changed = match act {
        "tick" => book.tick_items(id, &[item.to_owned()])?,
        "untick" => book.untick_item(id, item)?,
        "skip" => book.skip_item(id, item, posted.one("reason"))?,
        "unskip" => book.unskip_item(id, item)?,
        "stage" => book.stamp_stage(id, stage, None)?,
        "tense" => book.say_tense(id)?,
        "calm" => book.say_calm(id)?,
        "finish" => book.finish_run(id)?,
        "reopen" => book.reopen_run(id)?,
        "link" => {
            let case = Some(posted.one("case")).filter(|case| !case.is_empty());
            book.link_run(id, case.map(str::parse).transpose()?)?
        }
        _ => return Err(LogbookError::UnknownDefinition),
    };
    let of_item = changed.run.items.iter().find(|known| known.id == item);
    let of_stage = changed.run.stages.iter().find(|known| known.id == stage);
    let item = of_item.map_or("", |item| item.text.as_str());
    let stage = of_stage.map_or("", |stage| stage.title.as_str());
    let text = match act {
        "untick" => told("page.unticked", &[("what", item)]),
        "skip" => told("page.skipped", &[("what", item)]),
        "unskip" => told("page.unskipped", &[("what", item)]),
        "stage" => told("page.stage_kept", &[("what", stage)]),
        "finish" => told("page.run_finished", &[]),
        "reopen" => told("page.run_reopened", &[]),
        "link" => told("page.run_linked", &[]),
        _ => String::new(),
    };
    Ok((changed, text))
}

/// Does one thing with a run and shows what became of it.
pub async fn act(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Path((id, act)): Path<(String, String)>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    // Ticks say by themselves what they are now; whether to be silent does not.
    let is_tick = act == "tick" || act == "untick";
    let done = state.ask(move |book| done(book, id.parse()?, &act, &posted));
    let (ChangedRun { run, change, .. }, text) = done.await?;
    let told = !text.is_empty() && change.is_some();
    if shell.part {
        let headline = run.questions.as_ref().filter(|_| !is_tick).map(|now| now.headline.as_str());
        let said = format!("{text} {}", headline.unwrap_or_default()).trim().to_owned();
        let notice = told.then_some(Notice { text, undo: change, link: None });
        let seen = look_of(&shell, &run)?;
        return draw(&ChangedPart { shell, run, notice, said, seen });
    }
    if told {
        notices.leave(text, change);
    }
    Ok(Redirect::to(&places::of(CHECKLIST_RUN, run.row.id)).into_response())
}

/// Writes times of stages into a run or a case.
pub async fn write_stages(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Redirect, Trouble> {
    let written = state.ask(move |book| {
        let id = id.parse()?;
        let written = book.write_stages(id, &posted.typed())?;
        Ok((places::of(book.record(id)?.kind, id), written))
    });
    let (place, WrittenStages { change, warnings }) = written.await?;
    if change.is_some() {
        notices.leave(words::with_warnings(told("page.times_kept", &[]), &warnings), change);
    }
    Ok(Redirect::to(&place))
}

#[cfg(test)]
mod tests {
    use crate::serve::visit::Visit;

    fn begun(visit: &Visit, checklist: &str) -> String {
        let fields = [("checklist", checklist), ("procedure", "PICC placement")];
        visit.post("/checklists", &fields).location().to_owned()
    }

    #[test]
    fn a_run_is_ticked_skipped_and_stamped_with_scripts_and_without() {
        let visit = Visit::new();
        let run = begun(&visit, "during");
        let page = visit.get(&run).body;
        for wanted in ["Lead and badge on", "Consent starts", "PICC placement", "0 of 8"] {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
        let ticked = visit.post_part(&format!("{run}/tick"), &[("item", "S-62")]).body;
        assert!(ticked.contains("1 of 8") && !ticked.contains("<html"), "{ticked}");
        assert_eq!(visit.post(&format!("{run}/tick"), &[("item", "S-63")]).location(), run);
        let skip = [("item", "S-62"), ("reason", "Not <b>scrubbed</b>")];
        let skipped = visit.post_part(&format!("{run}/skip"), &skip).body;
        assert!(
            skipped.contains("1 of 8, 1 skipped") && skipped.contains("Skipped: Not &#60;b&#62;")
        );
        assert!(skipped.contains("action=\"/undo\""));
        visit.post(&format!("{run}/unskip"), &[("item", "S-62")]);
        let timeout = visit.post_part(&format!("{run}/stage"), &[("stage", "timeout")]).body;
        assert!(timeout.contains("Silence is due") && timeout.contains("Access starts"));
        let live = visit.get(&format!("/live{run}?seen=something")).body;
        assert!(live.contains("0 min, since ") && !live.contains("<html"), "{live}");
        let seen = live.split("hx-get=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!(visit.get(seen).status, 204);
        assert!(visit.post_part(&format!("{run}/calm"), &[("", "")]).body.contains("Calm since"));
        visit.post(&format!("/stages{}", &run["/checklists".len()..]), &[("f.access", "soon")]);
        assert!(visit.get(&run).body.contains("<time>soon</time>"));
        let over = visit.post_part(&format!("{run}/finish"), &[("", "")]).body;
        assert!(over.contains("Go on") && !over.contains("Navigation starts"), "{over}");
        let list = visit.get("/checklists").body;
        assert!(list.contains("During the case: PICC placement") && list.contains(&run));
        assert_eq!(visit.post(&format!("{run}/dance"), &[("", "")]).status, 404);
    }

    #[test]
    fn a_run_is_linked_to_a_case_and_shown_on_it() {
        let visit = Visit::new();
        visit.post("/form/save", &[("form", "case"), ("f.procedure", "PICC placement")]);
        let home = visit.get("/").body;
        let case = home.split("href=\"/cases/").find_map(|rest| {
            let id = rest.split('"').next()?;
            (id.len() == 36).then(|| id.to_owned())
        });
        let case = case.expect("the case is listed");
        let run = begun(&visit, "before");
        assert!(visit.get(&run).body.contains(&format!("value=\"{case}\"")));
        let linked = visit.post(&format!("{run}/link"), &[("case", &case)]);
        assert_eq!(linked.location(), run);
        assert!(visit.get(&run).body.contains(&format!("href=\"/cases/{case}\"")));
        let shown = visit.get(&format!("/cases/{case}")).body;
        assert!(shown.contains(&run) && shown.contains("Before the case"));
        let fields = [("checklist", "during"), ("case", case.as_str())];
        let during = visit.post("/checklists", &fields).location().to_owned();
        visit.post(&format!("{during}/stage"), &[("stage", "consent")]);
        visit.post(&format!("/stages/{case}"), &[("f.access", "12:31")]);
        let shown = visit.get(&format!("/cases/{case}")).body;
        assert!(shown.contains("<time>12:31</time>") && shown.contains(&during));
    }
}
