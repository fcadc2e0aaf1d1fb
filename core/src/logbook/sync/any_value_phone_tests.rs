//! What a phone calls on a book with odd records: every call that its packages have.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::{CASE, ExportFormat, ExportOptions};
use super::*;
use crate::case_log::list::{CaseFilter, CaseSort};
use crate::case_log::values::Role;
use crate::error::LogbookError;
use crate::ffi;
use crate::form::{TextStyle, TypedField};

/// Calls that open a book, begin a line to somebody or are no reading of records: tried elsewhere.
const ELSEWHERE: [&str; 26] = [
    "take_recovery_code",
    "observe",
    "read_jot",
    "save_jot",
    "erase",
    "settle",
    "copy_template",
    "save_template",
    "change_template",
    "save_presentation_wording",
    "import_file",
    "backup_file",
    "automatic_backup",
    "make_bundle",
    "take_bundle",
    "write_stages",
    "link_case",
    "open_draft",
    "keep_draft",
    "draft",
    "drop_draft",
    "debrief_timer",
    "switch_consult",
    "begin_draft",
    "set_zone",
    "read_time",
];

pub(super) struct Phone {
    call: ffi::Logbook,
    book: Arc<Logbook>,
    records: Vec<(RecordId, String)>,
}

/// Runs a job to its end.
macro_rules! run {
    ($job:expr) => {
        $job.and_then(|job| {
            while !job.step()?.finished {}
            job.take().ok_or(LogbookError::Cancelled)
        })
    };
}

/// An odd record may be answered with these and no others.
fn is_calm(error: &LogbookError) -> bool {
    use LogbookError as E;
    matches!(
        error,
        E::NotFound { .. } | E::UnknownDefinition | E::NothingToChoose | E::NotAnId | E::NoDraft
    )
}

/// Whether a call answered; its answer.
fn calm<T>(record: &str, call: &'static str, answer: Result<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) if is_calm(&error) => None,
        Err(error) => panic!("{call} of {record}: {error:?}"),
    }
}

/// Fields without empty texts, which are the same to a reader as none, and with lists in one order: what
/// undo puts back into a set comes last.
fn written(mut fields: record::Fields) -> record::Fields {
    fields.retain(|_, value| value.as_str() != Some(""));
    for entries in fields.values_mut().filter_map(serde_json::Value::as_array_mut) {
        entries.sort_by_key(ToString::to_string);
    }
    fields
}

/// A call on the whole book has no reason to fail.
macro_rules! whole {
    ($phone:ident . $name:ident ( $($given:expr),* )) => {
        $phone.call.$name($($given),*)
            .unwrap_or_else(|error| panic!("{}: {error:?}", stringify!($name)))
    };
}

impl Phone {
    pub(super) fn new(book: Logbook) -> Self {
        let book = Arc::new(book);
        let mut records = Vec::new();
        book.read(|conn| {
            record::for_each_alive(conn, None, |record| {
                records.push((record.id, record.kind.clone()));
                Ok(())
            })
        })
        .unwrap();
        Self { call: ffi::Logbook::of(book.clone()), book, records }
    }

    pub(super) fn book(&self) -> &Logbook {
        &self.book
    }

    /// A record for the message of a failure.
    fn named(&self, id: RecordId) -> String {
        let record = self.book.record(id).unwrap();
        let fields = serde_json::to_string(&record.fields).unwrap();
        format!("{} {}", record.kind, fields.chars().take(600).collect::<String>())
    }

    pub(super) fn reads(&self) {
        self.reads_of_the_whole();
        for (id, kind) in &self.records {
            self.reads_of(*id, kind);
        }
    }

    fn forms(&self, id: RecordId, kind: &str) -> Vec<String> {
        let record = self.book.record(id).unwrap();
        let own = self.book.form_of(&record).map(|form| form.id.clone());
        let mut forms: Vec<String> = own.into_iter().collect();
        if kind == CASE {
            forms.push("debrief".to_owned());
        }
        forms
    }

    fn reads_of(&self, id: RecordId, kind: &str) {
        let (call, name) = (&self.call, self.named(id));
        calm(&name, "case", call.case(id));
        calm(&name, "case_sheet", call.case_sheet(id));
        calm(&name, "record_sheet", call.record_sheet(id));
        calm(&name, "case_timeline", call.case_timeline(id));
        calm(&name, "checklist_run", call.checklist_run(id));
        calm(&name, "cases_for_run", call.cases_for_run(id));
        calm(&name, "consult", call.consult(id));
        calm(&name, "cases_of_consult", call.cases_of_consult(id));
        calm(&name, "consult_of_case", call.consult_of_case(id));
        calm(&name, "template_text", call.template_text(id));
        calm(&name, "also_written", call.also_written(id));
        calm(&name, "history", call.history(id, "tags".to_owned())).unwrap();
        calm(&name, "history", call.history(id, "labs.inr".to_owned())).unwrap();
        calm(&name, "found_in", call.found_in("zanz".to_owned(), vec![id])).unwrap();
        calm(&name, "record_sync", call.record_sync(id)).unwrap();
        for form in self.forms(id, kind) {
            let open = calm(&name, "open_form", call.open_form(form.clone(), Some(id))).unwrap();
            calm(&name, "look_over", call.look_over(open.clone(), Vec::new())).unwrap();
            calm(&name, "look_over_consult", call.look_over_consult(open, Vec::new()));
            for style in [TextStyle::Plain, TextStyle::Markdown] {
                calm(&name, "form_text", call.form_text(form.clone(), id, style)).unwrap();
            }
        }
    }

    pub(super) fn reads_of_the_whole(&self) {
        assert!(!self.call.is_read_only());
        self.lists_of_cases();
        let mut seen = BTreeSet::new();
        let kinds: BTreeSet<&String> = self.records.iter().map(|(_, kind)| kind).collect();
        for kind in kinds {
            let mut after = None;
            loop {
                let page = whole!(self.records_of(kind.clone(), None, after));
                seen.extend(page.names.into_iter().map(|name| name.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        assert!(self.records.iter().all(|(id, _)| seen.contains(id)), "every record is listed");
        self.finds();
        self.lists_of_rooms();
        run!(self.call.find_identifiers(None)).unwrap();
        run!(self.call.verify()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = || file.path().display().to_string();
        for format in [ExportFormat::Jsonl, ExportFormat::Csv] {
            for kind in [None, Some("consult".to_owned())] {
                let options = ExportOptions { kind, replace: true, ..ExportOptions::default() };
                run!(self.call.export_file(path(), format, options)).unwrap();
            }
        }
    }

    fn finds(&self) {
        let (mut hits, mut before) = (0, None);
        loop {
            let page = whole!(self.search("zanzib".to_owned(), None, before));
            hits += page.hits.len();
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let has_words = |kind: &str| kind != DEVICE && kind != REVOCATION;
        let words = self.records.iter().filter(|(_, kind)| has_words(kind)).count();
        assert!(hits >= words, "{hits} of {words} are found");
        whole!(self.find("zanz tips".to_owned(), None));
    }

    fn lists_of_rooms(&self) {
        whole!(self.people());
        whole!(self.written_twice());
        whole!(self.recently_deleted());
        whole!(self.drafts());
        whole!(self.draft_of(CASE.to_owned(), None));
        let mut after = None;
        loop {
            after = whole!(self.checklist_runs(after)).next;
            if after.is_none() {
                break;
            }
        }
        loop {
            after = whole!(self.consults(after)).next;
            if after.is_none() {
                break;
            }
        }
        loop {
            after = whole!(self.imaging_findings(after)).next;
            if after.is_none() {
                break;
            }
        }
        whole!(self.imaging_growth());
        whole!(self.consult_templates());
        whole!(self.presentation_wording());
        whole!(self.procedure_page("tips".to_owned()));
        whole!(self.peers());
        whole!(self.revocations());
        whole!(self.sync_counts());
    }

    fn lists_of_cases(&self) {
        let cases = self.records.iter().filter(|(_, kind)| kind == CASE).count();
        let filters = [
            CaseFilter::default(),
            CaseFilter { tag: Some("a".to_owned()), ..CaseFilter::default() },
            CaseFilter { procedures: vec!["tips".to_owned()], ..CaseFilter::default() },
            CaseFilter { role: Some(Role::Assisted), ..CaseFilter::default() },
            CaseFilter { role_missing: true, unfinished: true, ..CaseFilter::default() },
            CaseFilter { interesting: true, ..CaseFilter::default() },
            CaseFilter { text: Some("zanz".to_owned()), ..CaseFilter::default() },
        ];
        for filter in filters {
            let count = whole!(self.count_cases(filter.clone()));
            let list = whole!(self.case_list(filter.clone(), CaseSort::default(), None));
            assert_eq!(list.count, count, "{filter:?}");
            for (sort, name) in CaseSort::ALL {
                let (mut seen, mut after) = (0, None);
                loop {
                    let page = whole!(self.cases(filter.clone(), sort, after));
                    seen += page.rows().count();
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(seen as u64, count, "{name} {filter:?}");
            }
            let tally = run!(self.call.tally(filter.clone(), None)).unwrap();
            assert_eq!(u64::from(tally.cases), count, "{filter:?}");
            for (_, dose) in tally.dose.quantities() {
                assert!(dose.sum.is_finite());
            }
        }
        assert!(whole!(self.count_cases(CaseFilter::default())) >= cases as u64);
        whole!(self.case_choices());
        whole!(self.recent_choices());
        whole!(self.cases_by_procedure());
    }

    /// Writes on records of odd shapes: what they do not touch stays as it is.
    pub(super) fn writes(&self) {
        for (id, kind) in &self.records {
            match kind.as_str() {
                CASE => self.writes_to_case(*id),
                "checklist_run" => self.writes_to_run(*id),
                "consult" => self.writes_to_consult(*id),
                _ => {}
            }
            self.writes_to_any(*id, kind);
        }
    }

    fn writes_to_any(&self, id: RecordId, kind: &str) {
        let (call, name) = (&self.call, self.named(id));
        let fields = || self.book.record(id).unwrap().fields;
        for form in self.forms(id, kind) {
            let open = call.open_form(form.clone(), Some(id)).unwrap();
            let before = fields();
            // Nothing was typed: what the form shows goes back as it is.
            let shown = open.view.sections.iter().flat_map(|section| &section.fields);
            let typed = shown
                .map(|field| TypedField { path: field.path.clone(), texts: field.values.clone() });
            let typed: Vec<TypedField> = typed.collect();
            let saved = calm(&name, "save_form", call.save_form(open.clone(), typed)).unwrap();
            assert_eq!((saved.change, &before), (None, &fields()), "{form}: {name}");
            let definition = self.book.form(&form).unwrap();
            let typed = definition
                .fields()
                .map(|field| TypedField { path: field.path.clone(), texts: vec!["7".to_owned()] });
            let saved = calm(&name, "save_form", call.save_form(open, typed.collect())).unwrap();
            if let Some(change) = saved.change {
                calm(&name, "undo", call.undo(change)).unwrap();
            }
            assert_eq!(written(before), written(fields()), "{form}: {name}");
        }
        let before = fields();
        let change = calm(&name, "delete", call.delete(id)).unwrap();
        assert!(change.is_some());
        calm(&name, "restore_record", call.restore_record(id)).unwrap();
        assert_eq!(before, fields(), "{name}");
    }

    fn writes_to_case(&self, id: RecordId) {
        let (call, name) = (&self.call, self.named(id));
        let copy = calm(&name, "duplicate_case", call.duplicate_case(id)).unwrap();
        calm(&name, "undo", call.undo(copy.change)).unwrap();
        let draft = calm(&name, "begin_debrief", call.begin_debrief(id)).unwrap();
        calm(&name, "drop_draft", call.drop_draft(draft.id)).unwrap();
    }

    fn writes_to_consult(&self, id: RecordId) {
        let (call, name) = (&self.call, self.named(id));
        let open = calm(&name, "begin_case", call.begin_case_from_consult(id)).unwrap();
        calm(&name, "drop_draft", call.drop_draft(open.draft.unwrap())).unwrap();
    }

    fn writes_to_run(&self, id: RecordId) {
        let (call, name) = (&self.call, self.named(id));
        let begun = call.begin_run("during".to_owned(), None, None);
        calm(&name, "begin_run", begun).unwrap();
        let item = || "S-48".to_owned();
        let stage = || "access".to_owned();
        calm(&name, "tick_items", call.tick_items(id, vec![item()])).unwrap();
        calm(&name, "untick_item", call.untick_item(id, item())).unwrap();
        calm(&name, "skip_item", call.skip_item(id, item(), "why".to_owned())).unwrap();
        calm(&name, "unskip_item", call.unskip_item(id, item())).unwrap();
        calm(&name, "stamp_stage", call.stamp_stage(id, stage(), None)).unwrap();
        calm(&name, "unstamp_stage", call.unstamp_stage(id, stage())).unwrap();
        calm(&name, "say_tense", call.say_tense(id)).unwrap();
        calm(&name, "say_calm", call.say_calm(id)).unwrap();
        calm(&name, "finish_run", call.finish_run(id)).unwrap();
        calm(&name, "reopen_run", call.reopen_run(id)).unwrap();
        calm(&name, "link_run", call.link_run(id, None)).unwrap();
    }
}

/// The calls that the packages have, out of the border's own text.
#[test]
fn no_call_is_forgotten() {
    let here = include_str!("any_value_phone_tests.rs");
    let sources = [
        include_str!("../../ffi/logbook.rs"),
        include_str!("../../ffi/checklists.rs"),
        include_str!("../../ffi/consults.rs"),
        include_str!("../../ffi/library.rs"),
        include_str!("../../ffi/jobs.rs"),
        include_str!("../../ffi/sync.rs").split("\nimpl Logbook {").last().unwrap_or_default(),
    ];
    let mut forgotten = Vec::new();
    for call in sources.iter().flat_map(|source| source.split("    pub fn ").skip(1)) {
        let (name, rest) = call.split_once('(').unwrap();
        let is_call = rest.trim_start().starts_with("&self");
        let is_job = ["step", "cancel", "take"].contains(&name);
        let is_made = here.contains(&format!(".{name}("));
        if is_call && !is_job && !is_made && !ELSEWHERE.contains(&name) {
            forgotten.push(name);
        }
    }
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
