//! What a calculator asks for and answers: a definition in TOML.

use super::formula::Formula;
use super::sir2019::Thresholds;
use crate::content::source::{SourceFile, Table, Unique};
use crate::content::{Content, ContentError, Quantity, quantity, words};

/// A calculator: everything that a shell needs to draw it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Calculator {
    /// Stable id, as scripts write it.
    pub id: String,
    /// As lists show it.
    pub name: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// Where its numbers come from.
    pub source: CitedSource,
    /// Further sources, where more than one speaks.
    pub also: Vec<CitedSource>,
    /// What to bear in mind; shown with each result.
    pub notes: Vec<String>,
    /// In the order in which they are asked for.
    pub inputs: Vec<CalculatorInput>,
    /// In the order in which they are shown.
    pub outputs: Vec<CalculatorOutput>,
}

impl Calculator {
    /// The input with this name.
    pub fn input(&self, name: &str) -> Option<&CalculatorInput> {
        self.inputs.iter().find(|input| input.name == name)
    }
}

/// A source as it is shown with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CitedSource {
    /// Key in `SOURCES.md`.
    pub id: String,
    /// In a line.
    pub citation: String,
    /// Which version of it.
    pub edition: String,
    /// Year, year and month, or day.
    pub date: String,
    /// How well confirmed: `V`, `L`, `T` or `recall`.
    pub mark: String,
}

impl CitedSource {
    /// All of it in a line, with how well confirmed it is in words.
    pub fn line(&self) -> String {
        let Self { citation, edition, date, mark, .. } = self;
        let dated = if edition.contains(date.as_str()) { "" } else { &format!(" ({date})") };
        let confirmed = words(&format!("badge.source_{}", mark.to_lowercase()), &[]);
        format!("{citation}; edition: {edition}{dated}; {confirmed}")
    }
}

/// What an input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum InputKind {
    /// A number in the input's unit.
    Number,
    /// One of the choices.
    Choice,
    /// Any of the choices.
    Choices,
    /// Yes or no.
    Flag,
    /// The id of a procedure.
    Procedure,
}

/// One thing that a calculator asks for.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CalculatorInput {
    /// As scripts write it, unit last: `creatinine_mg_dl`.
    pub name: String,
    /// As a form shows it.
    pub label: String,
    /// A line beneath it; empty for none.
    pub help: String,
    /// What it holds.
    pub kind: InputKind,
    /// Unit, conversions and plausible range of a number.
    pub quantity: Option<Quantity>,
    /// What can be chosen.
    pub choices: Vec<CalculatorChoice>,
    /// Takes whole numbers only.
    pub whole: bool,
    /// May be left out.
    pub optional: bool,
}

/// A word and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CalculatorChoice {
    /// As scripts read and write it.
    pub value: String,
    /// As people see it.
    pub label: String,
    /// Other spellings that are taken.
    pub also: Vec<String>,
}

/// One thing that a calculator answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CalculatorOutput {
    /// As scripts read it.
    pub name: String,
    /// As people see it.
    pub label: String,
    /// Unit of a number; empty for none.
    pub unit: String,
    /// Decimal places that people see; scripts get the number as computed.
    pub decimals: u32,
    /// Words that can be the answer.
    pub words: Vec<CalculatorChoice>,
}

/// A definition and how it is worked out.
#[derive(Debug, Clone)]
pub(super) struct Shipped {
    pub definition: Calculator,
    pub formula: Formula,
}

/// Reads a file of calculators.
pub(super) fn read(
    name: &str,
    text: &str,
    unique: &mut Unique,
) -> Result<Vec<Shipped>, ContentError> {
    SourceFile::new(name, text).read(|root| {
        root.tables("calculator", |table| {
            let id = table.text("id")?;
            unique.add(&id, || table.place("id"))?;
            let definition = calculator(table, id)?;
            let formula = Formula::read(table, &definition)?;
            Ok(Shipped { definition, formula })
        })
    })
}

fn calculator(table: &Table<'_>, id: String) -> Result<Calculator, ContentError> {
    let missing = |key: &str| ContentError::Missing { place: table.place(key) };
    let (mut names, mut answers) = (Unique::default(), Unique::default());
    let inputs = table.tables("input", |one| input(one, &mut names))?;
    let outputs = table.tables("output", |one| output(one, &mut answers))?;
    if inputs.is_empty() || outputs.is_empty() {
        return Err(missing(if inputs.is_empty() { "input" } else { "output" }));
    }
    Ok(Calculator {
        id,
        name: table.text("name")?,
        purpose: table.text("purpose")?,
        source: table.table("source", cited)?.ok_or_else(|| missing("source"))?,
        also: table.tables("also", cited)?,
        notes: table.texts("notes")?.into_iter().map(|note| note.value).collect(),
        inputs,
        outputs,
    })
}

fn cited(table: &Table<'_>) -> Result<CitedSource, ContentError> {
    let date = table.text("date")?;
    let parts: Vec<&str> = date.split('-').collect();
    let figures = |part: &&str| part.chars().all(|letter| letter.is_ascii_digit());
    let long = parts.iter().zip([4, 2, 2]).all(|(part, length)| part.len() == length);
    if parts.len() > 3 || !long || !parts.iter().all(figures) {
        let allowed = "a year, 2019-08 or 2019-08-01".to_owned();
        return Err(ContentError::NotAllowed { place: table.place("date"), found: date, allowed });
    }
    let marks = [("V", "V"), ("L", "L"), ("T", "T"), ("recall", "recall")];
    let mark = table.word("mark", &marks)?;
    Ok(CitedSource {
        id: table.text("id")?,
        citation: table.text("citation")?,
        edition: table.text("edition")?,
        date,
        mark: mark.ok_or_else(|| ContentError::Missing { place: table.place("mark") })?.to_owned(),
    })
}

/// What the word `kind` can be; `drugs` are those of the threshold table.
const KINDS: &[(&str, (InputKind, bool))] = &[
    ("number", (InputKind::Number, false)),
    ("choice", (InputKind::Choice, false)),
    ("choices", (InputKind::Choices, false)),
    ("drugs", (InputKind::Choices, true)),
    ("flag", (InputKind::Flag, false)),
    ("procedure", (InputKind::Procedure, false)),
];

fn input(table: &Table<'_>, names: &mut Unique) -> Result<CalculatorInput, ContentError> {
    let name = table.text("name")?;
    names.add(&name, || table.place("name"))?;
    let kind = table.word("kind", KINDS)?;
    let (kind, drugs) = kind.ok_or_else(|| ContentError::Missing { place: table.place("kind") })?;
    let choices =
        if drugs { Thresholds::shipped().drug_choices() } else { choices(table, "choices")? };
    if choices.is_empty() && matches!(kind, InputKind::Choice | InputKind::Choices) {
        return Err(ContentError::Missing { place: table.place("choices") });
    }
    let quantity = if kind == InputKind::Number { Some(measure(table, &name)?) } else { None };
    Ok(CalculatorInput {
        label: table.text("label")?,
        help: table.opt_text("help")?.unwrap_or_default(),
        whole: table.flag("whole")?,
        optional: table.flag("optional")?,
        name,
        kind,
        quantity,
        choices,
    })
}

/// The quantity that an input names, or the one that it describes itself.
fn measure(table: &Table<'_>, name: &str) -> Result<Quantity, ContentError> {
    let Some(known) = table.opt_text("quantity")? else {
        return quantity(table, name.to_owned());
    };
    let found = Content::shipped().quantity(&known).cloned();
    found.ok_or_else(|| ContentError::NoSuchId { place: table.place("quantity"), found: known })
}

fn output(table: &Table<'_>, names: &mut Unique) -> Result<CalculatorOutput, ContentError> {
    let name = table.text("name")?;
    names.add(&name, || table.place("name"))?;
    Ok(CalculatorOutput {
        name,
        label: table.text("label")?,
        unit: table.opt_text("unit")?.unwrap_or_default(),
        decimals: table.opt_whole("decimals")?.unwrap_or(0),
        words: choices(table, "words")?,
    })
}

fn choices(table: &Table<'_>, key: &str) -> Result<Vec<CalculatorChoice>, ContentError> {
    let mut unique = Unique::default();
    table.tables(key, |one| {
        let value = one.text("value")?;
        unique.add(&value, || one.place("value"))?;
        let also = one.texts("also")?.into_iter().map(|other| other.value).collect();
        Ok(CalculatorChoice { value, label: one.text("label")?, also })
    })
}
