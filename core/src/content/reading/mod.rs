//! What a stored value certainly means, where it does not stand as a form would store it.
//!
//! # Decision
//! A value is kept as it was written, whoever wrote it: an import, another device, an older version. For
//! lists, filters, sums and comparison it is *read* as an entry form would read it: `3,5` and `1.2 Gy` in
//! a number's field, a procedure's name or synonym, the words for a role. A reading is worked out from
//! the value whenever it is needed and never takes its place. Only what is certain is read: `1,240` and
//! `1.240` are a thousand and something to some and one and something to others, and no reading of
//! `05/10/2026` is right for everybody. What is not read counts as not written, and is told: by an import,
//! by the sheet of the record, and beside every sum.
//!
//! What lists and tallies filter and sort by must be found by an index. So the readings of those few
//! fields stand in a column beside the fields (`record.readings`), empty for whatever a form or a jot
//! wrote: it costs one byte a record. They are worked out again when the content here has changed
//! ([`revision`]). The other way, asking this module from within SQLite for each row, would put its
//! rules into the index: a new synonym would then be damage.

mod rules;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

use rules::{REVISION, Rule, Spellings, folded, procedures, rules};

use super::number::{self, Typed};
use super::{Content, Quantity};
use crate::time::Moment;

type Fields = Map<String, Value>;

/// What a stored value means.
#[derive(Clone, PartialEq)]
pub(crate) enum Meaning {
    /// What it says: it stands as a form would store it, or its field is free text.
    AsStored,
    /// Certainly this, in the form in which it would be stored.
    Reads(Value),
    /// Nothing certain.
    Unread,
}

quiet_debug!(Meaning);

/// What lists, filters and sums of cases ask for.
const HOT: [&str; 6] =
    ["procedure", "role", "interesting", "air_kerma_mgy", "fluoro_min", "dap_gycm2"];

/// What a value of this kind's field means.
pub(crate) fn of_value(kind: &str, path: &str, value: &Value) -> Meaning {
    rules(kind).get(path).map_or(Meaning::AsStored, |rule| rule.read(value))
}

/// Every value of a record that has a form's field, and what it means.
pub(crate) fn of_record<'a>(
    kind: &'a str,
    fields: &'a Fields,
) -> impl Iterator<Item = (&'static str, Meaning)> + 'a {
    let written =
        rules(kind).iter().filter_map(|(path, rule)| Some((path, rule, at(fields, path)?)));
    written.map(|(path, rule, value)| (path.as_str(), rule.read(value)))
}

/// The number at `path`, where one is certainly written.
pub(crate) fn number(kind: &str, fields: &Fields, path: &str) -> Option<f64> {
    let value = at(fields, path)?;
    match of_value(kind, path, value) {
        Meaning::AsStored => value.as_f64(),
        Meaning::Reads(read) => read.as_f64(),
        Meaning::Unread => None,
    }
}

/// The word at `path` as it would be stored, where one is certainly written.
pub(crate) fn word(kind: &str, fields: &Fields, path: &str) -> Option<String> {
    let value = at(fields, path)?;
    match of_value(kind, path, value) {
        Meaning::AsStored | Meaning::Unread => value.as_str().map(str::to_owned),
        Meaning::Reads(read) => read.as_str().map(str::to_owned),
    }
}

/// What people call a word as it is stored: a procedure by its name, a choice by its label.
pub(crate) fn label(kind: &str, path: &str, stored: &str) -> Option<String> {
    match rules(kind).get(path)? {
        Rule::Procedure => Content::shipped().procedure(stored).map(|known| known.name.clone()),
        Rule::Choice(words) => words.labels.get(stored).cloned(),
        _ => None,
    }
}

/// Whether the field at `path` certainly says yes.
pub(crate) fn flag(kind: &str, fields: &Fields, path: &str) -> bool {
    let value = at(fields, path);
    value.is_some_and(|value| match of_value(kind, path, value) {
        Meaning::AsStored => *value == Value::Bool(true),
        Meaning::Reads(read) => read == Value::Bool(true),
        Meaning::Unread => false,
    })
}

/// What stands in `record.readings`: a JSON object with the readings of those fields that the index
/// holds and that do not stand as they would be stored; `None` where all of them do, as nearly always.
/// One that is not read but that SQL would take for a number is there as a text.
pub(crate) fn beside(kind: &str, fields: &Fields) -> Option<String> {
    if kind != "case" {
        return None;
    }
    let (rules, mut readings, mut odd) = (rules(kind), Fields::new(), false);
    for path in HOT {
        let (Some(rule), Some(value)) = (rules.get(path), fields.get(path)) else { continue };
        match rule.read(value) {
            Meaning::AsStored => {}
            Meaning::Reads(read) => {
                odd = true;
                readings.insert(path.to_owned(), read);
            }
            Meaning::Unread => {
                odd = true;
                if !value.is_string() {
                    readings.insert(path.to_owned(), Value::from(value.to_string()));
                }
            }
        }
    }
    odd.then(|| Value::Object(readings).to_string())
}

/// Changes with the rules here and the content that they read.
pub(crate) const fn revision() -> i64 {
    REVISION
}

impl Rule {
    fn read(&self, value: &Value) -> Meaning {
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Meaning::AsStored;
        }
        match self {
            Self::Number(quantity) => as_number(value, quantity),
            Self::Choice(words) => {
                value.as_str().map_or(Meaning::Unread, |text| choice(text, words))
            }
            Self::Choices(words) => choices(value, words),
            Self::Flag => as_flag(value),
            Self::Time => {
                let is_time = value.as_str().is_some_and(|text| Moment::parse(text).is_ok());
                if is_time { Meaning::AsStored } else { Meaning::Unread }
            }
            Self::Procedure => value.as_str().map_or(Meaning::Unread, procedure),
        }
    }
}

fn as_number(value: &Value, quantity: &Quantity) -> Meaning {
    match value {
        Value::Number(_) => Meaning::AsStored,
        Value::String(text) => certain_number(text, quantity)
            .map_or(Meaning::Unread, |number| Meaning::Reads(Value::Number(number))),
        _ => Meaning::Unread,
    }
}

fn certain_number(text: &str, quantity: &Quantity) -> Option<Number> {
    if number::may_be_two(text, &['.', ',']) {
        return None;
    }
    match number::read(text, quantity) {
        Typed::Number(number) => Some(number),
        Typed::UnknownUnit | Typed::NotANumber => None,
    }
}

fn as_flag(value: &Value) -> Meaning {
    let said = match value {
        Value::Bool(_) => return Meaning::AsStored,
        Value::String(text) => yes_or_no(text),
        Value::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        _ => None,
    };
    said.map_or(Meaning::Unread, |said| Meaning::Reads(Value::Bool(said)))
}

/// Yes or no, as people type it.
pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn choice(text: &str, words: &Spellings) -> Meaning {
    match words.stored.get(&folded(text)) {
        Some(stored) if stored == text => Meaning::AsStored,
        Some(stored) => Meaning::Reads(Value::from(stored.as_str())),
        None => Meaning::Unread,
    }
}

fn choices(value: &Value, words: &Spellings) -> Meaning {
    let list = match value {
        Value::Array(list) => list.iter().collect::<Vec<_>>(),
        one => vec![one],
    };
    let mut read = Vec::new();
    for word in list {
        match word.as_str().map(|text| choice(text, words)) {
            Some(Meaning::AsStored) => read.push(word.clone()),
            Some(Meaning::Reads(stored)) => read.push(stored),
            Some(Meaning::Unread) | None => return Meaning::Unread,
        }
    }
    let read = Value::Array(read);
    if read == *value { Meaning::AsStored } else { Meaning::Reads(read) }
}

fn procedure(text: &str) -> Meaning {
    match procedure_named(text) {
        Some(id) if id == text => Meaning::AsStored,
        Some(id) => Meaning::Reads(Value::from(id)),
        None => Meaning::Unread,
    }
}

/// The procedure that has this id, name or synonym and no other has.
pub(crate) fn procedure_named(text: &str) -> Option<&'static str> {
    let known = Content::shipped().procedure(text).map(|known| known.id.as_str());
    known.or_else(|| procedures().get(&folded(text))?.as_deref())
}

/// The value at a path; none for null.
fn at<'a>(fields: &'a Fields, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = fields.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name)).filter(|value| !value.is_null())
}
