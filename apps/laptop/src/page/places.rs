//! Where each record is shown: one page for every kind, its room's own where there is one.

use std::borrow::Borrow;

use seldinger_core::checklist::CHECKLIST_RUN;
use seldinger_core::consult::{CONSULT, CONSULT_TEMPLATE, PRESENTATION_TEMPLATE};
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{CASE, DAILY_READ, IMAGING_FINDING, PROCEDURE_NOTE};

/// The page of a record.
pub fn of(kind: impl AsRef<str>, id: impl Borrow<RecordId>) -> String {
    let room = match kind.as_ref() {
        CASE => "cases",
        CONSULT => "consults",
        CONSULT_TEMPLATE => "consults/templates",
        // There is one.
        PRESENTATION_TEMPLATE => return "/consults/wording".to_owned(),
        CHECKLIST_RUN => "checklists",
        _ => "records",
    };
    format!("/{room}/{}", id.borrow())
}

/// The list that a record of this kind stands in.
pub fn list_of(kind: impl AsRef<str>) -> &'static str {
    match kind.as_ref() {
        CASE => "/",
        CONSULT => "/consults",
        CONSULT_TEMPLATE | PRESENTATION_TEMPLATE => "/consults/templates",
        CHECKLIST_RUN => "/checklists",
        IMAGING_FINDING | DAILY_READ => "/imaging",
        PROCEDURE_NOTE => "/procedures",
        _ => "/find",
    }
}
