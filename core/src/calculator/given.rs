//! What was given, checked against the definition: from here on every value is of its kind and plausible.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::definition::{Calculator, CalculatorInput, InputKind};
use super::error::CalculatorError;
use super::result::{CalculatorValue, LabeledValue};
use super::round;
use crate::content::Content;

/// Decimal places of an input as people see it.
const INPUT_DECIMALS: u32 = 4;

/// Checked inputs of a calculator.
pub(super) struct Given<'a> {
    definition: &'a Calculator,
    values: BTreeMap<&'a str, CalculatorValue>,
}

impl<'a> Given<'a> {
    /// Checks inputs: names first, then each value in the order of the definition, then what is missing.
    pub fn check(
        definition: &'a Calculator,
        inputs: &Map<String, Value>,
    ) -> Result<Self, CalculatorError> {
        if let Some(unknown) = inputs.keys().find(|name| definition.input(name).is_none()) {
            return Err(CalculatorError::UnknownInput {
                input: unknown.clone(),
                known: definition.inputs.iter().map(|input| input.name.clone()).collect(),
            });
        }
        let mut values = BTreeMap::new();
        for input in &definition.inputs {
            match inputs.get(&input.name) {
                None | Some(Value::Null) => {}
                Some(value) => drop(values.insert(input.name.as_str(), read(input, value)?)),
            }
        }
        let left_out =
            |input: &&CalculatorInput| !input.optional && !values.contains_key(input.name.as_str());
        let missing: Vec<String> =
            definition.inputs.iter().filter(left_out).map(|input| input.name.clone()).collect();
        if missing.is_empty() {
            Ok(Self { definition, values })
        } else {
            Err(CalculatorError::Missing { inputs: missing })
        }
    }

    pub fn number(&self, name: &str) -> Result<f64, CalculatorError> {
        self.opt_number(name).ok_or_else(|| missing(name))
    }

    pub fn opt_number(&self, name: &str) -> Option<f64> {
        match self.values.get(name) {
            Some(CalculatorValue::Number { number }) => Some(*number),
            _ => None,
        }
    }

    pub fn word(&self, name: &str) -> Result<&str, CalculatorError> {
        self.opt_word(name).ok_or_else(|| missing(name))
    }

    pub fn opt_word(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(CalculatorValue::Text { text }) => Some(text),
            _ => None,
        }
    }

    pub fn list(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(CalculatorValue::Texts { texts }) => texts,
            _ => &[],
        }
    }

    /// A flag that was not given is off.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(CalculatorValue::Flag { flag: true }))
    }

    /// What was given, in the order of the definition.
    pub fn used(&self) -> Vec<LabeledValue> {
        let used = |input: &CalculatorInput| {
            let value = self.values.get(input.name.as_str())?.clone();
            let unit = input.quantity.as_ref().map(|quantity| quantity.unit.clone());
            let shown = show(input, &value);
            let (name, label) = (input.name.clone(), input.label.clone());
            Some(LabeledValue { name, label, unit: unit.unwrap_or_default(), shown, value })
        };
        self.definition.inputs.iter().filter_map(used).collect()
    }
}

fn missing(name: &str) -> CalculatorError {
    CalculatorError::Missing { inputs: vec![name.to_owned()] }
}

fn show(input: &CalculatorInput, value: &CalculatorValue) -> String {
    let label = |text: &String| {
        let choice = input.choices.iter().find(|choice| choice.value == *text);
        let procedure = Content::shipped().procedure(text).map(|procedure| &procedure.name);
        choice.map(|choice| &choice.label).or(procedure).unwrap_or(text).clone()
    };
    match value {
        CalculatorValue::Number { number } => round::shown(*number, INPUT_DECIMALS),
        CalculatorValue::Flag { flag: true } => "yes".to_owned(),
        CalculatorValue::Flag { flag: false } => "no".to_owned(),
        CalculatorValue::Text { text } => label(text),
        CalculatorValue::Texts { texts } => texts.iter().map(label).collect::<Vec<_>>().join(", "),
    }
}

fn read(input: &CalculatorInput, value: &Value) -> Result<CalculatorValue, CalculatorError> {
    match input.kind {
        InputKind::Number => number(input, value),
        InputKind::Flag => flag(input, value),
        InputKind::Choice => {
            let text = choice(input, value.as_str().unwrap_or_default())?;
            Ok(CalculatorValue::Text { text })
        }
        InputKind::Choices => choices(input, value),
        InputKind::Procedure => {
            let given = value.as_str().unwrap_or_default();
            match Content::shipped().procedure(given) {
                Some(known) => Ok(CalculatorValue::Text { text: known.id.clone() }),
                None => Err(not_a_choice(input)),
            }
        }
    }
}

fn number(input: &CalculatorInput, value: &Value) -> Result<CalculatorValue, CalculatorError> {
    let name = || input.name.clone();
    let number = value.as_f64().filter(|number| number.is_finite());
    let number = number.ok_or_else(|| CalculatorError::NotANumber { input: name() })?;
    if let Some(quantity) = &input.quantity
        && let (Some(low), Some(high)) = (quantity.low, quantity.high)
        && !(low..=high).contains(&number)
    {
        let unit = quantity.unit.clone();
        return Err(CalculatorError::OutOfRange { input: name(), low, high, unit });
    }
    if input.whole && number.fract() != 0.0 {
        return Err(CalculatorError::NotWhole { input: name() });
    }
    Ok(CalculatorValue::Number { number })
}

fn flag(input: &CalculatorInput, value: &Value) -> Result<CalculatorValue, CalculatorError> {
    let flag = match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    };
    let flag = flag.ok_or_else(|| CalculatorError::NotYesOrNo { input: input.name.clone() })?;
    Ok(CalculatorValue::Flag { flag })
}

fn choice(input: &CalculatorInput, given: &str) -> Result<String, CalculatorError> {
    let is = |known: &String| known.eq_ignore_ascii_case(given);
    let found = input.choices.iter().find(|one| is(&one.value) || one.also.iter().any(is));
    found.map(|one| one.value.clone()).ok_or_else(|| not_a_choice(input))
}

/// A list of texts, or one text; each is kept once.
fn choices(input: &CalculatorInput, value: &Value) -> Result<CalculatorValue, CalculatorError> {
    let one = std::slice::from_ref(value);
    let given = value.as_array().map_or(one, Vec::as_slice);
    let mut texts = Vec::new();
    for value in given {
        let text = choice(input, value.as_str().unwrap_or_default())?;
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(CalculatorValue::Texts { texts })
}

fn not_a_choice(input: &CalculatorInput) -> CalculatorError {
    CalculatorError::NotAChoice {
        input: input.name.clone(),
        choices: input.choices.iter().map(|choice| choice.value.clone()).collect(),
    }
}
