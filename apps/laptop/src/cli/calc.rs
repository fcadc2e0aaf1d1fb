//! `calc`: scores, thresholds and conversions, for people and for scripts. No log is opened.

use clap::Args;
use seldinger_core::calculator::{
    self, Calculator, CalculatorError, CalculatorInput, CalculatorResult, CalculatorValue,
    CitedSource, InputKind, calculators,
};
use seldinger_core::content::{Wording, wording};
use seldinger_core::form::{self, TypedField};
use serde_json::{Map, Value, json};

use super::input::for_each_line_as_it_is;
use crate::failure::Failure;
use crate::say::{Out, plain};

/// The widest that a column of labels gets.
const LABEL_MAX: usize = 44;
/// Wide enough for the names of inputs.
const NAME_WIDTH: usize = 28;
/// Whole numbers up to this are written without a fraction.
const WHOLE_MAX: f64 = 1e15;

/// What is calculated.
#[derive(Args)]
pub struct CalcArgs {
    /// Which calculator; without it, those that there are.
    calculator: Option<String>,
    /// Its inputs, such as inr=1.4 or bilirubin_mg_dl="103 µmol/L"; without them, what it asks for.
    #[arg(value_name = "INPUT=VALUE")]
    inputs: Vec<String>,
    /// One JSON object; without a calculator, a request a line from standard input.
    #[arg(long)]
    json: bool,
}

/// Calculates, or lists what there is.
pub fn run(args: &CalcArgs) -> Result<(), Failure> {
    let mut out = Out::new();
    match &args.calculator {
        None if args.json => for_each_line_as_it_is(|line| {
            out.line(answer(line))?;
            // Whoever asks line by line waits for this one.
            out.flush()
        })?,
        None => list(&mut out)?,
        Some(id) => one(&mut out, id, args)?,
    }
    out.flush()
}

fn one(out: &mut Out, id: &str, args: &CalcArgs) -> Result<(), Failure> {
    let known = calculator::calculator(id);
    let known = known.ok_or_else(|| Failure::Calculator(calculator::unknown()))?;
    if args.inputs.is_empty() && !args.json {
        return describe(out, known);
    }
    let typed = typed(&args.inputs)?;
    let result = form::calculate_typed(id, &typed).map_err(Failure::Calculator)?;
    if args.json { out.line(json!({ "result": result_json(&result) })) } else { show(out, &result) }
}

/// Inputs as they are typed; one that is named again adds to the first.
fn typed(pairs: &[String]) -> Result<Vec<TypedField>, Failure> {
    let mut typed: Vec<TypedField> = Vec::new();
    for pair in pairs {
        let Some((path, text)) = pair.split_once('=') else {
            return Err(Failure::Misused(wording("calculator.not_a_pair", &[("given", pair)])));
        };
        // Several drugs are written with commas; a comma inside of a number is a decimal one.
        let is_list = calculators()
            .filter_map(|one| one.input(path))
            .any(|input| input.kind == InputKind::Choices);
        let texts: Vec<String> = if is_list {
            text.split(',').map(str::to_owned).collect()
        } else {
            vec![text.to_owned()]
        };
        match typed.iter_mut().find(|field| field.path == path) {
            Some(field) => field.texts.extend(texts),
            None => typed.push(TypedField { path: path.to_owned(), texts }),
        }
    }
    Ok(typed)
}

fn list(out: &mut Out) -> Result<(), Failure> {
    for one in calculators() {
        out.line(format_args!("{:23} {}", one.id, one.name))?;
        out.line(format_args!("{:23} {}", "", one.purpose))?;
    }
    out.line("")?;
    out.line(calculator::local_policy())
}

/// What a calculator asks for.
fn describe(out: &mut Out, known: &Calculator) -> Result<(), Failure> {
    out.line(&known.name)?;
    out.line(&known.purpose)?;
    out.line("")?;
    for input in &known.inputs {
        let line = format!("{:NAME_WIDTH$} {}", input.name, asks(input));
        out.line(line.trim_end())?;
        if !input.help.is_empty() {
            out.line(format_args!("{:NAME_WIDTH$} {}", "", input.help))?;
        }
    }
    out.line("")?;
    closing(out, &known.source, &known.also, &known.notes)
}

/// `Creatinine, 0.1 to 25 mg/dL`.
fn asks(input: &CalculatorInput) -> String {
    let mut text = input.label.clone();
    if let Some(quantity) = &input.quantity
        && let (Some(low), Some(high)) = (quantity.low, quantity.high)
    {
        let range = format!("{low} to {high} {}", quantity.unit);
        text = format!("{text}, {}", range.trim_end());
    }
    match input.kind {
        InputKind::Choice | InputKind::Choices => {
            let choices: Vec<_> =
                input.choices.iter().map(|choice| choice.value.as_str()).collect();
            text = format!("{text}: {}", choices.join(", "));
        }
        InputKind::Flag => text.push_str(": yes, no"),
        InputKind::Number | InputKind::Procedure => {}
    }
    if input.optional { format!("{text} (optional)") } else { text }
}

fn show(out: &mut Out, result: &CalculatorResult) -> Result<(), Failure> {
    let labels = result.values.iter().map(|value| &value.label);
    let labels = labels.chain(result.inputs.iter().map(|input| &input.label));
    let width = labels.map(|label| label.chars().count()).max().unwrap_or(0).min(LABEL_MAX);
    for value in &result.values {
        line(out, width, &value.label, &value.shown, &value.unit)?;
    }
    out.line("")?;
    for input in &result.inputs {
        line(out, width, &input.label, &plain(&input.shown), &input.unit)?;
    }
    out.line("")?;
    closing(out, &result.source, &result.also, &result.notes)
}

fn line(out: &mut Out, width: usize, label: &str, shown: &str, unit: &str) -> Result<(), Failure> {
    let text = format!("{label:width$}  {shown} {unit}");
    out.line(text.trim_end())
}

/// Sources, what to bear in mind, and that local policy goes before all of it.
fn closing(
    out: &mut Out,
    source: &CitedSource,
    also: &[CitedSource],
    notes: &[String],
) -> Result<(), Failure> {
    for one in std::iter::once(source).chain(also) {
        out.line(format_args!("Source: {} [{}]", one.line(), one.id))?;
    }
    for note in notes {
        out.line(note)?;
    }
    out.line(calculator::local_policy())
}

/// The answer to a line.
fn answer(line: &[u8]) -> Value {
    let request: Value = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(_) => return refused("not_json"),
    };
    let Some(id) = request.get("calculator").and_then(Value::as_str) else {
        return refused("not_a_request");
    };
    let none = Map::new();
    let inputs = match request.get("inputs") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(inputs)) => inputs,
        Some(_) => return refused("no_inputs"),
    };
    match calculator::calculate(id, inputs) {
        Ok(result) => json!({ "result": result_json(&result) }),
        Err(error) => json!({ "error": error_json(&error) }),
    }
}

fn refused(kind: &str) -> Value {
    let told: Wording = wording(&format!("calculator.{kind}"), &[]);
    json!({ "error": { "kind": kind, "message": told.line() } })
}

fn error_json(error: &CalculatorError) -> Value {
    let mut told = Map::new();
    told.insert("kind".to_owned(), json!(error.kind()));
    let inputs = error.inputs();
    if let Some(first) = inputs.first() {
        told.insert("input".to_owned(), json!(first));
        told.insert("inputs".to_owned(), json!(inputs));
    }
    match error {
        CalculatorError::UnknownCalculator { known }
        | CalculatorError::UnknownInput { known, .. } => {
            told.insert("known".to_owned(), json!(known));
        }
        CalculatorError::NotAChoice { choices, .. } if !choices.is_empty() => {
            told.insert("choices".to_owned(), json!(choices));
        }
        CalculatorError::OutOfRange { low, high, unit, .. } => {
            told.insert("low".to_owned(), number_json(*low));
            told.insert("high".to_owned(), number_json(*high));
            told.insert("unit".to_owned(), json!(unit));
        }
        _ => {}
    }
    told.insert("message".to_owned(), json!(error.wording().line()));
    Value::Object(told)
}

/// Values by their names, groups as objects; then source, inputs and notes.
fn result_json(result: &CalculatorResult) -> Value {
    let mut told = Map::new();
    told.insert("calculator".to_owned(), json!(result.calculator));
    for value in &result.values {
        put(&mut told, &value.name, value_json(&value.value));
        if !value.unit.is_empty() && value.name == "value" {
            told.insert("unit".to_owned(), json!(value.unit));
        }
    }
    told.insert("source".to_owned(), json!(result.source.id));
    told.insert("edition".to_owned(), json!(result.source.edition));
    told.insert("date".to_owned(), json!(result.source.date));
    told.insert("citation".to_owned(), json!(result.source.citation));
    told.insert("mark".to_owned(), json!(result.source.mark));
    if !result.also.is_empty() {
        let also = result.also.iter().map(|one| {
            json!({
                "source": one.id,
                "edition": one.edition,
                "date": one.date,
                "citation": one.citation,
                "mark": one.mark,
            })
        });
        told.insert("also".to_owned(), also.collect());
    }
    let inputs = result.inputs.iter();
    let inputs: Map<String, Value> =
        inputs.map(|input| (input.name.clone(), value_json(&input.value))).collect();
    told.insert("inputs".to_owned(), Value::Object(inputs));
    told.insert("notes".to_owned(), json!(result.notes));
    told.insert("local_policy".to_owned(), json!(result.local_policy));
    Value::Object(told)
}

/// Puts a value under a name whose dots lead into groups.
fn put(told: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => drop(told.insert(name.to_owned(), value)),
        Some((group, rest)) => {
            let inner = told.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn value_json(value: &CalculatorValue) -> Value {
    match value {
        CalculatorValue::Number { number } => number_json(*number),
        CalculatorValue::Flag { flag } => json!(flag),
        CalculatorValue::Text { text } => json!(text),
        CalculatorValue::Texts { texts } => json!(texts),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "whole, and small enough to be exact")]
fn number_json(number: f64) -> Value {
    let whole = number.fract() == 0.0 && number.abs() < WHOLE_MAX;
    if whole { json!(number as i64) } else { json!(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str) -> Value {
        answer(line.as_bytes())
    }

    #[test]
    fn a_request_is_answered_with_values_source_and_inputs() {
        let told = ask(
            r#"{"calculator":"meld","inputs":{"bilirubin_mg_dl":1.9,"inr":1.4,"creatinine_mg_dl":1.0}}"#,
        );
        let result = &told["result"];
        assert_eq!((&result["value"], &result["source"]), (&json!(13), &json!("meld-2001")));
        assert_eq!(result["inputs"]["bilirubin_mg_dl"], 1.9);
        for key in ["edition", "date", "local_policy", "calculator"] {
            assert!(result[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
        }
        let told = ask(
            r#"{"calculator":"sir2019","inputs":{"procedure_id":"tace","inr":1.7,"drugs":["apixaban"]}}"#,
        );
        assert_eq!(told["result"]["overall"], "ask");
        assert_eq!(told["result"]["if_low"]["inr"], "met");
        assert_eq!(told["result"]["if_high"]["inr"], "borderline");
        assert_eq!(told["result"]["drugs"]["apixaban"]["action"], "ask");
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        for (line, kind, input) in [
            ("", "not_json", None),
            ("{\"calculator\":", "not_json", None),
            ("[1]", "not_a_request", None),
            ("{\"calculator\":7}", "not_a_request", None),
            ("{\"calculator\":\"meld\",\"inputs\":[]}", "no_inputs", None),
            ("{\"calculator\":\"meld5\",\"inputs\":{}}", "unknown_calculator", None),
            ("{\"calculator\":\"meld\"}", "missing", Some("bilirubin_mg_dl")),
            ("{\"calculator\":\"meld\",\"inputs\":{\"Inr\":1}}", "unknown_input", Some("Inr")),
            ("{\"calculator\":\"meld\",\"inputs\":{\"inr\":-1}}", "out_of_range", Some("inr")),
            ("{\"calculator\":\"meld\",\"inputs\":{\"inr\":\"1\"}}", "not_a_number", Some("inr")),
            ("{\"calculator\":\"meld\",\"inputs\":{\"inr\":1e999}}", "not_json", None),
        ] {
            let told = ask(line);
            assert_eq!(told["error"]["kind"], kind, "{line}");
            assert_eq!(told["error"]["input"].as_str(), input, "{line}");
            assert!(!told["error"]["message"].as_str().unwrap().is_empty());
        }
        let told = ask("{\"calculator\":\"meld\",\"inputs\":{\"inr\":99}}");
        assert_eq!((&told["error"]["low"], &told["error"]["high"]), (&json!(0.5), &json!(15)));
        assert_eq!(answer(b"\xff\xfe")["error"]["kind"], "not_json");
    }

    proptest::proptest! {
        #[test]
        fn no_line_ends_the_program(line: Vec<u8>, text: String) {
            let _ = (answer(&line), ask(&text));
        }
    }
}
