//! Looks for patient identifiers in free text: a first version that warns when a record is saved and
//! before anything is exported. It knows forms, not people; what it says is "look here".
//!
//! A hit is a kind and a place, never the text. Words by which a number or a name is told are in
//! `content/privacy/`.

mod name;
mod number;
mod token;
mod words;

use serde_json::Value;

use crate::content::{Wording, wording};
use crate::ids::RecordId;
use crate::record::Fields;
use crate::time::Moment;
use token::Text;
use words::Words;

/// What an identifier looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum IdentifierKind {
    /// The number of a record, a visit, an account or an insurance.
    RecordNumber,
    /// A full date, or anything after a word of birth.
    Date,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A name behind a title.
    Name,
    /// An age of 90 and over.
    HighAge,
}

impl IdentifierKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::RecordNumber, Self::Date, Self::Phone, Self::Email, Self::Name, Self::HighAge];

    /// The key of its words in `messages.toml`.
    pub fn key(self) -> &'static str {
        match self {
            Self::RecordNumber => "privacy.record_number",
            Self::Date => "privacy.date",
            Self::Phone => "privacy.phone",
            Self::Email => "privacy.email",
            Self::Name => "privacy.name",
            Self::HighAge => "privacy.high_age",
        }
    }

    /// What a person is told.
    pub fn wording(self) -> Wording {
        wording(self.key(), &[])
    }
}

/// A place in a text that looks like an identifier. Positions count Unicode scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct IdentifierHit {
    /// What it looks like.
    pub kind: IdentifierKind,
    /// The first scalar.
    pub start: u32,
    /// The scalar after the last.
    pub end: u32,
}

/// A hit in a field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FieldHit {
    /// The field, `labs.inr`; entries of a list are counted from 0: `devices[2]`.
    pub path: String,
    /// Where in the field's text.
    pub hit: IdentifierHit,
}

/// Everything in a text that looks like an identifier, in the text's order, none overlapping.
pub fn scan(text: &str) -> Vec<IdentifierHit> {
    let words = Words::shipped();
    let text = Text::new(text);
    let mut found: Vec<(IdentifierKind, number::Span)> = Vec::new();
    let mut add = |kind: IdentifierKind, span: Option<number::Span>| {
        if let Some(span) = span
            && !found.iter().any(|(_, (start, end))| span.0 < *end && *start < span.1)
        {
            found.push((kind, span));
        }
    };
    for at in (0..text.letters.len()).filter(|at| text.letters[*at] == '@') {
        add(IdentifierKind::Email, name::email(&text.letters, at));
    }
    // The surest forms first: a later one does not take a piece of an earlier one.
    let every = 0..text.tokens.len();
    every.clone().for_each(|at| add(IdentifierKind::Date, number::date(&text, at, words)));
    every.clone().for_each(|at| add(IdentifierKind::Phone, number::phone(&text, at, words)));
    every
        .clone()
        .for_each(|at| add(IdentifierKind::RecordNumber, number::record(&text, at, words)));
    every.clone().for_each(|at| add(IdentifierKind::HighAge, number::high_age(&text, at, words)));
    every.for_each(|at| add(IdentifierKind::Name, name::name(&text, at, words)));
    found.sort_by_key(|(_, span)| *span);
    let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let hit =
        |(kind, (start, end))| IdentifierHit { kind, start: position(start), end: position(end) };
    found.into_iter().map(hit).collect()
}

/// Everything in a record's texts that looks like an identifier. Moments written by the product
/// itself, and fields that hold a date by design, are passed over.
pub fn scan_fields(fields: &Fields) -> Vec<FieldHit> {
    let mut found = Vec::new();
    for (name, value) in fields {
        scan_value(name, name, value, &mut found);
    }
    found
}

fn scan_value(path: &str, name: &str, value: &Value, found: &mut Vec<FieldHit>) {
    match value {
        Value::String(text) => {
            let dated = Words::shipped().date_fields.iter().any(|known| known == name);
            if dated || Moment::parse(text).is_ok() || names_a_record(text) {
                return;
            }
            found.extend(scan(text).into_iter().map(|hit| FieldHit { path: path.to_owned(), hit }));
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                scan_value(&format!("{path}[{index}]"), name, entry, found);
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                scan_value(&format!("{path}.{name}"), name, value, found);
            }
        }
        _ => {}
    }
}

/// The id of a record of ours, alone or after what it is of: `own/…`.
fn names_a_record(text: &str) -> bool {
    /// Letters of an id as it is stored, hyphens included.
    const LETTERS: usize = 36;
    let id = text.rsplit('/').next().unwrap_or_default();
    id.len() == LETTERS && id.parse::<RecordId>().is_ok()
}

#[cfg(test)]
mod tests;
