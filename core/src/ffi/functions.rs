//! What needs no open book: lists to pick from, and the words for what went wrong.

use std::path::Path;

use crate::calculator::{self, Calculator, CalculatorError, CalculatorResult};
use crate::case_log::jot::JotReading;
use crate::content::{Category, Content, ContentError, GoalScheme, Procedure, Wording};
use crate::error::LogbookError;
use crate::form::{self, FormView, TypedField};
use crate::logbook::{BadLineAt, JotChip};
use crate::privacy::{self, IdentifierHit, IdentifierKind};
use crate::store::Place;
use crate::store::backup::{self, FoundBackup};

/// Whether there is a book in the folder, or any part of one.
#[uniffi::export]
pub fn has_book(folder: String) -> bool {
    Place::new(folder).has_book()
}

/// The backups that lie in a book's folder, the latest first: what can be restored where a part of the
/// book is missing.
#[uniffi::export]
pub fn backups_in(folder: String) -> Vec<FoundBackup> {
    backup::found_in(Path::new(&folder))
}

/// Every category, in the order in which they are shown.
#[uniffi::export]
pub fn categories() -> Vec<Category> {
    Content::shipped().categories().to_vec()
}

/// Every procedure, in the order in which they are shown.
#[uniffi::export]
pub fn procedures() -> Vec<Procedure> {
    Content::shipped().procedures().to_vec()
}

/// Procedures in whose names every typed word begins a word, best first.
#[uniffi::export]
pub fn find_procedures(typed: &str) -> Vec<Procedure> {
    Content::shipped().find(typed).into_iter().cloned().collect()
}

/// The guide's goals.
#[uniffi::export]
pub fn guide_goals() -> GoalScheme {
    Content::shipped().goals().clone()
}

/// Reads a scheme of goals that a user brings, as TOML; `file_name` is for the error's place.
#[uniffi::export]
pub fn read_goal_scheme(text: &str, file_name: &str) -> Result<GoalScheme, ContentError> {
    GoalScheme::parse(text, file_name, Content::shipped().procedures())
}

/// Every calculator, in the order in which they are listed.
#[uniffi::export]
pub fn calculators() -> Vec<Calculator> {
    calculator::calculators().cloned().collect()
}

/// The form of a calculator with what was typed into it so far; it is no record's.
#[uniffi::export]
pub fn calculator_form(
    calculator: &str,
    typed: Vec<TypedField>,
) -> Result<FormView, CalculatorError> {
    form::calculator_form(calculator, &typed)
}

/// What a calculator says of what was typed into its form; numbers may carry a unit.
#[uniffi::export]
pub fn calculate(
    calculator: &str,
    typed: Vec<TypedField>,
) -> Result<CalculatorResult, CalculatorError> {
    form::calculate_typed(calculator, &typed)
}

/// What is said where a calculator gave no result, with the labels of its form.
#[uniffi::export]
pub fn calculator_error_wording(error: CalculatorError, calculator: &str) -> Wording {
    match calculator::calculator(calculator) {
        Some(known) => error.wording_on(known),
        None => error.wording(),
    }
}

/// What looks like a patient identifier in a text.
#[uniffi::export]
pub fn identifiers_in(text: &str) -> Vec<IdentifierHit> {
    privacy::scan(text)
}

/// What a jot was read as, in words to show while it is typed.
#[uniffi::export]
pub fn jot_chips(reading: &JotReading) -> Vec<JotChip> {
    reading.chips()
}

/// What is said to the user about an error: what happened, what was kept, what to do.
#[uniffi::export]
pub fn error_wording(error: LogbookError) -> Wording {
    error.wording()
}

/// What is said about a line that an import left out.
#[uniffi::export]
pub fn bad_line_wording(bad: BadLineAt) -> Wording {
    bad.reason.wording(bad.line)
}

/// What is said to the author of a scheme or a form.
#[uniffi::export]
pub fn content_error_wording(error: ContentError) -> Wording {
    error.wording()
}

/// What is said about something that looks like an identifier.
#[uniffi::export]
pub fn identifier_wording(kind: IdentifierKind) -> Wording {
    kind.wording()
}
