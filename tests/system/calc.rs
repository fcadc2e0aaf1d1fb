//! Calculators on the command line, by the real binary: what scripts and people get.

use serde_json::{Value, json};
use system_tests::App;

use super::cli::{done, refused};

/// Requests and what is expected under a name of the answer; from the sources, and fixed for scripts.
fn vectors() -> Vec<(Value, &'static str, Value)> {
    let liver = json!({ "bilirubin_mg_dl": 1.0, "inr": 1.55, "creatinine_mg_dl": 1.0, "sodium_mmol_l": 125 });
    let child = json!({ "bilirubin_mg_dl": 2.0, "albumin_g_dl": 3.5, "inr": 1.7, "ascites": "mild",
        "encephalopathy_grade": 0 });
    let meld3 = json!({ "sex": "F", "bilirubin_mg_dl": 2.5, "inr": 1.5, "creatinine_mg_dl": 1.2,
        "sodium_mmol_l": 135, "albumin_g_dl": 3.0 });
    let tips = json!({ "procedure_id": "tips", "chronic_liver_disease": true, "inr": 2.5,
        "platelets_10e9_l": 35, "fibrinogen_mg_dl": 120 });
    let request = |name: &str, inputs: Value| json!({ "calculator": name, "inputs": inputs });
    let dialysis =
        json!({ "bilirubin_mg_dl": 3, "inr": 1.8, "creatinine_mg_dl": 1.5, "dialysis": true });
    let dap = json!({ "value": 13639, "from": "mGy.cm2", "to": "Gy.cm2" });
    vec![
        (request("meld", dialysis), "value", json!(30)),
        (request("meld_na", liver), "value", json!(11)),
        (request("meld3", meld3), "value", json!(19)),
        (request("child_pugh", child.clone()), "points", json!(9)),
        (request("child_pugh", child), "class", json!("B")),
        (request("french_to_mm", json!({ "french": 12 })), "value", json!(4)),
        (request("dap_convert", dap), "value", json!(13.639)),
        (request("sir2019", tips), "overall", json!("not_met")),
        (request("sir2019", json!({ "procedure_id": "tace" })), "overall", json!("ask")),
        (
            request(
                "cockcroft_gault",
                json!({ "age_years": 68, "weight_kg": 80, "creatinine_mg_dl": 1, "sex": "male" }),
            ),
            "value",
            json!(80),
        ),
    ]
}

#[test]
fn each_line_is_answered_on_its_line_and_none_ends_the_program() {
    let app = App::new();
    let vectors = vectors();
    let mut input = Vec::new();
    for (request, ..) in &vectors {
        input.extend(format!("{request}\nnot json\n").bytes());
    }
    input.extend(
        b"\xff\n\n{\"calculator\":\"nope\"}\r\n{\"calculator\":\"meld\",\"inputs\":{\"inr\":-3}}",
    );
    let told = done(&app.run_with(&["calc", "--json"], &input));
    let answers: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), vectors.len() * 2 + 4);
    for ((request, name, wanted), pair) in vectors.iter().zip(answers.chunks(2)) {
        let result = &pair[0]["result"];
        assert_eq!(&result[*name], wanted, "{request}");
        assert!(!result["inputs"].as_object().unwrap().is_empty(), "{request}");
        for key in ["source", "edition", "date", "local_policy"] {
            assert!(result[key].as_str().is_some_and(|text| !text.is_empty()), "{request} {key}");
        }
        assert_eq!(pair[1]["error"]["kind"], "not_json");
    }
    let last: Vec<_> =
        answers[vectors.len() * 2..].iter().map(|answer| answer["error"]["kind"].clone()).collect();
    assert_eq!(last, ["not_json", "not_json", "unknown_calculator", "out_of_range"]);
    assert_eq!(answers.last().unwrap()["error"]["input"], "inr");
    assert!(!app.data().exists(), "a calculation leaves nothing behind");
}

#[test]
fn people_get_the_result_with_inputs_source_and_whose_word_counts() {
    let app = App::new();
    let labs = ["calc", "meld", "bilirubin_mg_dl=106 µmol/L", "inr=1.4", "creatinine_mg_dl=1"];
    let told = done(&app.run(&labs));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["MELD", "17"]);
    for part in ["6.2 mg/dL", "1.4", "Kamath", "meld-2001", "Local policy wins"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let risk =
        ["calc", "sir2019", "procedure_id=paracentesis", "inr=1.4", "drugs=warfarin,aspirin"];
    let told = done(&app.run(&risk));
    for part in ["Paracentesis", "Warfarin", "Aspirin", "Low", "Local policy wins"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json: Value =
        serde_json::from_str(&done(&app.run(&["calc", "--json", "french_to_mm", "french=6"])))
            .unwrap();
    assert_eq!(json["result"]["value"], 2);
    let all = done(&app.run(&["calc"]));
    for name in ["meld", "sir2019", "dap_convert", "contrast_premedication", "Local policy wins"] {
        assert!(all.contains(name), "{name}: {all}");
    }
    let asks = done(&app.run(&["calc", "meld3"]));
    assert!(asks.contains("albumin_g_dl") && asks.contains("0.5 to 7 g/dL"), "{asks}");
}

#[test]
fn people_are_told_what_is_missing_or_wrong() {
    let app = App::new();
    let missing = refused(&app.run(&["calc", "meld", "inr=1.4"]), 2);
    assert!(missing.contains("bilirubin_mg_dl, creatinine_mg_dl"), "{missing}");
    let absurd = ["calc", "meld", "bilirubin_mg_dl=1", "inr=140", "creatinine_mg_dl=1"];
    assert!(refused(&app.run(&absurd), 2).contains("0.5 to 15"));
    assert!(refused(&app.run(&["calc", "meld", "inr"]), 2).contains("inr=1.4"));
    assert!(refused(&app.run(&["calc", "apache"]), 3).contains("meld3"));
}
