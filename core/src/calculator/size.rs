//! French and gauge in mm.

use super::error::CalculatorError;
use super::given::Given;
use super::result::Outcome;
use crate::content::ContentError;
use crate::content::source::Table;

/// The French scale.
#[derive(Debug, Clone)]
pub(super) struct French {
    per_mm: f64,
}

impl French {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        Ok(Self { per_mm: table.number("french_per_mm")? })
    }

    pub fn to_mm(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        Ok(Outcome::default().number("value", given.number("french")? / self.per_mm))
    }

    pub fn of_mm(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        Ok(Outcome::default().number("value", given.number("diameter_mm")? * self.per_mm))
    }
}

/// Needles by gauge: the thicker, the smaller the figure.
#[derive(Debug, Clone)]
pub(super) struct Needles(Vec<(String, f64)>);

impl Needles {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        let needle = |gauge: &str| Ok((gauge.to_owned(), table.number(gauge)?));
        Ok(Self(table.keys().map(needle).collect::<Result<_, ContentError>>()?))
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let gauge = given.number("gauge")?.to_string();
        match self.0.iter().find(|(known, _)| *known == gauge) {
            Some((_, diameter_mm)) => Ok(Outcome::default().number("value", *diameter_mm)),
            None => Err(CalculatorError::NotAChoice {
                input: "gauge".to_owned(),
                choices: self.0.iter().map(|(gauge, _)| gauge.clone()).collect(),
            }),
        }
    }
}
