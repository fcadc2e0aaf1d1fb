//! Forms over records: opening one filled, and saving only what changed in it.

use std::borrow::Cow;

use super::{Draft, Logbook, also, consults, rows as draft};
use crate::case_log::jot::StaffMember;
use crate::case_log::rows::recent;
use crate::consult::CONSULT;
use crate::error::{LogbookError, Result};
use crate::form::{
    self, FieldKind, FormDefinition, FormView, FormWarning, OptionView, RecentValues, TextStyle,
    TypedField,
};
use crate::ids::{DraftId, RecordId};
use crate::privacy::{FieldHit, scan_fields};
use crate::record::{self, Change, Created, Fields, NewRecord, Record, StaleField};

/// A filled form and what it was opened on.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct OpenForm {
    /// What a shell draws.
    pub view: FormView,
    /// The record that it edits; `None`: a new one.
    pub record: Option<RecordId>,
    /// Given back on saving: the record's state when the form was opened.
    pub opened: u64,
    /// The draft that it goes on with.
    pub draft: Option<DraftId>,
}

/// What saving a form did.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SavedForm {
    /// The record, new or not.
    pub id: RecordId,
    /// The write, for undoing it; `None` where nothing had changed.
    pub change: Option<Change>,
    /// Fields that changed elsewhere since the form was opened; they were left alone, and what was typed
    /// in them is kept beside (`also_written`).
    pub stale: Vec<StaleField>,
    /// What is odd about what was typed; it is saved all the same.
    pub warnings: Vec<FormWarning>,
    /// What looks like a patient identifier in the record now.
    pub identifiers: Vec<FieldHit>,
}

/// Puts the people on record behind the surnames that were written lately.
fn suggest(view: &mut FormView, people: &[StaffMember]) {
    let fields = view.sections.iter_mut().flat_map(|section| &mut section.fields);
    for field in fields.filter(|field| field.kind == FieldKind::Person) {
        for StaffMember { surname, role } in people {
            let asked = field.role.is_empty() || field.role == role.as_str();
            if asked && !field.options.iter().any(|option| option.value == *surname) {
                field.options.push(OptionView {
                    value: surname.clone(),
                    label: surname.clone(),
                    group: String::new(),
                    chosen: field.values.contains(surname),
                    recent: false,
                });
            }
        }
    }
}

impl Logbook {
    /// The form with this id.
    pub(super) fn form(&self, id: &str) -> Result<Cow<'static, FormDefinition>> {
        match FormDefinition::shipped(id) {
            Some(shipped) => Ok(Cow::Borrowed(shipped)),
            None => Ok(Cow::Owned(self.own_form(id)?)),
        }
    }

    /// The form that a record of this kind is filled with; `UnknownDefinition` where there is none.
    pub(super) fn form_of(&self, record: &Record) -> Result<Cow<'static, FormDefinition>> {
        match record.kind.as_str() {
            CONSULT => self.form(&consults::form_id(&record.fields)),
            kind => self.form(kind),
        }
    }

    /// Opens the form `id`, empty or filled with `record`.
    pub fn open_form(&self, id: &str, record: Option<RecordId>) -> Result<OpenForm> {
        let definition = self.form(id)?;
        let (fields, opened) = match record.map(|id| self.record(id)).transpose()? {
            Some(record) => (record.fields, record.lseq),
            None => (Fields::new(), 0),
        };
        let mut view = form::fill(&definition, &fields, &self.recent_values()?);
        suggest(&mut view, &self.people()?);
        Ok(OpenForm { view, record, opened, draft: None })
    }

    /// Opens the form that a draft was typed into, as it was left.
    pub fn open_draft(&self, id: DraftId) -> Result<OpenForm> {
        let Draft { form, record, opened, typed, .. } = self.draft(id)?;
        let open = self.open_form(&form, record)?;
        self.look_over(OpenForm { opened, draft: Some(id), ..open }, &typed)
    }

    /// The form with what was typed so far, and what is odd about it; nothing is saved.
    pub fn look_over(&self, mut open: OpenForm, typed: &[TypedField]) -> Result<OpenForm> {
        let context = match open.record {
            Some(id) => self.entry().edits(self.record(id)?.when()),
            None => self.entry(),
        };
        let definition = self.form(&open.view.id)?;
        form::overlay(&mut open.view, &definition, typed, &context);
        Ok(open)
    }

    /// What a record says of a form's fields, as text to print or to share.
    pub fn form_text(&self, id: &str, record: RecordId, style: TextStyle) -> Result<String> {
        Ok(form::render(&*self.form(id)?, &self.record(record)?.fields, style))
    }

    /// Saves what was typed and differs from what the form was opened with, and drops its draft.
    pub fn save_form(
        &self,
        id: &str,
        record: Option<RecordId>,
        opened: u64,
        typed: &[TypedField],
        draft: Option<DraftId>,
    ) -> Result<SavedForm> {
        let definition = &*self.form(id)?;
        let (now, entry) = (self.now(), self.entry());
        let saved = self.transact(|tx| {
            if let Some(draft) = draft {
                draft::remove(tx.conn(), draft)?;
            }
            let Some(id) = record else {
                let changes = form::changes(definition, &Fields::new(), typed, &entry);
                let id = RecordId::new(now.utc, &*self.ids);
                let mut patch = changes.patch;
                patch.extend(consults::given_by(&definition.id));
                let kind = definition.kind.clone();
                let fields = record::patched(&kind, Fields::new(), patch);
                return match tx.create(NewRecord { id, kind, at: now, fields })? {
                    Created::New => {
                        Ok((id, tx.changes.last().cloned(), Vec::new(), changes.warnings))
                    }
                    Created::Known | Created::Gone => Err(LogbookError::Io),
                };
            };
            let context = entry.edits(record::load(tx.conn(), id)?.when());
            let before = record::fields_at(tx.conn(), id, opened)?;
            let changes = form::changes(definition, &before, typed, &context);
            let outcome = tx.edit(id, changes.patch, Some(opened))?;
            also::keep(tx, id, typed, &outcome.stale, (now.utc, &*self.ids))?;
            Ok((id, outcome.change, outcome.stale, changes.warnings))
        })?;
        let (id, change, stale, warnings) = saved.value;
        let identifiers = scan_fields(&self.record(id)?.fields);
        Ok(SavedForm { id, change, stale, warnings, identifiers })
    }

    fn recent_values(&self) -> Result<Vec<RecentValues>> {
        self.read(|conn| {
            let of = |path: &str| {
                Ok(RecentValues { path: path.to_owned(), values: recent(conn, path)? })
            };
            ["procedure", "attending", "role"].into_iter().map(of).collect()
        })
    }
}
