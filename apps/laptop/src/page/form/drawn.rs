//! What the form templates ask of a form and its fields.

use seldinger_core::form::{FieldKind, FieldView, OptionView, SectionView};
use seldinger_core::logbook::OpenForm;

use crate::page::places;

/// A field's id in the page: dots would be read as classes.
pub fn dom_id(path: &str) -> String {
    path.replace('.', "-")
}

/// Whether a field is drawn as a box to type in, with suggestions.
pub fn suggests(field: &FieldView) -> bool {
    !field.options.is_empty()
        && matches!(
            field.kind,
            FieldKind::Text | FieldKind::Procedure | FieldKind::Person | FieldKind::AdverseEvent
        )
}

/// What stands in a box of one line: a procedure is written by its name.
pub fn line(field: &FieldView) -> String {
    let value = field.values.join(", ");
    let chosen = field.options.iter().find(|option| option.value == value);
    match chosen {
        Some(option) if field.kind == FieldKind::Procedure => option.label.clone(),
        _ => value,
    }
}

/// What a suggestion puts into the box.
pub fn suggestion<'a>(field: &FieldView, option: &'a OptionView) -> &'a str {
    if field.kind == FieldKind::Procedure { &option.label } else { &option.value }
}

/// Words of a set that are not among those that are offered.
pub fn own_words(field: &FieldView) -> String {
    let is_own = |value: &&String| !field.options.iter().any(|option| option.value == **value);
    field.values.iter().filter(is_own).map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Columns that a field takes: all of them where its section has one.
pub fn width(section: &SectionView, field: &FieldView) -> u32 {
    field.width.min(section.columns)
}

/// Minutes and seconds.
pub fn minutes(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// The draft that a form goes on with, as it is posted.
pub fn draft_id(open: &OpenForm) -> String {
    open.draft.map(|id| id.to_string()).unwrap_or_default()
}

/// The record that a form edits, as it is posted; empty for a new one.
pub fn record_id(open: &OpenForm) -> String {
    open.record.map(|id| id.to_string()).unwrap_or_default()
}

/// Where a form leads back to.
pub fn back(open: &OpenForm) -> String {
    let kind = &open.view.kind;
    open.record.map_or_else(|| places::list_of(kind).to_owned(), |id| places::of(kind, id))
}
