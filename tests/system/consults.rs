//! Consults on the command line, by the real binary.

use std::fs;

use serde_json::Value;
use system_tests::{App, rotation};

use super::cli::{done, refused};

#[test]
fn a_consult_is_written_presented_and_becomes_a_case() {
    let app = App::new();
    let asks = done(&app.run(&["consult", "new", "drain"]));
    for part in ["* question", "* infection_history", "labs.inr", "10⁹/L"] {
        assert!(asks.contains(part), "{part}: {asks}");
    }
    let new = [
        "consult",
        "new",
        "drain",
        "age_band=60s",
        "sex=M",
        "requesting_service=gen surg",
        "question=Drain for diverticular abscess?",
        "procedure=abscess-drain",
        "labs.inr=1.7",
        "pertinent_negatives=no peritonitis",
        "pertinent_negatives=no anticoagulant",
        "history=5 d LLQ pain, fever",
        "plan_suggested=suggest CT guided drain",
    ];
    let id = done(&app.run(&new)).trim().to_owned();
    let said = done(&app.run(&["consult", "present", "last"]));
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "In one line",
            "A man in his 60s with 5 days of left lower quadrant pain and fever.",
            "Problem, and why IR",
            "General surgery asks: drain for diverticular abscess?",
            "For and against",
            "No peritonitis and no anticoagulant. Labs show INR 1.7.",
            "I'd suggest",
            "I'd suggest a CT-guided drain.",
        ]
    );
    let json: Value =
        serde_json::from_str(&done(&app.run(&["consult", "present", &id, "--json"]))).unwrap();
    assert_eq!(json["parts"].as_array().map(Vec::len), Some(4));
    assert!(json["missing"].as_array().unwrap().contains(&"Exam".into()), "{json}");
    let shown = done(&app.run(&["consult", "show", &id[..13]]));
    for part in ["1.5–1.8, ask", "High bleeding risk", "Local policy wins"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let case = done(&app.run(&["consult", "case", "last", "role=observed"]));
    let case: Value =
        serde_json::from_str(&done(&app.run(&["show", case.trim(), "--json"]))).unwrap();
    assert_eq!(case["fields"]["consult"], id.as_str());
    assert_eq!(
        (&case["fields"]["procedure"], &case["fields"]["role"]),
        (&"abscess-drain".into(), &"observed".into())
    );
    assert!(done(&app.run(&["consult", "show", &id])).contains("case "));
}

#[test]
fn consults_are_listed_and_what_is_not_there_is_told() {
    let app = App::new();
    done(&app.run(&["import", &rotation().display().to_string()]));
    let listed = done(&app.run(&["consults"]));
    assert_eq!(listed.lines().count(), 10);
    assert!(listed.lines().next().unwrap().contains("Tunnelled HD line today"), "{listed}");
    let first = done(&app.run(&["consults", "--json"]));
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(first["requesting_service"], "nephrology");
    assert!(refused(&app.run(&["consult", "show", "zz"]), 3).contains("seldinger consults"));
    let twice = [0, 1].map(|_| done(&app.run(&["consult", "new", "general", "sex=F"])));
    assert!(refused(&app.run(&["consult", "show", &twice[0][..6]]), 3).contains("More than one"));
    assert!(refused(&app.run(&["consult", "new", "tips"]), 2).contains("vascular_access"));
    assert!(
        refused(&app.run(&["consult", "new", "drain", "question"]), 2).contains("labs.inr=1.4")
    );
    assert!(refused(&app.run(&["consult", "new", "drain", "color=red"]), 2).contains("question"));
}

#[test]
fn templates_and_wording_of_ones_own_are_changed_as_text() {
    let app = App::new();
    assert_eq!(done(&app.run(&["consult", "templates"])).lines().count(), 5);
    let title = done(&app.run(&["consult", "template", "copy", "drain"]));
    let title = title.trim();
    let text = done(&app.run(&["consult", "template", "show", title]));
    let file = app.folder().join("own.toml");
    fs::write(&file, text.replace("label = \"Exam\"", "label = \"What I found\"")).unwrap();
    let from = file.display().to_string();
    done(&app.run(&["consult", "template", "edit", title, "--from", &from]));
    assert!(done(&app.run(&["consult", "new", title])).contains("What I found"));
    let broken = app.run_with(&["consult", "template", "edit", title, "--from", "-"], b"id = 7");
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("template.toml, line 1"));
    assert!(done(&app.run(&["consult", "templates"])).contains("template.toml, line 1"));
    done(&app.run(&["consult", "template", "delete", title]));
    assert!(refused(&app.run(&["consult", "template", "show", "drain"]), 2).contains("drain"));

    done(&app.run(&["consult", "new", "general", "sex=F"]));
    let wording = done(&app.run(&["consult", "wording"])).replace("\"A woman\"", "\"A lady\"");
    done(&app.run_with(&["consult", "wording", "--from", "-"], wording.as_bytes()));
    assert!(done(&app.run(&["consult", "present", "last"])).contains("A lady."));
}
