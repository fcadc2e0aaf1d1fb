//! The library beside what the user wrote: notes on a procedure, their cases of it, one search for both.

use super::{Logbook, SearchPage};
use crate::case_log::list::{CaseFilter, CaseRow, CaseSort};
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::library::{self, Article, LibraryHit};
use crate::record::{self, Record};
use crate::time::Moment;

/// The kind of the user's own notes on procedures.
pub const PROCEDURE_NOTE: &str = "procedure_note";

/// A procedure as a page shows it.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ProcedurePage {
    /// What the library says.
    pub article: Article,
    /// What the user noted, the latest first, at most 50.
    pub notes: Vec<ProcedureNote>,
    /// Their latest cases of it, at most five.
    pub cases: Vec<CaseRow>,
    /// How many there are in all.
    pub case_count: u64,
}

/// A note of the user's own.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ProcedureNote {
    /// The record.
    pub id: RecordId,
    /// What is written.
    pub text: String,
    /// When it was written.
    pub written: Moment,
    /// That day, `22 October 2026`.
    pub day: String,
}

/// What one search found in the library and in the records.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FoundPage {
    /// Articles, best first; on the first page only.
    pub articles: Vec<LibraryHit>,
    /// Records.
    pub records: SearchPage,
}

quiet_debug!(ProcedurePage, ProcedureNote, FoundPage);

/// Cases that a page names.
const CASES: usize = 5;

impl Logbook {
    /// What the library says of a procedure, with the user's notes and cases.
    ///
    /// # Errors
    /// `UnknownDefinition` for an id that is no procedure.
    pub fn procedure_page(&self, id: &str) -> Result<ProcedurePage> {
        let article = library::procedure_article(id).ok_or(LogbookError::UnknownDefinition)?;
        let (notes, _) = self.latest(PROCEDURE_NOTE, Some(id), None)?;
        let note = |record: &Record| ProcedureNote {
            id: record.id,
            text: record::text(&record.fields, "note").unwrap_or_default().to_owned(),
            written: record.at,
            day: record.at.day().with_year(),
        };
        let filter = CaseFilter { procedures: vec![id.to_owned()], ..CaseFilter::default() };
        let cases = self.cases(&filter, CaseSort::Newest, None)?;
        Ok(ProcedurePage {
            article: article.clone(),
            notes: notes.iter().map(note).collect(),
            cases: cases.rows().take(CASES).cloned().collect(),
            case_count: self.count_cases(&filter)?,
        })
    }

    /// Finds words in the library and in everything that was written; `before` is the `next` of the
    /// records before.
    pub fn find(&self, typed: &str, before: Option<i64>) -> Result<FoundPage> {
        let articles = if before.is_none() { library::search(typed)? } else { Vec::new() };
        Ok(FoundPage { articles, records: self.search(typed, None, before)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::logbook::CASE;
    use crate::logbook::tests::{book, fields};

    #[test]
    fn a_procedure_shows_the_users_notes_and_cases() {
        let (_folder, book) = book();
        for n in 0..7 {
            book.create_case(fields(json!({"procedure": "tips", "lesson": n.to_string()})))
                .unwrap();
        }
        book.create_case(fields(json!({"procedure": "picc"}))).unwrap();
        for (procedure, note) in [("tips", "first"), ("picc", "other"), ("tips", "second")] {
            let made = fields(json!({"procedure": procedure, "note": note}));
            book.create_record(PROCEDURE_NOTE, made).unwrap();
        }
        let gone = book.create_case(fields(json!({"procedure": "port"}))).unwrap().id;
        book.delete(gone).unwrap();
        book.create_case(fields(json!({"lesson": "which procedure is not written"}))).unwrap();
        let counts: Vec<_> = book.cases_by_procedure().unwrap().into_iter().collect();
        assert_eq!(counts, [("picc".to_owned(), 1), ("tips".to_owned(), 7)]);
        let page = book.procedure_page("tips").unwrap();
        assert_eq!((page.case_count, page.cases.len()), (7, 5));
        let notes: Vec<_> = page.notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(notes, ["second", "first"]);
        assert_eq!(page.article.id, "tips");
        assert_eq!(book.procedure_page("none").unwrap_err(), LogbookError::UnknownDefinition);
    }

    #[test]
    fn one_box_finds_in_the_library_and_in_the_records() {
        let (_folder, book) = book();
        let made =
            fields(json!({"procedure": "paracentesis", "lesson": "color on before the stick"}));
        let id = book.create_case(made).unwrap().id;
        let found = book.find("paracentesis", None).unwrap();
        assert_eq!(found.articles[0].id, "paracentesis");
        assert_eq!(found.records.hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [id]);
        assert_eq!(found.records.hits[0].kind, CASE);
        assert!(book.find("paracentesis", Some(1)).unwrap().articles.is_empty());
    }
}
