//! What a form asks for: a definition in TOML, shipped or made by a user.

use std::sync::OnceLock;

use serde_json::Value;

use crate::content::source::{SourceFile, Table, Unique};
use crate::content::{Content, ContentError, Quantity, quantity};
use crate::record;
use crate::time::Moment;

/// A form: everything that a shell needs to draw it, in order.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FormDefinition {
    /// Stable id.
    pub id: String,
    /// Counts up with each change of the definition.
    pub revision: u32,
    /// As its page is headed.
    pub title: String,
    /// The kind of record that it fills.
    pub kind: String,
    /// In the order in which they are shown.
    pub sections: Vec<FormSection>,
}

/// Fields that belong together.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FormSection {
    /// Stable within the form.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// A line beneath the heading; empty for none.
    pub help: String,
    /// Fields side by side where there is room, 1 to 6.
    pub columns: u32,
    /// Closed until asked for, while nothing is written in it.
    pub folded: bool,
    /// In the order in which they are shown.
    pub fields: Vec<FormField>,
}

/// How a field is drawn and what it stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum FieldKind {
    /// One of the options; stores its value.
    Choice,
    /// Any of the options; stores a list of values.
    Choices,
    /// One line; options are suggestions.
    Text,
    /// Several lines.
    LongText,
    /// A number in the field's unit.
    Number,
    /// A list of texts, one a line.
    Lines,
    /// A set of words; options are suggestions.
    Tags,
    /// Yes or no.
    Flag,
    /// A moment with its offset.
    Time,
    /// A procedure; stores its id.
    Procedure,
    /// A surname; suggestions are people with the field's role.
    Person,
    /// Scheme, edition and grade, shown as one text.
    AdverseEvent,
}

pub(super) const KINDS: &[(&str, FieldKind)] = &[
    ("choice", FieldKind::Choice),
    ("choices", FieldKind::Choices),
    ("text", FieldKind::Text),
    ("long_text", FieldKind::LongText),
    ("number", FieldKind::Number),
    ("lines", FieldKind::Lines),
    ("tags", FieldKind::Tags),
    ("flag", FieldKind::Flag),
    ("time", FieldKind::Time),
    ("procedure", FieldKind::Procedure),
    ("person", FieldKind::Person),
    ("adverse_event", FieldKind::AdverseEvent),
];

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FormChoice {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Heading that it is listed under; empty for none.
    pub group: String,
}

/// One thing that a form asks for.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FormField {
    /// The stored name, `labs.inr`.
    pub path: String,
    /// Above the field.
    pub label: String,
    /// How it is drawn and stored.
    pub kind: FieldKind,
    /// Unit, conversions and plausible range of a number.
    pub quantity: Option<Quantity>,
    /// Choices or suggestions.
    pub options: Vec<FormChoice>,
    /// Whose surnames are suggested, `attending`; empty for anybody's.
    pub role: String,
    /// A line beneath the field; empty for none.
    pub help: String,
    /// Shown while nothing is written; empty for none.
    pub placeholder: String,
    /// Key in `SOURCES.md`; empty for none.
    pub source: String,
    /// Worth asking for; never blocks.
    pub asked: bool,
    /// Shown, not edited.
    pub fixed: bool,
    /// Columns that it takes, at least 1.
    pub width: u32,
    /// Options that were used lately come first.
    pub recent_first: bool,
}

impl FormField {
    /// What stands for a field that no form asks for: from a newer app, or of a kind without a form.
    pub(crate) fn unasked(path: &str, value: Option<&Value>) -> Self {
        let kind = match value {
            Some(Value::String(text)) if text.contains('\n') => FieldKind::LongText,
            Some(Value::String(text)) if Moment::parse(text).is_ok() => FieldKind::Time,
            Some(Value::Array(_)) => FieldKind::Lines,
            _ => FieldKind::Text,
        };
        let (options, width) = (Vec::new(), 1);
        let [role, help, placeholder, source] = [const { String::new() }; 4];
        Self {
            path: path.to_owned(),
            label: path.replace(['.', '_'], " "),
            kind,
            quantity: None,
            options,
            role,
            help,
            placeholder,
            source,
            asked: false,
            fixed: false,
            width,
            recent_first: false,
        }
    }
}

impl FormDefinition {
    /// Reads a definition from TOML.
    ///
    /// # Errors
    /// `ContentError` with line and field, in words for the person who wrote the form.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ContentError> {
        let mut paths = Unique::default();
        let mut ids = Unique::default();
        SourceFile::new(file_name, text).read(|root| {
            let kind = name(root, "kind")?;
            let sections =
                root.tables("section", |table| section(table, &kind, (&mut ids, &mut paths)))?;
            if sections.is_empty() {
                return Err(ContentError::Missing { place: root.place("section") });
            }
            Ok(Self {
                id: name(root, "id")?,
                revision: root.opt_whole("revision")?.unwrap_or(1),
                title: root.text("title")?,
                kind,
                sections,
            })
        })
    }

    /// A form that ships with the core.
    pub fn shipped(id: &str) -> Option<&'static Self> {
        static SHIPPED: OnceLock<Vec<FormDefinition>> = OnceLock::new();
        let read =
            || FILES.iter().filter_map(|(name, text)| Self::parse(text, name).ok()).collect();
        SHIPPED.get_or_init(read).iter().find(|form| form.id == id)
    }

    /// The text of a form that ships with the core, as its author wrote it.
    pub fn shipped_text(id: &str) -> Option<&'static str> {
        let stem = |name: &str| {
            name.strip_prefix("forms/").and_then(|name| name.strip_suffix(".toml")) == Some(id)
        };
        FILES.iter().find(|(name, _)| stem(name)).map(|(_, text)| *text)
    }

    /// All fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = &FormField> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    /// The field with this path.
    pub fn field(&self, path: &str) -> Option<&FormField> {
        self.fields().find(|field| field.path == path)
    }
}

const FILES: &[(&str, &str)] = &[
    ("forms/case.toml", include_str!("../../content/forms/case.toml")),
    ("forms/debrief.toml", include_str!("../../content/forms/debrief.toml")),
    ("forms/consult-drain.toml", include_str!("../../content/forms/consult-drain.toml")),
    (
        "forms/consult-vascular_access.toml",
        include_str!("../../content/forms/consult-vascular_access.toml"),
    ),
    ("forms/consult-bleeding.toml", include_str!("../../content/forms/consult-bleeding.toml")),
    (
        "forms/consult-paracentesis.toml",
        include_str!("../../content/forms/consult-paracentesis.toml"),
    ),
    ("forms/consult-general.toml", include_str!("../../content/forms/consult-general.toml")),
    ("forms/checklist_run.toml", include_str!("../../content/forms/checklist_run.toml")),
    ("forms/procedure_note.toml", include_str!("../../content/forms/procedure_note.toml")),
    ("forms/imaging_finding.toml", include_str!("../../content/forms/imaging_finding.toml")),
    ("forms/daily_read.toml", include_str!("../../content/forms/daily_read.toml")),
];

const COLUMNS_MAX: u32 = 6;

fn section(
    table: &Table<'_>,
    record: &str,
    (ids, paths): (&mut Unique, &mut Unique),
) -> Result<FormSection, ContentError> {
    let id = name(table, "id")?;
    ids.add(&id, || table.place("id"))?;
    let columns = within(table, "columns", COLUMNS_MAX)?;
    let fields = table.tables("field", |field_table| {
        let field = field(field_table, record, columns)?;
        paths.add(&field.path, || field_table.place("path"))?;
        Ok(field)
    })?;
    if fields.is_empty() {
        return Err(ContentError::Missing { place: table.place("field") });
    }
    Ok(FormSection {
        id,
        title: table.text("title")?,
        help: table.opt_text("help")?.unwrap_or_default(),
        columns,
        folded: table.flag("folded")?,
        fields,
    })
}

fn field(table: &Table<'_>, record: &str, columns: u32) -> Result<FormField, ContentError> {
    let path = name(table, "path")?;
    let kind = table
        .word("kind", KINDS)?
        .or_else(|| known_kind(record, &path))
        .ok_or_else(|| ContentError::Missing { place: table.place("kind") })?;
    let options = options(table)?;
    if options.is_empty() && matches!(kind, FieldKind::Choice | FieldKind::Choices) {
        return Err(ContentError::Missing { place: table.place("options") });
    }
    let quantity =
        if kind == FieldKind::Number { Some(field_quantity(table, &path)?) } else { None };
    let own_source = table.opt_text("source")?;
    let source =
        own_source.or_else(|| quantity.as_ref().and_then(|quantity| quantity.source.clone()));
    Ok(FormField {
        label: table.text("label")?,
        role: if kind == FieldKind::Person {
            table.opt_text("role")?.unwrap_or_default()
        } else {
            String::new()
        },
        help: table.opt_text("help")?.unwrap_or_default(),
        placeholder: table.opt_text("placeholder")?.unwrap_or_default(),
        source: source.unwrap_or_default(),
        asked: table.flag("asked")?,
        fixed: table.flag("fixed")?,
        width: within(table, "width", columns)?,
        recent_first: table.flag("recent_first")?,
        path,
        kind,
        quantity,
        options,
    })
}

/// What is a set, and which field says when it happened, stands once: in `content/kinds.toml`.
fn known_kind(record: &str, path: &str) -> Option<FieldKind> {
    if record::is_set(record, path) {
        return Some(FieldKind::Tags);
    }
    record::is_when(record, path).then_some(FieldKind::Time)
}

/// What the form says itself wins over what is known of the stored name.
fn field_quantity(table: &Table<'_>, path: &str) -> Result<Quantity, ContentError> {
    let own = quantity(table, path.to_owned())?;
    let Some(known) = Content::shipped().quantity(path) else { return Ok(own) };
    let same_unit = own.unit.is_empty() || own.unit == known.unit;
    if !same_unit {
        return Err(ContentError::NotAllowed {
            place: table.place("unit"),
            found: own.unit,
            allowed: known.unit.clone(),
        });
    }
    Ok(Quantity {
        low: own.low.or(known.low),
        high: own.high.or(known.high),
        source: own.source.or_else(|| known.source.clone()),
        ..known.clone()
    })
}

fn options(table: &Table<'_>) -> Result<Vec<FormChoice>, ContentError> {
    let mut unique = Unique::default();
    table.tables("options", |option| {
        let value = option.text("value")?;
        if value.trim().is_empty() {
            return Err(ContentError::Missing { place: option.place("value") });
        }
        unique.add(&value, || option.place("value"))?;
        let label = option.opt_text("label")?.unwrap_or_else(|| value.clone());
        Ok(FormChoice { value, label, group: option.opt_text("group")?.unwrap_or_default() })
    })
}

/// A number from 1 to `most`; 1 where it is not written.
fn within(table: &Table<'_>, key: &str, most: u32) -> Result<u32, ContentError> {
    let count = table.opt_whole(key)?.unwrap_or(1);
    if (1..=most).contains(&count) {
        return Ok(count);
    }
    Err(ContentError::NotAllowed {
        place: table.place(key),
        found: count.to_string(),
        allowed: format!("1 to {most}"),
    })
}

/// A stored name: lower-case words, digits, `_` and `-`, joined by dots.
fn name(table: &Table<'_>, key: &str) -> Result<String, ContentError> {
    let text = table.text(key)?;
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    if text.split('.').all(word) {
        return Ok(text);
    }
    let allowed = "small letters, digits, _ and -, beginning with a letter".to_owned();
    Err(ContentError::NotAllowed { place: table.place(key), found: text, allowed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_forms_are_whole() {
        for (name, text) in FILES {
            let form = FormDefinition::parse(text, name).unwrap();
            assert_eq!(Some(&form), FormDefinition::shipped(&form.id));
        }
        let form = FormDefinition::shipped("case").unwrap();
        assert_eq!(form.kind, "case");
        let wanted = "procedure role attending setting indication imaging_reviewed comorbidities \
            labs.platelets labs.inr labs.hgb labs.creatinine labs.bilirubin access.site access.side \
            access.guidance access.rationale devices embolic sedation specimens complications adverse_event \
            decision_points lesson interesting tags fluoro_min air_kerma_mgy dap_gycm2 skin_dose_mgy \
            contrast_ml volume_ml note side french gauge jot performed_at";
        for path in wanted.split_whitespace() {
            assert!(form.field(path).is_some(), "{path} is not asked for");
        }
        let sources = include_str!("../../content/SOURCES.md");
        for field in form.fields() {
            if let Some(quantity) = &field.quantity {
                assert!(quantity.high.is_some(), "{} has no range", field.path);
            }
            assert!(field.source.is_empty() || sources.contains(&format!("## {}\n", field.source)));
        }
    }

    #[test]
    fn sets_and_the_time_that_it_happened_stand_in_the_kinds_only() {
        let mut sets = 0;
        for (name, text) in FILES {
            assert!(!text.contains("kind = \"tags\""), "{name} says again what is a set");
            let form = FormDefinition::parse(text, name).unwrap();
            for field in form.fields() {
                let is_set = record::is_set(&form.kind, &field.path);
                sets += usize::from(is_set);
                match field.kind {
                    FieldKind::Tags => assert!(is_set, "{name}: {}", field.path),
                    // One of its words is ticked or not.
                    FieldKind::Choices => {}
                    _ => assert!(!is_set, "{name}: {}", field.path),
                }
                if record::is_when(&form.kind, &field.path) {
                    assert_eq!(field.kind, FieldKind::Time);
                }
            }
        }
        assert!(sets > 8);
    }

    const OWN: &str =
        "id = 'own'\ntitle = 'Own'\nkind = 'consult'\n[[section]]\nid = 'a'\ntitle = 'A'\n";

    #[test]
    fn a_user_can_make_a_form() {
        let text = format!(
            "{OWN}columns = 2\n[[section.field]]\npath = 'spleen_cm'\nlabel = 'Spleen'\nkind = 'number'\n\
             unit = 'cm'\nothers = [{{ unit = 'mm', per = 10 }}]\nlow = 3\nhigh = 40\nwidth = 2\n"
        );
        let form = FormDefinition::parse(&text, "own.toml").unwrap();
        let quantity = form.field("spleen_cm").unwrap().quantity.clone().unwrap();
        assert_eq!((quantity.unit.as_str(), quantity.high), ("cm", Some(40.0)));
        assert_eq!(form.revision, 1);
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        for (rest, wanted) in [
            ("", "own.toml:4 section[1].field"),
            ("[[section.field]]\npath = 'x'\nlabel = 'X'\n", "own.toml:7 section[1].field[1].kind"),
            (
                "[[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'txt'\n",
                "own.toml:10 section[1].field[1].kind",
            ),
            ("[[section.field]]\npath = 'X y'\n", "own.toml:8 section[1].field[1].path"),
            (
                "[[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'choice'\n",
                "own.toml:7 section[1].field[1].options",
            ),
            (
                "[[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'text'\n\n[[section.field]]\npath = 'x'\n\
                 label = 'Y'\nkind = 'flag'\n",
                "own.toml:13 section[1].field[2].path",
            ),
            (
                "[[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'text'\nwidth = 2\n",
                "own.toml:11 section[1].field[1].width",
            ),
            (
                "[[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'text'\nhlep = 'h'\n",
                "own.toml:11 section[1].field[1].hlep",
            ),
            (
                "[[section.field]]\npath = 'fluoro_min'\nlabel = 'X'\nkind = 'number'\nunit = 's'\n",
                "own.toml:11 section[1].field[1].unit",
            ),
            (
                "[[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'number'\nlow = 3\nhigh = 1\n",
                "own.toml:12 section[1].field[1].high",
            ),
        ] {
            let error = FormDefinition::parse(&format!("{OWN}{rest}"), "own.toml").unwrap_err();
            assert_eq!(error.place().to_string(), wanted);
            assert!(error.wording().what.contains("own.toml, line "));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = FormDefinition::parse(&text, "any.toml");
            let _ = FormDefinition::parse(&format!("{OWN}{text}"), "any.toml");
        }
    }
}
