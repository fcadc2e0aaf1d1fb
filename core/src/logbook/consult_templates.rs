//! Templates and wording that a user made: records like any other, with a definition in TOML in them.

use serde_json::json;

use super::consults::{CASE_OF, FORM, GENERAL, OWN, SHIPPED};
use super::{CASE, Logbook, SavedCase};
use crate::consult::{CONSULT, CONSULT_TEMPLATE, PRESENTATION_TEMPLATE, PresentationTemplate};
use crate::content::{ContentError, Quantity, Wording, words};
use crate::error::{LogbookError, Result};
use crate::form::{FieldKind, FormDefinition, FormField};
use crate::ids::RecordId;
use crate::record::{self, Change, Fields, Record};

const TITLE: &str = "title";
const BASED_ON: &str = "based_on";
const DEFINITION: &str = "definition";
/// As errors name a template that a user wrote.
const FILE: &str = "template.toml";
/// As errors name a wording that a user wrote.
const WORDING_FILE: &str = "wording.toml";
/// Columns of a field that is added.
const WIDTH: u32 = 1;

/// A template that a consult can be begun with.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ConsultTemplate {
    /// The form that it opens.
    pub form: String,
    /// Its heading.
    pub title: String,
    /// The record, where it is the user's own.
    pub own: Option<RecordId>,
    /// Why an own template cannot be used; then the shipped one that it began with is.
    pub problem: Option<Wording>,
}

/// A user's template, to be changed.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct TemplateText {
    /// Its heading.
    pub title: String,
    /// The form of the shipped template that it began with.
    pub based_on: String,
    /// Its definition, in TOML.
    pub text: String,
    /// Its fields, in order; those of the shipped one while it cannot be read.
    pub fields: Vec<FormField>,
    /// What is wrong with it, and where.
    pub problem: Option<Wording>,
}

/// A user's template, or wording, after a save.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SavedTemplate {
    /// The record.
    pub id: RecordId,
    /// The write, for undoing it; `None` where nothing had changed.
    pub change: Option<Change>,
    /// What is wrong with it, and where; it is kept all the same.
    pub problem: Option<Wording>,
}

/// What a field that is added holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum FieldToAdd {
    /// Several lines.
    Text,
    /// A number.
    Number,
}

/// A change that needs no TOML.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum TemplateChange {
    /// Another heading.
    Rename {
        /// The heading.
        title: String,
    },
    /// A field less; what consults hold there is kept.
    Drop {
        /// Where it is stored.
        path: String,
    },
    /// A field more, at the end of the section before the last.
    Add {
        /// What it is called.
        label: String,
        /// What it holds.
        kind: FieldToAdd,
        /// Its unit, where it is a number; may be empty.
        unit: String,
    },
    /// Worth asking for, or not.
    Ask {
        /// Where it is stored.
        path: String,
        /// Whether it is.
        asked: bool,
    },
}

/// How presentations are worded.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct PresentationWording {
    /// The record, where it is the user's own.
    pub own: Option<RecordId>,
    /// In TOML.
    pub text: String,
    /// What is wrong with it, and where; then the shipped one is shown.
    pub problem: Option<Wording>,
}

quiet_debug!(ConsultTemplate, TemplateText, SavedTemplate, TemplateChange, PresentationWording);

impl Logbook {
    /// The templates that a consult can be begun with: the shipped ones, then the user's own.
    pub fn consult_templates(&self) -> Result<Vec<ConsultTemplate>> {
        let shipped = |template: &&str| {
            let form = FormDefinition::shipped(&format!("{FORM}{template}"))?;
            let (form, title) = (form.id.clone(), form.title.clone());
            Some(ConsultTemplate { form, title, own: None, problem: None })
        };
        let mut all: Vec<_> = SHIPPED.iter().filter_map(shipped).collect();
        for record in self.alive(CONSULT_TEMPLATE)? {
            let problem = read(&record.fields).err().map(|error| error.wording());
            all.push(ConsultTemplate {
                form: format!("{OWN}{}", record.id),
                title: title(&record.fields),
                own: Some(record.id),
                problem,
            });
        }
        Ok(all)
    }

    fn alive(&self, kind: &str) -> Result<Vec<Record>> {
        let mut found = Vec::new();
        self.read(|conn| {
            record::for_each_alive(conn, Some(kind), |record| {
                found.push(record.clone());
                Ok(())
            })
        })?;
        Ok(found)
    }

    /// A form that no file defines: a user's template, or the case form for what follows a consult.
    pub(super) fn own_form(&self, id: &str) -> Result<FormDefinition> {
        let named = |base: &str| {
            let known = FormDefinition::shipped(base).ok_or(LogbookError::UnknownDefinition)?;
            Ok(FormDefinition { id: id.to_owned(), ..known.clone() })
        };
        if let Some(consult) = id.strip_prefix(CASE_OF) {
            consult.parse::<RecordId>()?;
            return named(CASE);
        }
        let record: RecordId =
            id.strip_prefix(OWN).ok_or(LogbookError::UnknownDefinition)?.parse()?;
        let general = format!("{FORM}{GENERAL}");
        let fields = match self.record(record) {
            Ok(record) if record.alive && record.kind == CONSULT_TEMPLATE => record.fields,
            // Gone: the general form shows what it knows of.
            Ok(_) | Err(LogbookError::NotFound { .. }) => return named(&general),
            Err(error) => return Err(error),
        };
        match read(&fields) {
            Ok(form) => Ok(FormDefinition { id: id.to_owned(), kind: CONSULT.to_owned(), ..form }),
            Err(_) => named(text(&fields, BASED_ON)).or_else(|_: LogbookError| named(&general)),
        }
    }

    /// Makes a template of the user's own out of another one.
    pub fn copy_template(&self, form: &str) -> Result<SavedCase> {
        let (named, based_on, definition) = if let Some(id) = form.strip_prefix(OWN) {
            let fields = self.template_record(id.parse()?)?.fields;
            let stored = |name| text(&fields, name).to_owned();
            (title(&fields), stored(BASED_ON), stored(DEFINITION))
        } else {
            let known = FormDefinition::shipped(form).filter(|form| form.kind == CONSULT);
            let known = known.ok_or(LogbookError::UnknownDefinition)?;
            let text = FormDefinition::shipped_text(form).unwrap_or_default();
            (known.title.clone(), form.to_owned(), text.to_owned())
        };
        let named = words("badge.consult_copy_of", &[("title", &named)]);
        let fields = [(TITLE, named), (BASED_ON, based_on), (DEFINITION, definition)];
        let fields = fields.map(|(name, text)| (name.to_owned(), json!(text)));
        self.create_record(CONSULT_TEMPLATE, fields.into_iter().collect())
    }

    fn template_record(&self, id: RecordId) -> Result<Record> {
        let record = self.record(id)?;
        if record.kind == CONSULT_TEMPLATE {
            Ok(record)
        } else {
            Err(LogbookError::NotFound { id })
        }
    }

    /// A template of the user's own.
    pub fn template_text(&self, id: RecordId) -> Result<TemplateText> {
        let fields = self.template_record(id)?.fields;
        let form = self.own_form(&format!("{OWN}{id}"))?;
        Ok(TemplateText {
            title: title(&fields),
            based_on: text(&fields, BASED_ON).to_owned(),
            text: text(&fields, DEFINITION).to_owned(),
            fields: form.fields().cloned().collect(),
            problem: read(&fields).err().map(|error| error.wording()),
        })
    }

    /// Saves the text of a template; one that cannot be read is kept, told, and not used.
    pub fn save_template(&self, id: RecordId, definition: &str) -> Result<SavedTemplate> {
        self.template_record(id)?;
        let definition = definition.replace("\r\n", "\n");
        let patch = vec![(DEFINITION.to_owned(), Some(json!(definition)))];
        let change = self.transact(|tx| tx.edit(id, patch, None))?.value.change;
        let problem = parse(&definition).err().map(|error| error.wording());
        Ok(SavedTemplate { id, change, problem })
    }

    /// Changes a template without TOML. One that cannot be read is left as it is.
    pub fn change_template(&self, id: RecordId, change: &TemplateChange) -> Result<SavedTemplate> {
        let fields = self.template_record(id)?.fields;
        let mut patch = Vec::new();
        if let TemplateChange::Rename { title } = change {
            patch.push((TITLE.to_owned(), Some(json!(title.trim()))));
        }
        let problem = match read(&fields) {
            Ok(mut form) => {
                apply(&mut form, change);
                patch.push((DEFINITION.to_owned(), Some(json!(form.to_toml()))));
                None
            }
            Err(error) => Some(error.wording()),
        };
        let change = self.transact(|tx| tx.edit(id, patch, None))?.value.change;
        Ok(SavedTemplate { id, change, problem })
    }

    /// How presentations are worded: as the user does, or as shipped.
    pub fn presentation_wording(&self) -> Result<PresentationWording> {
        let Some(record) = self.alive(PRESENTATION_TEMPLATE)?.pop() else {
            let text = PresentationTemplate::shipped_text().to_owned();
            return Ok(PresentationWording { own: None, text, problem: None });
        };
        let text = text(&record.fields, DEFINITION).to_owned();
        let problem = PresentationTemplate::parse(&text, WORDING_FILE).err();
        let problem = problem.map(|error| error.wording());
        Ok(PresentationWording { own: Some(record.id), text, problem })
    }

    /// The user's wording, where there is one.
    pub(super) fn own_wording(
        &self,
    ) -> Result<Option<std::result::Result<PresentationTemplate, ContentError>>> {
        let record = self.alive(PRESENTATION_TEMPLATE)?.pop();
        Ok(record.map(|record| {
            PresentationTemplate::parse(text(&record.fields, DEFINITION), WORDING_FILE)
        }))
    }

    /// Saves the user's own wording; one that cannot be used is kept and told. Deleting the record brings
    /// the shipped one back.
    pub fn save_presentation_wording(&self, definition: &str) -> Result<SavedTemplate> {
        let definition = definition.replace("\r\n", "\n");
        let read = PresentationTemplate::parse(&definition, WORDING_FILE);
        let named = read.as_ref().map(|read| read.title.clone()).unwrap_or_default();
        let problem = read.err().map(|error| error.wording());
        if let Some(record) = self.alive(PRESENTATION_TEMPLATE)?.pop() {
            let id = record.id;
            let mut patch = vec![(DEFINITION.to_owned(), Some(json!(definition)))];
            if !named.is_empty() {
                patch.push((TITLE.to_owned(), Some(json!(named))));
            }
            let change = self.transact(|tx| tx.edit(id, patch, None))?.value.change;
            return Ok(SavedTemplate { id, change, problem });
        }
        let fields: Fields =
            [(TITLE.to_owned(), json!(named)), (DEFINITION.to_owned(), json!(definition))]
                .into_iter()
                .collect();
        let made = self.create_record(PRESENTATION_TEMPLATE, fields)?;
        Ok(SavedTemplate { id: made.id, change: Some(made.change), problem })
    }
}

fn text<'f>(fields: &'f Fields, name: &str) -> &'f str {
    record::text(fields, name).unwrap_or_default()
}

fn title(fields: &Fields) -> String {
    match text(fields, TITLE).trim() {
        "" => words("badge.consult_untitled", &[]),
        title => title.to_owned(),
    }
}

fn parse(definition: &str) -> std::result::Result<FormDefinition, ContentError> {
    FormDefinition::parse(definition, FILE)
}

/// The definition of a template, under the title of its record.
fn read(fields: &Fields) -> std::result::Result<FormDefinition, ContentError> {
    Ok(FormDefinition { title: title(fields), ..parse(text(fields, DEFINITION))? })
}

fn apply(form: &mut FormDefinition, change: &TemplateChange) {
    form.revision = form.revision.saturating_add(1);
    match change {
        TemplateChange::Rename { title } => title.trim().clone_into(&mut form.title),
        // A form needs a field.
        TemplateChange::Drop { .. } if form.fields().count() < 2 => {}
        TemplateChange::Drop { path } => {
            for section in &mut form.sections {
                section.fields.retain(|field| field.path != *path);
            }
            form.sections.retain(|section| !section.fields.is_empty());
        }
        TemplateChange::Ask { path, asked } => {
            let fields = form.sections.iter_mut().flat_map(|section| &mut section.fields);
            for field in fields.filter(|field| field.path == *path) {
                field.asked = *asked;
            }
        }
        TemplateChange::Add { label, kind, unit } => {
            let field = added(form, label.trim(), *kind, unit.trim());
            let at = form.sections.len().saturating_sub(2);
            if let Some(section) = form.sections.get_mut(at) {
                section.fields.push(field);
            }
        }
    }
}

fn added(form: &FormDefinition, label: &str, kind: FieldToAdd, unit: &str) -> FormField {
    let path = path_for(form, label);
    let quantity =
        Quantity { field: path.clone(), unit: unit.to_owned(), decimals: 3, ..Quantity::default() };
    FormField {
        path,
        label: if label.is_empty() {
            words("badge.consult_untitled", &[])
        } else {
            label.to_owned()
        },
        kind: match kind {
            FieldToAdd::Text => FieldKind::LongText,
            FieldToAdd::Number => FieldKind::Number,
        },
        quantity: (kind == FieldToAdd::Number).then_some(quantity),
        options: Vec::new(),
        role: String::new(),
        help: String::new(),
        placeholder: String::new(),
        source: String::new(),
        asked: false,
        fixed: false,
        width: WIDTH,
        recent_first: false,
    }
}

/// A stored name made of the label, under `own.`, so that no later field of ours can be taken for it.
fn path_for(form: &FormDefinition, label: &str) -> String {
    let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = label.to_lowercase().chars().map(word).collect();
    let name = name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let name = if begins { name } else { format!("field_{name}").trim_end_matches('_').to_owned() };
    let free = |path: &String| form.field(path).is_none();
    let first = format!("own.{name}");
    let others = (2..).map(|count| format!("own.{name}_{count}"));
    std::iter::once(first).chain(others).find(free).unwrap_or_default()
}
