//! What a calculator answers: values, where they come from and what they were worked out of.

use super::definition::{Calculator, CalculatorOutput, CitedSource};
use super::given::Given;
use super::{local_policy, round};

/// A value that is given or answered.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum CalculatorValue {
    /// A number, as computed.
    Number {
        /// In the unit that stands beside it.
        number: f64,
    },
    /// Yes or no.
    Flag {
        /// Yes.
        flag: bool,
    },
    /// A word or an id.
    Text {
        /// As scripts write it.
        text: String,
    },
    /// Several of them.
    Texts {
        /// Each once.
        texts: Vec<String>,
    },
}

/// An answer, or an input that it was worked out of.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct LabeledValue {
    /// As scripts read and write it; a dot stands between a group and what is in it.
    pub name: String,
    /// As people see it.
    pub label: String,
    /// The value as it was found or taken.
    pub value: CalculatorValue,
    /// Unit of a number; empty for none.
    pub unit: String,
    /// The value as people see it, an answer rounded, without its unit.
    pub shown: String,
}

/// What a calculator answers.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CalculatorResult {
    /// Id of the calculator.
    pub calculator: String,
    /// Its name.
    pub name: String,
    /// In the order in which they are shown; at least one.
    pub values: Vec<LabeledValue>,
    /// Where the numbers come from.
    pub source: CitedSource,
    /// Further sources, where more than one speaks.
    pub also: Vec<CitedSource>,
    /// In the order in which they are asked for.
    pub inputs: Vec<LabeledValue>,
    /// What to bear in mind.
    pub notes: Vec<String>,
    /// That local policy goes before this; always shown.
    pub local_policy: String,
}

quiet_debug!(CalculatorValue, LabeledValue, CalculatorResult);

impl CalculatorResult {
    /// The answer of this name.
    pub fn value(&self, name: &str) -> Option<&CalculatorValue> {
        self.values.iter().find(|value| value.name == name).map(|found| &found.value)
    }

    /// The number of this name.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.value(name) {
            Some(CalculatorValue::Number { number }) => Some(*number),
            _ => None,
        }
    }

    /// The word of this name.
    pub fn word(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(CalculatorValue::Text { text }) => Some(text),
            _ => None,
        }
    }
}

/// What a formula found, before labels and units are put to it.
#[derive(Default)]
pub(super) struct Outcome {
    /// Name, value, and the label where the definition cannot know it.
    pub values: Vec<Found>,
    /// What this very answer needs said.
    pub notes: Vec<String>,
}

/// One value of an outcome.
pub(super) struct Found {
    name: String,
    value: CalculatorValue,
    about: String,
    unit: String,
}

impl Outcome {
    pub fn number(mut self, name: &str, number: f64) -> Self {
        self.push(name, "", CalculatorValue::Number { number });
        self
    }

    pub fn word(mut self, name: &str, word: &str) -> Self {
        self.push(name, "", CalculatorValue::Text { text: word.to_owned() });
        self
    }

    /// Adds a value; `about` stands before the label of its output.
    pub fn push(&mut self, name: &str, about: &str, value: CalculatorValue) {
        let (name, about) = (name.to_owned(), about.to_owned());
        self.values.push(Found { name, value, about, unit: String::new() });
    }

    /// Puts a unit to the last value that only the formula knows.
    pub fn in_unit(mut self, unit: &str) -> Self {
        if let Some(last) = self.values.last_mut() {
            unit.clone_into(&mut last.unit);
        }
        self
    }
}

/// Puts labels, units and sources to what a formula found.
pub(super) fn finish(
    definition: &Calculator,
    given: &Given<'_>,
    outcome: Outcome,
) -> CalculatorResult {
    let values = outcome.values.into_iter().map(|found| labeled(definition, found)).collect();
    let mut notes = outcome.notes;
    notes.extend(definition.notes.iter().cloned());
    CalculatorResult {
        calculator: definition.id.clone(),
        name: definition.name.clone(),
        values,
        source: definition.source.clone(),
        also: definition.also.clone(),
        inputs: given.used(),
        notes,
        local_policy: local_policy(),
    }
}

fn labeled(definition: &Calculator, found: Found) -> LabeledValue {
    let output = |name: &str| definition.outputs.iter().find(|output| output.name == name);
    let last = found.name.rsplit('.').next().unwrap_or_default();
    let known = output(&found.name).or_else(|| output(last));
    let group = found.name.split_once('.').and_then(|(group, _)| output(group));
    let own = known.map_or(last, |output| output.label.as_str());
    let label = match (group, found.about.as_str()) {
        (Some(group), _) => format!("{}: {own}", group.label),
        (None, "") => own.to_owned(),
        (None, about) => format!("{about}, {own}"),
    };
    let unit = known.map(|output| output.unit.clone()).unwrap_or_default();
    let unit = if found.unit.is_empty() { unit } else { found.unit };
    LabeledValue {
        label,
        unit,
        shown: shown(known, &found.value),
        name: found.name,
        value: found.value,
    }
}

fn shown(output: Option<&CalculatorOutput>, value: &CalculatorValue) -> String {
    let word = |text: &String| {
        let mut words = output.into_iter().flat_map(|output| &output.words);
        words.find(|known| known.value == *text).map_or(text, |known| &known.label).clone()
    };
    match value {
        CalculatorValue::Number { number } => {
            round::shown(*number, output.map_or(0, |output| output.decimals))
        }
        CalculatorValue::Flag { flag } => if *flag { "yes" } else { "no" }.to_owned(),
        CalculatorValue::Text { text } => word(text),
        CalculatorValue::Texts { texts } => texts.iter().map(word).collect::<Vec<_>>().join("; "),
    }
}
