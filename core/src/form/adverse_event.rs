//! Adverse events: scheme, edition and grade, written as one text.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::definition::FormChoice;
use super::read::Reading;
use super::warning::{FormProblem, FormWarning};
use crate::content::ContentError;
use crate::content::source::{SourceFile, Unique};

/// A grade of a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct AdverseEventGrade {
    /// As stored; figures are stored as a number.
    pub grade: String,
    /// What it means, in our words; empty where it is not shipped.
    pub meaning: String,
}

/// One edition of a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct AdverseEventScheme {
    /// `CIRSE` or `SIR`.
    pub scheme: String,
    /// Its year.
    pub edition: String,
    /// Key in `SOURCES.md`.
    pub source: String,
    /// How well confirmed: `V`, `L`, `T` or `recall`.
    pub mark: String,
    /// Any word is a grade.
    pub free: bool,
    /// From the mildest on.
    pub grades: Vec<AdverseEventGrade>,
}

/// The schemes that ship with the core.
pub fn adverse_event_schemes() -> &'static [AdverseEventScheme] {
    static SCHEMES: OnceLock<Vec<AdverseEventScheme>> = OnceLock::new();
    SCHEMES.get_or_init(|| schemes(TEXT).unwrap_or_default())
}

const TEXT: &str = include_str!("../../content/adverse_events.toml");

fn schemes(text: &str) -> Result<Vec<AdverseEventScheme>, ContentError> {
    let mut unique = Unique::default();
    SourceFile::new("adverse_events.toml", text).read(|root| {
        root.tables("scheme", |table| {
            let (scheme, edition) = (table.text("scheme")?, table.text("edition")?);
            unique.add(&format!("{scheme} {edition}"), || table.place("edition"))?;
            let grades = table.tables("grades", |grade| {
                let meaning = grade.opt_text("meaning")?.unwrap_or_default();
                Ok(AdverseEventGrade { grade: grade.text("grade")?, meaning })
            })?;
            let free = table.flag("free")?;
            if grades.is_empty() && !free {
                return Err(ContentError::Missing { place: table.place("grades") });
            }
            let (source, mark) = (table.text("source")?, table.text("mark")?);
            Ok(AdverseEventScheme { scheme, edition, source, mark, free, grades })
        })
    })
}

/// Every known grade as a choice, grouped by scheme and edition.
pub(crate) fn choices() -> Vec<FormChoice> {
    let mut choices = Vec::new();
    for scheme in adverse_event_schemes() {
        let group = format!("{} {}", scheme.scheme, scheme.edition);
        for grade in &scheme.grades {
            let value = format!("{group}, {}", grade_words(&grade.grade));
            let label = if grade.meaning.is_empty() {
                value.clone()
            } else {
                format!("{value}: {}", grade.meaning)
            };
            choices.push(FormChoice { value, label, group: group.clone() });
        }
    }
    choices
}

/// `CIRSE 2017, grade 3`; `None` where the value holds more than this can say.
pub(crate) fn show(value: &Value) -> Option<String> {
    let event = value.as_object()?;
    if event.keys().any(|key| !matches!(key.as_str(), "scheme" | "edition" | "grade")) {
        return None;
    }
    let part = |key: &str| match event.get(key) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => None,
    };
    let head = [part("scheme")?, part("edition")?].join(" ");
    let grade = part("grade")?;
    let grade = if grade.is_empty() { grade } else { grade_words(&grade) };
    let parts = [head.trim().to_owned(), grade];
    Some(
        parts
            .iter()
            .filter(|part| !part.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    )
}

fn grade_words(grade: &str) -> String {
    let figure = grade.chars().all(|letter| letter.is_ascii_digit());
    let letter = grade.len() == 1 && grade.chars().all(|letter| letter.is_ascii_alphanumeric());
    if figure || letter { format!("grade {grade}") } else { grade.to_owned() }
}

/// Reads what was typed for a field of this kind.
pub(crate) fn read(path: &str, text: &str) -> Reading {
    let text = text.trim();
    if text.is_empty() {
        return Reading::default();
    }
    let warn = |problem, values: &[(&str, &str)]| Some(FormWarning::new(path, problem, values));
    let (first, rest) = word(text);
    let known: Vec<&AdverseEventScheme> = adverse_event_schemes()
        .iter()
        .filter(|scheme| scheme.scheme.eq_ignore_ascii_case(first))
        .collect();
    let Some(scheme) = known.first() else {
        let names = names(|scheme| &scheme.scheme, adverse_event_schemes().iter());
        let value = json!({ "grade": grade_value(text) });
        return Reading {
            value: Some(value),
            warning: warn(FormProblem::NoScheme, &[("schemes", &names)]),
        };
    };
    let mut event = Map::new();
    event.insert("scheme".to_owned(), json!(scheme.scheme));
    let (edition, after) = word(rest);
    let is_edition = edition.len() == 4 && edition.chars().all(|letter| letter.is_ascii_digit());
    let typed_grade = if is_edition { after } else { rest };
    if is_edition {
        event.insert("edition".to_owned(), json!(edition));
    }
    let exact = known.iter().find(|scheme| is_edition && scheme.edition == edition);
    let grade = without_grade_word(typed_grade);
    let own = exact
        .and_then(|scheme| scheme.grades.iter().find(|own| own.grade.eq_ignore_ascii_case(&grade)));
    if !grade.is_empty() {
        event.insert("grade".to_owned(), grade_value(own.map_or(&grade, |own| &own.grade)));
    }
    let warning = match exact {
        None => warn(
            FormProblem::NoEdition,
            &[("editions", &names(|scheme| &scheme.edition, known.into_iter()))],
        ),
        Some(_) if grade.is_empty() => warn(FormProblem::NoGrade, &[]),
        Some(scheme) if own.is_none() && !scheme.free => {
            let name = format!("{} {}", scheme.scheme, scheme.edition);
            warn(FormProblem::UnknownGrade, &[("scheme", &name)])
        }
        Some(_) => None,
    };
    Reading { value: Some(Value::Object(event)), warning }
}

fn is_gap(letter: char) -> bool {
    letter.is_whitespace() || letter == ','
}

/// The first word, and the rest after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(is_gap);
    match text.find(is_gap) {
        Some(end) => (&text[..end], text[end..].trim_start_matches(is_gap)),
        None => (text, ""),
    }
}

/// `grade 3` and `class C` say no more than `3` and `C`.
fn without_grade_word(text: &str) -> String {
    let mut rest = text.trim_matches(is_gap);
    loop {
        let (first, after) = word(rest);
        if !(first.eq_ignore_ascii_case("grade") || first.eq_ignore_ascii_case("class")) {
            return rest.to_owned();
        }
        rest = after;
    }
}

/// Figures become a number.
fn grade_value(text: &str) -> Value {
    let bare = without_grade_word(text);
    let short = (1..=4).contains(&bare.len()) && bare.chars().all(|letter| letter.is_ascii_digit());
    match bare.parse::<u32>() {
        Ok(number) if short => json!(number),
        _ if bare.is_empty() => json!(text),
        _ => json!(bare),
    }
}

fn names<'a>(
    name: impl Fn(&'a AdverseEventScheme) -> &'a String,
    schemes: impl Iterator<Item = &'a AdverseEventScheme>,
) -> String {
    let mut names: Vec<&str> = schemes.map(|scheme| name(scheme).as_str()).collect();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_schemes_are_whole_and_sourced() {
        let sources = include_str!("../../content/SOURCES.md");
        for scheme in schemes(TEXT).unwrap() {
            assert!(sources.contains(&format!("## {}\n", scheme.source)));
        }
        let names: Vec<_> =
            adverse_event_schemes().iter().map(|s| format!("{} {}", s.scheme, s.edition)).collect();
        assert_eq!(names, ["CIRSE 2017", "CIRSE 2026", "SIR 2001", "SIR 2017"]);
        assert_eq!(adverse_event_schemes()[0].grades.len(), 6);
    }

    #[test]
    fn a_text_becomes_scheme_edition_and_grade() {
        for (text, wanted, problem) in [
            ("CIRSE 2017, grade 3", json!({"scheme":"CIRSE","edition":"2017","grade":3}), None),
            ("cirse 2017 3", json!({"scheme":"CIRSE","edition":"2017","grade":3}), None),
            ("SIR 2017 Mild", json!({"scheme":"SIR","edition":"2017","grade":"mild"}), None),
            ("SIR 2001 class c", json!({"scheme":"SIR","edition":"2001","grade":"C"}), None),
            ("CIRSE 2026 3b", json!({"scheme":"CIRSE","edition":"2026","grade":"3b"}), None),
            (
                "CIRSE 2017 7",
                json!({"scheme":"CIRSE","edition":"2017","grade":7}),
                Some(FormProblem::UnknownGrade),
            ),
            ("CIRSE grade 3", json!({"scheme":"CIRSE","grade":3}), Some(FormProblem::NoEdition)),
            ("CIRSE 2017", json!({"scheme":"CIRSE","edition":"2017"}), Some(FormProblem::NoGrade)),
            ("grade 2", json!({"grade":2}), Some(FormProblem::NoScheme)),
            (
                "quite bad, really",
                json!({"grade":"quite bad, really"}),
                Some(FormProblem::NoScheme),
            ),
        ] {
            let reading = read("adverse_event", text);
            assert_eq!(reading.value, Some(wanted), "{text}");
            assert_eq!(reading.warning.map(|warning| warning.problem), problem, "{text}");
        }
        assert_eq!(read("adverse_event", "  ").value, None);
    }

    #[test]
    fn every_choice_is_read_as_itself() {
        for choice in choices() {
            let reading = read("adverse_event", &choice.value);
            assert_eq!(reading.warning, None, "{}", choice.value);
            assert_eq!(show(&reading.value.unwrap()), Some(choice.value));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_reads_the_same(text in "\\PC{0,20}|(CIRSE|sir|x)?[ ,]{0,2}(2017|2001|2026|20)?[ ,]{0,2}(grade|class)?[ ,]{0,2}[a-f0-9 ,]{0,6}") {
            let reading = read("adverse_event", &text);
            if let Some(value) = &reading.value {
                let again = read("adverse_event", &show(value).unwrap());
                proptest::prop_assert_eq!(again.value, reading.value.clone());
            }
        }
    }
}
