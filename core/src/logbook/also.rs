//! Written twice: what a form could not save, because the field had changed since it was opened, is
//! kept beside the record until the user has chosen.

use super::{CASE, Draft, Logbook, rows as draft};
use crate::error::{LogbookError, Result};
use crate::form::{self, EntryContext, FormDefinition, TypedField};
use crate::ids::{DraftId, Ids, RecordId};
use crate::record::{Change, StaleField, Tx};
use crate::time::UtcMillis;

/// The form of the draft that holds what was typed.
pub(super) const ALSO: &str = "also";

/// What was typed in a field that holds something else.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct AlsoWritten {
    /// The field.
    pub path: String,
    /// What was typed, as a person reads it; empty where the field was emptied.
    pub text: String,
    /// When.
    pub written: UtcMillis,
}

/// Without the text, which may be a patient's.
impl std::fmt::Debug for AlsoWritten {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AlsoWritten").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Puts aside what was typed in fields that were left alone.
pub(super) fn keep(
    tx: &Tx<'_>,
    record: RecordId,
    typed: &[TypedField],
    stale: &[StaleField],
    (now, ids): (UtcMillis, &dyn Ids),
) -> Result<()> {
    let within = |stale: &StaleField, path: &str| {
        stale.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_stale = |field: &&TypedField| stale.iter().any(|stale| within(stale, &field.path));
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
    /// What was typed in fields of a case that hold something else; both are kept until `settle`.
    pub fn also_written(&self, case: RecordId) -> Result<Vec<AlsoWritten>> {
        let Some(kept) = self.read(|conn| draft::of_record(conn, ALSO, case))? else {
            return Ok(Vec::new());
        };
        let form = FormDefinition::shipped(CASE).ok_or(LogbookError::UnknownDefinition)?;
        let context = EntryContext::of(self.record(case)?.when());
        let also = |typed: &TypedField| {
            let field = form.field(&typed.path)?;
            let value = form::read(field, &typed.texts, &context).value;
            let text = value.map(|value| form::display(field, &value)).unwrap_or_default();
            Some(AlsoWritten { path: typed.path.clone(), text, written: kept.updated })
        };
        Ok(kept.typed.iter().filter_map(also).collect())
    }

    /// Ends it for one field: takes what was typed, or leaves what stands; the other one stays readable
    /// in the field's history where it was taken over.
    ///
    /// # Errors
    /// `NoDraft` where it was settled already.
    pub fn settle(&self, case: RecordId, path: &str, take_typed: bool) -> Result<Option<Change>> {
        let mut kept =
            self.read(|conn| draft::of_record(conn, ALSO, case))?.ok_or(LogbookError::NoDraft)?;
        let place = kept.typed.iter().position(|typed| typed.path == path);
        let typed = kept.typed.remove(place.ok_or(LogbookError::NoDraft)?);
        let change = if take_typed {
            let opened = self.record(case)?.lseq;
            self.save_form(CASE, Some(case), opened, &[typed], None)?.change
        } else {
            None
        };
        self.store.write(|conn| {
            if kept.typed.is_empty() {
                draft::remove(conn, kept.id)
            } else {
                draft::put(conn, &kept)
            }
        })?;
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::logbook::tests::book;

    fn typed(path: &str, text: &str) -> TypedField {
        TypedField { path: path.to_owned(), texts: vec![text.to_owned()] }
    }

    #[test]
    fn both_values_are_kept_until_one_is_chosen() {
        let (_folder, book) = book();
        let fields = json!({"fluoro_min": 1.5, "lesson": "a", "role": "observed"});
        let id = book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id;
        let first = book.open_form(CASE, Some(id)).unwrap();
        let save = |opened: u64, typed: &[TypedField]| {
            book.save_form(CASE, Some(id), opened, typed, None).unwrap()
        };
        save(first.opened, &[typed("fluoro_min", "17.9"), typed("role", "scrubbed")]);
        let second = save(
            first.opened,
            &[typed("fluoro_min", "19.7"), typed("role", ""), typed("lesson", "b")],
        );
        assert_eq!(second.stale.len(), 2);

        let also = book.also_written(id).unwrap();
        let told: Vec<_> = also.iter().map(|a| (a.path.as_str(), a.text.as_str())).collect();
        assert_eq!(told, [("fluoro_min", "19.7 min"), ("role", "")]);
        let field = |name: &str| book.record(id).unwrap().fields[name].clone();
        assert_eq!((field("fluoro_min"), field("lesson")), (json!(17.9), json!("b")));

        assert!(book.settle(id, "fluoro_min", true).unwrap().is_some());
        assert_eq!(field("fluoro_min"), json!(19.7));
        assert_eq!(book.settle(id, "role", false).unwrap(), None);
        assert_eq!(field("role"), json!("scrubbed"));
        assert!(book.also_written(id).unwrap().is_empty());
        assert_eq!(book.settle(id, "role", false), Err(LogbookError::NoDraft));
        assert!(book.drafts().unwrap().is_empty());
    }
}
