//! Any JSON value in any field of any kind leaves every page working.

#[path = "../../../../tests/src/any_value.rs"]
mod any_value;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use seldinger_core::case_log::list::CaseSort;
use seldinger_core::logbook::{ExportFormat, ExportOptions, ImportOptions, ImportSource, Logbook};
use seldinger_core::sync::Fingerprint;
use seldinger_core::sync::frame::Receipt;
use seldinger_core::sync::session::{Effect, Event, Incoming};

use crate::serve::visit::{Seen, Visit};
use any_value::{MARKER, is_kept_back, lines, lines_of_imports};

/// Pages of one record, by its kind; `{id}` stands for it.
const OF_A_KIND: [(&str, &[&str]); 4] = [
    ("case", &["/cases/{id}", "/cases/{id}/edit", "/cases/{id}/debrief"]),
    (
        "consult",
        &["/consults/{id}", "/consults/{id}/edit", "/consults/{id}/say", "/consults/{id}/case"],
    ),
    ("checklist_run", &["/checklists/{id}", "/live/checklists/{id}"]),
    ("consult_template", &["/consults/templates/{id}"]),
];
/// Pages that any record has.
const OF_ANY: [&str; 3] = ["/records/{id}", "/records/{id}/edit", "/records/{id}/erase"];
/// Pages of the whole book.
const OF_ALL: [&str; 35] = [
    "/",
    "/cases",
    "/cases/new",
    "/calculators",
    "/calculators/meld",
    "/checklists",
    "/consults",
    "/consults/new?form=consult-drain",
    "/consults/templates",
    "/consults/wording",
    "/deleted",
    "/devices",
    "/devices/join",
    "/devices/pair",
    "/export",
    "/export/cases.csv",
    "/export/logbook.jsonl",
    "/find",
    "/imaging",
    "/imaging/artery-or-vein",
    "/live/badge",
    "/live/devices",
    "/live/join",
    "/live/pair",
    "/live/token",
    "/new/case",
    "/new/consult-drain",
    "/new/daily_read",
    "/new/imaging_finding",
    "/procedures",
    "/procedures/tips",
    "/settings",
    "/settings/code",
    "/settings/code/confirm",
    "/tally",
];
/// Pages that show nothing of the book.
const OF_NONE: [&str; 1] = ["/prove"];
/// Pages that need a paired device.
const OF_A_DEVICE: [&str; 2] = ["/devices/{fingerprint}/revoke", "/devices/{fingerprint}/bundle"];

fn fine(seen: &Seen, what: impl Fn() -> String) {
    let calm = [200, 303, 404].contains(&seen.status);
    let title = seen.body.split("<main").nth(1).unwrap_or(&seen.body);
    let start: String = title.chars().take(400).collect();
    assert!(calm, "{} of {}: {start}", seen.status, what());
    let kind = seen.headers.get("content-type").map(|kind| kind.to_str().unwrap());
    if kind.is_some_and(|kind| !kind.starts_with("text/html")) {
        return;
    }
    assert!(!seen.body.contains("<script>alert"), "{}", what());
    for odd in ["\"NaN\"", "\"inf\"", "\"-inf\"", ">NaN<", ">inf<"] {
        assert!(!seen.body.contains(odd), "{odd} in {}", what());
    }
}

fn import(book: &Logbook, lines: &[String]) {
    let source = ImportSource::Bytes(Arc::from(lines.join("\n").into_bytes()));
    let job = book.import_job(source, ImportOptions::default()).unwrap();
    assert_eq!(job.run(|_| ()).unwrap().added, lines.len() as u64);
}

/// Lets `there` take in what `here` would send.
fn exchange(here: &Logbook, there: &Logbook) {
    let peer = Fingerprint([1; 32]);
    let mut after = 0;
    loop {
        let read = here.perform(peer, &Effect::Read { after, buckets: None }).unwrap();
        let Some(Event::Read(batch)) = read else { panic!("a batch") };
        let records = batch.records.into_iter().map(|record| record.bytes).collect();
        let incoming = Incoming { cursor: Some(batch.to), receipt: Receipt::default(), records };
        let applied = there.perform(peer, &Effect::Apply(incoming)).unwrap();
        let Some(Event::Applied(applied)) = applied else { panic!("applied") };
        assert!(applied.refused.is_empty());
        after = batch.to;
        if !batch.more {
            return;
        }
    }
}

fn ids(book: &Logbook, lines: &[String]) -> Vec<(String, String)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let format = ExportFormat::Jsonl;
    let options = ExportOptions { replace: true, ..ExportOptions::default() };
    book.export_job(file.path(), format, &options).unwrap().run(|_| ()).unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    let read = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["kind"].as_str().unwrap().to_owned(), line["id"].as_str().unwrap().to_owned())
    };
    let ids: Vec<(String, String)> = text.lines().map(read).collect();
    let kept_back = lines.iter().filter(|line| is_kept_back(line)).count();
    assert_eq!(ids.len() + kept_back, lines.len());
    ids
}

fn every_page(visit: &Visit, lines: &[String]) {
    whole_book(visit);
    let own = |kind: &str| {
        OF_A_KIND.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, pages)| *pages)
    };
    for (kind, id) in ids(&visit.state.book(), lines) {
        for page in own(&kind).iter().chain(&OF_ANY) {
            let seen = visit.get(&page.replace("{id}", &id));
            fine(&seen, || format!("{page}: {}", record(visit, &id)));
            let is_own = page.ends_with("{id}");
            assert!(!is_own || seen.status != 404, "{page}: {}", record(visit, &id));
        }
    }
}

fn record(visit: &Visit, id: &str) -> String {
    let record = visit.state.book().record(id.parse().unwrap()).unwrap();
    let fields = serde_json::to_string(&record.fields).unwrap();
    format!("{} {}", record.kind, fields.chars().take(600).collect::<String>())
}

fn whole_book(visit: &Visit) {
    for page in OF_ALL {
        let seen = visit.get(page);
        fine(&seen, || page.to_owned());
        assert_eq!(seen.status, 200, "{page}");
    }
    for page in ["/find", "/cases", "/tally"] {
        for typed in [MARKER, "tips 3,5", "\u{0}\"*", "\u{7d4c}"] {
            fine(&visit.post(page, &[("q", typed)]), || format!("{page} {typed}"));
        }
    }
    for filter in [("tag", "a"), ("role", "none"), ("interesting", "on"), ("unfinished", "on")] {
        fine(&visit.post("/cases", &[filter]), || format!("{filter:?}"));
        fine(&visit.post("/tally", &[filter]), || format!("{filter:?}"));
    }
    for (_, sort) in CaseSort::ALL {
        let mut after = String::new();
        loop {
            let more = [("sort", sort), ("after", after.as_str())];
            let seen = visit.post_part("/cases/more", &more);
            fine(&seen, || format!("{more:?}"));
            assert_eq!(seen.status, 200);
            let next = seen.body.split("\"after\":\"").nth(1);
            let next = next.and_then(|next| next.split('"').next()).map(str::to_owned);
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
    }
}

#[test]
fn every_page_shows_what_was_imported() {
    let (visit, lines) = (Visit::new(), lines_of_imports());
    import(&visit.state.book(), &lines);
    every_page(&visit, &lines);
}

#[test]
fn every_page_shows_what_a_peer_sent() {
    let (here, there, lines) = (Visit::new(), Visit::new(), lines());
    import(&here.state.book(), &lines);
    exchange(&here.state.book(), &there.state.book());
    whole_book(&there);
    // By page they are what was imported: one of each kind and a few more tell whether they arrived.
    let some: Vec<(String, String)> =
        ids(&there.state.book(), &lines).into_iter().step_by(20).collect();
    for (_, id) in some {
        fine(&there.get(&format!("/records/{id}")), || record(&there, &id));
    }
}

#[test]
fn a_field_as_long_as_a_line_may_be_is_shown() {
    let visit = Visit::new();
    let text = "longer than anybody reads ".repeat(4_000);
    let fields =
        |name: &str| serde_json::json!({ name: text, "template": "drain", "tags": [text] });
    let line = |(number, (kind, name)): (usize, (&str, &str))| {
        any_value::line(number, kind, &fields(name))
    };
    let records = [
        ("case", "procedure"),
        ("case", "note"),
        ("consult", "question"),
        ("checklist_run", "checklist"),
        ("imaging_finding", "region"),
    ];
    let lines: Vec<String> = records.into_iter().enumerate().map(line).collect();
    import(&visit.state.book(), &lines);
    every_page(&visit, &lines);
}

/// The addresses that the pages' own text names.
#[test]
fn no_page_is_forgotten() {
    let mut forgotten = Vec::new();
    let known: BTreeSet<&str> = OF_A_KIND
        .iter()
        .flat_map(|(_, pages)| pages.iter())
        .chain(&OF_ANY)
        .chain(&OF_ALL)
        .chain(&OF_A_DEVICE)
        .chain(&OF_NONE)
        .map(|page| page.split('?').next().unwrap_or(page))
        .collect();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page")) {
        for route in source.split("route(\"").skip(1) {
            let (path, handlers) = route.split_once('"').unwrap();
            let handlers = handlers.split(".route(").next().unwrap();
            let is_read = handlers.trim_start_matches([',', ' ', '\n']).starts_with("get(");
            let is_known = known.contains(path) || {
                let (start, _) = path.split_once('{').unwrap_or((path, ""));
                OF_ALL.iter().any(|page| *page != start && page.starts_with(start))
            };
            if is_read && !is_known && !path.starts_with("/assets/") {
                forgotten.push(path.to_owned());
            }
        }
    }
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.ends_with("any_value_tests.rs")
        {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
    found
}
