//! From what was typed to what is stored. Nothing is refused and nothing is guessed.

use serde_json::{Value, json};

use super::adverse_event;
use super::clock::{EntryContext, moment};
use super::definition::{FieldKind, FormChoice, FormField};
use super::warning::{FormProblem, FormWarning};
use crate::content::number::{self, Typed};
use crate::content::{OtherUnit, Quantity, reading};

/// What a typed text is stored as.
#[derive(Clone, PartialEq, Default)]
pub struct Reading {
    /// `None` takes the field out of the record.
    pub value: Option<Value>,
    /// What is odd about it; it is kept all the same.
    pub warning: Option<FormWarning>,
}

/// Without the value, which may be a patient's.
impl std::fmt::Debug for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let written = self.value.is_some();
        out.debug_struct("Reading")
            .field("written", &written)
            .field("warning", &self.warning)
            .finish()
    }
}

impl Reading {
    fn plain(value: Value) -> Self {
        Self { value: Some(value), warning: None }
    }

    fn odd(text: &str, path: &str, problem: FormProblem) -> Self {
        Self { value: Some(json!(text)), warning: Some(FormWarning::new(path, problem, &[])) }
    }
}

/// Reads what was typed into a field: one text, or several for lists and check boxes.
pub fn read(field: &FormField, texts: &[String], context: &EntryContext) -> Reading {
    match field.kind {
        FieldKind::Choices => choices(field, texts),
        FieldKind::Lines => list(texts, |text| text.lines().map(str::to_owned).collect()),
        FieldKind::Tags => tags(texts),
        _ => {
            let text = single(texts);
            if text.is_empty() { Reading::default() } else { one(field, &text, context) }
        }
    }
}

/// Check boxes send an empty text along, so that unticking is told from not asking.
fn single(texts: &[String]) -> String {
    let text = texts.iter().rev().map(|text| text.trim()).find(|text| !text.is_empty());
    text.unwrap_or_default().replace("\r\n", "\n")
}

fn one(field: &FormField, text: &str, context: &EntryContext) -> Reading {
    let path = field.path.as_str();
    match field.kind {
        FieldKind::Choice => match choice(&field.options, text) {
            Some(value) => Reading::plain(json!(value)),
            None => Reading::odd(text, path, FormProblem::NotAChoice),
        },
        FieldKind::Number => match &field.quantity {
            Some(quantity) => number(path, text, quantity),
            None => Reading::odd(text, path, FormProblem::NotANumber),
        },
        FieldKind::Flag => match reading::yes_or_no(text) {
            Some(said) => Reading::plain(json!(said)),
            None => Reading::odd(text, path, FormProblem::NotYesOrNo),
        },
        FieldKind::Time => match moment(text, context) {
            Some(typed) => Reading {
                value: Some(json!(typed.moment.rfc3339())),
                warning: typed.problem.map(|problem| FormWarning::new(path, problem, &[])),
            },
            None => Reading::odd(text, path, FormProblem::NotATime),
        },
        FieldKind::Procedure => match reading::procedure_named(text) {
            Some(id) => Reading::plain(json!(id)),
            None => Reading::odd(text, path, FormProblem::NotAProcedure),
        },
        FieldKind::AdverseEvent => adverse_event::read(path, text),
        _ => Reading::plain(json!(text)),
    }
}

fn number(path: &str, text: &str, quantity: &Quantity) -> Reading {
    // A point is the decimal sign of every form, which shows numbers so; a comma may be either.
    if number::may_be_two(text, &[',']) {
        return Reading::odd(text, path, FormProblem::MayBeTwo);
    }
    match number::read(text, quantity) {
        Typed::Number(number) => {
            let warning = number.as_f64().and_then(|value| range(path, value, quantity));
            Reading { value: Some(Value::Number(number)), warning }
        }
        Typed::NotANumber => Reading::odd(text, path, FormProblem::NotANumber),
        Typed::UnknownUnit => {
            let units = units(quantity);
            let warning = FormWarning::new(path, FormProblem::UnknownUnit, &[("units", &units)]);
            Reading { value: Some(json!(text)), warning: Some(warning) }
        }
    }
}

/// The units of a quantity, without longer or shorter names of the same: `s`, `sec`. Units of the same
/// size are told each: `cGy·cm²`, `µGy·m²`.
fn units(quantity: &Quantity) -> String {
    let mut told: Vec<&OtherUnit> = Vec::new();
    for other in &quantity.others {
        let name = other.unit.to_lowercase();
        let is_same = |known: &&&OtherUnit| {
            let known_name = known.unit.to_lowercase();
            let shortened = known_name.starts_with(&name) || name.starts_with(&known_name);
            (known.times, known.per) == (other.times, other.per) && shortened
        };
        if told.iter().find(is_same).is_none() {
            told.push(other);
        }
    }
    let others = told.into_iter().map(|other| other.unit.as_str());
    std::iter::once(quantity.unit.as_str()).chain(others).collect::<Vec<_>>().join(", ")
}

/// The warning for a number outside the plausible range.
fn range(path: &str, value: f64, quantity: &Quantity) -> Option<FormWarning> {
    let (problem, limit) = match (quantity.low, quantity.high) {
        (_, Some(high)) if value > high => (FormProblem::AboveRange, high),
        (Some(low), _) if value < low => (FormProblem::BelowRange, low),
        _ => return None,
    };
    let limit = format!("{limit} {}", quantity.unit);
    Some(FormWarning::new(path, problem, &[("limit", limit.trim_end())]))
}

fn choice<'a>(options: &'a [FormChoice], text: &str) -> Option<&'a str> {
    let exact = options.iter().find(|option| option.value == text);
    let lower = text.to_lowercase();
    let near = |option: &&FormChoice| {
        option.label.to_lowercase() == lower || option.value.to_lowercase() == lower
    };
    exact.or_else(|| options.iter().find(near)).map(|option| option.value.as_str())
}

fn choices(field: &FormField, texts: &[String]) -> Reading {
    let mut values: Vec<String> = Vec::new();
    let mut warning = None;
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let value = choice(&field.options, text).unwrap_or_else(|| {
            warning = Some(FormWarning::new(&field.path, FormProblem::NotAChoice, &[]));
            text
        });
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
    Reading { value: if values.is_empty() { None } else { Some(json!(values)) }, warning }
}

fn tags(texts: &[String]) -> Reading {
    let mut seen = Vec::new();
    list(texts, |text| {
        let words = text.split([',', '\n']).map(|tag| tag.trim().to_owned());
        let new: Vec<String> = words.filter(|tag| !seen.contains(tag)).collect();
        let mut kept: Vec<String> = Vec::new();
        for tag in new {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        seen.extend(kept.clone());
        kept
    })
}

fn list(texts: &[String], split: impl FnMut(&String) -> Vec<String>) -> Reading {
    let entries = texts.iter().flat_map(split).map(|entry| entry.trim().to_owned());
    let entries: Vec<String> = entries.filter(|entry| !entry.is_empty()).collect();
    Reading { value: if entries.is_empty() { None } else { Some(json!(entries)) }, warning: None }
}

#[cfg(test)]
mod tests {
    use super::super::FormDefinition;
    use super::*;
    use crate::time::Day;

    fn typed(path: &str, texts: &[&str]) -> Reading {
        let field = FormDefinition::shipped("case").unwrap().field(path).unwrap();
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let (day, offset_min) = (Day::parse("2026-10-21"), Some(-300));
        let context = EntryContext { day, offset_min, ..EntryContext::default() };
        read(field, &texts, &context)
    }

    fn stored(path: &str, text: &str) -> (Value, Option<FormProblem>) {
        let reading = typed(path, &[text]);
        (reading.value.unwrap_or_default(), reading.warning.map(|warning| warning.problem))
    }

    #[test]
    fn nonsense_is_kept_and_told() {
        assert_eq!(stored("fluoro_min", "4O2"), (json!("4O2"), Some(FormProblem::NotANumber)));
        assert_eq!(
            stored("contrast_ml", "5 apples"),
            (json!("5 apples"), Some(FormProblem::UnknownUnit))
        );
        assert_eq!(
            stored("role", "held the door"),
            (json!("held the door"), Some(FormProblem::NotAChoice))
        );
        assert_eq!(
            stored("procedure", "new thing"),
            (json!("new thing"), Some(FormProblem::NotAProcedure))
        );
        assert_eq!(
            stored("performed_at", "at noon"),
            (json!("at noon"), Some(FormProblem::NotATime))
        );
        assert_eq!(stored("interesting", "maybe"), (json!("maybe"), Some(FormProblem::NotYesOrNo)));
        let warning = typed("fluoro_min", &["4O2"]).warning.unwrap();
        assert_eq!(warning.text, "Not a number, kept as text.");
        let warning = typed("contrast_ml", &["5 apples"]).warning.unwrap();
        assert_eq!(warning.text, "Not a unit for this field, kept as text. Units: mL, L, dL.");
        let warning = typed("dap_gycm2", &["5 apples"]).warning.unwrap();
        assert!(warning.text.contains("cGy·cm², mGy·cm², µGy·m², mGy·m²"), "{}", warning.text);
        let warning = typed("fluoro_min", &["5 apples"]).warning.unwrap();
        assert!(warning.text.ends_with("Units: min, s, h."), "{}", warning.text);
    }

    #[test]
    fn a_comma_that_may_mean_thousands_or_decimals_is_kept_and_told() {
        let told = |text: &str| stored("air_kerma_mgy", text);
        assert_eq!(told("1,240"), (json!("1,240"), Some(FormProblem::MayBeTwo)));
        assert_eq!(told("1,240 mGy"), (json!("1,240 mGy"), Some(FormProblem::MayBeTwo)));
        assert_eq!(told("1.240"), (json!(1.24), None), "as the form itself shows numbers");
        assert_eq!(told("1,2"), (json!(1.2), None));
        assert_eq!(told("12,345.5"), (json!(12345.5), None));
    }

    #[test]
    fn an_unlikely_number_is_stored_and_marked() {
        assert_eq!(stored("fluoro_min", "1790"), (json!(1790), Some(FormProblem::AboveRange)));
        assert_eq!(stored("labs.inr", "0.1"), (json!(0.1), Some(FormProblem::BelowRange)));
        assert_eq!(stored("fluoro_min", "-1"), (json!(-1), Some(FormProblem::BelowRange)));
        assert_eq!(stored("labs.inr", "1.4"), (json!(1.4), None));
        assert_eq!(
            typed("fluoro_min", &["1790"]).warning.unwrap().text,
            "Above 300 min: kept, look again."
        );
        assert_eq!(typed("labs.inr", &["99"]).warning.unwrap().text, "Above 15: kept, look again.");
    }

    #[test]
    fn a_name_becomes_what_is_stored() {
        assert_eq!(stored("procedure", "PA thrombectomy").0, json!("thrombectomy-pulmonary"));
        assert_eq!(stored("procedure", "tips").0, json!("tips"));
        assert_eq!(stored("role", "Did part").0, json!("did_part"));
        assert_eq!(stored("access.side", "RIGHT").0, json!("right"));
        assert_eq!(stored("adverse_event", "CIRSE 2017, grade 3").0["grade"], json!(3));
    }

    #[test]
    fn empty_takes_the_field_away() {
        for field in FormDefinition::shipped("case").unwrap().fields() {
            for texts in [&[][..], &[""], &["", "  \n"]] {
                assert_eq!(typed(&field.path, texts), Reading::default(), "{}", field.path);
            }
        }
    }

    #[test]
    fn lists_keep_their_order_and_sets_hold_each_word_once() {
        assert_eq!(
            typed("devices", &["21G needle\r\n\r\n8 Fr drain\n"]).value,
            Some(json!(["21G needle", "8 Fr drain"]))
        );
        assert_eq!(typed("devices", &["a", "b", "a"]).value, Some(json!(["a", "b", "a"])));
        assert_eq!(
            typed("tags", &["P1, drain", "drain,, P1 ,new"]).value,
            Some(json!(["P1", "drain", "new"]))
        );
        assert_eq!(
            typed("access.guidance", &["", "us", "Fluoro"]).value,
            Some(json!(["us", "fluoro"]))
        );
        assert_eq!(typed("access.guidance", &["", "mri"]).value, Some(json!(["mri"])));
        assert_eq!(typed("interesting", &["", "true"]).value, Some(json!(true)));
    }

    #[test]
    fn a_time_takes_day_and_offset_from_around_it() {
        for (text, wanted) in [
            ("2026-10-20 13:40", "2026-10-20T13:40:00-05:00"),
            ("2026-10-20T13:40", "2026-10-20T13:40:00-05:00"),
            ("2026-10-20T13:40:07", "2026-10-20T13:40:07-05:00"),
            ("2026-10-20 13:40 +02:00", "2026-10-20T13:40:00+02:00"),
            ("2026-10-20T13:40:00-04:00", "2026-10-20T13:40:00-04:00"),
            ("2026-10-20 13:40Z", "2026-10-20T13:40:00Z"),
            ("9:05", "2026-10-21T09:05:00-05:00"),
            ("0905", "2026-10-21T09:05:00-05:00"),
            ("2026-10-20 1:40 pm", "2026-10-20T13:40:00-05:00"),
        ] {
            assert_eq!(stored("performed_at", text), (json!(wanted), None), "{text}");
        }
        for text in
            ["25:00", "2026-02-30 10:00", "2026-10-20", "13:4x", "2026-10-20 13:40 +2", "13"]
        {
            assert_eq!(stored("performed_at", text).1, Some(FormProblem::NotATime), "{text}");
        }
    }
}
