//! From what was typed to what is stored. Nothing is refused and nothing is guessed.

use serde_json::{Value, json};

use super::adverse_event;
use super::definition::{FieldKind, FormChoice, FormField};
use super::warning::{FormProblem, FormWarning};
use crate::content::number::{self, Typed};
use crate::content::{Quantity, reading};
use crate::time::{Day, Moment, UtcMillis};

/// What a typed time leaves unsaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct EntryContext {
    /// The day of a time without a date.
    pub day: Option<Day>,
    /// Minutes east of UTC for a time without an offset.
    pub offset_min: Option<i16>,
}

impl EntryContext {
    /// For what belongs to this moment.
    pub fn of(moment: Moment) -> Self {
        Self { day: Some(moment.day()), offset_min: moment.offset_min }
    }
}

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
        FieldKind::Flag => match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "on" | "1" => Reading::plain(json!(true)),
            "false" | "no" | "n" | "off" | "0" => Reading::plain(json!(false)),
            _ => Reading::odd(text, path, FormProblem::NotYesOrNo),
        },
        FieldKind::Time => match moment(text, context) {
            Some(moment) => Reading::plain(json!(moment.rfc3339())),
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

/// The units of a quantity, without other spellings of the same.
fn units(quantity: &Quantity) -> String {
    let mut factors: Vec<(f64, f64)> = Vec::new();
    let mut units = vec![quantity.unit.as_str()];
    for other in &quantity.others {
        if !factors.contains(&(other.times, other.per)) {
            factors.push((other.times, other.per));
            units.push(&other.unit);
        }
    }
    units.join(", ")
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

/// `2026-10-21 13:40`, `2026-10-21T13:40:10-05:00`, `13:40`.
/// Reads a time as it is typed into a form or sent by one: with or without day and offset.
pub fn moment(text: &str, context: &EntryContext) -> Option<Moment> {
    if let Ok(moment) = Moment::parse(text) {
        return Some(moment);
    }
    let (day, rest) = match text.split_once(['T', ' ']) {
        Some((day, rest)) if day.len() == 10 => (Day::parse(day)?, rest.trim()),
        _ => (context.day?, text),
    };
    let (clock, offset) = match rest.find(['+', '-', 'Z', ' ']) {
        Some(end) => (&rest[..end], rest[end..].trim()),
        None => (rest, ""),
    };
    let offset_min = if offset.is_empty() { context.offset_min? } else { offset_minutes(offset)? };
    let parts: Option<Vec<u32>> = clock.split(':').map(two_digits).collect();
    let (hour, minute, second) = match *parts?.as_slice() {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let start = day.at(hour, minute, offset_min);
    let utc = UtcMillis(start.utc.0 + i64::from(second) * 1000);
    Some(Moment { utc, offset_min: if offset == "Z" { None } else { start.offset_min } })
}

fn two_digits(text: &str) -> Option<u32> {
    let digits =
        (1..=2).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// `-05:00` and `Z`, in minutes.
fn offset_minutes(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = i16::try_from(hours * 60 + minutes).ok().filter(|_| hours < 24 && minutes < 60)?;
    match text.chars().next()? {
        '+' => Some(total),
        '-' => Some(-total),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::FormDefinition;
    use super::*;

    fn typed(path: &str, texts: &[&str]) -> Reading {
        let field = FormDefinition::shipped("case").unwrap().field(path).unwrap();
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let context = EntryContext { day: Day::parse("2026-10-21"), offset_min: Some(-300) };
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
