//! Where the patient came from.

use super::context::{Context, HISTORY, NEGATED, PLANNED};
use super::line::{Hit, Line};
use super::tags::Tag;
use crate::case_log::values::Setting;

/// Finds the setting: the first place that is not where the patient went afterwards.
pub(super) fn read(line: &Line<'_>, context: &Context) -> Option<(Setting, Hit)> {
    line.hits.iter().find_map(|hit| {
        let setting = match hit.tag {
            Tag::SettingInpatient => Setting::Inpatient,
            Tag::SettingOutpatient => Setting::Outpatient,
            Tag::SettingEmergency => Setting::Emergency,
            _ => return None,
        };
        let void = context.any(hit.first, NEGATED | PLANNED | HISTORY) || afterwards(line, *hit);
        (!void).then_some((setting, *hit))
    })
}

/// "to ICU after", "→ ward": where the patient went.
fn afterwards(line: &Line<'_>, hit: Hit) -> bool {
    let Some(before) = hit.first.checked_sub(1) else { return false };
    line.has(before, Tag::PlaceAfterwards) || line.has(hit.last + 1, Tag::CuePlannedAfter)
}
