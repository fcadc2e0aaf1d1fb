//! What is odd about something that was typed. It is kept all the same.

use crate::content::words;

/// What is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum FormProblem {
    /// Not a number; kept as text.
    NotANumber,
    /// A number in which a comma may mean thousands or decimals; kept as text.
    MayBeTwo,
    /// Kept as it was written, and counted as what it certainly means.
    CountsAs,
    /// A number with a unit that the field does not know; kept as text.
    UnknownUnit,
    /// Most likely a slip.
    AboveRange,
    /// Most likely a slip.
    BelowRange,
    /// Not among the options.
    NotAChoice,
    /// Not a procedure of the list.
    NotAProcedure,
    /// Not a day and time.
    NotATime,
    /// A time that no clock showed, because it was put forward past it; moved forward.
    ClockSkipped,
    /// A time that was shown twice, because the clock was put back; the first is taken.
    ClockTwice,
    /// The offset of that day is not known; that of now is taken.
    ZoneUnknown,
    /// Neither yes nor no.
    NotYesOrNo,
    /// An adverse event without a scheme.
    NoScheme,
    /// An adverse event without an edition, or with an unknown one.
    NoEdition,
    /// An adverse event without a grade.
    NoGrade,
    /// A grade that the scheme does not have.
    UnknownGrade,
    /// The stored value has another shape than the field can show.
    OtherShape,
}

impl FormProblem {
    /// Every problem.
    pub const ALL: [Self; 18] = [
        Self::NotANumber,
        Self::MayBeTwo,
        Self::CountsAs,
        Self::UnknownUnit,
        Self::AboveRange,
        Self::BelowRange,
        Self::NotAChoice,
        Self::NotAProcedure,
        Self::NotATime,
        Self::ClockSkipped,
        Self::ClockTwice,
        Self::ZoneUnknown,
        Self::NotYesOrNo,
        Self::NoScheme,
        Self::NoEdition,
        Self::NoGrade,
        Self::UnknownGrade,
        Self::OtherShape,
    ];

    /// The key of its words in `messages.toml`.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotANumber => "form.not_a_number",
            Self::MayBeTwo => "form.may_be_two",
            Self::CountsAs => "form.counts_as",
            Self::UnknownUnit => "form.unknown_unit",
            Self::AboveRange => "form.above_range",
            Self::BelowRange => "form.below_range",
            Self::NotAChoice => "form.not_a_choice",
            Self::NotAProcedure => "form.not_a_procedure",
            Self::NotATime => "form.not_a_time",
            Self::ClockSkipped => "form.clock_skipped",
            Self::ClockTwice => "form.clock_twice",
            Self::ZoneUnknown => "form.zone_unknown",
            Self::NotYesOrNo => "form.not_yes_or_no",
            Self::NoScheme => "form.no_scheme",
            Self::NoEdition => "form.no_edition",
            Self::NoGrade => "form.no_grade",
            Self::UnknownGrade => "form.unknown_grade",
            Self::OtherShape => "form.other_shape",
        }
    }
}

/// A problem of one field, with its words. It never holds what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FormWarning {
    /// The field.
    pub path: String,
    /// What is odd.
    pub problem: FormProblem,
    /// For the line beneath the field.
    pub text: String,
}

impl FormWarning {
    pub(crate) fn new(path: &str, problem: FormProblem, values: &[(&str, &str)]) -> Self {
        Self { path: path.to_owned(), problem, text: words(problem.key(), values) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Messages;

    #[test]
    fn every_problem_has_its_words() {
        for problem in FormProblem::ALL {
            assert!(Messages::shipped().has(problem.key()), "{problem:?}");
        }
        let ours = Messages::shipped().keys().filter(|key| key.starts_with("form.")).count();
        assert_eq!(ours, FormProblem::ALL.len(), "words that nobody says");
    }
}
