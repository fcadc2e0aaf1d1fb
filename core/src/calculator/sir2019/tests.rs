//! The vectors of SIR 2019, both sides of every cut, and where the answer is "ask".

use serde_json::{Map, Value, json};

use super::super::{CalculatorResult, calculate};
use super::*;
use crate::content::Content;

fn ask(inputs: Value) -> CalculatorResult {
    let inputs: Map<String, Value> = serde_json::from_value(inputs).unwrap();
    match calculate("sir2019", &inputs) {
        Ok(result) => result,
        Err(error) => panic!("{}", error.wording().line()),
    }
}

/// INR, platelets, fibrinogen, overall.
fn read(inputs: Value) -> [String; 4] {
    let result = ask(inputs);
    ["inr", "platelets", "fibrinogen", "overall"].map(|name| result.word(name).unwrap().to_owned())
}

#[test]
fn the_vectors_hold() {
    for (inputs, wanted) in [
        (
            json!({ "procedure_id": "paracentesis", "inr": 1.4, "platelets_10e9_l": 90 }),
            ["met", "met", "not_applicable", "met"],
        ),
        (
            json!({ "procedure_id": "biopsy-liver", "inr": 1.9, "platelets_10e9_l": 60 }),
            ["not_met", "met", "not_applicable", "not_met"],
        ),
        (
            json!({ "procedure_id": "biopsy-liver", "inr": 1.9, "platelets_10e9_l": 60,
                "fibrinogen_mg_dl": 120, "chronic_liver_disease": true }),
            ["met", "met", "met", "met"],
        ),
        (
            json!({ "procedure_id": "tips", "inr": 2.5, "platelets_10e9_l": 35,
                "fibrinogen_mg_dl": 120, "chronic_liver_disease": true }),
            ["not_met", "met", "met", "not_met"],
        ),
        (
            json!({ "risk": "low", "arterial_access": "femoral", "inr": 1.8, "platelets_10e9_l": 90 }),
            ["not_met", "met", "not_applicable", "not_met"],
        ),
        (
            json!({ "risk": "high", "inr": 1.2, "platelets_10e9_l": 50 }),
            ["met", "met", "not_applicable", "met"],
        ),
        // The guide's patient, also under the thresholds of liver disease.
        (
            json!({ "procedure_id": "paracentesis", "inr": 1.4, "platelets_10e9_l": 90,
                "fibrinogen_mg_dl": 150, "chronic_liver_disease": true }),
            ["not_applicable", "met", "met", "met"],
        ),
    ] {
        assert_eq!(read(inputs.clone()), wanted, "{inputs}");
    }
}

#[test]
fn each_cut_falls_on_its_side() {
    let inr = |risk: &str, access: &str, liver: bool, inr: f64| {
        let access = if access.is_empty() { Value::Null } else { json!(access) };
        let inputs = json!({ "risk": risk, "arterial_access": access, "inr": inr,
            "chronic_liver_disease": liver });
        read(inputs)[0].clone()
    };
    for (risk, access, liver, value, wanted) in [
        ("low", "", false, 2.0, "met"),
        ("low", "", false, 2.01, "borderline"),
        ("low", "", false, 3.0, "borderline"),
        ("low", "", false, 3.01, "not_met"),
        ("low", "femoral", false, 1.79, "met"),
        ("low", "radial", false, 2.19, "met"),
        ("low", "radial", false, 2.2, "not_met"),
        ("high", "", false, 1.5, "met"),
        ("high", "", false, 1.51, "borderline"),
        ("high", "", false, 1.8, "borderline"),
        ("high", "", false, 1.81, "not_met"),
        ("high", "", true, 2.49, "met"),
        ("low", "", true, 9.0, "not_applicable"),
    ] {
        assert_eq!(inr(risk, access, liver, value), wanted, "{risk} {access} {liver} {value}");
    }
    for (risk, liver, value, wanted) in [
        ("low", false, 20.0, "met"),
        ("low", false, 19.9, "not_met"),
        ("high", false, 49.9, "not_met"),
        ("low", true, 20.0, "not_met"),
        ("low", true, 20.1, "met"),
        ("high", true, 30.0, "not_met"),
        ("high", true, 30.1, "met"),
    ] {
        let inputs =
            json!({ "risk": risk, "platelets_10e9_l": value, "chronic_liver_disease": liver });
        assert_eq!(read(inputs)[1], wanted, "{risk} {liver} {value}");
    }
    for (value, wanted) in [(100.0, "not_met"), (100.1, "met")] {
        let inputs =
            json!({ "risk": "high", "fibrinogen_mg_dl": value, "chronic_liver_disease": true });
        assert_eq!(read(inputs)[2], wanted);
    }
}

#[test]
fn what_is_not_settled_is_asked_and_both_sides_are_shown() {
    let open =
        ask(json!({ "procedure_id": "lumbar-puncture", "inr": 1.7, "platelets_10e9_l": 40 }));
    assert_eq!((open.word("overall"), open.word("risk")), (Some("ask"), Some("ask")));
    assert_eq!(open.word("inr"), Some("not_applicable"));
    assert_eq!(open.word("fibrinogen"), Some("not_applicable"));
    let agreed = read(json!({ "procedure_id": "tace", "inr": 1.0 }));
    assert_eq!(agreed, ["met", "missing", "not_applicable", "ask"]);
    assert_eq!(open.word("if_low.overall"), Some("met"));
    assert_eq!(open.word("if_high.overall"), Some("not_met"));
    let label = &open.values.iter().find(|value| value.name == "if_high.inr").unwrap().label;
    assert_eq!(label, "If the risk is high: INR");
    assert!(open.notes[0].contains("not settle"));
    // Settled by whoever knows, and against the table.
    let told = ask(json!({ "procedure_id": "lumbar-puncture", "risk": "low", "inr": 1.7 }));
    assert_eq!((told.word("risk"), told.word("inr")), (Some("low"), Some("met")));
    let other = ask(json!({ "procedure_id": "tips", "risk": "low", "inr": 1.7 }));
    assert!(other.notes[0].contains("differs"));
    // Liver disease lifts what arterial access asks for.
    let both = |inr: f64| {
        read(json!({ "risk": "low", "arterial_access": "femoral", "chronic_liver_disease": true,
            "inr": inr, "platelets_10e9_l": 90, "fibrinogen_mg_dl": 200 }))
    };
    assert_eq!(both(1.7), ["not_applicable", "met", "met", "met"]);
    assert_eq!(both(1.9), ["not_applicable", "met", "met", "ask"]);
    let asked = Content::shipped().procedures().iter().filter(|one| {
        let result = ask(json!({ "procedure_id": one.id }));
        (result.word("overall") == Some("ask")) != (one.bleeding_risk == BleedingRisk::Ask)
    });
    assert_eq!(asked.count(), 0);
}

#[test]
fn missing_labs_are_missing_and_something_must_name_the_risk() {
    let nothing = read(json!({ "risk": "high" }));
    assert_eq!(nothing, ["missing", "missing", "not_applicable", "missing"]);
    let liver = read(json!({ "risk": "high", "chronic_liver_disease": true, "inr": 3 }));
    assert_eq!(liver, ["not_met", "missing", "missing", "not_met"]);
    let error = calculate("sir2019", &Map::new()).unwrap_err();
    assert_eq!(
        (error.kind(), error.inputs().join(" ")),
        ("missing_any", "procedure_id risk".into())
    );
    let inputs = serde_json::from_value(json!({ "procedure_id": "appendectomy" })).unwrap();
    assert_eq!(calculate("sir2019", &inputs).unwrap_err().kind(), "not_a_procedure");
}

/// Action, hold, restart, why.
fn drug(drug: &str, mut inputs: Value) -> [String; 4] {
    inputs["drugs"] = json!([drug]);
    let result = ask(inputs);
    let part = |part| result.word(&format!("drugs.{drug}.{part}")).unwrap_or_default().to_owned();
    ["action", "hold", "restart", "why"].map(part)
}

#[test]
fn drugs_are_held_and_restarted_by_risk_and_clearance() {
    let clearance = |value: f64| json!({ "risk": "high", "creatinine_clearance_ml_min": value });
    for (id, inputs, wanted) in [
        ("heparin-iv", json!({ "risk": "high" }), ["hold", "4 to 6 h", "6 to 8 h", ""]),
        ("heparin-iv", json!({ "risk": "low" }), ["continue", "", "", ""]),
        ("apixaban", clearance(50.0), ["hold", "4 doses", "24 h", ""]),
        ("apixaban", clearance(49.9), ["hold", "6 doses", "24 h", ""]),
        ("rivaroxaban", clearance(30.0), ["hold", "2 doses", "24 h", ""]),
        ("rivaroxaban", clearance(29.0), ["hold", "3 doses", "24 h", ""]),
        ("rivaroxaban", clearance(14.9), ["ask", "", "", "not_covered"]),
        ("dabigatran", json!({ "risk": "high", "dialysis": true }), ["ask", "", "", "not_covered"]),
        (
            "fondaparinux",
            json!({ "risk": "high" }),
            ["ask", "2 to 3 days; 3 to 5 days below 50 mL/min", "24 h", "clearance_missing"],
        ),
        ("aspirin", clearance(10.0), ["hold", "3 to 5 days", "the next day", ""]),
        ("tirofiban", json!({ "risk": "low" }), ["hold", "4 to 8 h", "", ""]),
        ("nsaid", json!({ "risk": "high" }), ["no_recommendation", "", "", ""]),
        ("cilostazol", json!({ "procedure_id": "tace" }), ["continue", "", "", ""]),
        (
            "aspirin",
            json!({ "procedure_id": "tace" }),
            ["ask", "3 to 5 days", "the next day", "risk"],
        ),
    ] {
        assert_eq!(drug(id, inputs.clone()), wanted, "{id} {inputs}");
    }
    let warfarin = ask(json!({ "risk": "low", "inr": 2.8, "drugs": ["warfarin"] }));
    assert!(warfarin.notes.iter().any(|note| note.contains("upper end of the INR range")));
    let label = &warfarin.values.last().unwrap().label;
    assert_eq!(label, "Warfarin, before the procedure");
}

#[test]
fn every_note_that_is_said_is_written() {
    let table = Thresholds::shipped();
    for key in ["open_class", "other_class", "two_rows", "not_routine"] {
        assert_ne!(table.note(key), key);
    }
    for drug in &table.drugs {
        assert!(drug.low_note.as_ref().is_none_or(|note| table.note(note) != *note), "{}", drug.id);
    }
}

#[test]
fn mistakes_in_a_table_are_told_where_they_are() {
    let text = rules::TEXT;
    for (from, to, field) in [
        ("below = 1.8", "below = 1.8\nabove = 1.0", "rule[2].at_most"),
        ("mark = \"T\"", "mark = \"?\"", "rule[1].mark"),
        ("when = \"radial\"", "when = \"femoral\"", "rule[3].lab"),
        ("action = \"hold\"", "action = \"stop\"", "drug[1].action"),
        ("hold = \"4 to 6 h\"\n", "", "drug[1].hold"),
        (
            "[clearance]\nnot_covered_below",
            "[clearance]\nnot_covered",
            "clearance.not_covered_below",
        ),
    ] {
        let error = Thresholds::parse(&text.replacen(from, to, 1), "own.toml").unwrap_err();
        assert_eq!(error.place().field, field);
    }
}

proptest::proptest! {
    #[test]
    fn a_worse_lab_is_never_better(
        inr: f64, platelets: f64, fibrinogen: f64, more in 0.0..10.0_f64, liver: bool, radial: bool,
        arterial: bool,
    ) {
        let table = Thresholds::shipped();
        let access = if radial { ArterialAccess::Radial } else { ArterialAccess::Femoral };
        let known = ThresholdInputs {
            arterial_access: arterial.then_some(access),
            chronic_liver_disease: liver,
            inr: Some(inr),
            platelets_10e9_l: Some(platelets),
            fibrinogen_mg_dl: Some(fibrinogen),
            ..ThresholdInputs::default()
        };
        let worse = ThresholdInputs {
            inr: Some(inr + more),
            platelets_10e9_l: Some(platelets - more),
            fibrinogen_mg_dl: Some(fibrinogen - more),
            ..known
        };
        for risk in [Risk::Low, Risk::High] {
            for lab in Lab::ALL {
                let (before, after) = (table.status(risk, lab, &known), table.status(risk, lab, &worse));
                proptest::prop_assert!(before.rank() <= after.rank(), "{risk:?} {lab:?}");
            }
            let _ = labs(table, risk, &known);
        }
    }
}
