//! How the fields of a record stand on its page: in rows, each under one label.

use std::borrow::Borrow;

use seldinger_core::form::FieldKind;
pub use seldinger_core::logbook::StandsIn;
use seldinger_core::logbook::{AlsoWritten, SheetField, SheetSection, WrittenBy};
use seldinger_core::privacy::IdentifierKind;
use seldinger_core::time::Moment;

use super::words;

/// One row.
pub struct Fact<'a> {
    /// Before it.
    pub label: &'a str,
    /// How it is drawn.
    pub shape: Shape,
    /// What stands in it.
    pub fields: Vec<&'a SheetField>,
}

/// How a row is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// What was learned, in large.
    Lesson,
    /// Figures side by side, each under its name.
    Figures,
    /// Short words in one line, and reasons beneath.
    Line,
    /// A text or a list.
    Text,
}

const LESSON: &str = "lesson";
/// The section that reads as one line, site, side, guidance, and the reason beneath.
const ACCESS: &str = "access";

impl Fact<'_> {
    /// The short words of a row in one line.
    pub fn line(&self) -> String {
        let short = self.fields.iter().filter(|field| field.kind != FieldKind::LongText);
        let texts = short.flat_map(|field| field.texts.iter().map(move |text| (*field, text)));
        let in_line = |(at, (field, text)): (usize, (&SheetField, &String))| {
            let chosen = matches!(field.kind, FieldKind::Choice | FieldKind::Choices);
            let text = if at > 0 && chosen { words::inside(text) } else { text.clone() };
            format!("{text} {}", field.unit).trim().to_owned()
        };
        texts.enumerate().map(in_line).collect::<Vec<_>>().join(", ")
    }

    /// What stands beneath that line.
    pub fn reasons(&self) -> Vec<&str> {
        let long = self.fields.iter().filter(|field| field.kind == FieldKind::LongText);
        long.flat_map(|field| &field.texts).map(String::as_str).collect()
    }
}

/// The rows of a record: the lesson first, then in the order of the form. What the heading says
/// already is not repeated, unless there is more to say of it.
pub fn rows<'a>(sections: &'a [SheetSection], in_heading: &[&str]) -> Vec<Fact<'a>> {
    let mut rows = Vec::new();
    let lesson = sections.iter().flat_map(|section| &section.fields).find(|f| f.path == LESSON);
    if let Some(lesson) = lesson {
        rows.push(Fact { label: &lesson.label, shape: Shape::Lesson, fields: vec![lesson] });
    }
    let is_shown = |field: &&SheetField| {
        field.path != LESSON && (!in_heading.contains(&field.path.as_str()) || has_notes(field))
    };
    for section in sections {
        let fields: Vec<&SheetField> = section.fields.iter().filter(is_shown).collect();
        rows.extend(of_section(section, fields));
    }
    rows
}

fn has_notes(field: &SheetField) -> bool {
    !field.was.is_empty()
        || !field.warnings.is_empty()
        || !field.identifiers.is_empty()
        || !field.also.is_empty()
}

fn of_section<'a>(section: &'a SheetSection, fields: Vec<&'a SheetField>) -> Vec<Fact<'a>> {
    if fields.is_empty() {
        return Vec::new();
    }
    if fields.iter().all(|field| field.kind == FieldKind::Number) && fields.len() > 1 {
        return vec![Fact { label: &section.title, shape: Shape::Figures, fields }];
    }
    if section.id == ACCESS {
        return vec![Fact { label: &section.title, shape: Shape::Line, fields }];
    }
    fields.into_iter().map(alone).collect()
}

fn alone(field: &SheetField) -> Fact<'_> {
    let shape = if field.kind == FieldKind::Number { Shape::Line } else { Shape::Text };
    Fact { label: &field.label, shape, fields: vec![field] }
}

/// `21 Oct, 13:44`.
pub fn day_and_time(moment: impl Borrow<Moment>) -> String {
    let moment = moment.borrow();
    format!("{}, {}", moment.day().short(), moment.clock_time())
}

/// When a value was written.
pub fn written(by: &WrittenBy, now: &Moment) -> String {
    day_and_time(now.at(by.at))
}

/// One of the two texts, piece by piece, and whether only it says that.
pub fn text_of(also: &AlsoWritten, side: StandsIn) -> Vec<(bool, &str)> {
    let is_of = |stands_in| stands_in == side || stands_in == StandsIn::Both;
    let pieces = also.pieces.iter().filter(|piece| is_of(piece.stands_in));
    pieces.map(|piece| (piece.stands_in == side, piece.text.as_str())).collect()
}

/// Whether all of a path can be kept in one and this is the first of it: that is offered once.
pub fn offers_both(all: &[AlsoWritten], at: impl Borrow<usize>) -> bool {
    let at = *at.borrow();
    let is_first = |also: &AlsoWritten| all[..at].iter().all(|other| other.path != also.path);
    all.get(at).is_some_and(|also| also.both.is_some() && is_first(also))
}

/// Lines that a box for this text has.
pub fn rows_of(text: &str) -> usize {
    text.lines().count().clamp(2, 16) + 1
}

/// Letters that a button has room for.
const SHORT: usize = 24;

/// What is said of something that looks like an identifier.
pub fn told(kind: impl Borrow<IdentifierKind>) -> String {
    kind.borrow().wording().line()
}

/// What is shown.
pub fn shown(also: &AlsoWritten) -> &str {
    if also.shown.is_empty() { NOTHING } else { &also.shown }
}

/// Whether the value is more than a button has room for.
pub fn is_long(also: &AlsoWritten) -> bool {
    also.shown.chars().count() > SHORT
}

/// What the button says that takes the other value: the value itself where it is short.
pub fn use_it(also: &AlsoWritten) -> String {
    format!("Use {}", short(&also.text, "the other"))
}

/// What the button says that leaves all as it is.
pub fn keep_it(also: &AlsoWritten) -> String {
    format!("Keep {}", short(&also.shown, "what is shown"))
}

fn short<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    match text {
        "" => NOTHING,
        text if text.chars().count() <= SHORT => text,
        _ => otherwise,
    }
}

const NOTHING: &str = "nothing";
