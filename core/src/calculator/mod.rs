//! Calculators: scores, thresholds and conversions as pure functions of what is given.
//!
//! What a calculator asks for, its coefficients, ranges and sources are data (`content/calculators/`,
//! `content/thresholds/`); a formula here knows only their shape. `calculate` takes named inputs, checks
//! them against the definition and answers with values, source and the inputs that were used; an input
//! that is missing or absurd is an error that names it. Nothing is guessed: where a table is silent or
//! speaks twice, the answer is "ask". Local policy goes before every result, and every result says so.

mod contrast;
mod convert;
mod definition;
mod error;
mod formula;
mod given;
mod kidney;
mod liver;
mod result;
mod round;
pub mod sir2019;
mod size;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use serde_json::{Map, Value};

pub use definition::{
    Calculator, CalculatorChoice, CalculatorInput, CalculatorOutput, CitedSource, InputKind,
};
pub use error::CalculatorError;
pub use result::{CalculatorResult, CalculatorValue, LabeledValue};

use crate::content::{ContentError, words};
use definition::Shipped;
use given::Given;

const FILES: &[(&str, &str)] = &[
    ("calculators/bleeding.toml", include_str!("../../content/calculators/bleeding.toml")),
    ("calculators/liver.toml", include_str!("../../content/calculators/liver.toml")),
    ("calculators/kidney.toml", include_str!("../../content/calculators/kidney.toml")),
    ("calculators/contrast.toml", include_str!("../../content/calculators/contrast.toml")),
    ("calculators/size.toml", include_str!("../../content/calculators/size.toml")),
];

fn read(files: &[(&str, &str)]) -> Result<Vec<Shipped>, ContentError> {
    let mut unique = crate::content::source::Unique::default();
    let mut all = Vec::new();
    for (name, text) in files {
        all.extend(definition::read(name, text, &mut unique)?);
    }
    Ok(all)
}

fn shipped() -> &'static [Shipped] {
    static SHIPPED: OnceLock<Vec<Shipped>> = OnceLock::new();
    // A test proves that the files are whole.
    SHIPPED.get_or_init(|| read(FILES).unwrap_or_default())
}

/// Every calculator, in the order in which they are listed.
pub fn calculators() -> impl ExactSizeIterator<Item = &'static Calculator> {
    shipped().iter().map(|one| &one.definition)
}

/// The calculator with this id.
pub fn calculator(id: &str) -> Option<&'static Calculator> {
    calculators().find(|one| one.id == id)
}

/// That there is none of the name that was asked for.
pub fn unknown() -> CalculatorError {
    CalculatorError::UnknownCalculator { known: calculators().map(|one| one.id.clone()).collect() }
}

/// Works out what the calculator `id` says of named inputs; `null` counts as not given.
///
/// # Errors
/// `CalculatorError`, naming the calculator or input.
pub fn calculate(
    id: &str,
    inputs: &Map<String, Value>,
) -> Result<CalculatorResult, CalculatorError> {
    let Some(one) = shipped().iter().find(|one| one.definition.id == id) else {
        return Err(unknown());
    };
    let given = Given::check(&one.definition, inputs)?;
    let outcome = one.formula.work(&given)?;
    Ok(result::finish(&one.definition, &given, outcome))
}

/// What is said beside every result.
pub fn local_policy() -> String {
    words("calculator.local_policy", &[])
}
