//! One quantity in another of its units.

use super::definition::Calculator;
use super::error::CalculatorError;
use super::given::Given;
use super::result::Outcome;
use super::round;
use crate::content::source::Table;
use crate::content::{Content, ContentError, Quantity};

/// A quantity, and its units by the names that scripts use.
#[derive(Debug, Clone)]
pub(super) struct Convert {
    units: Vec<Unit>,
    /// What is converted, in the stored unit; wider than what a case can show.
    low: f64,
    high: f64,
}

#[derive(Debug, Clone)]
struct Unit {
    name: String,
    shown: String,
    /// A number in the stored unit = the number × `times` ÷ `per`.
    times: f64,
    per: f64,
}

impl Convert {
    /// The choices of `from` name the units; their labels are those that the quantity knows.
    pub fn read(table: &Table<'_>, definition: &Calculator) -> Result<Self, ContentError> {
        let name = table.text("quantity")?;
        let Some(quantity) = Content::shipped().quantity(&name) else {
            return Err(ContentError::NoSuchId { place: table.place("quantity"), found: name });
        };
        let mut units = Vec::new();
        for choice in definition.input("from").into_iter().flat_map(|input| &input.choices) {
            let Some((times, per)) = factor(quantity, &choice.label) else {
                let found = choice.label.clone();
                return Err(ContentError::NoSuchId { place: table.place("input"), found });
            };
            let (name, shown) = (choice.value.clone(), choice.label.clone());
            units.push(Unit { name, shown, times, per });
        }
        Ok(Self { units, low: table.number("low")?, high: table.number("high")? })
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let value = given.number("value")?;
        let (from, to) = (self.unit("from", given)?, self.unit("to", given)?);
        let stored = value * from.times / from.per;
        if !(self.low..=self.high).contains(&stored) {
            // The range is told in the unit that was typed.
            let typed = |bound: f64| round::to_places(bound * from.per / from.times, 6);
            return Err(CalculatorError::OutOfRange {
                input: "value".to_owned(),
                low: typed(self.low),
                high: typed(self.high),
                unit: from.shown.clone(),
            });
        }
        let converted = value * (from.times * to.per) / (from.per * to.times);
        Ok(Outcome::default().number("value", converted).in_unit(&to.shown))
    }

    fn unit(&self, input: &str, given: &Given<'_>) -> Result<&Unit, CalculatorError> {
        let name = given.word(input)?;
        let found = self.units.iter().find(|unit| unit.name == name);
        found.ok_or_else(|| CalculatorError::NotAChoice {
            input: input.to_owned(),
            choices: self.units.iter().map(|unit| unit.name.clone()).collect(),
        })
    }
}

fn factor(quantity: &Quantity, unit: &str) -> Option<(f64, f64)> {
    if quantity.unit == unit {
        return Some((1.0, 1.0));
    }
    let other = quantity.others.iter().find(|other| other.unit == unit)?;
    Some((other.times, other.per))
}
