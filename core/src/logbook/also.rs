//! Written twice: values of one field that did not know of each other. Another device wrote one, or a
//! form could not save it because the field had changed since it was opened. All are kept until the user
//! has chosen.

use serde_json::Value;

use super::sheet::part_text;
use super::{Draft, Logbook, RecordName, rows as draft, sync};
use crate::content::words;
use crate::error::{LogbookError, Result};
use crate::form::{self, FieldKind, FormDefinition, FormField, TypedField};
use crate::ids::{DeviceId, DraftId, Ids, RecordId};
use crate::record::{self, Change, StaleField, Tx, get, is_within};
use crate::time::UtcMillis;

/// The form of the draft that holds what was typed.
pub(super) const ALSO: &str = "also";

/// What was written in a field that shows something else.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct AlsoWritten {
    /// The field, or the part of it.
    pub path: String,
    /// Which of those on the path; for `settle`.
    pub which: String,
    /// As a person reads it; empty where the field was emptied.
    pub text: String,
    /// The same, with where it was written.
    pub told: String,
    /// When.
    pub written: UtcMillis,
    /// Whether it and what is shown can be kept in one.
    pub can_keep_both: bool,
}

/// What to keep of what was written twice. The rest stays readable in the field's history, but for what
/// was only typed into a form and is not taken.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum Keep {
    /// What is shown.
    Shown,
    /// One that stands beside it.
    Other {
        /// Which.
        which: String,
    },
    /// All of them, one after the other.
    Both,
}

quiet_debug!(AlsoWritten, Keep);

/// One of them.
struct Candidate {
    path: String,
    which: String,
    value: Option<Value>,
    written: UtcMillis,
    /// Who wrote it.
    device: DeviceId,
}

/// Which one, where it was typed into a form here.
const TYPED: &str = "typed";

/// Puts aside what was typed in fields that were left alone.
pub(super) fn keep(
    tx: &Tx<'_>,
    record: RecordId,
    typed: &[TypedField],
    stale: &[StaleField],
    (now, ids): (UtcMillis, &dyn Ids),
) -> Result<()> {
    let is_stale = |field: &&TypedField| stale.iter().any(|s| is_within(&s.path, &field.path));
    let aside: Vec<TypedField> = typed.iter().filter(is_stale).cloned().collect();
    if aside.is_empty() {
        return Ok(());
    }
    let mut kept = draft::of_record(tx.conn(), ALSO, record)?.unwrap_or_else(|| Draft {
        id: DraftId::new(now, ids),
        form: ALSO.to_owned(),
        record: Some(record),
        opened: 0,
        typed: Vec::new(),
        begun: now,
        updated: now,
    });
    kept.typed.retain(|old| !aside.iter().any(|new| new.path == old.path));
    kept.typed.extend(aside);
    kept.updated = now;
    draft::put(tx.conn(), &kept)
}

impl Logbook {
    /// What was written in fields of a record that show something else; all are kept until `settle`.
    pub fn also_written(&self, id: RecordId) -> Result<Vec<AlsoWritten>> {
        let candidates = self.candidates(id)?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let record = self.record(id)?;
        let form = match self.form_of(&record) {
            // Nothing shows its fields one by one, so there is nothing to choose from.
            Err(LogbookError::UnknownDefinition) => return Ok(Vec::new()),
            form => form?,
        };
        let fields = record.fields;
        let peers = self.read(sync::names)?;
        let here = self.device();
        let also = |candidate: Candidate| {
            let field = field_of(&form, &candidate.path)?;
            let text =
                candidate.value.as_ref().map(|value| part_text(field, &candidate.path, value));
            let text = text.unwrap_or_default();
            let shown = if text.is_empty() { words("badge.nothing", &[]) } else { text.clone() };
            let told = match peers.iter().find(|(known, _)| *known == candidate.device) {
                _ if candidate.device == here => words("sync.also_here", &[("text", &shown)]),
                Some((_, name)) => words("sync.also_on", &[("name", name), ("text", &shown)]),
                None => words("sync.also_on_another", &[("text", &shown)]),
            };
            let values = [get(&fields, &candidate.path), candidate.value.as_ref()];
            let can_keep_both = in_one(field.kind, values.into_iter()).is_some();
            let Candidate { path, which, written, .. } = candidate;
            Some(AlsoWritten { path, which, text, told, written, can_keep_both })
        };
        Ok(candidates.into_iter().filter_map(also).collect())
    }

    /// Ends it for one field; undoing that brings back what another device wrote.
    ///
    /// # Errors
    /// `NothingToChoose` where it was settled already, or where both cannot be kept in one.
    pub fn settle(&self, id: RecordId, path: &str, keep: &Keep) -> Result<Option<Change>> {
        let record = self.record(id)?;
        let form = self.form_of(&record)?;
        let field = field_of(&form, path).ok_or(LogbookError::NothingToChoose)?;
        let mut candidates = self.candidates(id)?;
        candidates.retain(|candidate| candidate.path == path);
        if candidates.is_empty() {
            return Err(LogbookError::NothingToChoose);
        }
        let shown = get(&record.fields, path);
        let value = match keep {
            Keep::Shown => shown.cloned(),
            Keep::Other { which } => {
                let chosen = candidates.into_iter().find(|candidate| candidate.which == *which);
                chosen.ok_or(LogbookError::NothingToChoose)?.value
            }
            Keep::Both => {
                let others = candidates.iter().map(|candidate| candidate.value.as_ref());
                let all = in_one(field.kind, std::iter::once(shown).chain(others));
                Some(all.ok_or(LogbookError::NothingToChoose)?)
            }
        };
        let settled = self.transact(|tx| {
            if let Some(mut kept) = draft::of_record(tx.conn(), ALSO, id)? {
                kept.typed.retain(|typed| typed.path != path);
                if kept.typed.is_empty() {
                    draft::remove(tx.conn(), kept.id)?;
                } else {
                    draft::put(tx.conn(), &kept)?;
                }
            }
            tx.settle(id, path, value)
        })?;
        Ok(settled.value)
    }

    /// Records in which something was written twice, the latest first.
    pub fn written_twice(&self) -> Result<Vec<RecordName>> {
        let mut names = Vec::new();
        let mut ids = self.read(record::contested)?;
        let aside = self.read(draft::all)?.into_iter().filter(|draft| draft.form == ALSO);
        ids.extend(aside.filter_map(|draft| draft.record));
        ids.sort();
        ids.dedup();
        for id in ids {
            if !self.also_written(id)?.is_empty() {
                names.push(RecordName::of(&self.record(id)?));
            }
        }
        names.sort_by_key(|name| std::cmp::Reverse(name.when.utc));
        Ok(names)
    }

    fn candidates(&self, id: RecordId) -> Result<Vec<Candidate>> {
        let others = self.read(|conn| record::others_of(conn, id))?;
        let mut candidates: Vec<Candidate> = others
            .into_iter()
            .map(|other| Candidate {
                which: format!("{:x}-{:x}", other.stamp.hlc.0, other.stamp.device.0),
                path: other.path,
                value: other.value,
                written: other.stamp.hlc.ms(),
                device: other.stamp.device,
            })
            .collect();
        if let Some(kept) = self.read(|conn| draft::of_record(conn, ALSO, id))? {
            let record = self.record(id)?;
            let form = self.form_of(&record)?;
            let context = self.entry().edits(record.when());
            let device = self.device();
            candidates.extend(kept.typed.iter().filter_map(|typed| {
                let value = form::read(form.field(&typed.path)?, &typed.texts, &context).value;
                let (path, which) = (typed.path.clone(), TYPED.to_owned());
                Some(Candidate { path, which, value, written: kept.updated, device })
            }));
        }
        Ok(candidates)
    }
}

/// The field that a path is, or is a part of.
fn field_of<'a>(form: &'a FormDefinition, path: &str) -> Option<&'a FormField> {
    form.fields().find(|field| is_within(path, &field.path))
}

/// Texts and lists one after the other; of numbers and choices one has to be chosen.
fn in_one<'a>(kind: FieldKind, values: impl Iterator<Item = Option<&'a Value>>) -> Option<Value> {
    let values: Vec<&Value> = values.collect::<Option<_>>()?;
    match kind {
        FieldKind::Text | FieldKind::LongText => {
            let between = if kind == FieldKind::Text { "; " } else { "\n\n" };
            let texts: Option<Vec<&str>> = values.into_iter().map(Value::as_str).collect();
            Some(Value::from(texts?.join(between)))
        }
        FieldKind::Lines => {
            let mut all: Vec<Value> = Vec::new();
            for list in values {
                for entry in list.as_array()? {
                    if !all.contains(entry) {
                        all.push(entry.clone());
                    }
                }
            }
            Some(Value::from(all))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::logbook::CASE;
    use crate::logbook::tests::book;

    fn typed(path: &str, text: &str) -> TypedField {
        TypedField { path: path.to_owned(), texts: vec![text.to_owned()] }
    }

    #[test]
    fn what_a_form_could_not_save_is_kept_until_one_is_chosen() {
        let (_folder, book) = book();
        let fields = json!({"fluoro_min": 1.5, "lesson": "a", "role": "observed", "note": "first"});
        let id = book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id;
        let first = book.open_form(CASE, Some(id)).unwrap();
        let save = |opened: u64, typed: &[TypedField]| {
            book.save_form(CASE, Some(id), opened, typed, None).unwrap()
        };
        let typed_first =
            [typed("fluoro_min", "17.9"), typed("role", "scrubbed"), typed("note", "one")];
        save(first.opened, &typed_first);
        let second = [
            typed("fluoro_min", "19.7"),
            typed("role", ""),
            typed("lesson", "b"),
            typed("note", "two"),
        ];
        assert_eq!(save(first.opened, &second).stale.len(), 3);

        let also = book.also_written(id).unwrap();
        let told: Vec<_> = also.iter().map(|a| (a.path.as_str(), a.told.as_str())).collect();
        let expected = [
            ("fluoro_min", "Also written here: 19.7 min"),
            ("role", "Also written here: nothing"),
            ("note", "Also written here: two"),
        ];
        assert_eq!(told, expected);
        assert_eq!(also.iter().map(|a| a.can_keep_both).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(
            book.written_twice().unwrap().iter().map(|row| row.id).collect::<Vec<_>>(),
            [id]
        );
        let field = |name: &str| book.record(id).unwrap().fields[name].clone();
        assert_eq!((field("fluoro_min"), field("lesson")), (json!(17.9), json!("b")));

        let gone = Err(LogbookError::NothingToChoose);
        assert_eq!(book.settle(id, "fluoro_min", &Keep::Both), gone);
        let other = Keep::Other { which: also[0].which.clone() };
        assert!(book.settle(id, "fluoro_min", &other).unwrap().is_some());
        assert_eq!(field("fluoro_min"), json!(19.7));
        assert_eq!(book.settle(id, "role", &Keep::Shown).unwrap(), None);
        assert_eq!(field("role"), json!("scrubbed"));
        assert!(book.settle(id, "note", &Keep::Both).unwrap().is_some());
        assert_eq!(field("note"), json!("one\n\ntwo"));
        assert!(book.also_written(id).unwrap().is_empty());
        assert!(book.written_twice().unwrap().is_empty());
        assert_eq!(book.settle(id, "role", &Keep::Shown), gone);
        assert!(book.drafts().unwrap().is_empty());
    }

    #[test]
    fn lists_are_kept_in_one_without_repeats() {
        let (one, other) = (json!(["a", "b"]), json!(["b", "c"]));
        let both = [Some(&one), Some(&other)];
        assert_eq!(in_one(FieldKind::Lines, both.into_iter()), Some(json!(["a", "b", "c"])));
        assert_eq!(in_one(FieldKind::Number, [Some(&json!(1)), None].into_iter()), None);
    }
}
