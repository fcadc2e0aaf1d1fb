//! What a person changed in a form, and only that: a form that was opened long ago, or in a second
//! tab, overwrites nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::EntryContext;
use super::definition::{FieldKind, FormDefinition, FormField};
use super::read::{Reading, read};
use super::show;
use super::view::stored_moment;
use super::warning::FormWarning;
use crate::record::{Fields, get};

/// What a form sent for one field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct TypedField {
    /// The field.
    pub path: String,
    /// One text, or several for lists and check boxes; all empty where it was emptied.
    pub texts: Vec<String>,
}

/// Without the texts, which may be a patient's.
impl std::fmt::Debug for TypedField {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TypedField").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is to be written.
#[derive(Clone, PartialEq, Default)]
pub struct FormChanges {
    /// Path and new value; `None` takes the path away.
    pub patch: Vec<(String, Option<Value>)>,
    /// What is odd about the new values.
    pub warnings: Vec<FormWarning>,
    /// Paths that the form does not ask for, or only shows; nothing is written there.
    pub passed_over: Vec<String>,
}

/// Without the values, which may be a patient's.
impl std::fmt::Debug for FormChanges {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths: Vec<&String> = self.patch.iter().map(|(path, _)| path).collect();
        out.debug_struct("FormChanges")
            .field("paths", &paths)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Compares what was typed with what the form was opened with. A field that was not sent, and
/// whatever the form does not ask for, stays as it is.
pub fn changes(
    definition: &FormDefinition,
    opened_with: &Fields,
    typed: &[TypedField],
    context: &EntryContext,
) -> FormChanges {
    let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for sent in typed {
        texts.entry(&sent.path).or_default().extend(sent.texts.iter().cloned());
    }
    let mut found = FormChanges::default();
    for field in definition.fields().filter(|field| !field.fixed) {
        if let Some(texts) = texts.remove(field.path.as_str()) {
            compare(field, get(opened_with, &field.path), &texts, context, &mut found);
        }
    }
    found.passed_over = texts.into_keys().map(str::to_owned).collect();
    found
}

fn compare(
    field: &FormField,
    old: Option<&Value>,
    texts: &[String],
    context: &EntryContext,
    found: &mut FormChanges,
) {
    let stored = old.and_then(stored_moment);
    let day = context.day;
    let context = stored.map_or(context.clone(), |stored| context.clone().edits(stored));
    let context = EntryContext { day, ..context };
    let new = read(field, texts, &context);
    let before = match old {
        Some(value) => read(field, &show::texts(field, value), &context),
        None => Reading::default(),
    };
    if same(field.kind, before.value.as_ref(), new.value.as_ref()) {
        return;
    }
    found.warnings.extend(new.warning);
    let value = match (new.value, old) {
        (Some(Value::Array(entries)), Some(Value::Array(old))) => {
            Some(Value::Array(kept(field.kind, entries, old)))
        }
        (value, _) => value,
    };
    let parts = old.is_none_or(Value::is_object) && value.as_ref().is_none_or(Value::is_object);
    if field.kind == FieldKind::AdverseEvent && parts {
        let before = before.value.unwrap_or_default();
        for key in ["scheme", "edition", "grade"] {
            let part = value.as_ref().and_then(|value| value.get(key));
            if part != before.get(key) {
                found.patch.push((format!("{}.{key}", field.path), part.cloned()));
            }
        }
    } else {
        found.patch.push((field.path.clone(), value));
    }
}

fn same(kind: FieldKind, before: Option<&Value>, after: Option<&Value>) -> bool {
    match (kind, before, after) {
        // An unticked box sends nothing, so it cannot tell "no" from "not written".
        (FieldKind::Flag, Some(Value::Bool(false)), None) => true,
        (
            FieldKind::Choices | FieldKind::Tags,
            Some(Value::Array(before)),
            Some(Value::Array(after)),
        ) => before.len() == after.len() && before.iter().all(|entry| after.contains(entry)),
        _ => before == after,
    }
}

/// Entries that were there already stay what they were, and those of a set stay where they were.
fn kept(kind: FieldKind, new: Vec<Value>, old: &[Value]) -> Vec<Value> {
    let shown = |entry: &Value| show::plain(entry).replace('\n', " ").trim().to_owned();
    if matches!(kind, FieldKind::Choices | FieldKind::Tags) {
        let mut entries: Vec<Value> =
            old.iter().filter(|entry| new.contains(entry)).cloned().collect();
        for entry in new {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        return entries;
    }
    let original = |entry: Value| {
        let text = shown(&entry);
        old.iter().find(|old| shown(old) == text).cloned().unwrap_or(entry)
    };
    new.into_iter().map(original).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::FormProblem;
    use super::*;
    use crate::time::{Moment, Zone};

    fn form() -> &'static FormDefinition {
        FormDefinition::shipped("case").unwrap()
    }

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    fn typed(entries: &[(&str, &[&str])]) -> Vec<TypedField> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        entries
            .iter()
            .map(|(path, own)| TypedField { path: (*path).to_owned(), texts: texts(own) })
            .collect()
    }

    fn patch(opened_with: Value, entries: &[(&str, &[&str])]) -> Value {
        let context = EntryContext { offset_min: Some(-300), ..EntryContext::default() };
        let found = changes(form(), &fields(opened_with), &typed(entries), &context);
        let pairs = found.patch.into_iter().map(|(path, value)| (path, value.unwrap_or_default()));
        Value::Object(pairs.collect())
    }

    #[test]
    fn only_what_changed_is_written() {
        let opened = json!({"role": "observed", "labs": {"inr": 1.0, "own": 7}, "fluoro_min": 17.9, "own": [1]});
        let sent: &[(&str, &[&str])] = &[
            ("role", &["scrubbed"]),
            ("labs.inr", &["1"]),
            ("fluoro_min", &["17.90"]),
            ("note", &[""]),
        ];
        assert_eq!(patch(opened.clone(), sent), json!({"role": "scrubbed", "labs.inr": 1}));
        assert_eq!(patch(opened, &[("fluoro_min", &["17,9"]), ("labs.inr", &["1.00"])]), json!({}));
    }

    #[test]
    fn emptied_is_taken_away_and_unsent_is_left() {
        let opened = json!({"lesson": "a", "note": "b", "devices": ["x"]});
        assert_eq!(
            patch(opened, &[("lesson", &[" "]), ("devices", &[""])]),
            json!({"lesson": null, "devices": null})
        );
    }

    #[test]
    fn sets_are_compared_without_order_and_lists_with_it() {
        let opened = json!({"access": {"guidance": ["fluoro", "us"]}, "tags": ["b", "a"], "devices": ["x", "y"]});
        assert_eq!(
            patch(
                opened.clone(),
                &[("access.guidance", &["", "us", "fluoro"]), ("tags", &["a, b"])]
            ),
            json!({})
        );
        assert_eq!(
            patch(
                opened.clone(),
                &[("access.guidance", &["us", "ct", "fluoro"]), ("tags", &["c, a"])]
            ),
            json!({"access.guidance": ["fluoro", "us", "ct"], "tags": ["a", "c"]})
        );
        assert_eq!(patch(opened, &[("devices", &["y\nx"])]), json!({"devices": ["y", "x"]}));
    }

    #[test]
    fn an_unticked_box_does_not_erase_a_no() {
        assert_eq!(patch(json!({"interesting": false}), &[("interesting", &[""])]), json!({}));
        assert_eq!(
            patch(json!({"interesting": true}), &[("interesting", &[""])]),
            json!({"interesting": null})
        );
        assert_eq!(
            patch(json!({}), &[("interesting", &["", "true"])]),
            json!({"interesting": true})
        );
    }

    #[test]
    fn an_adverse_event_changes_by_its_parts() {
        let opened = json!({"adverse_event": {"scheme": "CIRSE", "edition": "2017", "grade": 3}});
        assert_eq!(
            patch(opened.clone(), &[("adverse_event", &["CIRSE 2017, grade 3"])]),
            json!({})
        );
        assert_eq!(
            patch(opened.clone(), &[("adverse_event", &["CIRSE 2017 2"])]),
            json!({"adverse_event.grade": 2})
        );
        assert_eq!(
            patch(opened, &[("adverse_event", &[""])]),
            json!({"adverse_event.scheme": null, "adverse_event.edition": null, "adverse_event.grade": null})
        );
        assert_eq!(
            patch(json!({"adverse_event": "bad"}), &[("adverse_event", &["SIR 2001 C"])]),
            json!({"adverse_event": {"scheme": "SIR", "edition": "2001", "grade": "C"}})
        );
    }

    #[test]
    fn what_the_form_cannot_show_is_left_alone() {
        let strange = json!({
            "role": {"a": 1}, "devices": [{"x": 1}, "y"], "fluoro_min": null, "tags": [],
            "performed_at": "2026-10-21T13:40:00.250+02:00", "lesson": "  two\r\nlines ", "setting": 5
        });
        let view = super::super::fill(form(), &fields(strange.clone()), &[]);
        let sent: Vec<TypedField> = view
            .sections
            .into_iter()
            .flat_map(|section| section.fields)
            .map(|field| TypedField { path: field.path, texts: field.values })
            .collect();
        let found = changes(form(), &fields(strange.clone()), &sent, &EntryContext::default());
        assert_eq!(found.patch, []);
        assert_eq!(
            patch(strange, &[("devices", &["y", "{\"x\":1}", "z"])]),
            json!({"devices": ["y", {"x": 1}, "z"]})
        );
    }

    #[test]
    fn what_the_form_does_not_ask_for_is_passed_over() {
        let sent = typed(&[("jot", &["other"]), ("token", &["t"])]);
        let found = changes(form(), &fields(json!({"jot": "j"})), &sent, &EntryContext::default());
        assert_eq!(found.patch, []);
        assert_eq!(
            found.passed_over,
            ["token", "jot"].map(str::to_owned).into_iter().rev().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_time_keeps_its_own_offset() {
        let opened = json!({"performed_at": "2026-10-21T13:40:00+02:00"});
        assert_eq!(patch(opened.clone(), &[("performed_at", &["2026-10-21 13:40"])]), json!({}));
        assert_eq!(
            patch(opened, &[("performed_at", &["2026-10-21T14:00"])]),
            json!({"performed_at": "2026-10-21T14:00:00+02:00"})
        );
    }

    #[test]
    fn a_time_keeps_its_offset_until_its_date_changes() {
        let opened = fields(json!({"performed_at": "2026-07-04T08:00:00-04:00"}));
        let now = Moment::parse("2026-11-30T09:00:00-05:00").unwrap();
        let context = EntryContext::new(now, Some(Zone::named("America/New_York")));
        for (text, wanted) in [
            ("2026-07-04 09:00", "2026-07-04T09:00:00-04:00"),
            ("2026-11-29 09:00", "2026-11-29T09:00:00-05:00"),
            ("2026-07-03 09:00", "2026-07-03T09:00:00-04:00"),
        ] {
            let sent = typed(&[("performed_at", &[text])]);
            let found = changes(form(), &opened, &sent, &context);
            assert_eq!(found.patch, [("performed_at".to_owned(), Some(json!(wanted)))]);
            assert!(found.warnings.is_empty(), "{text}");
        }
        let sent = typed(&[("performed_at", &["2026-03-08 02:30"])]);
        let found = changes(form(), &opened, &sent, &context);
        assert_eq!(found.patch[0].1, Some(json!("2026-03-08T03:30:00-04:00")));
        assert_eq!(found.warnings[0].problem, FormProblem::ClockSkipped);
        // What stands in the second of two hours is not typed anew by saving the form.
        let opened = fields(json!({"performed_at": "2026-11-01T01:30:00-05:00"}));
        let sent = typed(&[("performed_at", &["2026-11-01 01:30"])]);
        assert_eq!(changes(form(), &opened, &sent, &context).patch, []);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}|[0-9.,:]{1,6} ?(Gy|s|L)?|(CIRSE|SIR) 2017 [a-z0-9]{0,4}"
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("scheme|edition|grade|x", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn saving_an_untouched_form_writes_nothing(at in 0..64_usize, value in any_json()) {
            let all: Vec<&FormField> = form().fields().collect();
            let field = all[at % all.len()];
            let opened = match field.path.split_once('.') {
                Some((outer, inner)) => json!({outer: {inner: value}}),
                None => json!({field.path.as_str(): value}),
            };
            let sent = [TypedField {
                path: field.path.clone(),
                texts: get(&fields(opened.clone()), &field.path).map(|value| show::texts(field, value)).unwrap_or_default(),
            }];
            let found = changes(form(), &fields(opened), &sent, &EntryContext::default());
            prop_assert_eq!(found.patch, []);
        }

        #[test]
        fn what_was_read_and_shown_reads_the_same(at in 0..64_usize, text in "\\PC{0,16}|[0-9.,:]{1,6} ?(Gy|s|L)?") {
            let all: Vec<&FormField> = form().fields().collect();
            let field = all[at % all.len()];
            let day = crate::time::Day::parse("2026-10-21");
            let context = EntryContext { day, offset_min: Some(120), ..EntryContext::default() };
            let first = read(field, &[text], &context);
            let filled_in = first.warning.is_none_or(|warning| !warning.text.contains('{'));
            prop_assert!(filled_in);
            if let Some(value) = first.value {
                let again = read(field, &show::texts(field, &value), &context).value;
                prop_assert_eq!(again, Some(value));
            }
        }
    }
}
