//! The page in a real browser, used as a person would. Scripts are in `tests/browser/`.
//!
//! A missing toolchain is told and passed over; with `REQUIRE_SHELLS=1`, which `cargo xtask test`
//! sets, it is a failure.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, fs};

use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::logbook::{BundleTo, ImportSource, Logbook};
use seldinger_core::store::Existing;
use serde_json::json;
use system_tests::{App, Page, binary, rotation, setup};
use xtask::paths;
use xtask::process::{self, Show};
use xtask::setup::browser::{self, Browser};

/// Browsers beside each other would only be in each other's way.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A machine with the app and a browser.
struct Desk {
    app: App,
    browser: Browser,
    _turn: MutexGuard<'static, ()>,
}

impl Desk {
    /// None where there is no browser to test with.
    fn new() -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        match browser::find() {
            Ok(browser) => Some(Self { app: App::new(), browser, _turn: turn }),
            Err(missing) if env::var_os("REQUIRE_SHELLS").is_some() => panic!("{missing}"),
            Err(missing) => {
                println!("SKIPPED: {missing}");
                None
            }
        }
    }

    /// The same with the sample rotation in the user's own book.
    fn with_rotation() -> Option<Self> {
        let desk = Self::new()?;
        let imported = desk.app.run(&["import", &rotation().display().to_string()]);
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        Some(desk)
    }

    fn profile(&self) -> PathBuf {
        self.app.folder().join("profile")
    }

    /// Runs a script against the page; it must end well.
    fn run(&self, page: &Page, script: &str, more: &[(&str, &str)]) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
        let mut node = self.browser.node(&file.with_extension("mjs"));
        node.env("ADDRESS", &page.address).env("PROFILE", self.profile());
        node.env("FOLDER", self.app.folder()).envs(more.iter().copied());
        let log = paths::output().join(format!("browser-{script}.log"));
        let outcome = process::run(&mut node, &log, Show::LogOnly).unwrap();
        for line in outcome.lines.iter().filter(|line| line.starts_with("browser: ")) {
            println!("{line}");
        }
        assert!(outcome.ok, "{script} ended with:\n{}", outcome.lines.join("\n"));
    }
}

#[test]
fn first_run() {
    let Some(desk) = Desk::new() else { return };
    let page = desk.app.serve(&[]);
    let heard = desk.app.folder().join("heard");
    let script = format!("echo \"$1\" > {0}.new; mv {0}.new {0}", heard.display());
    // Ends by itself once nobody came for ten seconds; its file lies there for longer.
    let second = desk.app.command_with_opener(&["serve"], &script).output().unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let file = fs::read_to_string(&heard).unwrap();
    desk.run(&page, "first", &[("OPENING", file.trim())]);
}

#[test]
fn jot_find_filter() {
    with_rotation("jot");
}

#[test]
fn edit() {
    with_rotation("edit");
}

#[test]
fn delete_export_import() {
    with_rotation("records");
}

#[test]
fn tally() {
    with_rotation("tally");
}

#[test]
fn calculators() {
    with_rotation("calculators");
}

#[test]
fn library_and_imaging() {
    with_rotation("library");
}

#[test]
fn devices() {
    let Some(desk) = Desk::with_rotation() else { return };
    let (page, other) = (desk.app.serve(&[]), App::new());
    let (program, home) = (binary().display().to_string(), other.folder().display().to_string());
    desk.run(&page, "devices", &[("SELDINGER", &program), ("OTHER", &home)]);
}

#[test]
fn written_twice() {
    let Some(desk) = Desk::with_rotation() else { return };
    let path = |name: &str| desk.app.folder().join(name).display().to_string();
    let (first, answer) = (path("first.bundle"), path("answer.bundle"));
    let made = desk.app.run(&["bundle", "export", &first, "--first"]);
    let code = String::from_utf8_lossy(&made.stdout).replace("code", "").trim().to_owned();
    let case = edited_on_a_phone(Path::new(&first), Path::new(&answer), &code);
    let page = desk.app.serve(&[]);
    desk.run(&page, "twice", &[("BUNDLE", &answer), ("CODE", &code), ("CASE", &case)]);
}

/// Takes a first bundle in on a phone, edits the latest case there and answers. Which case that is.
fn edited_on_a_phone(first: &Path, answer: &Path, code: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let phone = Arc::new(Logbook::create(setup(folder.path(), 7)).unwrap().0);
    let taken = phone
        .take_bundle_job(&ImportSource::Path(first.into()), Some(code))
        .unwrap()
        .run(|_| ())
        .unwrap();
    let newest = phone.cases(&CaseFilter::default(), CaseSort::Newest, None).unwrap();
    let id = newest.rows().next().unwrap().id;
    let edit = [
        ("fluoro_min", json!(19.7)),
        ("lesson", json!("Ask for the old drain films first.")),
        ("devices", json!(["8 Fr drain", "0.035 stiff wire"])),
    ];
    let edit = edit.map(|(path, value)| (path.to_owned(), Some(value))).to_vec();
    phone.transact(|tx| tx.edit(id, edit, None)).unwrap();
    let to = BundleTo::Device { fingerprint: taken.fingerprint, code: Some(code.to_owned()) };
    phone.make_bundle_job(answer, Existing::Replace, &to, "Phone").unwrap().run(|_| ()).unwrap();
    id.to_string()
}

#[test]
fn looks() {
    with_rotation("looks");
}

fn with_rotation(script: &str) {
    let Some(desk) = Desk::with_rotation() else { return };
    let page = desk.app.serve(&[]);
    desk.run(&page, script, &[]);
}

#[test]
fn drafts_outlive_the_program() {
    let Some(desk) = Desk::with_rotation() else { return };
    let mut page = desk.app.serve(&[]);
    desk.run(&page, "draft", &[("PHASE", "type")]);
    page.end("KILL");
    let page = desk.app.serve(&[]);
    desk.run(&page, "draft", &[("PHASE", "again")]);
}

#[test]
fn consults() {
    let Some(desk) = Desk::with_rotation() else { return };
    let mut page = desk.app.serve(&[]);
    desk.run(&page, "consults", &[("PHASE", "type")]);
    page.end("KILL");
    let page = desk.app.serve(&[]);
    desk.run(&page, "consults", &[("PHASE", "again")]);
}

#[test]
fn consult_templates() {
    let Some(desk) = Desk::with_rotation() else { return };
    let page = desk.app.serve(&[]);
    desk.run(&page, "consults", &[("PHASE", "own")]);
}

#[test]
fn checklists_outlive_the_program() {
    let Some(desk) = Desk::with_rotation() else { return };
    let mut page = desk.app.serve(&[]);
    desk.run(&page, "checklists", &[("PHASE", "tick")]);
    page.end("KILL");
    let page = desk.app.serve(&[]);
    desk.run(&page, "checklists", &[("PHASE", "again")]);
}

/// Words that nobody types by chance.
const CANARY: &str = "quetzalwren";
const CONTROL: &str = "hoopoestarling";
/// Every kind of record but the case.
const KINDS: [&str; 11] = [
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
];

#[test]
fn what_is_written_is_in_no_file() {
    let Some(desk) = Desk::new() else { return };
    let lines = KINDS.map(|kind| {
        let fields = json!({"title": CANARY, "question": CANARY, "text": CANARY, "note": CANARY,
            "name": CANARY, "surname": CANARY, "procedure": CANARY, "assessment": CANARY});
        format!("{}\n", json!({"kind": kind, "at": "2026-10-05T10:00:00-05:00", "fields": fields}))
    });
    let imported = desk.app.run_with(&["import", "-"], lines.concat().as_bytes());
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let mut page = desk.app.serve(&[]);
    // The case that is jotted is one more.
    let kinds = (KINDS.len() + 1).to_string();
    desk.run(&page, "canary", &[("CANARY", CANARY), ("CONTROL", CONTROL), ("KINDS", &kinds)]);
    let running = find(desk.app.folder(), CANARY);
    page.end("INT");
    let ended = find(desk.app.folder(), CANARY);
    assert!(!find(&desk.profile(), CONTROL).is_empty(), "the browser kept nothing at all");
    assert_eq!((running, ended), (Vec::new(), Vec::new()), "files that hold what was written");
}

/// The files in which a word stands, as it is or in a form that browsers keep text in.
fn find(folder: &Path, word: &str) -> Vec<PathBuf> {
    let forms = forms(word);
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                if forms.iter().any(|form| bytes.windows(form.len()).any(|part| part == form)) {
                    found.push(entry.path());
                }
            }
        }
    }
    found
}

/// A word in UTF-8, in UTF-16 of both orders, and within a Base64 text, at each of its three places.
fn forms(word: &str) -> Vec<Vec<u8>> {
    let wide = |order: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut forms = vec![word.as_bytes().to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
    for before in 0..3 {
        // Whole groups of three bytes only: what stands beside the word changes the rest.
        let start = (3 - before) % 3;
        let whole = (word.len() - start) / 3 * 3;
        forms.push(base64(&word.as_bytes()[start..start + whole]));
    }
    forms
}

/// Base64 of whole groups of three bytes.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| LETTERS[bits >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn a_word_is_found_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let wide: Vec<u8> = CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files: [(&str, &[u8]); 6] = [
        ("plain", b"a quetzalwren b"),
        ("wide", &wide),
        // `quetzalwren` after none, one and two letters.
        ("base64-0", b"cXVldHphbHdyZW4="),
        ("base64-1", b"eHF1ZXR6YWx3cmVu"),
        ("base64-2", b"eHhxdWV0emFsd3Jlbg=="),
        ("other", b"a quetzal, a wren"),
    ];
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let found = find(folder.path(), CANARY);
    assert_eq!(found.len(), 5, "{found:?}");
}
