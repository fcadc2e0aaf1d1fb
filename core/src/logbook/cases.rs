//! Cases: saving, reading, counting, finding.

use std::collections::BTreeMap;

use super::{DELETED_DAYS, Logbook};
use crate::case_log::list::{
    self, CaseChoices, CaseFilter, CaseList, CasePage, CaseRow, CaseSort, PAGE_ROWS,
};
use crate::case_log::rows;
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::record::{self, Change, Created, Fields, NewRecord};
use crate::store::search::SnippetPiece;
use crate::store::{Connection, search};
use crate::time::{DAY_MS, Moment, UtcMillis};

/// The kind of case entries.
pub const CASE: &str = "case";

/// A case that was just saved.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SavedCase {
    /// The case.
    pub id: RecordId,
    /// The write, for undoing it.
    pub change: Change,
}

/// One case, whole.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseDetail {
    /// As the list shows it.
    pub row: CaseRow,
    /// The day it was performed, `Thursday 22 October`.
    pub day_long: String,
    /// When it was typed.
    pub at: Moment,
    /// Not deleted.
    pub alive: bool,
    /// What a form that is opened on it gives back when it saves.
    pub opened: u64,
    /// Every field, as a JSON object.
    pub fields_json: String,
}

impl std::fmt::Debug for CaseDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaseDetail").field("id", &self.row.id).finish_non_exhaustive()
    }
}

/// A record that a search found.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SearchHit {
    /// Which record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// A case's procedure, by id or as it was written.
    pub procedure: Option<String>,
    /// What to call that; empty where there is none.
    pub procedure_name: String,
    /// When it was performed, or typed.
    pub performed: Moment,
    /// That day, `22 October 2026`.
    pub day: String,
    /// The stretch of its text around the first word found, in pieces.
    pub pieces: Vec<SnippetPiece>,
}

/// Hits and where the next ones begin.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SearchPage {
    /// At most 50, newest first.
    pub hits: Vec<SearchHit>,
    /// Given back for the next page; `None` on the last.
    pub next: Option<i64>,
}

quiet_debug!(SearchHit, SearchPage);

/// What was chosen lately, most often first, for a form to offer at the top.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RecentChoices {
    /// Procedure ids.
    pub procedures: Vec<String>,
    /// Surnames.
    pub attendings: Vec<String>,
    /// Roles, by stored name.
    pub roles: Vec<String>,
}

/// A deleted record that can be brought back.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DeletedRecord {
    /// Which.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// When it was deleted.
    pub removed: UtcMillis,
    /// The case row, where it is a case.
    pub case: Option<CaseRow>,
    /// When it was performed, or typed: `22 October 2026`.
    pub day: String,
}

quiet_debug!(RecentChoices, DeletedRecord);

impl DeletedRecord {
    /// Days until it is gone, a begun one counted as a whole.
    pub fn days_left(&self, now: Moment) -> i64 {
        let left = self.removed.0 + DELETED_DAYS * DAY_MS - now.utc.0;
        (left.max(0) + DAY_MS - 1) / DAY_MS
    }
}

impl Logbook {
    /// One page of cases; `after` is the `next` of the page before.
    pub fn cases(
        &self,
        filter: &CaseFilter,
        sort: CaseSort,
        after: Option<&str>,
    ) -> Result<CasePage> {
        self.read_filtered(filter, |conn| {
            rows::page(conn, &rows::meant(conn, filter)?, sort, after)
        })
    }

    /// The same with how many cases there are in all, and what is said of names that mean nothing here.
    pub fn case_list(
        &self,
        filter: &CaseFilter,
        sort: CaseSort,
        after: Option<&str>,
    ) -> Result<CaseList> {
        self.read_filtered(filter, |conn| {
            let meant = rows::meant(conn, filter)?;
            let page = rows::page(conn, &meant, sort, after)?;
            Ok(CaseList { page, count: rows::count(conn, &meant)?, told: meant.told })
        })
    }

    fn read_filtered<T>(
        &self,
        filter: &CaseFilter,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        if filter.text.is_some() { self.read_indexed(work) } else { self.read(work) }
    }

    /// How many cases there are.
    pub fn count_cases(&self, filter: &CaseFilter) -> Result<u64> {
        self.read_filtered(filter, |conn| rows::count(conn, &rows::meant(conn, filter)?))
    }

    /// One case, deleted or not.
    ///
    /// # Errors
    /// `NotFound` where there is no such record, or it is no case.
    pub fn case(&self, id: RecordId) -> Result<CaseDetail> {
        let record = self.record(id)?;
        if record.kind != CASE {
            return Err(LogbookError::NotFound { id });
        }
        let performed = record.when();
        Ok(CaseDetail {
            row: CaseRow::new(id, performed, &record.fields),
            day_long: performed.day().long(),
            at: record.at,
            alive: record.alive,
            opened: record.lseq,
            fields_json: serde_json::to_string(&record.fields).map_err(record::json_error)?,
        })
    }

    /// Saves a new case, typed now.
    pub fn create_case(&self, fields: Fields) -> Result<SavedCase> {
        self.create_record(CASE, fields)
    }

    /// Saves a new record of any kind, typed now.
    pub fn create_record(&self, kind: &str, fields: Fields) -> Result<SavedCase> {
        let at = self.now();
        let id = RecordId::new(at.utc, &*self.ids);
        let new = NewRecord { id, kind: kind.to_owned(), at, fields };
        let changed = self.transact(|tx| tx.create(new))?;
        match (changed.value, changed.changes.into_iter().next()) {
            (Created::New, Some(change)) => Ok(SavedCase { id, change }),
            // A random id that is taken: the randomness is broken, and nothing was written.
            _ => Err(LogbookError::Io),
        }
    }

    /// Saves a copy of a case with what carries over to the next one like it: who, where, why and how;
    /// not what happened.
    pub fn duplicate_case(&self, id: RecordId) -> Result<SavedCase> {
        let mut fields = self.record(id)?.fields;
        fields.retain(|name, _| CARRIED_OVER.contains(&name.as_str()));
        self.create_case(fields)
    }

    /// What the latest cases chose.
    pub fn recent_choices(&self) -> Result<RecentChoices> {
        self.read(|conn| {
            Ok(RecentChoices {
                procedures: rows::recent(conn, "procedure")?,
                attendings: rows::recent(conn, "attending")?,
                roles: rows::recent(conn, "role")?,
            })
        })
    }

    /// How many cases there are of each procedure that is written, by id or as it was written.
    pub fn cases_by_procedure(&self) -> Result<BTreeMap<String, u64>> {
        self.read(rows::by_procedure)
    }

    /// What the cases on record can be filtered by.
    pub fn case_choices(&self) -> Result<CaseChoices> {
        self.read(rows::choices)
    }

    /// Full-text search over records of `kind`, or of all kinds; each word may be the beginning of one,
    /// or of a word in the procedure's name. `before` is the `next` of the page before.
    pub fn search(
        &self,
        typed: &str,
        kind: Option<&str>,
        before: Option<i64>,
    ) -> Result<SearchPage> {
        let Some(expression) = rows::search_expression(typed) else {
            return Ok(SearchPage { hits: Vec::new(), next: None });
        };
        self.read_indexed(|conn| {
            let mut found = search::newest(conn, &expression, kind, before, PAGE_ROWS + 1)?;
            let more = found.len() > PAGE_ROWS as usize;
            found.truncate(PAGE_ROWS as usize);
            let next = found.last().filter(|_| more).map(|hit| hit.k);
            let wanted = search::wanted(typed);
            let hit = |hit: search::Hit| {
                let fields: Fields =
                    serde_json::from_str(&hit.fields).map_err(record::json_error)?;
                let performed = record::when(&hit.kind, hit.at, &fields);
                let (procedure, procedure_name) =
                    if hit.kind == CASE { list::procedure(&fields) } else { Default::default() };
                Ok(SearchHit {
                    id: hit.id,
                    kind: hit.kind,
                    procedure,
                    procedure_name,
                    performed,
                    day: performed.day().with_year(),
                    pieces: search::shown(&hit.snippet, &hit.fields, &wanted),
                })
            };
            Ok(SearchPage { hits: found.into_iter().map(hit).collect::<Result<_>>()?, next })
        })
    }

    /// Where the words are in those of `ids` that have them in their text: the stretch around the first
    /// one, in pieces.
    pub fn found_in(
        &self,
        typed: &str,
        ids: &[RecordId],
    ) -> Result<Vec<(RecordId, Vec<SnippetPiece>)>> {
        let Some(expression) = rows::search_expression(typed) else { return Ok(Vec::new()) };
        self.read_indexed(|conn| {
            let (wanted, mut found) = (search::wanted(typed), Vec::new());
            for id in ids {
                let Some((snippet, fields)) = search::snippet(conn, &expression, *id)? else {
                    continue;
                };
                let pieces = search::shown(&snippet, &fields, &wanted);
                if pieces.iter().any(|piece| piece.found) {
                    found.push((*id, pieces));
                }
            }
            Ok(found)
        })
    }

    /// What was deleted and can be brought back, the last deleted first.
    pub fn recently_deleted(&self) -> Result<Vec<DeletedRecord>> {
        self.read(|conn| {
            let deleted = |(id, removed)| {
                let record = record::load(conn, id)?;
                let performed = record.when();
                let case =
                    (record.kind == CASE).then(|| CaseRow::new(id, performed, &record.fields));
                let (removed, day) = (UtcMillis(removed), performed.day().with_year());
                Ok(DeletedRecord { id, kind: record.kind, removed, case, day })
            };
            rows::deleted(conn)?.into_iter().map(deleted).collect()
        })
    }
}

/// The fields that a duplicate takes along.
const CARRIED_OVER: [&str; 9] =
    ["procedure", "role", "attending", "setting", "side", "access", "devices", "sedation", "tags"];
