//! From what is stored to what is shown, in a field and to be read.

use serde_json::Value;

use super::adverse_event;
use super::definition::{FieldKind, FormField};
use crate::content::Content;
use crate::content::number;
use crate::time::Moment;

/// The texts to put into a field; several for lists, none where nothing is written.
pub fn texts(field: &FormField, value: &Value) -> Vec<String> {
    let shown = match (field.kind, value) {
        (FieldKind::Choices | FieldKind::Lines | FieldKind::Tags, Value::Array(entries)) => {
            entries.iter().map(|entry| plain(entry).replace('\n', " ")).collect()
        }
        (FieldKind::AdverseEvent, _) => {
            vec![adverse_event::show(value).unwrap_or_else(|| plain(value))]
        }
        (FieldKind::Time, Value::String(text)) => vec![time(text)],
        _ => vec![plain(value)],
    };
    shown.into_iter().filter(|text| !text.is_empty()).collect()
}

/// The value as a person reads it: labels for stored words, lists joined, the unit behind it.
pub fn display(field: &FormField, value: &Value) -> String {
    let shown = labels(field, value).join(", ");
    match &field.quantity {
        Some(quantity) if value.is_number() && !quantity.unit.is_empty() => {
            format!("{shown} {}", quantity.unit)
        }
        _ => shown,
    }
}

/// The same piece by piece: one for each entry of a list, and without the unit.
pub fn labels(field: &FormField, value: &Value) -> Vec<String> {
    let label = |text: String| match field.kind {
        FieldKind::Choice | FieldKind::Choices => {
            let option = field.options.iter().find(|option| option.value == text);
            option.map_or(text, |option| option.label.clone())
        }
        FieldKind::Procedure => {
            Content::shipped().procedure(&text).map_or(text, |known| known.name.clone())
        }
        FieldKind::Flag => match value {
            Value::Bool(true) => "Yes".to_owned(),
            Value::Bool(false) => "No".to_owned(),
            _ => text,
        },
        _ => text,
    };
    texts(field, value).into_iter().map(label).collect()
}

/// What stands behind the value in its field: the unit, or the offset of a time.
pub(crate) fn unit(field: &FormField, value: Option<&Value>) -> String {
    match field.kind {
        FieldKind::Number => {
            field.quantity.as_ref().map(|quantity| quantity.unit.clone()).unwrap_or_default()
        }
        FieldKind::Time => {
            let moment = value.and_then(Value::as_str).and_then(|text| Moment::parse(text).ok());
            moment.and_then(|moment| moment.offset_min).map(offset).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Whether the field can show everything that the value holds.
pub(crate) fn fits(field: &FormField, value: &Value) -> bool {
    match value {
        Value::Object(_) => {
            field.kind == FieldKind::AdverseEvent && adverse_event::show(value).is_some()
        }
        Value::Array(entries) => {
            matches!(field.kind, FieldKind::Choices | FieldKind::Lines | FieldKind::Tags)
                && !entries.iter().any(|entry| entry.is_object() || entry.is_array())
        }
        _ => true,
    }
}

/// One stored value as text.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number::show(number),
        other => other.to_string(),
    }
}

fn time(text: &str) -> String {
    let Ok(moment) = Moment::parse(text) else { return text.to_owned() };
    let seconds = moment.utc.0.div_euclid(1000).rem_euclid(60);
    let seconds = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    let zone = if moment.offset_min.is_none() { "Z" } else { "" };
    format!("{} {}{seconds}{zone}", moment.day().iso(), moment.clock_time())
}

fn offset(offset_min: i16) -> String {
    let sign = if offset_min < 0 { '−' } else { '+' };
    let (hours, minutes) = (offset_min.unsigned_abs() / 60, offset_min.unsigned_abs() % 60);
    format!("UTC{sign}{hours:02}:{minutes:02}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::FormDefinition;
    use super::*;

    fn field(path: &str) -> &'static FormField {
        FormDefinition::shipped("case").unwrap().field(path).unwrap()
    }

    #[test]
    fn a_field_shows_what_can_be_typed_back() {
        for (path, value, wanted) in [
            ("labs.inr", json!(1.0), &["1.0"][..]),
            ("volume_ml", json!(6800), &["6800"]),
            ("volume_ml", json!(0.000_001), &["0.000001"]),
            ("fluoro_min", json!("4O2"), &["4O2"]),
            ("devices", json!(["21G needle", 3]), &["21G needle", "3"]),
            ("devices", json!("one drain"), &["one drain"]),
            ("interesting", json!(false), &["false"]),
            ("performed_at", json!("2026-10-21T13:40:00-05:00"), &["2026-10-21 13:40"]),
            ("performed_at", json!("2026-10-21T13:40:07Z"), &["2026-10-21 13:40:07Z"]),
            (
                "adverse_event",
                json!({"scheme":"CIRSE","edition":"2017","grade":3}),
                &["CIRSE 2017, grade 3"],
            ),
            (
                "adverse_event",
                json!({"scheme":"SIR","edition":"2017","grade":"mild"}),
                &["SIR 2017, mild"],
            ),
            ("lesson", json!(null), &[]),
        ] {
            assert_eq!(texts(field(path), &value), wanted, "{path}");
        }
        let zone = unit(field("performed_at"), Some(&json!("2026-10-21T13:40:00-05:00")));
        assert_eq!(zone, "UTC−05:00");
    }

    #[test]
    fn people_read_labels_and_units() {
        for (path, value, wanted) in [
            ("role", json!("performed_supervised"), "Performed, supervised"),
            ("role", json!("own word"), "own word"),
            ("procedure", json!("tips"), "TIPS creation"),
            ("access.guidance", json!(["us", "fluoro"]), "US, Fluoro"),
            ("fluoro_min", json!(17.9), "17.9 min"),
            ("fluoro_min", json!("4O2"), "4O2"),
            ("labs.inr", json!(1.0), "1.0"),
            ("interesting", json!(true), "Yes"),
        ] {
            assert_eq!(display(field(path), &value), wanted, "{path}");
        }
    }
}
