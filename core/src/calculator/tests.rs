//! Every vector of the sources, the traps between them, and what holds for any number.
#![allow(clippy::float_cmp, reason = "scores are whole, and table values come out as they are")]

use serde_json::{Map, Value, json};

use super::liver::MeldInputs;
use super::*;

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn ask(id: &str, inputs: Value) -> CalculatorResult {
    match calculate(id, &map(inputs)) {
        Ok(result) => result,
        Err(error) => panic!("{id}: {}", error.wording().line()),
    }
}

fn value(id: &str, inputs: Value) -> f64 {
    ask(id, inputs).number("value").unwrap()
}

fn refused(id: &str, inputs: Value) -> (&'static str, String) {
    let Err(error) = calculate(id, &map(inputs)) else { panic!("{id} gives a result") };
    (error.kind(), error.inputs().join(" "))
}

#[test]
fn what_ships_is_whole_and_sourced() {
    let all = read(FILES).unwrap();
    let sources = include_str!("../../content/SOURCES.md");
    for one in &all {
        let known = &one.definition;
        for source in std::iter::once(&known.source).chain(&known.also) {
            assert!(sources.contains(&format!("## {}\n", source.id)), "{} {}", known.id, source.id);
        }
        for input in &known.inputs {
            let Some(quantity) = &input.quantity else { continue };
            let source = quantity.source.clone().unwrap_or_default();
            let bare = quantity.high.is_none() && input.name == "value";
            assert!(bare || sources.contains(&format!("## {source}\n")), "{}", input.name);
        }
    }
    let ids: Vec<_> = calculators().map(|one| one.id.as_str()).collect();
    let fixed = "meld meld_na meld3 child_pugh ckd_epi_2021 cockcroft_gault french_to_mm dap_convert sir2019";
    for id in fixed.split(' ') {
        assert!(ids.contains(&id), "{id}");
    }
    sir2019::Thresholds::parse(
        include_str!("../../content/thresholds/sir2019.toml"),
        "thresholds/sir2019.toml",
    )
    .unwrap();
}

#[test]
fn mistakes_in_a_definition_are_told_where_they_are() {
    let head = "[[calculator]]\nid = 'a'\nformula = 'french_to_mm'\nname = 'A'\npurpose = 'P.'\n";
    let source =
        "source = { id = 's', citation = 'c', edition = 'e', date = '2019', mark = 'L' }\n";
    let rest = "[calculator.numbers]\nfrench_per_mm = 3\n[[calculator.input]]\nname = 'french'\n\
        label = 'F'\nkind = 'number'\n[[calculator.output]]\nname = 'value'\nlabel = 'V'\n";
    let whole = format!("{head}{source}{rest}");
    let told = |text: &str| {
        let error = read(&[("own.toml", text)]).unwrap_err();
        (error.place().line, error.place().field.clone())
    };
    assert_eq!(read(&[("own.toml", &whole)]).unwrap().len(), 1);
    assert_eq!(told(&format!("{head}{rest}")), (1, "calculator[1].source".into()));
    for (from, to, line, field) in [
        ("'2019'", "'May'", 6, "calculator[1].source.date"),
        ("mark = 'L'", "mark = 'X'", 6, "calculator[1].source.mark"),
        ("french_per_mm", "per_mm", 7, "calculator[1].numbers.french_per_mm"),
        ("'french_to_mm'", "'guess'", 3, "calculator[1].formula"),
        ("'number'", "'choice'", 9, "calculator[1].input[1].choices"),
        ("label = 'V'", "label = 'V'\nlow = 3", 16, "calculator[1].output[1].low"),
    ] {
        assert_eq!(told(&whole.replace(from, to)), (line, field.to_owned()), "{to}");
    }
    assert_eq!(told(&format!("{whole}{whole}")), (17, "calculator[2].id".into()));
}

#[test]
fn meld_and_its_rounding() {
    for (bilirubin, inr, creatinine, dialysis, wanted) in [
        (1.9, 1.4, 1.0, false, 13.0),
        (0.5, 0.9, 0.6, false, 6.0),
        (2.0, 1.5, 1.2, false, 15.0),
        (3.0, 1.8, 1.5, true, 30.0),
        (10.0, 3.0, 5.0, false, 40.0),
        // The range of bilirubin that a reported score of 17 leaves open.
        (5.30, 1.4, 1.0, false, 17.0),
        (6.90, 1.4, 1.0, false, 17.0),
        (5.29, 1.4, 1.0, false, 16.0),
        (6.91, 1.4, 1.0, false, 18.0),
    ] {
        let labs = json!({ "bilirubin_mg_dl": bilirubin, "inr": inr, "creatinine_mg_dl": creatinine,
            "dialysis": dialysis });
        assert_eq!(value("meld", labs), wanted, "{bilirubin} {inr} {creatinine}");
    }
}

#[test]
fn meld_na_rounds_before_it_compares() {
    for (bilirubin, inr, creatinine, sodium, wanted) in [
        (6.2, 1.4, 1.0, 137.0, 17.0),
        (6.2, 1.4, 1.0, 130.0, 22.0),
        (6.2, 1.4, 1.0, 125.0, 26.0),
        (2.0, 1.5, 1.2, 130.0, 21.0),
        (1.0, 1.55, 1.0, 125.0, 11.0),
        (1.0, 1.6, 1.0, 125.0, 23.0),
        (6.90, 1.4, 1.0, 130.0, 22.0),
        (6.91, 1.4, 1.0, 130.0, 23.0),
        // Beyond its bounds sodium changes nothing.
        (6.2, 1.4, 1.0, 110.0, 26.0),
        (6.2, 1.4, 1.0, 150.0, 17.0),
    ] {
        let labs = json!({ "bilirubin_mg_dl": bilirubin, "inr": inr, "creatinine_mg_dl": creatinine,
            "sodium_mmol_l": sodium });
        assert_eq!(value("meld_na", labs), wanted, "{bilirubin} {inr} {sodium}");
    }
}

#[test]
fn meld_3_knows_sex_and_albumin() {
    for (sex, bilirubin, inr, creatinine, sodium, albumin, wanted) in [
        ("male", 6.2, 1.4, 1.0, 137.0, 3.5, 17.0),
        ("M", 6.2, 1.4, 1.0, 130.0, 2.8, 21.0),
        ("F", 6.2, 1.4, 1.0, 130.0, 2.8, 23.0),
        ("female", 2.5, 1.5, 1.2, 135.0, 3.0, 19.0),
        ("m", 0.6, 1.0, 0.7, 140.0, 4.2, 6.0),
        // A half goes up: 6 + 0.82 × 11 + 1.85 × 0.8 = 16.5.
        ("male", 1.0, 1.0, 1.0, 126.0, 2.7, 17.0),
    ] {
        let labs = json!({ "sex": sex, "bilirubin_mg_dl": bilirubin, "inr": inr,
            "creatinine_mg_dl": creatinine, "sodium_mmol_l": sodium, "albumin_g_dl": albumin });
        assert_eq!(value("meld3", labs), wanted, "{sex} {bilirubin} {sodium} {albumin}");
    }
}

#[test]
fn child_pugh_counts_each_cut_on_its_side() {
    for (bilirubin, albumin, inr, ascites, grade, points, class) in [
        (1.0, 4.0, 1.0, "none", 0, 5.0, "A"),
        (2.0, 3.5, 1.7, "mild", 0, 9.0, "B"),
        (3.0, 2.8, 2.3, "mild", 2, 10.0, "C"),
        (3.0, 2.8, 2.3, "mild", 1, 10.0, "C"),
        (3.1, 2.7, 2.4, "moderate_severe", 3, 15.0, "C"),
        (3.1, 2.7, 2.4, "moderate_severe", 4, 15.0, "C"),
        (1.9, 3.6, 1.6, "mild", 0, 6.0, "A"),
        (1.9, 3.6, 1.7, "mild", 0, 7.0, "B"),
    ] {
        let findings = json!({ "bilirubin_mg_dl": bilirubin, "albumin_g_dl": albumin, "inr": inr,
            "ascites": ascites, "encephalopathy_grade": grade });
        let result = ask("child_pugh", findings);
        assert_eq!(result.number("points"), Some(points), "{bilirubin} {albumin} {inr}");
        assert_eq!(result.word("class"), Some(class));
    }
}

fn near(found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "{found} is not {wanted}");
}

#[test]
fn kidney_function() {
    for (creatinine, age, sex, wanted) in [
        (1.0, 68, "M", 81.98),
        (0.9, 55, "F", 75.50),
        (0.7, 30, "F", 119.24),
        (2.5, 70, "M", 26.96),
        (1.8, 75, "F", 29.02),
    ] {
        let inputs = json!({ "creatinine_mg_dl": creatinine, "age_years": age, "sex": sex });
        near(value("ckd_epi_2021", inputs), wanted, 0.005);
    }
    for (age, weight, creatinine, sex, wanted) in
        [(68, 80, 1.0, "male", 80.0), (75, 60, 1.8, "female", 25.6), (40, 70, 0.8, "male", 121.5)]
    {
        let inputs = json!({ "age_years": age, "weight_kg": weight, "creatinine_mg_dl": creatinine,
            "sex": sex });
        let result = ask("cockcroft_gault", inputs);
        near(result.number("value").unwrap(), wanted, 0.05);
        assert_eq!(result.values[0].shown, wanted.to_string());
    }
}

#[test]
fn sizes_and_dose() {
    for (french, wanted, shown) in
        [(5, 5.0 / 3.0, "1.67"), (6, 2.0, "2"), (8, 8.0 / 3.0, "2.67"), (12, 4.0, "4")]
    {
        let result = ask("french_to_mm", json!({ "french": french }));
        near(result.number("value").unwrap(), wanted, 1e-12);
        assert_eq!(result.values[0].shown, shown);
    }
    assert_eq!(value("mm_to_french", json!({ "diameter_mm": 4 })), 12.0);
    for (gauge, wanted) in [(18, 1.27), (21, 0.82), (22, 0.72), (25, 0.51)] {
        assert_eq!(value("gauge_to_mm", json!({ "gauge": gauge })), wanted);
    }
    assert_eq!(refused("gauge_to_mm", json!({ "gauge": 15 })).0, "not_a_choice");
    assert_eq!(refused("gauge_to_mm", json!({ "gauge": 18.5 })).0, "not_whole");
    let dap = |value: f64, from: &str, to: &str| json!({ "value": value, "from": from, "to": to });
    for (number, from, to, wanted) in [
        (13639.0, "mGy.cm2", "Gy.cm2", 13.639),
        (13639.0, "mGy.cm2", "uGy.m2", 1363.9),
        (13.639, "Gy.cm2", "mGy.cm2", 13639.0),
        (1363.9, "uGy.m2", "Gy.cm2", 13.639),
        (1.0, "Gy.m2", "dGy.cm2", 100_000.0),
        (1.0, "mGy.m2", "cGy.cm2", 1000.0),
    ] {
        near(value("dap_convert", dap(number, from, to)), wanted, wanted * 1e-12);
    }
    let Err(error) = calculate("dap_convert", &map(dap(2e6, "Gy.cm2", "mGy.cm2"))) else {
        panic!("more than any machine shows")
    };
    assert!(error.wording().what.contains("0 to 1000000 Gy·cm²"), "{}", error.wording().what);
    let seconds = json!({ "value": 450, "from": "s", "to": "min" });
    assert_eq!(value("fluoro_convert", seconds), 7.5);
}

#[test]
fn contrast_shows_both_documents_and_what_fits() {
    let fits = |hours: f64| {
        let inputs = json!({ "reaction": "moderate", "hours_until_contrast": hours });
        let result = ask("contrast_premedication", inputs);
        assert_eq!((result.also.len(), result.word("acr_aaaai_2025")), (1, Some("consider")));
        match result.value("acr_manual") {
            Some(CalculatorValue::Texts { texts }) => texts.clone(),
            _ => Vec::new(),
        }
    };
    let counts = [24.0, 13.0, 12.9, 11.9, 4.0].map(|hours| fits(hours).len());
    assert_eq!(counts, [3, 3, 2, 1, 1]);
    assert_eq!(fits(3.9), ["none_fits"]);
    let kidney = |inputs: Value| {
        let result = ask("contrast_kidney", inputs);
        let word = |name| result.word(name).unwrap_or_default().to_owned();
        (word("fluids"), word("metformin"))
    };
    for (inputs, fluids, metformin) in [
        (json!({ "egfr_ml_min_173m2": 29.9, "route": "intravenous" }), "saline", "not_applicable"),
        (
            json!({ "egfr_ml_min_173m2": 30, "route": "IV", "metformin": true }),
            "individual",
            "continue",
        ),
        (json!({ "egfr_ml_min_173m2": 45, "route": "iv" }), "none", "not_applicable"),
        (
            json!({ "acute_kidney_injury": true, "route": "iv", "metformin": true }),
            "saline",
            "hold_48h",
        ),
        (json!({ "dialysis": true, "route": "iv" }), "none", "not_applicable"),
        (
            json!({ "egfr_ml_min_173m2": 60, "route": "arterial", "metformin": true,
                "renal_emboli_risk": true }),
            "ask",
            "hold_48h",
        ),
    ] {
        assert_eq!(kidney(inputs), (fluids.to_owned(), metformin.to_owned()));
    }
    let none = refused("contrast_kidney", json!({ "route": "iv" }));
    assert_eq!(none, ("missing", "egfr_ml_min_173m2".to_owned()));
}

#[test]
fn what_is_missing_or_absurd_is_named() {
    let labs = |value: Value| json!({ "bilirubin_mg_dl": 2, "inr": value, "creatinine_mg_dl": 1 });
    for odd in [json!(-1), json!(0), json!(140), json!(1e300), json!(-1e300)] {
        assert_eq!(refused("meld", labs(odd)), ("out_of_range", "inr".to_owned()));
    }
    for odd in [json!("1.2"), json!(true), json!([]), json!({})] {
        assert_eq!(refused("meld", labs(odd)), ("not_a_number", "inr".to_owned()));
    }
    assert_eq!(refused("meld", labs(Value::Null)), ("missing", "inr".to_owned()));
    let (kind, inputs) = refused("meld3", json!({ "sex": "F", "inr": 1.2 }));
    assert_eq!(kind, "missing");
    assert_eq!(inputs, "bilirubin_mg_dl creatinine_mg_dl sodium_mmol_l albumin_g_dl");
    assert_eq!(refused("meld9", json!({})).0, "unknown_calculator");
    let odd = json!({ "bilirubin": 1 });
    assert_eq!(refused("meld", odd), ("unknown_input", "bilirubin".to_owned()));
    let child = json!({ "creatinine_mg_dl": 1, "age_years": 7, "sex": "F" });
    assert_eq!(refused("ckd_epi_2021", child), ("out_of_range", "age_years".to_owned()));
    let sex = json!({ "creatinine_mg_dl": 1, "age_years": 70, "sex": "x" });
    assert_eq!(refused("ckd_epi_2021", sex), ("not_a_choice", "sex".to_owned()));
    let grade = json!({ "bilirubin_mg_dl": 1, "albumin_g_dl": 4, "inr": 1, "ascites": "none",
        "encephalopathy_grade": 1.5 });
    assert_eq!(refused("child_pugh", grade), ("not_whole", "encephalopathy_grade".to_owned()));
    let dialysis = json!({ "bilirubin_mg_dl": 2, "inr": 1, "creatinine_mg_dl": 1, "dialysis": 2 });
    assert_eq!(refused("meld", dialysis), ("not_yes_or_no", "dialysis".to_owned()));
}

#[test]
fn a_result_says_where_it_comes_from_and_what_it_was_worked_out_of() {
    let labs = json!({ "bilirubin_mg_dl": 6.05, "inr": 1.4, "creatinine_mg_dl": 1 });
    let result = ask("meld", labs);
    assert_eq!((result.calculator.as_str(), result.number("value")), ("meld", Some(17.0)));
    assert_eq!((result.source.id.as_str(), result.source.date.as_str()), ("meld-2001", "2001"));
    let used: Vec<_> = result
        .inputs
        .iter()
        .map(|input| format!("{} {} {}", input.name, input.shown, input.unit))
        .collect();
    assert_eq!(used, ["bilirubin_mg_dl 6.05 mg/dL", "inr 1.4 ", "creatinine_mg_dl 1 mg/dL"]);
    assert!(result.local_policy.starts_with("Local policy wins"));
    assert_eq!(format!("{result:?}"), "CalculatorResult { .. }");
}

/// Any number at all, and the lab values of a person more often.
fn lab() -> impl proptest::strategy::Strategy<Value = f64> {
    use proptest::prelude::*;
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -1.0, f64::MAX];
    prop_oneof![4 => 0.1..60.0_f64, 1 => any::<f64>(), 1 => proptest::sample::select(odd.to_vec())]
}

proptest::proptest! {
    #[test]
    fn no_number_makes_a_formula_panic_or_leave_its_bounds(
        a in lab(), b in lab(), c in lab(), d in lab(), e in lab(), flags in 0_u8..4,
    ) {
        let labs = MeldInputs {
            bilirubin_mg_dl: a, inr: b, creatinine_mg_dl: c, sodium_mmol_l: d, albumin_g_dl: e,
            dialysis: flags & 1 == 1, female: flags & 2 == 2,
        };
        for one in shipped() {
            let score = match &one.formula {
                formula::Formula::Meld(meld) => meld.score(&labs),
                formula::Formula::MeldNa(meld) => meld.score(&labs),
                formula::Formula::Meld3(meld) => meld.score(&labs),
                _ => continue,
            };
            proptest::prop_assert!((6.0..=40.0).contains(&score) && score.fract() == 0.0);
        }
    }

    #[test]
    fn a_worse_lab_never_lowers_a_score(
        bilirubin in 0.1..60.0_f64, inr in 0.5..15.0_f64, creatinine in 0.1..25.0_f64,
        sodium in 90.0..190.0_f64, more in 0.0..5.0_f64,
    ) {
        let labs = MeldInputs {
            bilirubin_mg_dl: bilirubin, inr, creatinine_mg_dl: creatinine, sodium_mmol_l: sodium,
            ..MeldInputs::default()
        };
        let worse = [
            MeldInputs { bilirubin_mg_dl: bilirubin + more, ..labs },
            MeldInputs { inr: inr + more, ..labs },
            MeldInputs { creatinine_mg_dl: creatinine + more, ..labs },
            MeldInputs { sodium_mmol_l: sodium - more, ..labs },
        ];
        for one in shipped() {
            let score = |labs: &MeldInputs| match &one.formula {
                formula::Formula::Meld(meld) => meld.score(labs),
                formula::Formula::MeldNa(meld) => meld.score(labs),
                _ => 0.0,
            };
            for labs_then in &worse {
                proptest::prop_assert!(score(labs_then) >= score(&labs), "{}", one.definition.id);
            }
        }
    }

    #[test]
    fn kidneys_fall_with_creatinine_and_age(
        creatinine in 0.1..25.0_f64, age in 18.0..119.0_f64, more in 0.01..5.0_f64, female: bool,
    ) {
        let sex = if female { "F" } else { "M" };
        let rate = |creatinine: f64, age: f64| value(
            "ckd_epi_2021", json!({ "creatinine_mg_dl": creatinine, "age_years": age, "sex": sex }),
        );
        let here = rate(creatinine, age);
        proptest::prop_assert!(here > 0.0);
        proptest::prop_assert!(rate(creatinine, (age + more).min(120.0)) < here);
        proptest::prop_assert!(rate((creatinine + more).min(25.0), age) <= here);
    }

    #[test]
    fn whatever_is_asked_is_answered_or_refused(
        which in 0_usize..20, name in 0_usize..10, number in lab(), text: String,
    ) {
        let all: Vec<_> = calculators().collect();
        let known = all[which % all.len()];
        let input = &known.inputs[name % known.inputs.len()];
        for odd in [json!(number), json!(text), json!([text, number]), json!({ text: number })] {
            let mut inputs = Map::new();
            inputs.insert(input.name.clone(), odd);
            if let Err(error) = calculate(&known.id, &inputs) {
                proptest::prop_assert!(!error.wording().what.is_empty());
                proptest::prop_assert!(!error.inputs().is_empty());
            }
        }
    }
}
