//! A word that only the user knows is found nowhere but where it belongs.

use std::fmt::{Debug, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::error::LogbookError;
use seldinger_core::form::{TypedField, changes, read};
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{
    CASE, ExportFormat, ExportOptions, ImportOptions, ImportSource, JOT, JotOptions, Logbook, Setup,
};
use seldinger_core::record::Fields;
use seldinger_core::time::Moment;
use serde_json::json;
use system_tests::{App, MemoryVault, decrypted_pages, fields, raw, setup};

const CANARY: &str = "Quetzalfink";

/// The word as files may hold it.
fn disguises() -> Vec<(&'static str, Vec<u8>)> {
    let word = CANARY.as_bytes();
    let wide = |swap: bool| -> Vec<u8> {
        CANARY
            .encode_utf16()
            .flat_map(|u| if swap { u.to_be_bytes() } else { u.to_le_bytes() })
            .collect()
    };
    let hex = word.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut all = vec![
        ("plain", word.to_vec()),
        ("UTF-16", wide(false)),
        ("UTF-16, big end first", wide(true)),
        ("hex", hex.into_bytes()),
        ("base 64", base64(word)),
    ];
    for before in 1..3 {
        // With one or two bytes before it, the word begins within a group; the letters shared with its
        // neighbors are left out.
        let text = base64(&[vec![0; before], word.to_vec()].concat());
        all.push(("base 64", text[before + 1..].to_vec()));
    }
    all
}

/// The letters that depend on these bytes alone.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = bytes.chunks_exact(3).flat_map(|three| {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|by| LETTERS[(bits >> by) as usize & 63])
    });
    whole.collect()
}

/// In which disguise the word is found; capitals do not matter where it is plain.
fn found_in(bytes: &[u8]) -> Option<&'static str> {
    let lower = bytes.to_ascii_lowercase();
    let holds = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    if holds(&lower, CANARY.to_lowercase().as_bytes()) {
        return Some("plain");
    }
    disguises().into_iter().find(|(_, word)| holds(bytes, word)).map(|(disguise, _)| disguise)
}

fn everything_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(everything_below(&path)) } else { files.push(path) }
    }
    files
}

fn nowhere_below(folder: &Path) {
    let files = everything_below(folder);
    assert!(files.len() > 2, "there are files to look into");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(found_in(&bytes), None, "in {} ({} bytes)", file.display(), bytes.len());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(found_in(name.as_bytes()), None, "a file's name");
    }
}

#[test]
fn the_search_itself_works() {
    for text in [CANARY.to_owned(), format!("x{CANARY}y"), format!("ab{CANARY}")] {
        assert_eq!(found_in(text.as_bytes()), Some("plain"));
        assert_eq!(found_in(&base64(format!("{text}   ").as_bytes())), Some("base 64"), "{text}");
    }
    let wide: Vec<u8> = CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(found_in(&wide), Some("UTF-16"));
    assert_eq!(found_in(b"quetzal fink"), None);
}

#[test]
fn on_the_command_line_it_stays_in_the_book() {
    let app = App::new();
    let jot = format!("picc R basilic 5F US, scrubbed, {CANARY} said hello");
    assert!(app.run(&["jot", &jot]).status.success());
    let shown = app.run(&["search", CANARY]);
    assert_eq!(found_in(&shown.stdout), Some("plain"), "it was saved");
    let lines = app.folder().join("one.jsonl");
    let line =
        json!({"kind": "question", "at": "2026-10-05T10:00:00-05:00", "fields": {"text": CANARY}});
    std::fs::write(&lines, format!("{line}\n")).unwrap();
    assert!(app.run(&["import", lines.to_str().unwrap()]).status.success());
    // A line that cannot be read, and the word where commands expect something else.
    std::fs::write(&lines, format!("{{\"kind\": \"case\", \"{CANARY}\": \n")).unwrap();
    let unrelated: [&[&str]; 8] = [
        &["tally"],
        &["tally", "--json"],
        &["cases"],
        &["import", lines.to_str().unwrap()],
        &["import", "--skip-bad", lines.to_str().unwrap()],
        &["show", "00000000-0000-0000-0000-000000000000"],
        &["export", "--format", "csv", "--kind", "person", "-"],
        &["cases", "--from", "never"],
    ];
    for args in unrelated {
        let said = app.run(args);
        assert_eq!(found_in(&said.stdout), None, "{args:?}");
        assert_eq!(found_in(&said.stderr), None, "{args:?}");
    }
    std::fs::remove_file(&lines).unwrap();
    nowhere_below(app.folder());
}

/// A book in which the word is written wherever something can be.
struct Full {
    folder: tempfile::TempDir,
    vault: Arc<MemoryVault>,
    book: Logbook,
    case: RecordId,
}

fn typed(path: &str, text: &str) -> TypedField {
    TypedField { path: path.to_owned(), texts: vec![text.to_owned()] }
}

fn everywhere() -> Fields {
    fields(json!({
        "procedure": CANARY, "role": CANARY, "attending": CANARY, "indication": CANARY, "note": CANARY,
        "tags": [CANARY], "labs": {"inr": CANARY}, "air_kerma_mgy": 12.5, "devices": [CANARY, "wire"],
        "adverse_event": {"scheme": CANARY, "edition": CANARY, "grade": CANARY}, "lesson": CANARY,
        "access": {"site": CANARY, "guidance": [CANARY]}, "performed_at": CANARY, "fluoro_min": CANARY,
    }))
}

impl Full {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(MemoryVault::default());
        let setup = Setup { vault: vault.clone(), ..setup(folder.path(), 5) };
        let (book, _) = Logbook::create(setup).unwrap();
        let case = book.create_case(everywhere()).unwrap().id;
        Self { folder, vault, book, case }
    }
}

#[test]
fn what_is_printed_by_accident_does_not_tell_it() {
    let full = Full::new();
    let (book, case) = (&full.book, full.case);
    let mut said = Vec::new();
    let mut say = |what: &dyn Debug| said.push(format!("{what:?} {what:#?}"));

    let person = fields(json!({"surname": CANARY, "role": "attending"}));
    say(&book.create_record("person", person));
    let draft = book.begin_draft(CASE, Some(case)).unwrap();
    say(&book.keep_draft(draft.id, vec![typed("note", CANARY)]));
    say(&(book.drafts(), book.draft(draft.id), book.open_draft(draft.id)));
    let patch = vec![("note".to_owned(), Some(json!(format!("{CANARY} twice"))))];
    say(&book.transact(|tx| tx.edit(case, patch, None)));
    let late = [typed("note", "else"), typed("labs.inr", CANARY), typed("performed_at", CANARY)];
    let saved = book.save_form(CASE, Some(case), draft.opened, &late, None).unwrap();
    assert!(!saved.stale.is_empty(), "a stale field is among what is said");
    say(&saved);
    say(&book.save_form(CASE, None, 0, &[typed("attending", CANARY), typed("role", CANARY)], None));
    say(&(book.record(case), book.case(case), book.history(case, "note")));
    say(&(book.open_form(CASE, Some(case)), book.recent_choices(), book.people()));
    let filter = CaseFilter {
        text: Some(CANARY.to_owned()),
        attending: Some(CANARY.to_owned()),
        tag: Some(CANARY.to_owned()),
        procedures: vec![CANARY.to_owned()],
        ..CaseFilter::default()
    };
    let page = book.cases(&filter, CaseSort::Newest, None);
    assert_eq!(page.as_ref().map(|page| page.rows().count()), Ok(1), "the filter knows the word");
    say(&(&filter, &page, book.tally(&CaseFilter::default(), None)));
    let hits = book.search(CANARY, None, None).unwrap();
    assert!(hits.hits.len() > 2, "the search knows the word");
    say(&hits);
    let jot = format!("picc, Dr {CANARY}, US, cx {CANARY}, {CANARY}");
    say(&(book.read_jot(&jot), book.save_jot(&jot, &JotOptions::default())));
    let definition = seldinger_core::form::FormDefinition::shipped(CASE).unwrap();
    let context = seldinger_core::form::EntryContext::default();
    for field in definition.fields() {
        say(&read(field, &[CANARY.to_owned()], &context));
    }
    say(&changes(definition, &Fields::new(), &late, &context));
    say(&seldinger_core::privacy::scan_fields(&everywhere()));
    say(&book.delete(case));
    say(&book.recently_deleted());
    say(&book);
    for said in said {
        assert_eq!(found_in(said.as_bytes()), None, "{said}");
    }
}

#[test]
fn no_error_tells_it() {
    let full = Full::new();
    let book = &full.book;
    let mut errors: Vec<LogbookError> = vec![
        book.open_form(CANARY, None).unwrap_err(),
        RecordId::from_str(CANARY).map_err(LogbookError::from).unwrap_err(),
        book.record(RecordId::from_content(CANARY.as_bytes())).unwrap_err(),
        book.import_job(ImportSource::Path(CANARY.into()), ImportOptions::default()).err().unwrap(),
        book.export_job(
            &Path::new("/nowhere").join(CANARY),
            ExportFormat::Csv,
            &ExportOptions::default(),
        )
        .err()
        .unwrap(),
    ];
    for line in [
        CANARY.to_owned(),
        format!("{{\"kind\": \"{CANARY}\", \"at\": \"{CANARY}\", \"fields\": {{}}}}"),
        format!("{{\"kind\": 3, \"{CANARY}\": 1}}"),
        format!(
            "{{\"kind\": \"case\", \"at\": \"2026-10-05T10:00:00Z\", \"fields\": \"{CANARY}\"}}"
        ),
        format!(
            "{{\"id\": \"{CANARY}\", \"kind\": \"case\", \"at\": \"2026-10-05T10:00:00Z\", \"fields\": {{}}}}"
        ),
    ] {
        let source = ImportSource::Bytes(line.into_bytes().into());
        let job = book.import_job(source, ImportOptions::default()).unwrap();
        errors.push(job.run(|_| ()).unwrap_err());
    }
    let mut said: Vec<String> =
        errors.iter().map(|error| format!("{error} {error:?} {:?}", error.wording())).collect();
    said.push(format!("{:?}", Moment::parse(CANARY)));
    for said in said {
        assert_eq!(found_in(said.as_bytes()), None, "{said}");
    }
}

#[test]
fn no_file_holds_it_while_the_book_is_open_or_after() {
    let full = Full::new();
    let (book, case) = (full.book, full.case);
    let draft = book.begin_draft(JOT, None).unwrap();
    book.keep_draft(draft.id, vec![typed(JOT, CANARY)]).unwrap();
    assert!(full.folder.path().join("book.db-wal").metadata().unwrap().len() > 0);
    nowhere_below(full.folder.path());
    book.delete(case).unwrap();
    drop(book);
    nowhere_below(full.folder.path());
    let pages = decrypted_pages(&raw(full.folder.path(), &*full.vault));
    assert_eq!(found_in(&pages), Some("plain"), "it is in the pages, and encryption hides it");
}

#[test]
fn what_is_erased_is_in_no_page_and_in_no_log() {
    let full = Full::new();
    let (book, case) = (&full.book, full.case);
    for round in 0..200 {
        // Others around it, so that pages fill, split and are freed.
        let note = format!("another entry, number {round}, of a length that is its own ")
            .repeat(round % 7);
        book.create_case(system_tests::case(round as u64, &note)).unwrap();
        let text = format!("{CANARY} {}", "again and again ".repeat(round));
        let patch = vec![("note".to_owned(), Some(json!(text)))];
        book.transact(|tx| tx.edit(case, patch, None)).unwrap();
    }
    let draft = book.begin_draft(CASE, Some(case)).unwrap();
    book.keep_draft(draft.id, vec![typed("note", &CANARY.repeat(900))]).unwrap();
    assert!(book.history(case, "note").unwrap().len() > 100);
    let raw = raw(full.folder.path(), &*full.vault);
    assert_eq!(found_in(&decrypted_pages(&raw)), Some("plain"));

    book.erase(case).unwrap();
    assert_eq!(found_in(&decrypted_pages(&raw)), None, "in a page");
    let log = full.folder.path().join("book.db-wal").metadata().unwrap();
    assert_eq!(log.len(), 0, "pages from before the erasure are in the log");
    assert!(book.search(CANARY, None, None).unwrap().hits.is_empty());
    let terms: u32 = raw
        .execute_batch("CREATE VIRTUAL TABLE temp.term USING fts5vocab (main, search, row)")
        .and_then(|()| {
            let count = "SELECT count(*) FROM term WHERE term LIKE '%quetzal%'";
            raw.query_row(count, [], |row| row.get(0))
        })
        .unwrap();
    assert_eq!(terms, 0, "the index remembers");
    assert_eq!(book.record(case).unwrap_err(), LogbookError::NotFound { id: case });
    assert_eq!(book.history(case, "note").unwrap_err(), LogbookError::NotFound { id: case });
    assert_eq!(book.draft(draft.id).unwrap_err(), LogbookError::NoDraft);
}

#[test]
fn the_log_is_emptied_once_nobody_reads_it_any_more() {
    let full = Full::new();
    let log = full.folder.path().join("book.db-wal");
    let export = full
        .book
        .export_to_job(Box::new(std::io::sink()), ExportFormat::Jsonl, &ExportOptions::default())
        .unwrap();
    full.book.erase(full.case).unwrap();
    assert!(log.metadata().unwrap().len() > 0, "the export reads from it");
    drop(export);
    full.book.create_case(fields(json!({"procedure": "picc"}))).unwrap();
    assert_eq!(log.metadata().unwrap().len(), 0);
    let raw = raw(full.folder.path(), &*full.vault);
    assert_eq!(found_in(&decrypted_pages(&raw)), None);
}
