//! Words for stored values, as pages show them. Templates hand on values or references, so both are
//! taken.

use std::borrow::Borrow;

use seldinger_core::case_log::list::CaseSort;
use seldinger_core::case_log::values::{Guidance, Role};
use seldinger_core::content::Content;
use seldinger_core::form::{FieldKind, FormDefinition, FormWarning};
use seldinger_core::logbook::{CASE, RecordName};
use seldinger_core::record::What;
use seldinger_core::time::IsoWeek;

/// The label of a stored word in the case form; the word itself where the form does not know it.
pub fn label(path: &str, stored: &str) -> String {
    let field = FormDefinition::shipped("case").and_then(|form| form.field(path));
    let Some(field) = field else { return stored.to_owned() };
    if field.kind == FieldKind::Procedure {
        let known = Content::shipped().procedure(stored);
        return known.map_or_else(|| stored.to_owned(), |procedure| procedure.name.clone());
    }
    let option = field.options.iter().find(|option| option.value == stored);
    option.map_or_else(|| stored.to_owned(), |option| option.label.clone())
}

/// A role in words.
pub fn role(role: impl Borrow<Role>) -> String {
    label("role", role.borrow().as_str())
}

/// How tall the stroke of a role is: 1 to 5, 0 where none is written.
pub fn stroke(role: impl Borrow<Option<Role>>) -> usize {
    let role = *role.borrow();
    role.and_then(|role| Role::ALL.iter().position(|known| *known == role)).map_or(0, |at| at + 1)
}

/// What guided a needle, in one line: `US, fluoro`.
pub fn guidance(guidance: &[Guidance]) -> String {
    let mut words: Vec<String> =
        guidance.iter().map(|one| label("access.guidance", one.as_str())).collect();
    for word in words.iter_mut().skip(1) {
        *word = inside(word);
    }
    words.join(", ")
}

/// A label inside of a sentence: small, where it begins with a word and not with an abbreviation.
pub fn inside(label: &str) -> String {
    let first = label.split([' ', ',']).next().unwrap_or_default();
    if first.chars().skip(1).all(char::is_lowercase) && first.chars().count() > 1 {
        return format!("{}{}", first.to_lowercase(), &label[first.len()..]);
    }
    label.to_owned()
}

/// A figure with thousands apart: `1,190`.
pub fn figure(value: impl Borrow<f64>) -> String {
    let value = *value.borrow();
    // Longer than anybody reads, and more digits than a number knows.
    if value.abs() >= 1e15 {
        return format!("{value:e}");
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// What was done, and what looks odd about it.
pub fn with_warnings(done: String, warnings: &[FormWarning]) -> String {
    warnings.iter().fold(done, |text, warning| format!("{text} {}", warning.text))
}

/// `1 case`, `32 cases`.
pub fn counted(count: impl Borrow<u64>, one: &str, many: &str) -> String {
    let count = *count.borrow();
    #[allow(clippy::cast_precision_loss, reason = "a count of things that people made")]
    let figure = figure(count as f64);
    format!("{figure} {}", if count == 1 { one } else { many })
}

/// A week by its first and last day: `19 Oct – 25 Oct`.
pub fn week(week: impl Borrow<IsoWeek>) -> String {
    let week = week.borrow();
    format!("{} – {}", week.monday().short(), week.sunday().short())
}

/// The name of a kind or a field, as a heading: `Follow up`.
pub fn kind(stored: &str) -> String {
    let words = stored.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a record is called in a list.
pub fn named(record: &RecordName) -> String {
    match record.name.as_str() {
        "" if record.kind == CASE => "Procedure not written".to_owned(),
        "" => kind(&record.kind),
        name => name.to_owned(),
    }
}

/// What `messages.toml` says under a key.
pub fn told(key: &str) -> String {
    seldinger_core::content::words(key, &[])
}

/// An order of the list.
pub fn order(sort: impl Borrow<CaseSort>) -> &'static str {
    match sort.borrow() {
        CaseSort::Newest => "Newest first",
        CaseSort::Oldest => "Oldest first",
        CaseSort::Procedure => "By procedure",
        CaseSort::Attending => "By attending",
        CaseSort::AirKerma => "Highest kerma first",
    }
}

/// The name under which a form gives back what happened to a record.
pub fn what(what: impl Borrow<What>) -> &'static str {
    match what.borrow() {
        What::Created => "created",
        What::Edited => "edited",
        What::Deleted => "deleted",
        What::Restored => "restored",
        What::Erased => "erased",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_easy_to_read() {
        let shown = [0.0, 13.0, 402.5, 1190.0, 1_234_567.25, -1e308].map(figure);
        assert_eq!(shown, ["0", "13", "402.5", "1,190", "1,234,567.25", "-1e308"]);
        assert_eq!(
            (counted(1, "case", "cases"), counted(1200, "case", "cases")),
            ("1 case".into(), "1,200 cases".into())
        );
    }

    #[test]
    fn stored_words_have_labels() {
        assert_eq!(role(Role::PerformedSupervised), "Performed, supervised");
        assert_eq!(
            (stroke(None), stroke(Some(Role::Observed)), stroke(Some(Role::PerformedSupervised))),
            (0, 1, 5)
        );
        assert_eq!(guidance(&[Guidance::Us, Guidance::Fluoro]), "US, fluoro");
        assert_eq!(guidance(&[Guidance::Fluoro, Guidance::Cbct]), "Fluoro, CBCT");
        assert_eq!(label("procedure", "tips"), "TIPS creation");
        assert_eq!(label("procedure", "own"), "own");
    }
}
