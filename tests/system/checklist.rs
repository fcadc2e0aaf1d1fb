//! Checklists on the command line, by the real binary.

use serde_json::Value;
use system_tests::{App, rotation};

use super::cli::{done, refused};

fn json(app: &App, args: &[&str]) -> Value {
    let args: Vec<&str> = ["checklist", "--json"].iter().chain(args).copied().collect();
    serde_json::from_str(&done(&app.run(&args))).unwrap()
}

#[test]
fn a_run_is_begun_ticked_stamped_and_finished_a_command_at_a_time() {
    let app = App::new();
    assert!(done(&app.run(&["checklist"])).contains("before       Before the case"));
    assert!(!app.data().exists(), "lists are shown without a log");
    done(&app.run(&["jot", "nephrostomy, Okafor, scrubbed"]));
    let run = json(&app, &["begin", "during", "--case", "last"]);
    assert_eq!(run["procedure"], "nephrostomy");
    let id = run["id"].as_str().unwrap();
    let short = &id[..13];
    let ticked = json(&app, &["tick", short, "S-62", "63", "s-59"]);
    assert_eq!(ticked["ticked"], 3);
    let skipped = json(&app, &["skip", short, "66", "--because", "No time"]);
    assert_eq!(skipped["items"][7]["reason"], "No time");
    let staged = json(&app, &["stage", short, "timeout", "--at", "12:40"]);
    assert_eq!((&staged["here"], &staged["silence"]), (&"timeout".into(), &true.into()));
    assert!(staged["stages"][0]["at"].as_str().unwrap().contains("T12:40:00"));
    json(&app, &["stage", "last", "navigation"]);
    let told = done(&app.run(&["checklist", "tense", short]));
    for part in
        ["During the case: Nephrostomy placement", "12:40  Timeout", "Silence is due. Tense since"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    for part in ["[x] S-62  Lead and badge on", "[-] S-66", "No time", "[ ] S-64"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(json(&app, &["calm", short])["silence"], false);
    json(&app, &["untick", short, "62"]);
    json(&app, &["unskip", short, "66"]);
    json(&app, &["unstage", short, "navigation"]);
    assert_eq!(json(&app, &["link", short])["case"], Value::Null);
    assert_eq!(json(&app, &["link", short, "--case", "last"])["case"], run["case"]);
    assert_eq!(json(&app, &["finish", short])["finished"], true);
    assert_eq!(json(&app, &["reopen", short])["finished"], false);
    let last = json(&app, &["show", id]);
    assert_eq!((&last["ticked"], &last["skipped"]), (&2.into(), &0.into()));
    assert!(done(&app.run(&["checklist"])).contains("2 of 8, going on"));
}

#[test]
fn the_runs_of_a_rotation_are_listed_and_mistakes_are_named() {
    let app = App::new();
    refused(&app.run(&["checklist", "show", "last"]), 3);
    done(&app.run(&["import", &rotation().display().to_string()]));
    let listed = json(&app, &[]);
    assert_eq!(
        (listed["checklists"].as_array().unwrap().len(), listed["runs"].as_array().unwrap().len()),
        (4, 6)
    );
    let all = listed["runs"].as_array().unwrap();
    let during = all.iter().find(|run| run["checklist"] == "during").unwrap();
    let shown = json(&app, &["show", during["id"].as_str().unwrap()]);
    assert_eq!(shown["stages"][5]["stage"], "hemostasis");
    let told = |args: &[&str], code| refused(&app.run(&[&["checklist"], args].concat()), code);
    assert!(told(&["begin", "between"], 2).contains("before, during, after, daily"));
    assert!(told(&["tick", "last", "S-99"], 2).contains("S-67"));
    assert!(told(&["stage", "last", "lunch"], 2).contains("consent"));
    assert!(told(&["show", "ffffffff"], 3).contains("seldinger checklist"));
    assert!(told(&["begin", "during", "--case", "ffffffff"], 3).contains("seldinger cases"));
}
