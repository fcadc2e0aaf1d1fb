//! A filled form, ready to be drawn by a shell that knows nothing of its meaning.

use serde_json::Value;

use super::adverse_event;
use super::change::TypedField;
use super::clock::EntryContext;
use super::definition::{FieldKind, FormChoice, FormDefinition, FormField, FormSection};
use super::read::read;
use super::show;
use super::warning::{FormProblem, FormWarning};
use crate::content::Content;
use crate::content::reading::{self, Meaning};
use crate::record::{Fields, get};
use crate::time::Moment;

/// What was written lately in a field, the latest first; listed before the other options.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RecentValues {
    /// The field.
    pub path: String,
    /// Stored values.
    pub values: Vec<String>,
}

quiet_debug!(RecentValues);

/// A form with what is written in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FormView {
    /// The form's id.
    pub id: String,
    /// The form's revision.
    pub revision: u32,
    /// Its heading.
    pub title: String,
    /// The kind of record that it fills.
    pub kind: String,
    /// In the order in which they are shown.
    pub sections: Vec<SectionView>,
}

/// A section of a filled form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SectionView {
    /// Stable within the form.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// A line beneath the heading; empty for none.
    pub help: String,
    /// Fields side by side where there is room.
    pub columns: u32,
    /// Closed until asked for; never when something is written in it.
    pub folded: bool,
    /// In the order in which they are shown.
    pub fields: Vec<FieldView>,
}

/// A field of a filled form.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FieldView {
    /// The stored name; what was typed comes back under it.
    pub path: String,
    /// Above the field.
    pub label: String,
    /// How it is drawn.
    pub kind: FieldKind,
    /// What is written: one text, or one for each entry of a list; empty where nothing is.
    pub values: Vec<String>,
    /// Behind the value; empty for none.
    pub unit: String,
    /// Choices or suggestions, in the order in which they are listed.
    pub options: Vec<OptionView>,
    /// Whose surnames may be suggested; empty for anybody's.
    pub role: String,
    /// A line beneath the field; empty for none.
    pub help: String,
    /// Shown while nothing is written; empty for none.
    pub placeholder: String,
    /// Key in `SOURCES.md`; empty for none.
    pub source: String,
    /// Worth asking for and not written: drawn dashed, never blocking.
    pub missing: bool,
    /// Shown, not edited.
    pub fixed: bool,
    /// Columns that it takes.
    pub width: u32,
    /// What is odd; shown beneath the field.
    pub warnings: Vec<FormWarning>,
}

/// Without the values, which may be a patient's.
impl std::fmt::Debug for FieldView {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let view = &mut out.debug_struct("FieldView");
        view.field("path", &self.path).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// An option of a field.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct OptionView {
    /// What comes back when it is chosen.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Heading that it is listed under; empty for none.
    pub group: String,
    /// Is what is written.
    pub chosen: bool,
    /// Listed first, because it was used lately.
    pub recent: bool,
}

quiet_debug!(OptionView);

/// Fills a form from a record's fields. What the form does not ask for is left alone.
pub fn fill(definition: &FormDefinition, fields: &Fields, recents: &[RecentValues]) -> FormView {
    let kind = &definition.kind;
    let section = |section: &FormSection| {
        let views: Vec<FieldView> =
            section.fields.iter().map(|field| view(kind, field, fields, recents)).collect();
        SectionView {
            id: section.id.clone(),
            title: section.title.clone(),
            help: section.help.clone(),
            columns: section.columns,
            folded: section.folded && views.iter().all(|view| view.values.is_empty()),
            fields: views,
        }
    };
    FormView {
        id: definition.id.clone(),
        revision: definition.revision,
        title: definition.title.clone(),
        kind: definition.kind.clone(),
        sections: definition.sections.iter().map(section).collect(),
    }
}

/// Puts what was typed and not yet saved over a filled form, with its warnings.
pub fn overlay(
    view: &mut FormView,
    definition: &FormDefinition,
    typed: &[TypedField],
    context: &EntryContext,
) {
    for shown in view.sections.iter_mut().flat_map(|section| &mut section.fields) {
        let Some(sent) = typed.iter().find(|sent| sent.path == shown.path) else { continue };
        let Some(field) = definition.field(&shown.path).filter(|field| !field.fixed) else {
            continue;
        };
        shown.values = sent.texts.iter().filter(|text| !text.trim().is_empty()).cloned().collect();
        shown.warnings = read(field, &sent.texts, context).warning.into_iter().collect();
        shown.missing = field.asked && shown.values.is_empty();
        for option in &mut shown.options {
            option.chosen = shown.values.contains(&option.value);
        }
        let closed =
            matches!(field.kind, FieldKind::Choice | FieldKind::Choices | FieldKind::Procedure);
        for value in shown.values.iter().filter(|_| closed) {
            if !shown.options.iter().any(|option| option.value == *value) {
                let (value, label) = (value.clone(), value.clone());
                shown.options.push(OptionView {
                    value,
                    label,
                    group: String::new(),
                    chosen: true,
                    recent: false,
                });
            }
        }
    }
    for section in &mut view.sections {
        section.folded =
            section.folded && section.fields.iter().all(|field| field.values.is_empty());
    }
}

/// What is odd in a record, as far as the form can tell.
pub fn warnings(definition: &FormDefinition, fields: &Fields) -> Vec<FormWarning> {
    let told = |field: &FormField| warning(&definition.kind, field, get(fields, &field.path)?);
    definition.fields().filter_map(told).collect()
}

fn view(kind: &str, field: &FormField, fields: &Fields, recents: &[RecentValues]) -> FieldView {
    let value = get(fields, &field.path);
    let values = value.map(|value| show::texts(field, value)).unwrap_or_default();
    FieldView {
        path: field.path.clone(),
        label: field.label.clone(),
        kind: field.kind,
        unit: show::unit(field, value),
        options: options(field, &values, recents),
        role: field.role.clone(),
        help: field.help.clone(),
        placeholder: field.placeholder.clone(),
        source: field.source.clone(),
        missing: field.asked && values.is_empty(),
        fixed: field.fixed,
        width: field.width,
        warnings: value.and_then(|value| warning(kind, field, value)).into_iter().collect(),
        values,
    }
}

fn warning(kind: &str, field: &FormField, value: &Value) -> Option<FormWarning> {
    if let Meaning::Reads(read) = reading::of_value(kind, &field.path, value) {
        let texts = show::texts(field, &read).join(", ");
        let value = format!("{texts} {}", show::unit(field, Some(&read)));
        let value = [("value", value.trim_end())];
        return Some(FormWarning::new(&field.path, FormProblem::CountsAs, &value));
    }
    if !show::fits(field, value) {
        return Some(FormWarning::new(&field.path, FormProblem::OtherShape, &[]));
    }
    let texts = show::texts(field, value);
    let stored = stored_moment(value);
    let context = stored.map(|stored| EntryContext::default().edits(stored)).unwrap_or_default();
    let told = read(field, &texts, &context).warning;
    // A text that could be read as a number is a text all the same: tallies do not count it.
    let is_text = field.kind == FieldKind::Number && !value.is_number() && !texts.is_empty();
    told.or_else(|| is_text.then(|| FormWarning::new(&field.path, FormProblem::NotANumber, &[])))
}

/// The moment that a stored time is.
pub(crate) fn stored_moment(value: &Value) -> Option<Moment> {
    Moment::parse(value.as_str()?).ok()
}

fn options(field: &FormField, values: &[String], recents: &[RecentValues]) -> Vec<OptionView> {
    let choices = match field.kind {
        FieldKind::Procedure => procedures(),
        FieldKind::AdverseEvent => adverse_event::choices(),
        _ => field.options.clone(),
    };
    let closed =
        matches!(field.kind, FieldKind::Choice | FieldKind::Choices | FieldKind::Procedure);
    let recent =
        recents.iter().find(|recent| recent.path == field.path).filter(|_| field.recent_first);
    let recent = recent.map(|recent| recent.values.as_slice()).unwrap_or_default();
    let option = |choice: &FormChoice| OptionView {
        value: choice.value.clone(),
        label: choice.label.clone(),
        group: choice.group.clone(),
        chosen: values.contains(&choice.value),
        recent: recent.contains(&choice.value),
    };
    let own = |value: &String| FormChoice {
        value: value.clone(),
        label: value.clone(),
        group: String::new(),
    };
    let mut first: Vec<OptionView> = Vec::new();
    for value in recent {
        let known = choices.iter().find(|choice| choice.value == *value);
        let listed = first.iter().any(|option| option.value == *value);
        match known {
            Some(choice) if !listed => first.push(option(choice)),
            None if !listed && !closed => first.push(option(&own(value))),
            _ => {}
        }
    }
    let rest = choices.iter().filter(|choice| !recent.contains(&choice.value)).map(option);
    // A value that is no option is one all the same while it is written, or drawing would lose it.
    let strange = values
        .iter()
        .filter(|value| closed && !choices.iter().any(|choice| choice.value == **value));
    let strange: Vec<OptionView> = strange.map(|value| option(&own(value))).collect();
    first.into_iter().chain(rest).chain(strange).collect()
}

fn procedures() -> Vec<FormChoice> {
    let content = Content::shipped();
    let choice = |group: &str, procedure: &crate::content::Procedure| FormChoice {
        value: procedure.id.clone(),
        label: procedure.name.clone(),
        group: group.to_owned(),
    };
    let in_group = |category: &'static crate::content::Category| {
        content.in_category(&category.id).map(|procedure| choice(&category.name, procedure))
    };
    content.categories().iter().flat_map(in_group).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(fields: Value, recents: &[RecentValues], path: &str) -> FieldView {
        let fields: Fields = serde_json::from_value(fields).unwrap();
        let view = fill(FormDefinition::shipped("case").unwrap(), &fields, recents);
        view.sections
            .into_iter()
            .flat_map(|section| section.fields)
            .find(|field| field.path == path)
            .unwrap()
    }

    fn problems(fields: Value) -> Vec<(String, FormProblem)> {
        let fields: Fields = serde_json::from_value(fields).unwrap();
        let told = warnings(FormDefinition::shipped("case").unwrap(), &fields);
        told.into_iter().map(|warning| (warning.path, warning.problem)).collect()
    }

    #[test]
    fn a_field_carries_all_that_drawing_it_needs() {
        let inr = field(json!({"labs": {"inr": 1.4}}), &[], "labs.inr");
        assert_eq!((inr.label.as_str(), inr.values), ("INR", vec!["1.4".to_owned()]));
        assert_eq!(field(json!({}), &[], "labs.hgb").unit, "g/dL");
        assert!(field(json!({}), &[], "lesson").missing);
        assert!(!field(json!({"lesson": "x"}), &[], "lesson").missing);
        assert!(field(json!({"jot": "x"}), &[], "jot").fixed);
    }

    #[test]
    fn options_tell_what_is_chosen_and_lose_nothing() {
        let role = field(json!({"role": "scrubbed"}), &[], "role");
        let chosen: Vec<_> =
            role.options.iter().filter(|option| option.chosen).map(|o| o.label.as_str()).collect();
        assert_eq!((role.options.len(), chosen), (5, vec!["Scrubbed"]));
        let strange = field(json!({"role": "own"}), &[], "role");
        assert!(
            strange.options.last().is_some_and(|option| option.value == "own" && option.chosen)
        );
        assert_eq!(field(json!({}), &[], "procedure").options.len(), 56);
        assert_eq!(field(json!({}), &[], "procedure").options[0].group, "Hepatobiliary and GI");
        assert_eq!(field(json!({}), &[], "adverse_event").options.len(), 17);
    }

    #[test]
    fn a_draft_is_shown_as_it_was_typed() {
        let form = FormDefinition::shipped("case").unwrap();
        let fields: Fields =
            serde_json::from_value(json!({"role": "observed", "lesson": "x", "jot": "j"})).unwrap();
        let mut view = fill(form, &fields, &[]);
        let typed =
            |path: &str, text: &str| TypedField { path: path.into(), texts: vec![text.into()] };
        let draft = [
            typed("role", "own"),
            typed("fluoro_min", "4O2"),
            typed("lesson", ""),
            typed("jot", "z"),
        ];
        overlay(&mut view, form, &draft, &EntryContext::default());
        let of = |path: &str| {
            view.sections
                .iter()
                .flat_map(|section| &section.fields)
                .find(|field| field.path == path)
                .unwrap()
        };
        let chosen: Vec<_> = of("role").options.iter().filter(|option| option.chosen).collect();
        assert_eq!((chosen.len(), chosen[0].value.as_str()), (1, "own"));
        assert_eq!(of("fluoro_min").warnings[0].problem, FormProblem::NotANumber);
        assert!(of("lesson").missing && of("lesson").values.is_empty());
        assert_eq!(of("jot").values, ["j"]);
    }

    #[test]
    fn recent_values_come_first_and_once() {
        let recent = |path: &str, values: &[&str]| RecentValues {
            path: path.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let recents = [
            recent("procedure", &["tips", "gone", "picc", "tips"]),
            recent("attending", &["Moreau"]),
            recent("role", &["assisted"]),
        ];
        let procedure = field(json!({}), &recents, "procedure");
        let first: Vec<_> =
            procedure.options.iter().take(3).map(|o| (o.value.as_str(), o.recent)).collect();
        assert_eq!(first, [("tips", true), ("picc", true), ("paracentesis", false)]);
        assert_eq!(procedure.options.len(), 56);
        assert_eq!(field(json!({}), &recents, "attending").options[0].value, "Moreau");
        assert_eq!(field(json!({}), &recents, "role").options[0].value, "observed");
    }

    #[test]
    fn what_is_odd_in_a_record_is_told() {
        let odd = json!({
            "fluoro_min": "4O2", "air_kerma_mgy": "1.2 Gy", "dap_gycm2": 77, "role": "x", "labs": {"inr": 99},
            "devices": [{"a": 1}], "setting": {"a": 1}, "adverse_event": {"scheme": "CIRSE", "edition": "2017", "grade": 3},
            "performed_at": "2026-10-21T13:40:00-05:00", "lesson": null, "unknown": [1]
        });
        let wanted = [
            ("role", FormProblem::NotAChoice),
            ("setting", FormProblem::OtherShape),
            ("labs.inr", FormProblem::AboveRange),
            ("devices", FormProblem::OtherShape),
            ("fluoro_min", FormProblem::NotANumber),
            ("air_kerma_mgy", FormProblem::CountsAs),
        ];
        assert_eq!(problems(odd), wanted.map(|(path, problem)| (path.to_owned(), problem)));
        assert_eq!(field(json!({"labs": {"inr": 99}}), &[], "labs.inr").warnings.len(), 1);
    }

    #[test]
    fn the_sample_rotation_is_shown_whole_and_without_warnings() {
        let form = FormDefinition::shipped("case").unwrap();
        let rotation = include_str!("../../../tests/vectors/rotation.jsonl");
        let records = rotation.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut cases = 0;
        for record in records.filter(|record| record["kind"] == "case") {
            cases += 1;
            let fields: Fields = serde_json::from_value(record["fields"].clone()).unwrap();
            assert_eq!(warnings(form, &fields), []);
            for (name, value) in &fields {
                let inner = value.as_object().filter(|_| name != "adverse_event");
                for path in inner.map_or(vec![name.clone()], |object| {
                    object.keys().map(|key| format!("{name}.{key}")).collect()
                }) {
                    assert!(form.field(&path).is_some(), "{path} is not shown");
                }
            }
        }
        assert_eq!(cases, 46);
    }

    #[test]
    fn a_folded_section_opens_when_something_is_in_it() {
        let text = "id = 'own'\ntitle = 'Own'\nkind = 'case'\n[[section]]\nid = 'a'\ntitle = 'A'\nfolded = true\n\
            [[section.field]]\npath = 'x'\nlabel = 'X'\nkind = 'text'\n";
        let form = FormDefinition::parse(text, "own.toml").unwrap();
        let folded = |fields: Value| {
            fill(&form, &serde_json::from_value(fields).unwrap(), &[]).sections[0].folded
        };
        assert!(folded(json!({})));
        assert!(!folded(json!({"x": "y"})));
    }

    #[test]
    fn debug_output_holds_nothing_that_was_written() {
        let view = field(json!({"note": "canary"}), &[], "note");
        assert!(!format!("{view:?}").contains("canary"));
    }
}
