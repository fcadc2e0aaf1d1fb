//! One record as a page to be read: what is written, in the order of its form, with what it was before.

use serde_json::Value;

use super::authors::{FieldVersion, WrittenBy};
use super::{AlsoWritten, CaseDetail, Logbook, RecordName, consults};
use crate::content::words;
use crate::error::Result;
use crate::form::{self, FieldKind, FormDefinition, FormField, FormWarning};
use crate::ids::RecordId;
use crate::privacy::{IdentifierKind, scan_fields};
use crate::record::{Fields, Record, get, is_within};
use crate::time::Moment;

/// A case as a page shows it.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseSheet {
    /// The case.
    pub detail: CaseDetail,
    /// Sections of the form in which something is written.
    pub sections: Vec<SheetSection>,
}

/// A record of any kind that has a form, as a page shows it.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RecordSheet {
    /// What it is called.
    pub name: RecordName,
    /// The form that it is edited with.
    pub form: String,
    /// The form's title.
    pub title: String,
    /// The day it happened or was typed, `Thursday 22 October`.
    pub day_long: String,
    /// Not deleted.
    pub alive: bool,
    /// Sections of the form in which something is written.
    pub sections: Vec<SheetSection>,
}

/// A section in which something is written.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SheetSection {
    /// As in the form.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What is written, in the form's order.
    pub fields: Vec<SheetField>,
}

/// A field in which something is, or was, written.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SheetField {
    /// The stored name.
    pub path: String,
    /// What it is called.
    pub label: String,
    /// What kind of field it is.
    pub kind: FieldKind,
    /// What is written, as a person reads it: one text, or one for each entry of a list.
    pub texts: Vec<String>,
    /// Behind the text; empty for none.
    pub unit: String,
    /// What is odd about it.
    pub warnings: Vec<FormWarning>,
    /// What in it looks like a patient identifier.
    pub identifiers: Vec<IdentifierKind>,
    /// Who wrote it; `None` where its parts may have several writers.
    pub by: Option<WrittenBy>,
    /// What it held before, the latest first.
    pub was: Vec<FieldWas>,
    /// What was written here too and waits for a choice.
    pub also: Vec<AlsoWritten>,
}

/// What a field held before.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FieldWas {
    /// As a person reads it.
    pub text: String,
    /// Who wrote it.
    pub by: WrittenBy,
    /// When it was replaced, on the wall clock of today.
    pub replaced: Moment,
}

quiet_debug!(CaseSheet, RecordSheet, SheetSection, SheetField, FieldWas);

impl CaseSheet {
    /// The field at `path`, where something is written in it.
    pub fn field(&self, path: &str) -> Option<&SheetField> {
        self.sections.iter().flat_map(|section| &section.fields).find(|field| field.path == path)
    }
}

impl Logbook {
    /// One case, deleted or not, as a page shows it.
    pub fn case_sheet(&self, id: RecordId) -> Result<CaseSheet> {
        let detail = self.case(id)?;
        let record = self.record(id)?;
        let sections = self.sections(&record, &*self.form_of(&record)?)?;
        Ok(CaseSheet { detail, sections })
    }

    /// One record, deleted or not, as a page shows it.
    ///
    /// # Errors
    /// `UnknownDefinition` where no form shows its kind.
    pub fn record_sheet(&self, id: RecordId) -> Result<RecordSheet> {
        let record = self.record(id)?;
        let form = self.form_of(&record)?;
        Ok(RecordSheet {
            name: RecordName::of(&record),
            form: form.id.clone(),
            title: form.title.clone(),
            day_long: record.when().day().long(),
            alive: record.alive,
            sections: self.sections(&record, &form)?,
        })
    }

    fn sections(&self, record: &Record, form: &FormDefinition) -> Result<Vec<SheetSection>> {
        let (id, fields) = (record.id, &record.fields);
        let mut also = self.also_written(id)?;
        let history = self.history(id, "")?;
        let mut sections = Vec::new();
        for section in &form.sections {
            let mut shown = Vec::new();
            for field in &section.fields {
                let of_field = |version: &&FieldVersion| is_within(&version.path, &field.path);
                let versions: Vec<FieldVersion> =
                    history.iter().filter(of_field).cloned().collect();
                let here = |also: &mut AlsoWritten| is_within(&also.path, &field.path);
                let also = also.extract_if(.., here).collect();
                let stands = |version: &&FieldVersion| {
                    version.path == field.path
                        && version.replaced.is_none()
                        && !version.stands_beside
                };
                let by = versions.iter().find(stands).map(|version| version.by.clone());
                let was = self.was(field, &versions);
                shown.extend(sheet_field(field, fields, (by, was), also));
            }
            if !shown.is_empty() {
                let (id, title) = (section.id.clone(), section.title.clone());
                sections.push(SheetSection { id, title, fields: shown });
            }
        }
        sections.extend(consults::unasked(record, form));
        for other in also {
            keep_unasked(&mut sections, other);
        }
        let warnings = form::warnings(form, fields);
        let hits = scan_fields(fields);
        for field in sections.iter_mut().flat_map(|section| &mut section.fields) {
            field.warnings = warnings.iter().filter(|w| w.path == field.path).cloned().collect();
            // Entries of a list are told apart in brackets: `devices[2]`.
            let here = hits.iter().filter(|hit| hit.path.split('[').next() == Some(&field.path));
            field.identifiers = here.map(|hit| hit.hit.kind).collect();
            field.identifiers.dedup();
        }
        Ok(sections)
    }

    /// What was replaced, as far as it was one value: the parts of a set come and go on their own.
    fn was(&self, field: &FormField, versions: &[FieldVersion]) -> Vec<FieldWas> {
        let one = |version: &FieldVersion| {
            let replaced = version.replaced?;
            let value: Value = serde_json::from_str(version.value_json.as_deref()?).ok()?;
            if version.path != field.path && field.kind != FieldKind::AdverseEvent {
                return None;
            }
            let text = part_text(field, &version.path, &value);
            let replaced = self.wall_clock(replaced);
            let by = version.by.clone();
            Some(FieldWas { text, by, replaced }).filter(|was| !was.text.is_empty())
        };
        versions.iter().filter_map(one).collect()
    }
}

fn sheet_field(
    field: &FormField,
    fields: &Fields,
    (by, was): (Option<WrittenBy>, Vec<FieldWas>),
    also: Vec<AlsoWritten>,
) -> Option<SheetField> {
    let value = get(fields, &field.path);
    let texts = value.map(|value| form::labels(field, value)).unwrap_or_default();
    if texts.is_empty() && was.is_empty() && also.is_empty() {
        return None;
    }
    let unit = field.quantity.as_ref().filter(|_| value.is_some_and(Value::is_number));
    Some(SheetField {
        path: field.path.clone(),
        label: field.label.clone(),
        kind: field.kind,
        texts,
        unit: unit.map(|quantity| quantity.unit.clone()).unwrap_or_default(),
        warnings: Vec::new(),
        identifiers: Vec::new(),
        by,
        was,
        also,
    })
}

/// Puts what was written twice in a field that the form does not ask for behind everything else.
fn keep_unasked(sections: &mut Vec<SheetSection>, also: AlsoWritten) {
    let known = sections.iter_mut().flat_map(|section| &mut section.fields);
    if let Some(field) = known.into_iter().find(|field| field.path == also.path) {
        field.also.push(also);
        return;
    }
    let field = SheetField {
        path: also.path.clone(),
        label: also.label.clone(),
        kind: FieldKind::Text,
        texts: Some(also.shown.clone()).filter(|text| !text.is_empty()).into_iter().collect(),
        unit: String::new(),
        warnings: Vec::new(),
        identifiers: Vec::new(),
        by: Some(also.shown_by.clone()),
        was: Vec::new(),
        also: vec![also],
    };
    let section = sections.iter_mut().find(|section| section.id == consults::ALSO_KEPT);
    match section {
        Some(section) => section.fields.push(field),
        None => sections.push(SheetSection {
            id: consults::ALSO_KEPT.to_owned(),
            title: words("badge.consult_also_kept", &[]),
            fields: vec![field],
        }),
    }
}

/// A field's value, or that of a part of it, as a person reads it.
pub(super) fn part_text(field: &FormField, path: &str, value: &Value) -> String {
    let part = path.strip_prefix(&field.path).and_then(|rest| rest.strip_prefix('.'));
    part.map_or_else(|| form::display(field, value), |part| format!("{part} {}", plain(value)))
}

/// What a field, or that part of it, is called.
pub(super) fn label_of(field: &FormField, path: &str) -> String {
    let part = path.strip_prefix(&field.path).and_then(|rest| rest.strip_prefix('.'));
    part.map_or_else(
        || field.label.clone(),
        |part| format!("{}, {}", field.label, part.replace(['.', '_'], " ")),
    )
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::form::TypedField;
    use crate::logbook::CASE;
    use crate::logbook::tests::book;

    #[test]
    fn a_case_is_shown_with_what_it_was() {
        let (_folder, book) = book();
        let fields = json!({
            "procedure": "tips", "labs": {"inr": 1.6}, "fluoro_min": 1.5, "devices": ["a", "b"],
            "access": {"guidance": ["us", "fluoro"]}, "note": "seen with Mr. Smith", "air_kerma_mgy": "4O2"
        });
        let id = book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id;
        let typed = [TypedField { path: "fluoro_min".into(), texts: vec!["17.9".into()] }];
        let opened = book.case(id).unwrap().opened;
        book.save_form(CASE, Some(id), opened, &typed, None).unwrap();

        let sheet = book.case_sheet(id).unwrap();
        let ids: Vec<_> = sheet.sections.iter().map(|section| section.id.as_str()).collect();
        assert_eq!(ids, ["case", "labs", "access", "done", "dose", "learned"]);
        let fluoro = sheet.field("fluoro_min").unwrap();
        assert_eq!((fluoro.texts.join(""), fluoro.unit.as_str()), ("17.9".to_owned(), "min"));
        assert_eq!(fluoro.was.len(), 1);
        assert_eq!(fluoro.was[0].text, "1.5 min");
        assert_eq!(sheet.field("devices").unwrap().texts, ["a", "b"]);
        assert_eq!(sheet.field("access.guidance").unwrap().texts, ["US", "Fluoro"]);
        assert_eq!(sheet.field("air_kerma_mgy").unwrap().warnings.len(), 1);
        assert_eq!(sheet.field("note").unwrap().identifiers, [IdentifierKind::Name]);
        assert!(sheet.field("lesson").is_none());
    }
}
