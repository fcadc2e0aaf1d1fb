//! Consults: where forms, thresholds, wording and cases meet.

use serde_json::{Value, json};

use super::{CASE, Logbook, OpenForm, RecordName, SheetField, SheetSection};
use crate::case_log::list::PAGE_ROWS;
use crate::case_log::rows::search_expression;
use crate::consult::{CONSULT, LabsRead, Presentation, present, read_labs};
use crate::content::words;
use crate::error::{LogbookError, Result};
use crate::form::{self, FieldKind, FormDefinition, TypedField};
use crate::ids::{DraftId, RecordId};
use crate::record::{self, Change, Fields, Patch, Record, get, patched, text};
use crate::store::search;

/// Before the id of a shipped template's form.
pub(super) const FORM: &str = "consult-";
/// The shipped templates, in the order in which they are offered.
pub(super) const SHIPPED: [&str; 5] =
    ["drain", "vascular_access", "bleeding", "paracentesis", GENERAL];
/// Before the id of a template of the user's own.
pub(super) const OWN: &str = "own/";
/// The field of a consult that names its template.
const TEMPLATE: &str = "template";
/// The template that shows what no other does.
pub(super) const GENERAL: &str = "general";
/// Before the id of the consult that a case follows, as a form of its own.
pub(super) const CASE_OF: &str = "case-of/";
/// The field of a case that names its consult.
const LINK: &str = "consult";
/// The field that takes what has no other.
const NOTE: &str = "note";
/// From this many on, what is missing of a section is told by its heading.
const WHOLE_SECTION: usize = 3;

/// What a consult says beyond its form, filled in so far or saved.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ConsultView {
    /// The labs against the thresholds.
    pub labs: LabsRead,
    /// What is said about it.
    pub presentation: Presentation,
}

/// A consult as a line of a list.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ConsultRow {
    /// What it is called, and when it was.
    pub name: RecordName,
    /// The title of its template.
    pub template: String,
    /// As it is written, `60s M`; empty where neither is.
    pub who: String,
    /// Who asks.
    pub requesting_service: String,
}

/// A page of consults.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ConsultPage {
    /// At most 50, the newest first.
    pub rows: Vec<ConsultRow>,
    /// Given back for the next page; `None` on the last.
    pub next: Option<String>,
}

quiet_debug!(ConsultView, ConsultRow, ConsultPage);

impl Logbook {
    /// The consults, newest first; `after` is the `next` of the page before.
    pub fn consults(&self, after: Option<&str>) -> Result<ConsultPage> {
        let (records, next) = self.latest(CONSULT, None, after)?;
        let rows = records.iter().map(|record| self.consult_row(record)).collect::<Result<_>>()?;
        Ok(ConsultPage { rows, next })
    }

    fn consult_row(&self, record: &Record) -> Result<ConsultRow> {
        let text = |path: &str| text(&record.fields, path).unwrap_or_default();
        Ok(ConsultRow {
            name: RecordName::of(record),
            template: self.form_of(record)?.title.clone(),
            who: format!("{} {}", text("age_band"), text("sex")).trim().to_owned(),
            requesting_service: text("requesting_service").to_owned(),
        })
    }

    /// What a saved consult says beyond its form.
    pub fn consult(&self, id: RecordId) -> Result<ConsultView> {
        let record = self.consult_record(id)?;
        self.consult_view(&*self.form_of(&record)?, &record.fields)
    }

    /// The same for a form that is being filled in; nothing is saved.
    pub fn look_over_consult(&self, form: &OpenForm, typed: &[TypedField]) -> Result<ConsultView> {
        let definition = self.form(&form.view.id)?;
        let (before, context) = match form.record {
            Some(id) => {
                let record = self.consult_record(id)?;
                let context = self.entry().edits(record.when());
                (record.fields, context)
            }
            None => (Fields::new(), self.entry()),
        };
        let changes = form::changes(&definition, &before, typed, &context);
        self.consult_view(&definition, &patched(CONSULT, before, changes.patch))
    }

    fn consult_view(&self, definition: &FormDefinition, fields: &Fields) -> Result<ConsultView> {
        let is_lab = |path: &&String| path.starts_with("labs.");
        let paths: Vec<String> =
            definition.fields().map(|field| &field.path).filter(is_lab).cloned().collect();
        let labs = read_labs(fields, &paths);
        let missing = missing(definition, fields);
        let presentation = present(fields, &labs, self.own_wording()?, missing);
        Ok(ConsultView { labs, presentation })
    }

    /// Goes on with another template: what was typed goes along, and what the other does not ask for goes
    /// into its note. `draft` is left, and the new one takes the place of what was typed into it before.
    pub fn switch_consult(
        &self,
        from: &str,
        draft: Option<DraftId>,
        typed: &[TypedField],
        to: &str,
    ) -> Result<OpenForm> {
        let (old, new) = (self.form(from)?, self.form(to)?);
        let mut carried = Vec::new();
        let mut left = Vec::new();
        for field in typed {
            let texts: Vec<&str> = field
                .texts
                .iter()
                .map(|text| text.trim())
                .filter(|text| !text.is_empty())
                .collect();
            if texts.is_empty() {
                continue;
            }
            if new.field(&field.path).is_some() {
                carried.push(field.clone());
            } else if let Some(known) = old.field(&field.path) {
                left.push(format!("{}: {}", known.label, texts.join(", ")));
            }
        }
        if !left.is_empty() {
            let note =
                carried.iter().position(|field| field.path == NOTE).map(|at| carried.remove(at));
            let mut lines: Vec<String> = note.map(|note| note.texts).unwrap_or_default();
            lines.extend(left);
            carried.push(TypedField { path: NOTE.to_owned(), texts: vec![lines.join("\n")] });
        }
        let begun = match self.draft_of(to, None)? {
            Some(draft) => draft,
            None => self.begin_draft(to, None)?,
        };
        self.keep_draft(begun.id, carried)?;
        if let Some(draft) = draft {
            self.drop_draft(draft)?;
        }
        self.open_draft(begun.id)
    }

    /// Opens a case form filled with what the consult says, on a draft that goes on where it was left. The
    /// case that is saved with it names the consult.
    pub fn begin_case_from_consult(&self, id: RecordId) -> Result<OpenForm> {
        let record = self.consult_record(id)?;
        let form = format!("{CASE_OF}{id}");
        if let Some(draft) = self.draft_of(&form, None)? {
            return self.open_draft(draft.id);
        }
        let draft = self.begin_draft(&form, None)?;
        self.keep_draft(draft.id, carried_over(&record.fields))?;
        self.open_draft(draft.id)
    }

    /// Whether a case is begun from a consult and not saved yet.
    pub fn case_is_begun_from(&self, id: RecordId) -> Result<bool> {
        Ok(self.draft_of(&format!("{CASE_OF}{id}"), None)?.is_some())
    }

    /// The cases that followed a consult, newest first, at most 50.
    pub fn cases_of_consult(&self, id: RecordId) -> Result<Vec<RecordName>> {
        // The search index holds the id as words: no case has to be read that does not name it.
        let wanted = id.to_string();
        let Some(expression) = search_expression(&wanted) else { return Ok(Vec::new()) };
        self.read_indexed(|conn| {
            let found = search::newest(conn, &expression, Some(CASE), None, PAGE_ROWS)?;
            let records = found.into_iter().map(|hit| record::load(conn, hit.id));
            let records = records.collect::<Result<Vec<_>>>()?;
            let linked = |record: &&Record| record.fields.get(LINK) == Some(&json!(wanted));
            Ok(records.iter().filter(linked).map(RecordName::of).collect())
        })
    }

    /// The consult that a case followed; nothing where none is named, or it is deleted.
    pub fn consult_of_case(&self, id: RecordId) -> Result<Option<RecordName>> {
        let named = text(&self.record(id)?.fields, LINK).map(str::parse);
        let Some(Ok(consult)) = named else { return Ok(None) };
        match self.consult_record(consult) {
            Ok(record) => Ok(Some(RecordName::of(&record)).filter(|_| record.alive)),
            Err(LogbookError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says that a case followed a consult, or no longer.
    pub fn link_case(&self, case: RecordId, consult: Option<RecordId>) -> Result<Option<Change>> {
        let case = self.case(case)?.row.id;
        let value = match consult {
            Some(id) => Some(json!(self.consult_record(id)?.id.to_string())),
            None => None,
        };
        Ok(self.transact(|tx| tx.edit(case, vec![(LINK.to_owned(), value)], None))?.value.change)
    }

    fn consult_record(&self, id: RecordId) -> Result<Record> {
        let record = self.record(id)?;
        if record.kind == CONSULT { Ok(record) } else { Err(LogbookError::NotFound { id }) }
    }
}

/// What a record gets by being made with a form, beside what is typed into it.
pub(super) fn given_by(form: &str) -> Patch {
    let (field, value) = if let Some(template) = form.strip_prefix(FORM) {
        (TEMPLATE, template)
    } else if form.starts_with(OWN) {
        (TEMPLATE, form)
    } else if let Some(consult) = form.strip_prefix(CASE_OF) {
        (LINK, consult)
    } else {
        return Vec::new();
    };
    vec![(field.to_owned(), Some(json!(value)))]
}

/// The form that a consult with these fields is filled with.
pub(super) fn form_id(fields: &Fields) -> String {
    match text(fields, TEMPLATE) {
        Some(own) if own.starts_with(OWN) => own.to_owned(),
        Some(template) if FormDefinition::shipped(&format!("{FORM}{template}")).is_some() => {
            format!("{FORM}{template}")
        }
        _ => format!("{FORM}{GENERAL}"),
    }
}

/// What a case takes over from the consult before it.
fn carried_over(fields: &Fields) -> Vec<TypedField> {
    let text = |path: &str| -> Option<String> {
        let value = get(fields, path)?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(text).filter(|text| !text.trim().is_empty())
    };
    let joined = |paths: &[&str]| {
        let texts: Vec<String> = paths.iter().filter_map(|path| text(path)).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    };
    let first = |paths: &[&str]| paths.iter().find_map(|path| text(path));
    let mut carried = vec![
        ("procedure", text("procedure")),
        ("setting", text("setting")),
        ("indication", first(&["problem", "assessment", "question"])),
        ("imaging_reviewed", joined(&["imaging", "ct_findings", "us_findings"])),
        ("comorbidities", first(&["comorbidities", "history"])),
    ];
    let labs = ["labs.platelets", "labs.inr", "labs.hgb", "labs.creatinine", "labs.bilirubin"];
    carried.extend(labs.map(|path| (path, text(path))));
    let typed = |(path, text): (&str, Option<String>)| {
        Some(TypedField { path: path.to_owned(), texts: vec![text?] })
    };
    carried.into_iter().filter_map(typed).collect()
}

/// The section of what a form does not ask for.
pub(super) const ALSO_KEPT: &str = "also_kept";

/// What a consult holds that its form does not ask for: from another template, or a newer app.
pub(super) fn unasked(record: &Record, form: &FormDefinition) -> Option<SheetSection> {
    if record.kind != CONSULT {
        return None;
    }
    let mut fields = Vec::new();
    for (name, value) in &record.fields {
        spell_out(name, value, form, &mut fields);
    }
    fields.retain(|field| field.path != TEMPLATE);
    let title = words("badge.consult_also_kept", &[]);
    (!fields.is_empty()).then(|| SheetSection { id: ALSO_KEPT.to_owned(), title, fields })
}

fn spell_out(path: &str, value: &Value, form: &FormDefinition, fields: &mut Vec<SheetField>) {
    if form.field(path).is_some() {
        return;
    }
    if let Value::Object(parts) = value {
        for (part, value) in parts {
            spell_out(&record::join(path, part), value, form, fields);
        }
        return;
    }
    let texts: Vec<String> = match value {
        Value::Array(entries) => entries.iter().map(plain).collect(),
        one => vec![plain(one)],
    };
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return;
    }
    let known = SHIPPED.iter().filter_map(|one| FormDefinition::shipped(&format!("{FORM}{one}")));
    let label = known.filter_map(|form| form.field(path)).map(|field| field.label.clone()).next();
    fields.push(SheetField {
        path: path.to_owned(),
        label: label.unwrap_or_else(|| path.replace(['.', '_'], " ")),
        kind: FieldKind::Text,
        texts,
        unit: String::new(),
        warnings: Vec::new(),
        identifiers: Vec::new(),
        by: None,
        was: Vec::new(),
        also: Vec::new(),
    });
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What is worth asking for and not written: by label, or by the heading where all of a section is.
fn missing(definition: &FormDefinition, fields: &Fields) -> Vec<String> {
    let mut told = Vec::new();
    for section in &definition.sections {
        let asked = section.fields.iter().filter(|field| field.asked);
        let empty = |field: &&crate::form::FormField| {
            get(fields, &field.path).is_none_or(|value| form::texts(field, value).is_empty())
        };
        let gaps: Vec<_> = asked.clone().filter(empty).collect();
        if gaps.len() >= WHOLE_SECTION && gaps.len() == asked.count() {
            told.push(section.title.clone());
        } else {
            told.extend(gaps.into_iter().map(|field| field.label.clone()));
        }
    }
    told
}
