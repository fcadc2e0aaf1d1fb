//! What people type, as they type it: times across clock changes, names in any spelling, words in any
//! script, texts that begin with a hyphen. By the real binary.

use serde_json::Value;
use system_tests::App;

use crate::cli::{done, refused, text};

/// A case that followed a consult, performed at what is typed, on a machine in `zone`.
fn performed(app: &App, zone: &str, typed: &str) -> (String, String) {
    let mut new = app.command(&["consult", "new", "drain", "question=Drain?"]);
    done(&new.env("TZ", zone).output().unwrap());
    let field = format!("performed_at={typed}");
    let mut case = app.command(&["consult", "case", "last", "procedure=picc", &field]);
    let saved = case.env("TZ", zone).output().unwrap();
    let id = done(&saved).trim().to_owned();
    let shown: Value = serde_json::from_str(&done(&app.run(&["show", "--json", &id]))).unwrap();
    let at = shown["fields"]["performed_at"].as_str().unwrap().to_owned();
    (at, text(&saved.stderr))
}

#[test]
fn a_typed_time_has_the_offset_of_its_own_day() {
    let app = App::new();
    for (zone, typed, meant, told) in [
        ("America/New_York", "2026-07-04 08:00", "2026-07-04T08:00:00-04:00", ""),
        ("America/New_York", "2026-01-04 8:00 am", "2026-01-04T08:00:00-05:00", ""),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T03:30:00-04:00", "put forward"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T01:30:00-04:00", "came twice"),
        ("Europe/Berlin", "2026-07-04 0800", "2026-07-04T08:00:00+02:00", ""),
        ("Europe/Berlin", "2026-01-04 8.00", "2026-01-04T08:00:00+01:00", ""),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00", "came twice"),
        ("Nowhere/Atlantis", "2026-07-04 08:00", "2026-07-04T08:00:00+00:00", "not known"),
    ] {
        let (at, said) = performed(&app, zone, typed);
        assert_eq!(at, meant, "{zone} {typed}");
        assert_eq!(said.contains("performed_at:"), !told.is_empty(), "{zone} {typed}: {said}");
        assert!(said.contains(told), "{zone} {typed}: {said}");
    }
}

#[test]
fn the_time_of_a_stage_is_read_or_said() {
    let app = App::new();
    done(&app.run(&["checklist", "begin", "during"]));
    for typed in ["0130", "1:30 am", "1.30", "01:30"] {
        let stamped = app.run(&["checklist", "stage", "last", "access", "--at", typed]);
        assert!(done(&stamped).contains("01:30"), "{typed}");
        assert!(!text(&stamped.stderr).contains("access:"), "{typed}");
    }
    let odd = app.run(&["checklist", "stage", "last", "access", "--at", "- about one"]);
    assert!(done(&odd).contains("- about one"));
    assert!(text(&odd.stderr).contains("access: Not a time, kept as written."));
}

#[test]
fn a_text_may_begin_with_a_hyphen() {
    let app = App::new();
    done(&app.run(&["jot", "- PICC R arm", "--json"]));
    done(&app.run(&["jot", "- TIPS", "obs", "- no complications"]));
    let jots: Vec<String> = done(&app.run(&["export", "--kind", "case", "-"]))
        .lines()
        .map(|line| {
            let case: Value = serde_json::from_str(line).unwrap();
            case["fields"]["jot"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(jots, ["- PICC R arm", "- TIPS obs - no complications"]);
    assert_eq!(done(&app.run(&["search", "- PICC arm", "--kind", "case"])).lines().count(), 2);
    refused(&app.run(&["jot", "--dryrun", "PICC"]), 2);
}

fn import(app: &App, cases: &[Value]) {
    let line = |fields: &Value| serde_json::json!({ "kind": "case", "at": "2026-10-05T07:05:00-05:00", "fields": fields });
    let lines: Vec<String> = cases.iter().map(|fields| line(fields).to_string()).collect();
    done(&app.run_with(&["import", "-"], lines.join("\n").as_bytes()));
}

#[test]
fn a_filter_takes_names_in_any_spelling_and_says_what_it_does_not_know() {
    let app = App::new();
    import(
        &app,
        &[
            serde_json::json!({"procedure": "picc", "attending": "Müller", "tags": ["First case"]}),
            serde_json::json!({"procedure": "PICC re. Arm", "attending": "MULLER"}),
            serde_json::json!({"procedure": "tips", "attending": "Weiß", "role": "did_part"}),
        ],
    );
    let count = |filter: &[&str]| {
        let args: Vec<&str> = ["cases", "--json"].iter().chain(filter).copied().collect();
        let listed = done(&app.run(&args)).lines().count();
        let args: Vec<&str> = ["tally", "--json"].iter().chain(filter).copied().collect();
        let tally: Value = serde_json::from_str(&done(&app.run(&args))).unwrap();
        assert_eq!(tally["cases"], listed, "{filter:?}");
        listed
    };
    assert_eq!(count(&["--attending", "müller"]), 2);
    assert_eq!(count(&["--attending", "Mu\u{308}ller"]), 2);
    assert_eq!(count(&["--attending", "Dr. Weiss"]), 1);
    assert_eq!(count(&["--procedure", "PICC"]), 2);
    assert_eq!(count(&["--procedure", "picc placement", "--procedure", "TIPS"]), 3);
    assert_eq!(count(&["--tag", "first CASE"]), 1);
    assert_eq!(count(&["--role", "Did part"]), 1);
    let said = refused(&app.run(&["cases", "--attending", "Nobody"]), 3);
    assert!(said.contains("Nobody") && said.contains("Weiß"), "{said}");
    let said = refused(&app.run(&["cases", "--procedure", "haircut"]), 3);
    assert!(said.contains("haircut"), "{said}");
    let tally = app.run(&["tally", "--category", "hair"]);
    assert_eq!(tally.status.code(), Some(3), "{}", text(&tally.stderr));
}

#[test]
fn words_are_found_in_any_script_and_spelling() {
    let app = App::new();
    import(
        &app,
        &[
            serde_json::json!({"note": "肝臓癌の経皮的治療"}),
            serde_json::json!({"note": "fell in der Großen Straße"}),
            serde_json::json!({"note": "seen in Łódź, by Sørensen"}),
            serde_json::json!({"note": "went well 👍🏽 then 💉"}),
            serde_json::json!({"note": "CT検査で確認"}),
        ],
    );
    let found = |typed: &str| -> Vec<String> {
        let found = done(&app.run(&["search", "--kind", "case", "--json", typed]));
        let hit = |line: &str| {
            let hit: Value = serde_json::from_str(line).unwrap();
            hit["found"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        found.lines().map(hit).collect()
    };
    for (typed, shown) in [
        ("臓癌", "臓癌"),
        ("癌", "癌"),
        ("経皮的", "経皮的"),
        ("肝臓癌 治療", "肝臓癌"),
        ("strasse", "Straße"),
        ("STRASSE grossen", "Großen"),
        ("Straße", "Straße"),
        ("lodz", "Łódź"),
        ("Łódź", "Łódź"),
        ("sorensen", "Sørensen"),
        ("👍", "👍"),
        ("💉 well", "well"),
        ("検査", "検査"),
        ("ct", "CT"),
    ] {
        let found = found(typed);
        assert_eq!(found.len(), 1, "{typed}: {found:?}");
        assert!(found[0].contains(shown), "{typed}: {found:?}");
    }
    for typed in ["癌臓", "治癌", "👎", "strase"] {
        assert!(found(typed).is_empty(), "{typed}");
    }
    // A word that goes is found no more, and the index is what it should be.
    done(&app.run(&["verify"]));
}
