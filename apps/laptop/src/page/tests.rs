//! Pages as a browser sees them.

use seldinger_core::case_log::list::{CaseFilter, CaseSort};

use super::{places, shell};
use crate::serve::visit::{Seen, Visit};

/// Every kind that is known, and one that is not.
const KINDS: [&str; 16] = [
    "case",
    "consult",
    "follow_up",
    "checklist_run",
    "question",
    "talk",
    "feedback",
    "person",
    "letter",
    "imaging_finding",
    "daily_read",
    "procedure_note",
    "consult_template",
    "presentation_template",
    "goal",
    "something_newer",
];

const JOT: &str = "TIPS, obs, lindqvist, FT 38.5, AK 1240";

fn count(visit: &Visit) -> u64 {
    visit.state.book().count_cases(&CaseFilter::default()).unwrap()
}

/// A case, by its page.
fn case(visit: &Visit, jot: &str) -> String {
    let saved = visit.post_part("/jot", &[("jot", jot)]);
    let place = saved.body.split("href=\"/cases/").nth(1).unwrap();
    format!("/cases/{}", place.split('"').next().unwrap())
}

/// What the undo bar of an answer posts.
fn undo(seen: &Seen) -> Vec<(&'static str, String)> {
    ["id", "kind", "what", "lseq"].map(|name| (name, seen.value(name))).to_vec()
}

#[test]
fn a_jot_is_read_saved_listed_found_and_undone() {
    let visit = Visit::new();
    let read = visit.post_part("/jot/read", &[("jot", JOT)]);
    for chip in ["TIPS creation", "Observed", "38.5 min", "1240 mGy"] {
        assert!(read.body.contains(chip), "{chip}: {}", read.body);
    }
    assert_eq!(count(&visit), 0);
    let saved = visit.post_part("/jot", &[("jot", JOT)]);
    assert!(saved.body.contains("Kept: TIPS creation") && saved.body.contains("1,240"));
    assert_eq!(count(&visit), 1);

    let filtered = visit.post_part("/jot", &[("jot", "R port"), ("role", "observed")]);
    assert!(filtered.body.contains("1 case<"), "the list stays as it is filtered");
    visit.post_part("/undo", &undo(&filtered));
    assert!(visit.post_part("/cases", &[("q", "tip obs")]).body.contains("<mark>obs</mark>"));
    assert!(visit.post_part("/cases", &[("q", "nephro")]).body.contains("No case fits"));
    assert!(visit.post_part("/cases", &[("role", "scrubbed")]).body.contains("No case fits"));
    assert!(visit.post_part("/find", &[("q", "lindq")]).body.contains("TIPS creation"));

    visit.post_part("/undo", &undo(&saved));
    assert_eq!(count(&visit), 0);
    assert!(visit.get("/").body.contains("Undone."));
}

#[test]
fn without_scripts_a_form_leads_to_a_page() {
    let visit = Visit::new();
    assert_eq!(visit.post("/jot", &[("jot", JOT)]).location(), "/");
    let page = visit.get("/");
    assert!(page.body.contains("Kept: TIPS creation") && page.body.contains("<td class=\"day\">"));
    assert!(!visit.get("/").body.contains("Kept: TIPS creation"), "told once");
    let found = visit.post("/cases", &[("q", "tips")]);
    assert!(found.body.contains("<!doctype html>") && found.body.contains("1 case"));
    assert_eq!(visit.post("/jot", &[("jot", "  ")]).location(), "/");
    assert_eq!(count(&visit), 1);
}

#[test]
fn a_line_that_is_being_typed_survives_and_comes_back_only_once() {
    let visit = Visit::new();
    let draft = visit.get("/").value("draft");
    let late = [("jot", "half a li"), ("draft", draft.as_str())];
    visit.post_part("/jot/read", &late);
    let page = visit.get("/");
    assert_eq!((page.value("jot"), page.value("draft")), ("half a li".to_owned(), draft.clone()));

    visit.post_part("/jot", &[("jot", "half a line"), ("draft", draft.as_str())]);
    // A request that the save overtook.
    let answer = visit.post_part("/jot/read", &late);
    assert_ne!(answer.value("draft"), draft);
    assert_eq!(visit.get("/").value("jot"), "");
}

#[test]
fn a_guess_is_saved_when_it_is_confirmed() {
    let visit = Visit::new();
    let jot = ("jot", "nephrostomy exchange L, upsized to 12");
    let read = visit.post_part("/jot/read", &[jot]);
    assert!(read.body.contains("chip unsure") && !read.body.contains("unsure sure"));
    let read = visit.post_part("/jot/read", &[jot, ("confirmed", "french")]);
    assert!(read.body.contains("unsure sure"));
    visit.post_part("/jot", &[jot, ("confirmed", "french"), ("performed", "2026-10-21T23:40")]);
    let page = visit.state.book().cases(&CaseFilter::default(), CaseSort::Newest, None).unwrap();
    let fields = &visit.state.book().record(page.days[0].rows[0].id).unwrap().fields;
    assert_eq!(fields["french"], 12);
    assert_eq!(page.days[0].rows[0].clock_time, "23:40");
}

#[test]
fn the_list_and_the_tally_name_who_is_on_no_case() {
    let visit = Visit::new();
    let fields = "{\"procedure\":\"picc\",\"attending\":\"Okafor\"}";
    let at = "2026-10-05T07:05:00-05:00";
    let line = format!("{{\"kind\":\"case\",\"at\":\"{at}\",\"fields\":{fields}}}\n");
    assert_eq!(visit.post_file("/import", &line).status, 200);
    for path in ["/cases", "/tally"] {
        let nobodys = visit.post_part(path, &[("attending", "Nobody")]).body;
        assert!(
            nobodys.contains("attending Nobody") && nobodys.contains("No case fits."),
            "{nobodys}"
        );
        let whole = visit.post(path, &[("attending", "Nobody")]).body;
        assert!(whole.contains("attending Nobody"), "{whole}");
        assert!(!visit.post_part(path, &[("attending", "Okafor")]).body.contains("No case fits."));
    }
}

#[test]
fn what_people_write_is_only_text() {
    let visit = Visit::new();
    let odd = "<script>alert(1)</script> \"onload=x\" Mr. Smith";
    let place = case(&visit, odd);
    visit.post_part("/jot/read", &[("jot", odd), ("draft", &visit.get("/").value("draft"))]);
    let edit = format!("{place}/edit");
    let (search, find) = (visit.post("/cases", &[("q", odd)]), visit.post("/find", &[("q", odd)]));
    let pages = [visit.get("/"), visit.get(&place), visit.get(&edit), search, find];
    for page in pages {
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("<script>"), "{}", page.body);
        assert!(!page.body.contains(" style=") && !page.body.contains("javascript:"));
    }
    assert!(visit.get(&place).body.contains("Looks like a name."));
}

#[test]
fn a_form_saves_in_spite_of_warnings_and_keeps_both_of_two_values() {
    let visit = Visit::new();
    let place = case(&visit, JOT);
    let form = visit.get(&format!("{place}/edit"));
    let (record, opened, draft) = (form.value("record"), form.value("opened"), form.value("draft"));
    assert_eq!(form.value("f.fluoro_min"), "38.5");
    let base = [("form", "case"), ("record", &record), ("opened", &opened), ("draft", &draft)];
    let with = |fields: &[(&'static str, &'static str)]| [&base[..], fields].concat();

    let kept = visit.post_part("/form/keep", &with(&[("f.fluoro_min", "4O2")]));
    assert!(kept.body.contains("Not a number, kept as text."), "{}", kept.body);
    assert_eq!(visit.get(&format!("{place}/edit")).value("f.fluoro_min"), "4O2");
    assert_eq!(visit.post("/form/save", &with(&[("f.fluoro_min", "40")])).location(), place);
    assert!(visit.get(&place).body.contains("was 38.5 min"));

    // A second tab, opened before that.
    visit.post("/form/save", &with(&[("f.fluoro_min", "41"), ("f.lesson", "ask first")]));
    let page = visit.get(&place).body;
    assert!(page.contains("Also written here: 41 min") && page.contains("ask first"), "{page}");
    let (keep, seen) = (visit.get(&place).value("keep"), visit.get(&place).value("seen"));
    let choice = [("path", "fluoro_min"), ("keep", &*keep), ("seen", &*seen)];
    let stale = [choice[0], choice[1], ("seen", "something else")];
    let settle = format!("/records/{record}/settle");
    assert_eq!(visit.post(&settle, &stale).status, 409);
    visit.post(&settle, &choice);
    let page = visit.get(&place).body;
    assert!(!page.contains("Also written") && page.contains("was 40 min"));
}

#[test]
fn a_debrief_goes_on_where_it_was() {
    let visit = Visit::new();
    let place = format!("{}/debrief", case(&visit, JOT));
    let first = visit.get(&place);
    assert!(first.body.contains("data-elapsed=\"0\""), "{}", first.body);
    let draft = first.value("draft");
    let fields = [("form", "debrief"), ("draft", &draft), ("f.lesson", "two wires")];
    visit.post_part("/form/keep", &fields);
    let second = visit.get(&place);
    assert_eq!(second.value("draft"), draft);
    assert!(second.body.contains("two wires") && second.body.contains("not saved yet"));
    visit.post("/form/drop", &[("draft", &draft)]);
    assert!(!visit.get(&place).body.contains("two wires"));
}

#[test]
fn a_case_is_marked_copied_deleted_brought_back_and_erased() {
    let visit = Visit::new();
    let place = case(&visit, JOT);
    visit.post(&format!("{place}/interesting"), &[("interesting", "true")]);
    assert!(visit.get(&place).body.contains("Not interesting"));
    assert!(visit.post(&format!("{place}/duplicate"), &[]).location().ends_with("/edit"));
    assert_eq!(count(&visit), 2);
    let record = place.replace("/cases/", "/records/");
    visit.post(&format!("{record}/delete"), &[]);
    assert_eq!(count(&visit), 1);
    assert!(visit.get("/deleted").body.contains("30 days left"));
    visit.post(&format!("{record}/restore"), &[]);
    assert_eq!(count(&visit), 2);
    assert!(visit.get(&format!("{record}/erase")).body.contains("Backups"));
    visit.post(&format!("{record}/erase"), &[]);
    assert_eq!(visit.get(&place).status, 404);
}

#[test]
fn what_is_exported_can_be_imported() {
    let visit = Visit::new();
    case(&visit, JOT);
    case(&visit, "R port, MRN 12345678");
    assert!(visit.get("/export").body.contains("1 record looks as if it named a patient"));
    let csv = visit.get("/export/cases.csv");
    assert!(csv.body.contains("tips") && csv.headers.contains_key("content-disposition"));
    let lines = visit.get("/export/logbook.jsonl").body;
    assert_eq!(visit.get("/export/other").status, 404);

    let other = Visit::new();
    assert!(other.post_file("/import", &lines).body.contains("2 records are new"));
    assert!(other.post_file("/import", &lines).body.contains("2 were here already"));
    let bad = other.post_file("/import", "nope\n");
    assert_eq!(bad.status, 400);
    assert!(bad.body.contains("Line 1 is not a JSON object.") && !bad.body.contains("<html"));
    assert!(
        other.post_file("/import?skip_bad=true", "nope\n").body.contains("1 line was left out")
    );
}

#[test]
fn what_an_import_updated_can_be_undone_from_its_report() {
    let visit = Visit::new();
    let place = case(&visit, JOT);
    let lines = visit.get("/export/logbook.jsonl").body;
    let newer = lines.replace("\"fields\":{", "\"fields\":{\"lesson\":\"Wire first\",");
    assert_ne!(lines, newer);
    let report = visit.post_file("/import?update=true", &newer);
    assert!(report.body.contains("1 record was updated"), "{}", report.body);
    assert!(report.body.contains(&format!("href=\"{place}\"")), "{}", report.body);
    assert!(visit.get(&place).body.contains("Wire first"));
    let fields = ["id", "kind", "what", "lseq"].map(|name| (name, report.value(name)));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(visit.post("/undo", &fields).location(), place);
    assert_eq!(visit.get("/export/logbook.jsonl").body, lines);
}

#[test]
fn a_long_list_comes_page_by_page() {
    let visit = Visit::new();
    let line = |n: u32| {
        let at = format!("2026-10-{:02}T{:02}:05:00-05:00", 1 + n / 12, n % 12);
        format!("{{\"kind\":\"case\",\"at\":\"{at}\",\"fields\":{{\"procedure\":\"picc\"}}}}\n")
    };
    visit.post_file("/import", &(0..70).map(line).collect::<String>());
    let rows = |body: &str| body.matches("<td class=\"day\">").count();
    let page = visit.get("/").body;
    assert_eq!((rows(&page), page.contains("70 cases")), (50, true));
    let next = page.split("hx-vals='{\"after\":\"").nth(1).unwrap().split('"').next().unwrap();
    let more = visit.post_part("/cases/more", &[("after", next)]).body;
    assert_eq!((rows(&more), more.contains("Load more")), (20, false));
}

#[test]
fn a_place_that_no_page_named_is_told_calmly_in_every_list() {
    let visit = Visit::new();
    for list in ["/consults", "/checklists", "/imaging"] {
        let page = visit.get(&format!("{list}?after=nonsense"));
        assert_eq!(page.status, 400, "{list}");
        assert!(page.body.contains("This part of the list is not there."), "{}", page.body);
    }
    assert_eq!(visit.post("/find", &[("q", "x"), ("before", "nonsense")]).status, 400);
    let part = visit.post_part("/cases/more", &[("after", "nonsense")]);
    assert!(part.status == 400 && part.body.contains("This part of the list is not there."));
}

#[test]
fn a_notice_is_told_to_the_browser_that_caused_it_and_on_its_page() {
    let visit = Visit::new();
    let other = visit.another();
    let place = case(&visit, JOT);
    let record = place.replace("/cases/", "/records/");
    assert_eq!(visit.post(&format!("{record}/delete"), &[]).location(), "/");
    assert!(!other.get("/").body.contains("Deleted:"), "another browser");
    assert!(!visit.get("/tally").body.contains("Deleted:"), "another tab");
    let page = visit.get("/");
    assert!(page.body.contains("Deleted:"));
    assert_eq!(page.value("what"), "deleted");
    assert!(!visit.get("/").body.contains("Deleted:"), "told once");
}

#[test]
fn a_title_names_the_room_and_nothing_else() {
    const WORD: &str = "Quetzalfink";
    let visit = Visit::new();
    let fields =
        ["title", "question", "text", "procedure", "name", "surname", "note", "indication"];
    let fields = fields.map(|field| format!("\"{field}\":\"{WORD}\"")).join(",");
    let at = "2026-10-05T10:00:00-05:00";
    let line =
        |kind: &str| format!("{{\"kind\":\"{kind}\",\"at\":\"{at}\",\"fields\":{{{fields}}}}}\n");
    let lines = KINDS.map(line).concat();
    assert_eq!(visit.post_file("/import", &lines).status, 200);
    let rooms: Vec<&str> =
        shell::DAILY.iter().chain(&shell::WHOLE).map(|room| room.name()).collect();
    let look = |path: &str| {
        let page = visit.get(path);
        let title = page.body.split("<title>").nth(1).expect(path);
        let title = title.split("</title>").next().unwrap();
        let room = title.strip_suffix(" · Seldinger").expect(path);
        assert!(rooms.contains(&room), "{path}: {title}");
        for (name, value) in &page.headers {
            assert!(!value.to_str().unwrap().contains(WORD), "{path}: {name}");
        }
        page.body.contains(WORD)
    };
    let book = visit.state.book();
    let mut shown = 0;
    for kind in KINDS {
        for record in book.records_of(kind, None, None).unwrap().names {
            shown += usize::from(look(&places::of(kind, record.id)));
            look(&format!("/records/{}/erase", record.id));
            if kind == "case" {
                look(&format!("/cases/{}/edit", record.id));
                look(&format!("/cases/{}/debrief", record.id));
            }
        }
    }
    assert!(shown > KINDS.len() / 2, "{shown} pages showed the word");
    for room in shell::DAILY.iter().chain(&shell::WHOLE) {
        look(room.path());
    }
    look("/cases/none");
    for file in ["cases.csv", "logbook.jsonl"] {
        let named = visit.get(&format!("/export/{file}"));
        let named = named.headers["content-disposition"].to_str().unwrap();
        assert_eq!(named, format!("attachment; filename=\"{file}\""));
    }
}

#[test]
fn a_half_typed_form_is_found_again() {
    let visit = Visit::new();
    let form = visit.get("/cases/new");
    assert!(!visit.get("/").body.contains("typed and not saved"));
    let draft = form.value("draft");
    let fields = [("form", "case"), ("record", ""), ("draft", &draft), ("f.lesson", "two wires")];
    visit.post_part("/form/keep", &fields);
    assert!(visit.get("/").body.contains("typed and not saved"));
    assert!(visit.get("/cases/new").body.contains("two wires"));
    assert!(visit.post("/form/save", &fields).location().starts_with("/cases/"));
    assert!(!visit.get("/cases/new").body.contains("two wires"));
}

#[test]
fn the_sample_is_a_book_of_its_own() {
    let visit = Visit::new();
    assert!(visit.get("/").body.contains("Open the sample rotation"));
    visit.post("/sample/open", &[]);
    let page = visit.get("/").body;
    assert!(page.contains("46 cases") && page.contains("Back to your own log"));
    visit.post("/sample/leave", &[]);
    assert!(visit.get("/").body.contains("0 cases"));
}

#[test]
fn the_recovery_code_is_shown_until_it_is_confirmed() {
    let visit = Visit::new();
    let waits = "is not confirmed yet";
    assert!(visit.get("/").body.contains(waits) && visit.get("/settings").body.contains(waits));
    assert!(!visit.get("/settings/code").body.contains("class=\"code\""), "shown unasked");
    let code = |page: Seen| {
        let rest = page.body.split("class=\"code\" translate=\"no\">").nth(1).unwrap().to_owned();
        rest.split('<').next().unwrap().to_owned()
    };
    let shown = code(visit.post("/settings/code", &[]));
    assert_eq!(code(visit.post("/settings/code", &[])), shown, "and again");
    let groups: Vec<&str> = shown.split('-').collect();

    visit.forget_proof();
    let asked = visit.post("/settings/code", &[]);
    assert!(asked.status == 403 && asked.body.contains("seldinger once more"), "{}", asked.body);
    assert!(groups.iter().all(|group| !asked.body.contains(group)), "shown without a proof");
    assert_eq!(visit.get("/settings/code").status, 200, "the way back");
    let visit = visit.another();
    assert_eq!(code(visit.post("/settings/code", &[])), shown, "a fresh address is a proof");

    let asked = visit.get("/settings/code/confirm");
    assert!(
        groups.iter().all(|group| !asked.body.contains(group)),
        "the answer beside the question"
    );
    let (first, second) = (asked.value("first_group"), asked.value("second_group"));
    let at = |group: &str| groups[group.parse::<usize>().unwrap() - 1];
    let typed = |second_text: &str| {
        let typed = [("first_group", &*first), ("second_group", &*second), ("first", at(&first))];
        visit.post("/settings/code/confirm", &[&typed[..], &[("second", second_text)]].concat())
    };
    let wrong = typed("00000");
    assert!(wrong.body.contains("not what the recovery code says") && wrong.status == 200);
    assert_eq!(code(visit.post("/settings/code", &[])), shown, "nothing was changed");
    assert_eq!(typed(at(&second)).location(), "/settings");
    let settings = visit.get("/settings").body;
    assert!(!settings.contains(waits) && settings.contains("kept nowhere but on your paper"));
    assert!(!visit.get("/").body.contains(waits));
    assert!(visit.get("/settings/code").body.contains("kept nowhere but on your paper"));
    for gone in [visit.post("/settings/code", &[]), visit.get("/settings/code/confirm")] {
        assert!(gone.status == 404 && !gone.body.contains(groups[0]), "{}", gone.body);
    }
    assert_eq!(typed(at(&second)).status, 404);
}

#[test]
fn the_sample_asks_for_no_code() {
    let visit = Visit::new();
    visit.post("/sample/open", &[]);
    assert!(!visit.get("/").body.contains("is not confirmed yet"));
    assert!(visit.get("/settings").body.contains("is not confirmed yet"), "that of the own log");
}

#[test]
fn the_theme_is_kept_and_a_locked_page_shows_nothing() {
    let visit = Visit::new();
    let chosen = visit.post("/settings/theme", &[("theme", "dark")]);
    let cookie = chosen.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.starts_with("seldinger-theme=dark;") && cookie.contains("SameSite=Strict"));
    visit.post("/lock", &[]);
    assert_eq!(visit.get("/").status, 401);
}

#[test]
fn trouble_is_told_as_a_page_or_as_a_part_of_one() {
    let visit = Visit::new();
    let page = visit.get("/cases/none");
    assert_eq!(page.status, 404);
    assert!(page.body.contains("<!doctype html>") && page.body.contains("not the id of a record"));
    let part = visit
        .post_part("/undo", &[("id", "x"), ("kind", "case"), ("what", "created"), ("lseq", "1")]);
    assert_eq!(part.status, 404);
    assert!(!part.body.contains("<!doctype html>") && part.body.contains("not the id of a record"));
}

#[test]
fn assets_are_kept_by_the_browser_and_pages_are_not() {
    let visit = Visit::new();
    let page = visit.get("/");
    assert_eq!(page.headers["cache-control"], "no-store");
    let style = page.body.split("/assets/app.").nth(1).unwrap().split('"').next().unwrap();
    let asset = visit.get(&format!("/assets/app.{style}"));
    assert_eq!(
        (asset.status, asset.headers["content-type"].to_str().unwrap()),
        (200, "text/css; charset=utf-8")
    );
    assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(visit.get("/assets/app.css").status, 404);
}
