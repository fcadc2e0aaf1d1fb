//! Where the patient came from.

use super::context::{Context, HISTORY, PLANNED};
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
        let void = context.any(hit.first, PLANNED | HISTORY)
            || denied(line, *hit)
            || afterwards(line, *hit);
        (!void).then_some((setting, *hit))
    })
}

/// "not inpt": the very next word only.
fn denied(line: &Line<'_>, hit: Hit) -> bool {
    let denies = |i: usize| line.has(i, Tag::CueNegation) && !line.has(i, Tag::ComplicationDenied);
    line.words_before(hit.first, 1).any(denies)
}

/// "to ICU after", "→ ward": where the patient went.
fn afterwards(line: &Line<'_>, hit: Hit) -> bool {
    let Some(before) = hit.first.checked_sub(1) else { return false };
    line.has(before, Tag::PlaceAfterwards) || line.has(hit.last + 1, Tag::CuePlannedAfter)
}
