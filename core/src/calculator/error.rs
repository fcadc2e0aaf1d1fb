//! Why there is no result: always with the name of what is at fault, never with what was typed there.

use super::definition::Calculator;
use crate::content::{Wording, wording};

/// Why a calculator gave no result.
#[derive(Clone, PartialEq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum CalculatorError {
    /// There is no calculator of that name.
    #[error("no such calculator")]
    UnknownCalculator {
        /// What there is.
        known: Vec<String>,
    },
    /// The calculator does not ask for an input of that name.
    #[error("no such input")]
    UnknownInput {
        /// Its name.
        input: String,
        /// What the calculator asks for.
        known: Vec<String>,
    },
    /// Inputs are not given.
    #[error("missing: {inputs:?}")]
    Missing {
        /// Their names, in the order of the definition; at least one.
        inputs: Vec<String>,
    },
    /// One of several inputs is needed, and none is given.
    #[error("one is needed of: {inputs:?}")]
    MissingAny {
        /// Their names.
        inputs: Vec<String>,
    },
    /// Not a number.
    #[error("{input}: not a number")]
    NotANumber {
        /// The input.
        input: String,
    },
    /// A number with decimal places where a whole one is asked for.
    #[error("{input}: not a whole number")]
    NotWhole {
        /// The input.
        input: String,
    },
    /// Neither yes nor no.
    #[error("{input}: neither yes nor no")]
    NotYesOrNo {
        /// The input.
        input: String,
    },
    /// None of the choices.
    #[error("{input}: not a choice")]
    NotAChoice {
        /// The input.
        input: String,
        /// What can be given; empty for a procedure, of which there are many.
        choices: Vec<String>,
    },
    /// Outside of what can be true: a slip of the fingers or of the unit, not a clinical limit.
    #[error("{input}: outside of {low} to {high}")]
    OutOfRange {
        /// The input.
        input: String,
        /// The least that is plausible.
        low: f64,
        /// The most that is plausible.
        high: f64,
        /// The unit of both; empty for a bare ratio.
        unit: String,
    },
}

// The name of an unknown input is whatever somebody typed.
quiet_debug!(CalculatorError);

impl CalculatorError {
    /// The kind as scripts read it; its words stand under it in `messages.toml`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownCalculator { .. } => "unknown_calculator",
            Self::UnknownInput { .. } => "unknown_input",
            Self::Missing { .. } => "missing",
            Self::MissingAny { .. } => "missing_any",
            Self::NotANumber { .. } => "not_a_number",
            Self::NotWhole { .. } => "not_whole",
            Self::NotYesOrNo { .. } => "not_yes_or_no",
            Self::NotAChoice { choices, .. } if choices.is_empty() => "not_a_procedure",
            Self::NotAChoice { .. } => "not_a_choice",
            Self::OutOfRange { .. } => "out_of_range",
        }
    }

    /// The inputs that it is about; none where the calculator itself is unknown.
    pub fn inputs(&self) -> Vec<String> {
        match self {
            Self::UnknownCalculator { .. } => Vec::new(),
            Self::Missing { inputs } | Self::MissingAny { inputs } => inputs.clone(),
            Self::UnknownInput { input, .. }
            | Self::NotANumber { input }
            | Self::NotWhole { input }
            | Self::NotYesOrNo { input }
            | Self::NotAChoice { input, .. }
            | Self::OutOfRange { input, .. } => vec![input.clone()],
        }
    }

    /// What is said to who wrote the inputs by their names.
    pub fn wording(&self) -> Wording {
        self.said(|name| name)
    }

    /// What is said to who filled in a form of the calculator, and knows the inputs by their labels.
    pub fn wording_on(&self, calculator: &Calculator) -> Wording {
        let named = |name: String| match calculator.input(&name) {
            Some(input) => input.label.clone(),
            None => name,
        };
        self.said(named)
    }

    fn said(&self, named: impl Fn(String) -> String) -> Wording {
        let inputs = self.inputs().into_iter().map(named).collect::<Vec<_>>().join(", ");
        let known = match self {
            Self::UnknownCalculator { known } | Self::UnknownInput { known, .. } => {
                known.join(", ")
            }
            Self::NotAChoice { choices, .. } => choices.join(", "),
            Self::OutOfRange { low, high, unit, .. } => {
                format!("{low} to {high} {unit}").trim_end().to_owned()
            }
            _ => String::new(),
        };
        let values = [("input", inputs.as_str()), ("known", &known)];
        wording(&format!("calculator.{}", self.kind()), &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Messages;

    #[test]
    fn every_error_has_its_words_and_fills_them() {
        let text = || "x".to_owned();
        let list = || vec![text(), text()];
        let all = [
            CalculatorError::UnknownCalculator { known: list() },
            CalculatorError::UnknownInput { input: text(), known: list() },
            CalculatorError::Missing { inputs: list() },
            CalculatorError::MissingAny { inputs: list() },
            CalculatorError::NotANumber { input: text() },
            CalculatorError::NotWhole { input: text() },
            CalculatorError::NotYesOrNo { input: text() },
            CalculatorError::NotAChoice { input: text(), choices: list() },
            CalculatorError::NotAChoice { input: text(), choices: Vec::new() },
            CalculatorError::OutOfRange {
                input: text(),
                low: 0.5,
                high: 15.0,
                unit: "mg/dL".to_owned(),
            },
        ];
        for error in &all {
            let line = error.wording().line();
            assert!(Messages::shipped().has(&format!("calculator.{}", error.kind())), "{line}");
            assert!(line.contains('x') && !line.contains(['{', '}']), "{line}");
        }
        let range = all[9].wording().line();
        assert!(range.contains("0.5 to 15 mg/dL"), "{range}");
        let meld = crate::calculator::calculator("meld").unwrap();
        let missing = CalculatorError::Missing { inputs: vec!["bilirubin_mg_dl".to_owned()] };
        assert_eq!(missing.wording().what, "Missing: bilirubin_mg_dl.");
        assert_eq!(missing.wording_on(meld).what, "Missing: Bilirubin, total.");
        assert_eq!(format!("{:?}", all[0]), "CalculatorError { .. }");
    }
}
