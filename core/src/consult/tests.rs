//! What consults say: the golden text, and what no consult and no template may do.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::template::PresentationTemplate;
use super::*;
use crate::content::Messages;
use crate::record::Fields;

const LABS: [&str; 9] =
    ["platelets", "inr", "hgb", "creatinine", "fibrinogen", "bilirubin", "ast", "alt", "albumin"];

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn labs(value: Value) -> LabsRead {
    read_labs(&fields(value), &LABS.map(|lab| format!("labs.{lab}")))
}

fn said(value: Value) -> Presentation {
    let labs = labs(value.clone());
    present(&fields(value), &labs, None, Vec::new())
}

fn part(presentation: &Presentation, id: &str) -> String {
    let part = presentation.parts.iter().find(|part| part.id == id);
    part.map(|part| part.text.clone()).unwrap_or_default()
}

/// The guide's example, as it is filled in.
fn example() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/consult_example.json")).unwrap()
}

fn rotation() -> Vec<Value> {
    let lines = include_str!("../../../tests/vectors/rotation.jsonl").lines();
    let records = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    records
        .filter(|record| record["kind"] == CONSULT)
        .map(|record| record["fields"].clone())
        .collect()
}

/// With `WRITE_GOLDEN=1` the file is written anew.
#[test]
fn the_rotation_and_the_guides_example_are_said_as_agreed() {
    let mut all = String::new();
    for consult in rotation().into_iter().chain([example()]) {
        let said = said(consult.clone());
        assert_eq!(said.problem, None);
        let question = consult["question"].as_str().unwrap();
        let _ = writeln!(all, "# {question} ({} words, {} s)", said.words, said.speaking_time_s);
        for part in said.parts {
            let _ = writeln!(all, "{}: {}", part.title, part.text);
        }
        all.push('\n');
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/presentations.golden");
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&file, &all).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), all);
}

#[test]
fn the_guides_example_is_said_whole_and_in_its_order() {
    let said = said(example());
    let facts = [
        "man",
        "60s",
        "cirrhosis",
        "MELD 17",
        "recurrent tense ascites",
        "admitted for dyspnea and abdominal pain",
        "therapeutic paracentesis",
        "hemodynamically stable",
        "afebrile",
        "no signs of peritonitis",
        "distended abdomen",
        "shifting dullness",
        "no focal tenderness",
        "trace lower-extremity edema",
        "platelets 90",
        "INR 1.4",
        "creatinine 1.0",
        "ultrasound",
        "3 days ago",
        "large-volume ascites",
        "no evidence of portal vein thrombosis",
        "No history of SBP",
        "I'd suggest image-guided paracentesis",
        "diagnostic fluid studies",
    ];
    let mut from = 0;
    for fact in facts {
        let at = said.text[from..].find(fact);
        from += at.unwrap_or_else(|| panic!("{fact} is not said after {}", &said.text[..from]));
    }
    assert_eq!(
        said.parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(),
        ["one_liner", "why", "pertinent", "imaging", "suggest"]
    );
    assert!((20..=60).contains(&said.speaking_time_s), "{}", said.speaking_time_s);
    assert!(said.parts.iter().all(|part| part.pieces.iter().all(|piece| piece.flag.is_none())));
}

#[test]
fn what_is_missing_leaves_no_trace() {
    assert_eq!(said(json!({})).parts, []);
    assert_eq!(said(json!({"template": "drain", "note": "not said"})).parts, []);
    let sparse = said(json!({"sex": "F", "labs": {"inr": 1.0}}));
    assert_eq!(sparse.text, "A woman.\nLabs show INR 1.0.");
    let other = said(json!({"age_band": "90+", "problem": "a clotted fistula"}));
    assert_eq!(part(&other, "one_liner"), "A patient aged 90 or over with a clotted fistula.");
    assert_eq!(
        part(&said(json!({"age_band": "child", "sex": "M"})), "one_liner"),
        "A man, a child."
    );
    let asked =
        said(json!({"question": "Drain?", "infection_history": "none", "anticoagulation": "No",
        "prior_ir": "none", "sbp_history": "once", "fluid_studies": "cell count"}));
    assert_eq!(
        asked.text,
        "IR is asked: drain? No infection history.\nNot anticoagulated. SBP: once.\n\
        No prior IR.\nI'd suggest cell count."
    );
}

#[test]
fn figures_that_deserve_a_look_stand_apart() {
    let consult = json!({"procedure": "dialysis-catheter", "labs": {"platelets": 158, "inr": 2.9},
        "exam": "\u{e0f1}well\u{e0f0}"});
    let said = said(consult);
    let pieces = &said.parts[0].pieces;
    let flagged: Vec<_> = pieces.iter().filter(|piece| piece.flag.is_some()).collect();
    assert_eq!((flagged.len(), flagged[0].text.as_str()), (1, "INR 2.9"));
    assert_eq!(flagged[0].flag, Some(LabStanding::Borderline));
    assert_eq!(said.text, "On exam, well. Labs show platelets 158, INR 2.9.");
}

fn standing(read: &LabsRead, lab: &str) -> (LabStanding, String) {
    let path = format!("labs.{lab}");
    let flag = read.flags.iter().find(|flag| flag.path == path).unwrap();
    (flag.standing, flag.told.clone())
}

#[test]
fn labs_stand_as_the_table_says_and_nothing_is_guessed() {
    let of = |procedure: &str, more: Value| {
        let mut consult =
            json!({"procedure": procedure, "labs": {"inr": 1.9, "platelets": 60, "creatinine": 1}});
        consult.as_object_mut().unwrap().extend(fields(more));
        labs(consult)
    };
    let liver = of("biopsy-liver", json!({}));
    assert_eq!(
        standing(&liver, "inr"),
        (LabStanding::NotMet, "Not met: ≤ 1.5, borderline to 1.8".into())
    );
    assert_eq!(standing(&liver, "platelets"), (LabStanding::Met, "≥ 50".into()));
    assert_eq!(standing(&liver, "creatinine"), (LabStanding::NoLimit, "No limit set".into()));
    assert_eq!(standing(&liver, "hgb"), (LabStanding::NoLimit, String::new()));
    assert_eq!(standing(&liver, "fibrinogen").0, LabStanding::NoLimit);
    assert!(liver.risk.starts_with("High") && liver.source.contains("Patel"));
    assert!(liver.local_policy.contains("Local policy wins"));
    for chronic in [json!({"chronic_liver_disease": true}), json!({"cirrhosis": "yes"})] {
        let cirrhosis = of("biopsy-liver", chronic);
        assert_eq!(standing(&cirrhosis, "inr"), (LabStanding::Met, "< 2.5".into()));
        assert_eq!(
            standing(&cirrhosis, "fibrinogen"),
            (LabStanding::Missing, "Not written".into())
        );
    }
    let open = of("tace", json!({}));
    assert_eq!(standing(&open, "inr").0, LabStanding::Ask);
    assert_eq!(
        standing(&open, "platelets"),
        (LabStanding::Met, "≥ 50 at high risk, ≥ 20 at low".into())
    );
    assert!(open.risk.contains("ask"), "{}", open.risk);
    let two = of("picc", json!({"chronic_liver_disease": true, "arterial_access": "femoral"}));
    assert_eq!(standing(&two, "inr").0, LabStanding::Ask);
    let none = labs(json!({"labs": {"inr": 9}}));
    assert_eq!(standing(&none, "inr").0, LabStanding::NoLimit);
    assert!(none.risk.starts_with("Choose the procedure"));
    let low = labs(json!({"procedure": "tace", "labs": {"platelets": 10}}));
    assert_eq!(standing(&low, "platelets").0, LabStanding::NotMet);
}

#[test]
fn drugs_come_with_what_the_table_says_of_them() {
    let told = |procedure: Value, drug: &str| {
        let read = labs(json!({"procedure": procedure, "anticoagulants": [drug, "unheard-of", 7]}));
        assert_eq!(read.drugs.len(), 1);
        read.drugs[0].told.clone()
    };
    assert!(told(json!("biopsy-liver"), "warfarin").contains("hold 5 days"));
    assert!(told(json!("picc"), "warfarin").starts_with("Warfarin: continue. On warfarin"));
    assert!(
        told(json!("biopsy-liver"), "apixaban")
            .contains("creatinine clearance. Hold 4 doses; 6 doses")
    );
    assert!(told(json!("tace"), "aspirin").contains("not settled"));
    assert!(told(json!(null), "aspirin").contains("choose the procedure"));
    assert!(told(json!("biopsy-liver"), "abciximab").ends_with("hold 24 h."));
    assert!(told(json!("biopsy-liver"), "cangrelor").contains("put the procedure off"));
    assert!(told(json!("biopsy-liver"), "nsaid").contains("without a recommendation"));
    let spoken = said(json!({"anticoagulants": ["warfarin", "aspirin"]}));
    assert_eq!(spoken.text, "On warfarin and aspirin.");
}

#[test]
fn a_wording_of_ones_own_is_used_or_told_what_is_wrong_with_it() {
    let own = |text: &str| PresentationTemplate::parse(text, "wording.toml");
    let short = "title = 'Mine'\nwords_per_minute = 100\n[[part]]\nid = 'all'\ntitle = 'All'\ntext = '''\n\
        {{ person }}{{ age }}: {{ question|say }}\n'''\n";
    let consult = json!({"sex": "M", "age_band": "60s", "question": "R IJ line"});
    let read = labs(consult.clone());
    let said = present(&fields(consult.clone()), &read, Some(own(short)), vec!["Exam".into()]);
    assert_eq!(
        (said.text.as_str(), said.words, said.speaking_time_s),
        ("A man in his 60s: right IJ line", 8, 5)
    );
    assert_eq!((said.problem, said.missing), (None, vec!["Exam".to_owned()]));

    for (broken, line) in [
        (short.replace("|say }}", "|say"), 7),
        (short.replace("|say", "|shout"), 7),
        (short.replace("title = 'All'", "titel = 'All'"), 3),
        (short.replace("100", "0"), 2),
        (short.replace("'''\n{{", "'''\n{% for a in range(3) %}\n{{"), 8),
        (String::new(), 1),
        ("nonsense".to_owned(), 1),
    ] {
        let error = own(&broken).unwrap_err();
        assert_eq!(error.place().line, line, "{error} in {broken}");
        let said = present(&fields(consult.clone()), &read, Some(Err(error.clone())), Vec::new());
        assert!(
            said.text.starts_with("A man in his 60s.\nIR is asked for a right IJ line."),
            "{}",
            said.text
        );
        assert_eq!(said.problem, Some(error.wording()));
    }
    // What shows only with something written.
    let late =
        short.replace("{{ question|say }}", "{% if question %}{{ question|shout }}{% endif %}");
    let said = present(&fields(consult), &read, Some(own(&late)), Vec::new());
    let told = said.problem.unwrap().line();
    assert!(told.contains("All, line 1") && told.contains("shipped wording"), "{told}");
    assert!(said.text.starts_with("A man in his 60s."));
}

#[test]
fn the_shipped_wording_is_whole() {
    let shipped = PresentationTemplate::shipped_text();
    let read = PresentationTemplate::parse(shipped, "shipped.toml").unwrap();
    assert_eq!((read.parts.len(), read.labs.len(), read.words_per_minute), (5, 13, 150));
    assert!(PresentationTemplate::shipped().parts.len() == 5);
}

#[test]
fn every_word_of_this_room_is_said_somewhere() {
    let sources = [
        include_str!("labs.rs"),
        include_str!("presentation.rs"),
        include_str!("../logbook/consults.rs"),
        include_str!("../logbook/consult_templates.rs"),
    ];
    for key in Messages::shipped()
        .keys()
        .filter(|key| ["consult.", "badge.consult_"].iter().any(|room| key.starts_with(room)))
    {
        let quoted = format!("\"{key}\"");
        assert!(sources.iter().any(|source| source.contains(&quoted)), "{key} is never said");
    }
}

/// Texts as people and bad programs leave them; without what the property looks for.
fn noise() -> impl Strategy<Value = String> {
    let fine = |text: &String| !["null", "[]", "{}"].iter().any(|bad| text.contains(bad));
    prop_oneof!["\\PC{0,24}", "[-+~<>→=x0-9a-zA-Z ,.;:?/()\\n\\t]{0,40}"]
        .prop_filter("said on purpose", fine)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        noise().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_consult() -> impl Strategy<Value = Fields> {
    let known = [
        "question",
        "sex",
        "age_band",
        "requesting_service",
        "setting",
        "problem",
        "procedure",
        "history",
        "exam",
        "labs",
        "imaging",
        "pertinent_positives",
        "pertinent_negatives",
        "assessment",
        "person",
        "drugs",
        "plan_suggested",
        "cirrhosis",
        "meld_reported",
        "symptoms",
        "fever",
        "stability",
        "us_when",
        "sbp_history",
        "fluid_studies",
        "anticoagulants",
        "prior_ir",
        "infection_history",
        "chronic_liver_disease",
    ];
    let lab = prop::sample::select(&LABS[..]);
    let figures = prop::collection::btree_map(lab, any_json(), 0..5);
    let named =
        prop::collection::btree_map(prop::sample::select(known.to_vec()), any_json(), 0..12);
    (named, figures).prop_map(|(named, figures)| {
        let figures = figures.into_iter().map(|(lab, value)| (lab.to_owned(), value)).collect();
        let mut fields: Fields =
            named.into_iter().map(|(n, value)| (n.to_owned(), value)).collect();
        fields.entry("labs").or_insert(Value::Object(figures));
        fields
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(256)))]

    #[test]
    fn no_noise_in_a_consult_shows_as_such(fields in any_consult()) {
        let read = read_labs(&fields, &LABS.map(|lab| format!("labs.{lab}")));
        let said = present(&fields, &read, None, Vec::new());
        prop_assert_eq!(&said.problem, &None);
        for bad in ["null", "[]", "{}", "  ", "undefined", " .", " ,", ",,"] {
            prop_assert!(!said.text.contains(bad), "{:?} in {}", bad, said.text);
        }
        for part in &said.parts {
            let pieces: String = part.pieces.iter().map(|piece| piece.text.as_str()).collect();
            prop_assert_eq!(&pieces, &part.text);
        }
    }

    #[test]
    fn no_template_of_a_user_ends_the_program(
        text in prop_oneof![
            "\\PC{0,60}",
            "(\\{\\{ ?[a-z_]{1,8}(\\|[a-z]{3,8}(\\([\"a-z0-9, ]{0,8}\\))?){0,3} ?\\}\\}|\\{% ?(if|for|set|endif|endfor|else) ?[a-z =]{0,8}%\\}|[a-z .,]){0,8}",
        ],
    ) {
        let wording = format!("title = 'x'\n[[part]]\nid = 'a'\ntitle = 'A'\ntext = {}\n", toml::Value::String(text));
        let own = PresentationTemplate::parse(&wording, "wording.toml");
        let _ = PresentationTemplate::parse(&wording[1..], "wording.toml");
        let consult = fields(example());
        let read = labs(example());
        let _ = present(&consult, &read, Some(own), Vec::new());
    }
}
