use serde_json::{Value, json};

use super::*;
use crate::record::Fields;

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn said(value: Value) -> Presentation {
    let fields = fields(value);
    let paths: Vec<String> = ["platelets", "inr", "hgb"].map(|lab| format!("labs.{lab}")).to_vec();
    let labs = read_labs(&fields, &paths);
    present(&fields, &labs, None, Vec::new())
}

#[test]
#[ignore]
fn show() {
    let rotation = include_str!("../../../tests/vectors/rotation.jsonl");
    for line in rotation.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["kind"] == "consult" {
            let p = said(record["fields"].clone());
            println!("--- {} s, {} words {:?}", p.speaking_time_s, p.words, p.problem);
            for part in p.parts { println!("[{}] {}", part.title, part.text); }
        }
    }
    let p = said(example());
    println!("--- {} s {:?}", p.speaking_time_s, p.problem);
    for part in p.parts { println!("[{}] {}", part.title, part.text); }
}

/// The guide's example, as it is filled in.
fn example() -> Value {
    json!({
        "template": "paracentesis", "age_band": "60s", "sex": "M", "setting": "inpatient",
        "question": "therapeutic paracentesis", "procedure": "paracentesis",
        "cirrhosis": "yes", "meld_reported": 17, "problem": "recurrent tense ascites",
        "symptoms": ["dyspnea", "abdominal pain"],
        "stability": "stable", "fever": "no", "peritonism": "no",
        "exam": "distended abdomen with shifting dullness, no focal tenderness, and trace lower-extremity edema",
        "labs": {"platelets": 90, "inr": 1.4, "creatinine": 1.0},
        "us_when": "3 days ago", "us_ascites": "large-volume ascites",
        "us_portal_vein": "no evidence of portal vein thrombosis",
        "sbp_history": "none", "plan_suggested": "image-guided paracentesis",
        "fluid_studies": "diagnostic fluid studies"
    })
}
