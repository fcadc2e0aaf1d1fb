//! A student at work: a book is written to in a way that can be judged from its content alone.

use std::collections::BTreeMap;

use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::form::TypedField;
use seldinger_core::ids::{DraftId, RecordId};
use seldinger_core::logbook::{JOT, JotOptions, Logbook};
use seldinger_core::record::{Fields, Record};
use serde_json::json;

use crate::{SeededIds, case};

/// What is known of every entry, by its number: `case 3`, `deleted 3`, `draft`, `jot`, `draft + jot`;
/// an entry that is not there, or was erased, is missing.
pub type Found = BTreeMap<u64, String>;

/// One thing that a student does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A new case.
    Create,
    /// Another text, and a number, in the case at this place of the script's list.
    Edit(usize),
    /// Delete it.
    Delete(usize),
    /// Bring it back.
    Restore(usize),
    /// Erase it for good.
    Erase(usize),
    /// A jot is being typed.
    Draft,
    /// The oldest jot is saved, and its draft dropped with it.
    Jot,
}

struct Entry {
    id: RecordId,
    number: u64,
    revision: u64,
    alive: bool,
}

/// Decides what is done next and does it.
pub struct Script {
    random: SeededIds,
    next: u64,
    cases: Vec<Entry>,
    drafts: Vec<(DraftId, u64)>,
}

impl Script {
    /// A script that a seed repeats; its entries are numbered from `first`.
    pub fn new(seed: u64, first: u64) -> Self {
        Self { random: SeededIds::new(seed), next: first, cases: Vec::new(), drafts: Vec::new() }
    }

    /// What comes next.
    pub fn plan(&self) -> Step {
        let dice = self.random.below(20);
        if dice < 6 || self.cases.is_empty() {
            return Step::Create;
        }
        let at = self.random.below(self.cases.len());
        match dice {
            6..10 if self.cases[at].alive => Step::Edit(at),
            10..13 if self.cases[at].alive => Step::Delete(at),
            6..14 if !self.cases[at].alive => Step::Restore(at),
            14 => Step::Erase(at),
            15..18 if !self.drafts.is_empty() => Step::Jot,
            _ => Step::Draft,
        }
    }

    /// The number of the entry that a step touches, and what is found of it once it is done.
    pub fn expected(&self, step: Step) -> (u64, String) {
        let entry = |at: usize| &self.cases[at];
        match step {
            Step::Create => (self.next, "case 0".to_owned()),
            Step::Edit(at) => (entry(at).number, format!("case {}", entry(at).revision + 1)),
            Step::Delete(at) => (entry(at).number, format!("deleted {}", entry(at).revision)),
            Step::Restore(at) => (entry(at).number, format!("case {}", entry(at).revision)),
            Step::Erase(at) => (entry(at).number, String::new()),
            Step::Draft => (self.next, "draft".to_owned()),
            Step::Jot => (self.drafts[0].1, "jot".to_owned()),
        }
    }

    /// Does it; the local sequence of the write, where it has one. After an error nothing of it
    /// counts as done, and the same step may be tried again.
    ///
    /// # Errors
    /// Those of the book.
    pub fn run(&mut self, book: &Logbook, step: Step) -> Result<Option<u64>> {
        let lseq = match step {
            Step::Create => {
                let saved = book.create_case(content(self.next, 0))?;
                let entry = Entry { id: saved.id, number: self.next, revision: 0, alive: true };
                self.cases.push(entry);
                self.next += 1;
                Some(saved.change.lseq)
            }
            Step::Edit(at) => {
                let entry = &mut self.cases[at];
                let fields = content(entry.number, entry.revision + 1).into_iter();
                let patch = fields.map(|(path, value)| (path, Some(value))).collect();
                let edited = book.transact(|tx| tx.edit(entry.id, patch, None))?;
                entry.revision += 1;
                edited.value.change.map(|change| change.lseq)
            }
            Step::Delete(at) => {
                let change = book.delete(self.cases[at].id)?;
                self.cases[at].alive = false;
                change.map(|change| change.lseq)
            }
            Step::Restore(at) => {
                let change = book.restore_record(self.cases[at].id)?;
                self.cases[at].alive = true;
                change.map(|change| change.lseq)
            }
            Step::Erase(at) => {
                let erased = match book.erase(self.cases[at].id) {
                    // Tried again: it was erased, and only emptying the log had failed.
                    Err(LogbookError::NotFound { .. }) => None,
                    other => Some(other?.lseq),
                };
                self.cases.swap_remove(at);
                erased
            }
            Step::Draft => {
                // Begun and kept in two transactions; only the second one tells the number.
                let draft = book.begin_draft(JOT, None)?;
                let typed = TypedField { path: JOT.to_owned(), texts: vec![jot(self.next)] };
                book.keep_draft(draft.id, vec![typed])?;
                self.drafts.push((draft.id, self.next));
                self.next += 1;
                None
            }
            Step::Jot => {
                let (draft, number) = self.drafts[0];
                let options = JotOptions { draft: Some(draft), ..JotOptions::default() };
                let saved = book.save_jot(&jot(number), &options)?;
                self.drafts.remove(0);
                Some(saved.change.lseq)
            }
        };
        Ok(lseq)
    }
}

/// What a case of this number says after so many edits.
fn content(number: u64, revision: u64) -> Fields {
    let mut fields = case(number, &format!("entry {number} as edited {revision} times ").repeat(8));
    fields.insert("revision".to_owned(), json!(revision));
    fields
}

fn jot(number: u64) -> String {
    format!("picc R basilic 5F US, scrubbed, line {number}")
}

/// Everything in the book, each entry with all of its content or not at all.
///
/// # Panics
/// Where an entry says something that nobody wrote.
pub fn found(book: &Logbook) -> Result<Found> {
    let mut found = Found::new();
    let mut add = |(number, what): (u64, String)| {
        let entry = found.entry(number).or_default();
        *entry = if entry.is_empty() { what } else { format!("{entry} + {what}") };
    };
    for draft in book.drafts()? {
        // Without text: the second half of beginning a draft is missing, and nothing was typed yet.
        if let Some(text) = draft.typed.first().and_then(|typed| typed.texts.first()) {
            add((number_in(text), "draft".to_owned()));
        }
    }
    let mut after = None;
    loop {
        let page = book.cases(&CaseFilter::default(), CaseSort::Oldest, after.as_deref())?;
        for row in page.rows() {
            add(judged(&book.record(row.id)?));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for deleted in book.recently_deleted()? {
        add(judged(&book.record(deleted.id)?));
    }
    Ok(found)
}

fn judged(record: &Record) -> (u64, String) {
    if let Some(text) = record.fields.get(JOT).and_then(|text| text.as_str()) {
        assert_eq!(record.fields["procedure"], "picc", "a jot lost a field");
        return (number_in(text), "jot".to_owned());
    }
    let number = record.fields["number"].as_u64().unwrap_or(u64::MAX);
    let revision = record.fields["revision"].as_u64().unwrap_or(u64::MAX);
    assert!(record.fields == content(number, revision), "entry {number} is not as it was written");
    (number, format!("{} {revision}", if record.alive { "case" } else { "deleted" }))
}

fn number_in(text: &str) -> u64 {
    text.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(u64::MAX)
}
