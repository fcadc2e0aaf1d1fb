//! The page of one case.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use seldinger_core::checklist::{self, StageState};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::{CASE, CaseSheet, CaseTimeline, DEBRIEF, RecordName};
use seldinger_core::time::Moment;

use crate::page::facts::{self, Fact, Shape};
use crate::page::fields::FIELD;
use crate::page::shell::{Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Shown above the rows already.
const IN_HEADING: [&str; 8] = [
    "procedure",
    "role",
    "attending",
    "setting",
    "interesting",
    "performed_at",
    "adverse_event",
    "tags",
];

#[derive(Template)]
#[template(path = "case/page.html")]
struct CasePage {
    shell: Shell,
    sheet: CaseSheet,
    timeline: CaseTimeline,
    /// An edit or a debrief is typed and not saved.
    edited: bool,
    debriefed: bool,
    /// The consult that it followed.
    consult: Option<RecordName>,
    now: Moment,
}

impl CasePage {
    fn facts(&self) -> Vec<Fact<'_>> {
        facts::rows(&self.sheet.sections, &IN_HEADING)
    }

    fn title(&self) -> &str {
        let name = &self.sheet.detail.row.procedure_name;
        if name.is_empty() { "Procedure not written" } else { name }
    }

    /// `Scrubbed with Lindqvist, inpatient`.
    fn who(&self) -> String {
        let row = &self.sheet.detail.row;
        let mut who = row.role.map_or_else(|| "Role not written".to_owned(), words::role);
        if let Some(attending) = &row.attending {
            who.push_str(" with ");
            who.push_str(attending);
        }
        if let Some(setting) = self.text("setting") {
            who.push_str(", ");
            who.push_str(&setting.to_lowercase());
        }
        who
    }

    fn text(&self, path: &str) -> Option<String> {
        self.sheet.field(path).map(|field| field.texts.join(", ")).filter(|text| !text.is_empty())
    }

    /// When it was typed, where that was another time.
    fn typed(&self) -> Option<String> {
        let (at, performed) = (self.sheet.detail.at, self.sheet.detail.row.performed);
        (at != performed).then(|| facts::day_and_time(at))
    }
}

/// One case.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let page = state.ask(move |book| {
        let id = id.parse()?;
        let (sheet, timeline) = (book.case_sheet(id)?, book.case_timeline(id)?);
        let typed = |form| {
            let draft = book.draft_of(form, Some(id))?;
            Ok::<bool, LogbookError>(draft.is_some_and(|draft| !draft.typed.is_empty()))
        };
        let (edited, debriefed) = (typed(CASE)?, typed(DEBRIEF)?);
        let consult = book.consult_of_case(id)?;
        Ok(CasePage { shell, sheet, timeline, edited, debriefed, consult, now: book.now() })
    });
    draw(&page.await?)
}
