//! Records of one kind, page by page.

use super::{Logbook, RecordName, rows};
use crate::error::Result;
use crate::record::{self, Cursor, Record};
use crate::store::Connection;

/// Records of one kind as lines of a list.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RecordList {
    /// At most 50, the latest first.
    pub names: Vec<RecordName>,
    /// Given back for the next page; `None` on the last.
    pub next: Option<String>,
}

quiet_debug!(RecordList);

/// Lines of a page.
pub(super) const PAGE: usize = 50;

impl Logbook {
    /// Records of `kind`, of one procedure or of any; `after` is the `next` of the page before.
    ///
    /// # Errors
    /// `NotAPage` where no page said that.
    pub fn records_of(
        &self,
        kind: &str,
        procedure: Option<&str>,
        after: Option<&str>,
    ) -> Result<RecordList> {
        let (records, next) = self.latest(kind, procedure, after)?;
        Ok(RecordList { names: records.iter().map(RecordName::of).collect(), next })
    }

    /// The same, whole.
    pub(super) fn latest(
        &self,
        kind: &str,
        procedure: Option<&str>,
        after: Option<&str>,
    ) -> Result<(Vec<Record>, Option<String>)> {
        self.read(|conn| page(conn, kind, procedure, after))
    }
}

fn page(
    conn: &Connection,
    kind: &str,
    procedure: Option<&str>,
    after: Option<&str>,
) -> Result<(Vec<Record>, Option<String>)> {
    let last = after.map(Cursor::parse).transpose()?.unwrap_or(Cursor::NEWEST);
    let mut places = rows::latest(conn, kind, procedure, last, PAGE + 1)?;
    let more = places.len() > PAGE;
    places.truncate(PAGE);
    let next = places.last().filter(|_| more).map(|last| last.text());
    let records = places.iter().map(|place| record::load_at(conn, place.1));
    let records = records.collect::<Result<_>>()?;
    Ok((records, next))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::case_log::list::{CaseFilter, CaseSort};
    use crate::error::LogbookError;
    use crate::logbook::tests::{book, fields};

    #[test]
    fn pages_hold_every_record_once_the_latest_first() {
        let (_folder, book) = book();
        for n in 0..120 {
            let procedure = if n % 3 == 0 { "picc" } else { "port" };
            let made = fields(json!({"procedure": procedure, "title": n.to_string()}));
            book.create_record("daily_read", made).unwrap();
        }
        let all = |procedure: Option<&str>| {
            let (mut titles, mut after) = (Vec::new(), None);
            loop {
                let list = book.records_of("daily_read", procedure, after.as_deref()).unwrap();
                titles.extend(list.names.into_iter().map(|name| name.name));
                after = list.next;
                if after.is_none() {
                    return titles;
                }
            }
        };
        let wanted: Vec<String> = (0..120).rev().map(|n: i32| n.to_string()).collect();
        assert_eq!(all(None), wanted);
        assert_eq!(all(Some("picc")).len(), 40);
        assert!(all(Some("tips")).is_empty());
        let gone = book.records_of("daily_read", Some("picc"), None).unwrap().names[0].id;
        book.delete(gone).unwrap();
        assert_eq!(all(Some("picc")).len(), 39);
    }

    #[test]
    fn every_list_says_the_same_of_a_place_that_no_page_named() {
        let (_folder, book) = book();
        for wrong in ["", "nonsense", "5", "1:x", "1:-1", "1:2 "] {
            let said = [
                book.records_of("daily_read", None, Some(wrong)).map(drop),
                book.cases(&CaseFilter::default(), CaseSort::Newest, Some(wrong)).map(drop),
                book.cases(&CaseFilter::default(), CaseSort::AirKerma, Some(wrong)).map(drop),
                book.consults(Some(wrong)).map(drop),
                book.checklist_runs(Some(wrong)).map(drop),
                book.imaging_findings(Some(wrong)).map(drop),
            ];
            for said in said {
                assert_eq!(said, Err(LogbookError::NotAPage), "{wrong:?}");
            }
        }
    }
}
