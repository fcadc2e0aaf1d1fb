//! The library and imaging: what can be read, and the user's own beside it.

use std::collections::HashMap;

use crate::error::Result;
use crate::library::{self, Article, ArticleKind};
use crate::logbook::{FindingPage, FoundPage, ImagingWeek, ProcedurePage, RecordList};

use super::Logbook;

/// The article on a procedure or an imaging topic; `None` where there is none.
#[uniffi::export]
pub fn article(kind: ArticleKind, id: &str) -> Option<Article> {
    library::article(kind, id).cloned()
}

/// The articles on imaging, in reading order.
#[uniffi::export]
pub fn imaging_articles() -> Vec<Article> {
    library::imaging_articles().to_vec()
}

#[uniffi::export]
impl Logbook {
    /// What the library says of a procedure, with the user's notes and cases.
    pub fn procedure_page(&self, id: String) -> Result<ProcedurePage> {
        self.book.procedure_page(&id)
    }

    /// How many cases there are of each procedure that is written.
    pub fn cases_by_procedure(&self) -> Result<HashMap<String, u64>> {
        Ok(self.book.cases_by_procedure()?.into_iter().collect())
    }

    /// Finds words in the library and in everything that was written; `before` is the `next` of the
    /// records before.
    pub fn find(&self, typed: String, before: Option<i64>) -> Result<FoundPage> {
        self.book.find(&typed, before)
    }

    /// Records of a kind, of one procedure or of any; `after` is the `next` of the page before.
    pub fn records_of(
        &self,
        kind: String,
        procedure: Option<String>,
        after: Option<String>,
    ) -> Result<RecordList> {
        self.book.records_of(&kind, procedure.as_deref(), after.as_deref())
    }

    /// One page of imaging findings; `after` is the `next` of the page before.
    pub fn imaging_findings(&self, after: Option<String>) -> Result<FindingPage> {
        self.book.imaging_findings(after.as_deref())
    }

    /// Findings and daily reads by week.
    pub fn imaging_growth(&self) -> Result<Vec<ImagingWeek>> {
        self.book.imaging_growth()
    }
}
