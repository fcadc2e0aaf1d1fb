//! What each tap writes into a run: a patch of its fields, and nothing that the tap did not mean.

use serde_json::{Value, json};

use super::CHECKLIST_RUN;
use super::definition::Checklist;
use crate::ids::RecordId;
use crate::record::{Fields, Patch, Record, get, join};
use crate::time::Moment;

pub(super) const TICKS: &str = "ticks";
pub(super) const SKIPPED: &str = "skipped";
/// Beside `skipped`, which stays a set of items: `skip_reasons.S-49`.
pub(super) const REASONS: &str = "skip_reasons";
pub(super) const FINISHED: &str = "finished";
pub(super) const TENSE: &str = "tense_since";
pub(super) const CALM: &str = "calm_since";
pub(super) const CASE: &str = "case";

/// Whether a record is a run.
pub(super) fn is_run(record: &Record) -> bool {
    record.kind == CHECKLIST_RUN
}

/// The fields of a new run.
pub(crate) fn begun(list: &Checklist, case: Option<RecordId>, now: Moment) -> Fields {
    let mut fields = Fields::new();
    fields.insert("checklist".to_owned(), json!(list.id));
    if let Some(case) = case {
        fields.insert(CASE.to_owned(), json!(case.to_string()));
    }
    fields.insert("started".to_owned(), json!(now.rfc3339()));
    fields
}

/// The entry of a keyed list with this key.
pub(super) fn entry<'a>(
    fields: &'a Fields,
    list: &str,
    key: &str,
    name: &str,
) -> Option<&'a Fields> {
    entries(fields, list, key).find(|(known, _)| *known == name).map(|(_, entry)| entry)
}

/// The entries of a keyed list, with their keys.
pub(super) fn entries<'a>(
    fields: &'a Fields,
    list: &str,
    key: &str,
) -> impl Iterator<Item = (&'a str, &'a Fields)> {
    let entries = fields.get(list).and_then(Value::as_array).map(Vec::as_slice);
    entries.unwrap_or_default().iter().filter_map(move |entry| {
        let entry = entry.as_object()?;
        Some((entry.get(key)?.as_str()?, entry))
    })
}

/// The items that are skipped.
pub(super) fn skipped(fields: &Fields) -> impl Iterator<Item = &str> {
    let items = fields.get(SKIPPED).and_then(Value::as_array).map(Vec::as_slice);
    items.unwrap_or_default().iter().filter_map(Value::as_str)
}

fn unskipped(fields: &Fields, item: &str, patch: &mut Patch) {
    if skipped(fields).any(|known| known == item) {
        patch.push((join(SKIPPED, item), None));
    }
    let reason = join(REASONS, item);
    if get(fields, &reason).is_some() {
        patch.push((reason, None));
    }
}

/// Ticks an item; one that is ticked keeps its time.
pub(crate) fn tick(fields: &Fields, item: &str, now: Moment) -> Patch {
    let mut patch = Patch::new();
    if entry(fields, TICKS, "item", item).is_none() {
        let tick = json!({ "item": item, "at": now.rfc3339() });
        patch.push((join(TICKS, item), Some(tick)));
    }
    unskipped(fields, item, &mut patch);
    patch
}

/// Takes a tick back.
pub(crate) fn untick(fields: &Fields, item: &str) -> Patch {
    let ticked = entry(fields, TICKS, "item", item);
    ticked.map(|_| (join(TICKS, item), None)).into_iter().collect()
}

/// Skips an item, with a reason or without; an item is not ticked and skipped at once.
pub(crate) fn skip(fields: &Fields, item: &str, reason: &str) -> Patch {
    let mut patch = untick(fields, item);
    if !skipped(fields).any(|known| known == item) {
        patch.push((join(SKIPPED, item), Some(json!(true))));
    }
    let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
    patch.push((join(REASONS, item), reason.map(|reason| json!(reason))));
    patch
}

/// Takes a skip back.
pub(crate) fn unskip(fields: &Fields, item: &str) -> Patch {
    let mut patch = Patch::new();
    unskipped(fields, item, &mut patch);
    patch
}

/// It is tense from now on: silence is due, whatever the stage.
pub(crate) fn tense(now: Moment) -> Patch {
    vec![(TENSE.to_owned(), Some(json!(now.rfc3339()))), (CALM.to_owned(), None)]
}

/// It is calm again.
pub(crate) fn calm(now: Moment) -> Patch {
    vec![(CALM.to_owned(), Some(json!(now.rfc3339()))), (TENSE.to_owned(), None)]
}

/// Ends the run; one that is ended keeps its time.
pub(crate) fn finish(fields: &Fields, now: Moment) -> Patch {
    if is_finished(fields) {
        return Patch::new();
    }
    vec![(FINISHED.to_owned(), Some(json!(now.rfc3339())))]
}

/// Goes on with a run that was finished.
pub(crate) fn reopen() -> Patch {
    vec![(FINISHED.to_owned(), None)]
}

pub(super) fn is_finished(fields: &Fields) -> bool {
    fields.get(FINISHED).is_some_and(|value| !value.is_null())
}

/// Says which case the run was for, or that it was for none.
pub(crate) fn link(case: Option<RecordId>) -> Patch {
    vec![(CASE.to_owned(), case.map(|case| json!(case.to_string())))]
}
