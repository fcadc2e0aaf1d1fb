//! A calculator as a form, and what was typed into it as its inputs.

use serde_json::{Value, json};

use super::change::TypedField;
use super::clock::EntryContext;
use super::definition::{FieldKind, FormChoice, FormDefinition, FormField, FormSection};
use super::read::read;
use super::view::{FormView, fill, overlay};
use crate::calculator::{
    Calculator, CalculatorChoice, CalculatorError, CalculatorInput, CalculatorResult, InputKind,
    calculate, calculator, unknown,
};
use crate::record::Fields;

/// The kind of record that a calculator's form fills: none is ever saved.
const KIND: &str = "calculation";
/// Fields side by side where there is room.
const COLUMNS: u32 = 2;

/// The form of a calculator.
pub fn calculator_definition(calculator: &Calculator) -> FormDefinition {
    FormDefinition {
        id: calculator.id.clone(),
        revision: 1,
        title: calculator.name.clone(),
        kind: KIND.to_owned(),
        sections: vec![FormSection {
            id: "inputs".to_owned(),
            title: calculator.name.clone(),
            help: calculator.purpose.clone(),
            columns: COLUMNS,
            folded: false,
            fields: calculator.inputs.iter().map(field).collect(),
        }],
    }
}

fn field(input: &CalculatorInput) -> FormField {
    let kind = match input.kind {
        InputKind::Number => FieldKind::Number,
        InputKind::Choice => FieldKind::Choice,
        InputKind::Choices => FieldKind::Choices,
        InputKind::Flag => FieldKind::Flag,
        InputKind::Procedure => FieldKind::Procedure,
    };
    let option = |choice: &CalculatorChoice| FormChoice {
        value: choice.value.clone(),
        label: choice.label.clone(),
        group: String::new(),
    };
    let source = input.quantity.as_ref().and_then(|quantity| quantity.source.clone());
    FormField {
        path: input.name.clone(),
        label: input.label.clone(),
        kind,
        quantity: input.quantity.clone(),
        options: input.choices.iter().map(option).collect(),
        role: String::new(),
        help: input.help.clone(),
        placeholder: String::new(),
        source: source.unwrap_or_default(),
        asked: !input.optional,
        fixed: false,
        width: if kind == FieldKind::Choices { COLUMNS } else { 1 },
        recent_first: false,
    }
}

/// The form of the calculator `id`, with what was typed so far.
///
/// # Errors
/// `UnknownCalculator`.
pub fn calculator_form(id: &str, typed: &[TypedField]) -> Result<FormView, CalculatorError> {
    let Some(known) = calculator(id) else { return Err(unknown()) };
    let definition = calculator_definition(known);
    let mut view = fill(&definition, &Fields::new(), &[]);
    overlay(&mut view, &definition, typed, &EntryContext::default());
    // What is odd is told by the calculator itself: nothing of it is kept.
    for field in view.sections.iter_mut().flat_map(|section| &mut section.fields) {
        field.warnings.clear();
    }
    Ok(view)
}

/// Works out what the calculator `id` says of what was typed: `103 µmol/L` is as good as `6.02`.
///
/// # Errors
/// `CalculatorError`, naming the calculator or input.
pub fn calculate_typed(
    id: &str,
    typed: &[TypedField],
) -> Result<CalculatorResult, CalculatorError> {
    let Some(known) = calculator(id) else { return Err(unknown()) };
    let definition = calculator_definition(known);
    let mut inputs = Fields::new();
    for sent in typed {
        let value = match definition.field(&sent.path) {
            Some(field) => read(field, &sent.texts, &EntryContext::default()).value,
            // The calculator says which names it knows.
            None => Some(json!(sent.texts)),
        };
        inputs.insert(sent.path.clone(), value.unwrap_or(Value::Null));
    }
    calculate(id, &inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calculator::calculators;

    fn typed(pairs: &[(&str, &str)]) -> Vec<TypedField> {
        let field = |(path, text): &(&str, &str)| TypedField {
            path: (*path).to_owned(),
            texts: text.split(" + ").map(str::to_owned).collect(),
        };
        pairs.iter().map(field).collect()
    }

    #[test]
    fn every_calculator_has_a_form_that_asks_for_its_inputs() {
        for known in calculators() {
            let view = calculator_form(&known.id, &[]).unwrap();
            let fields: Vec<_> = view.sections.iter().flat_map(|section| &section.fields).collect();
            let paths: Vec<_> = fields.iter().map(|field| &field.path).collect();
            assert_eq!(paths, known.inputs.iter().map(|input| &input.name).collect::<Vec<_>>());
            for (field, input) in fields.iter().zip(&known.inputs) {
                assert_eq!(field.missing, !input.optional, "{} {}", known.id, input.name);
            }
        }
        assert!(calculator_form("meld4", &[]).is_err());
    }

    #[test]
    fn what_is_typed_may_carry_a_unit_a_name_or_a_decimal_comma() {
        let labs = [("bilirubin_mg_dl", "106 µmol/L"), ("inr", "1,4"), ("creatinine_mg_dl", "1.0")];
        let meld = calculate_typed("meld", &typed(&labs)).unwrap();
        assert_eq!(meld.number("value"), Some(17.0));
        assert_eq!(meld.inputs[0].shown, "6.2");
        let labs = [
            ("procedure_id", "Paracentesis"),
            ("inr", "1.4"),
            ("platelets_10e9_l", "90000 /µL"),
            ("chronic_liver_disease", "no"),
            ("drugs", "aspirin + apixaban"),
        ];
        let read = calculate_typed("sir2019", &typed(&labs)).unwrap();
        assert_eq!(read.word("overall"), Some("met"));
        assert_eq!(read.word("drugs.apixaban.action"), Some("continue"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = |pairs: &[(&str, &str)]| {
            let error = calculate_typed("meld", &typed(pairs)).unwrap_err();
            (error.kind(), error.inputs().join(" "))
        };
        assert_eq!(error(&[("inr", "high")]), ("not_a_number", "inr".to_owned()));
        assert_eq!(error(&[("inr", "99")]), ("out_of_range", "inr".to_owned()));
        assert_eq!(error(&[("dialysis", "maybe")]), ("not_yes_or_no", "dialysis".to_owned()));
        assert_eq!(error(&[("ast", "40")]), ("unknown_input", "ast".to_owned()));
        let all = "bilirubin_mg_dl inr creatinine_mg_dl".to_owned();
        assert_eq!(error(&[("inr", " ")]), ("missing", all));
    }
}
