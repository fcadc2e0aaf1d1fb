//! Imaging findings and daily reads, and how they grow over the weeks.

use std::collections::{BTreeMap, BTreeSet};

use super::Logbook;
use crate::error::Result;
use crate::ids::RecordId;
use crate::record::{self, Fields, Record};
use crate::time::{Day, IsoWeek, Moment};

/// The kind of findings that somebody walked the user through.
pub const IMAGING_FINDING: &str = "imaging_finding";
/// The kind of what was read up on.
pub const DAILY_READ: &str = "daily_read";

/// How far a user got in reading a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum ReadAs {
    /// It was shown to them.
    Shown,
    /// They found it with help.
    WithHelp,
    /// They found it alone.
    Alone,
}

impl ReadAs {
    /// From the least to the most.
    pub const ALL: [Self; 3] = [Self::Shown, Self::WithHelp, Self::Alone];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::WithHelp => "with_help",
            Self::Alone => "alone",
        }
    }

    fn of(fields: &Fields) -> Option<Self> {
        let stored = record::text(fields, "read_as")?;
        Self::ALL.into_iter().find(|known| known.as_str() == stored)
    }
}

/// A finding as a line of a list.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FindingRow {
    /// The record.
    pub id: RecordId,
    /// `CT`; empty where it is not written.
    pub modality: String,
    /// `liver`; empty where it is not written.
    pub region: String,
    /// What was seen.
    pub finding: String,
    /// What to look for next time.
    pub lesson: String,
    /// Who showed it.
    pub shown_by: String,
    /// `None`: not written.
    pub read_as: Option<ReadAs>,
    /// When it was written.
    pub when: Moment,
    /// That day, `22 October 2026`.
    pub day: String,
}

/// A page of findings.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FindingPage {
    /// At most 50, the latest first.
    pub rows: Vec<FindingRow>,
    /// Given back for the next page; `None` on the last.
    pub next: Option<String>,
}

/// One week of looking and reading.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ImagingWeek {
    /// ISO year and week.
    pub week: IsoWeek,
    /// 1 for the first week with either.
    pub number: u32,
    /// Its Monday.
    pub monday: Day,
    /// One entry a finding, those found alone last, those without a word first.
    pub findings: Vec<Option<ReadAs>>,
    /// How many daily reads.
    pub reads: u32,
    /// Regions that were seen for the first time.
    pub new_regions: Vec<String>,
}

quiet_debug!(FindingRow, FindingPage, ImagingWeek);

impl FindingRow {
    fn of(record: &Record) -> Self {
        let text = |name| record::text(&record.fields, name).unwrap_or_default().to_owned();
        let when = record.when();
        Self {
            id: record.id,
            modality: text("modality"),
            region: text("region"),
            finding: text("finding"),
            lesson: text("lesson"),
            shown_by: text("shown_by"),
            read_as: ReadAs::of(&record.fields),
            when,
            day: when.day().with_year(),
        }
    }
}

impl Logbook {
    /// One page of findings; `after` is the `next` of the page before.
    pub fn imaging_findings(&self, after: Option<&str>) -> Result<FindingPage> {
        let (records, next) = self.latest(IMAGING_FINDING, None, after)?;
        Ok(FindingPage { rows: records.iter().map(FindingRow::of).collect(), next })
    }

    /// Findings and daily reads by week: every week from the first to the last with either, or, where
    /// those are more than two years apart, those with either.
    pub fn imaging_growth(&self) -> Result<Vec<ImagingWeek>> {
        let mut growth = Growth::default();
        self.read(|conn| {
            record::for_each_alive(conn, Some(IMAGING_FINDING), |record| {
                growth.finding(record);
                Ok(())
            })?;
            record::for_each_alive(conn, Some(DAILY_READ), |record| {
                growth.week(record).reads += 1;
                Ok(())
            })
        })?;
        Ok(growth.whole())
    }
}

/// A stretch of more weeks than this is not shown week by week.
const MOST_WEEKS: i32 = 104;

#[derive(Default)]
struct Growth {
    weeks: BTreeMap<i32, ImagingWeek>,
    regions: BTreeSet<String>,
}

impl Growth {
    fn week(&mut self, record: &Record) -> &mut ImagingWeek {
        let monday = record.when().day().week().monday();
        self.weeks.entry(monday.0).or_insert_with(|| empty(monday))
    }

    /// Findings come the oldest first, so that a region is new where it is first met.
    fn finding(&mut self, record: &Record) {
        let row = FindingRow::of(record);
        let region = row.region.trim();
        let is_new = !region.is_empty() && self.regions.insert(region.to_lowercase());
        let week = self.week(record);
        week.findings.push(row.read_as);
        if is_new {
            week.new_regions.push(region.to_owned());
        }
    }

    fn whole(mut self) -> Vec<ImagingWeek> {
        let bounds = self.weeks.keys().next().zip(self.weeks.keys().next_back());
        let Some((first, last)) = bounds.map(|(first, last)| (*first, *last)) else {
            return Vec::new();
        };
        let far = last - first > MOST_WEEKS * 7;
        let mondays = (first..=last).step_by(7);
        let mondays = mondays.filter(|monday| !far || self.weeks.contains_key(monday));
        let mondays: Vec<i32> = mondays.collect();
        let week = |(number, monday): (u32, i32)| {
            let mut week = self.weeks.remove(&monday).unwrap_or_else(|| empty(Day(monday)));
            week.number = number;
            week.findings.sort();
            week
        };
        (1..).zip(mondays).map(week).collect()
    }
}

fn empty(monday: Day) -> ImagingWeek {
    ImagingWeek {
        week: monday.week(),
        number: 0,
        monday,
        findings: Vec::new(),
        reads: 0,
        new_regions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::SystemIds;
    use crate::logbook::tests::book;
    use crate::record::NewRecord;

    #[test]
    fn weeks_count_findings_reads_and_new_regions() {
        let (_folder, book) = book();
        let at = |text: &str| Moment::parse(text).unwrap();
        let records = [
            (
                "imaging_finding",
                "2026-10-06T16:00:00-05:00",
                json!({"region": "Liver", "read_as": "shown"}),
            ),
            (
                "imaging_finding",
                "2026-10-07T16:00:00-05:00",
                json!({"region": "liver ", "read_as": "alone"}),
            ),
            ("daily_read", "2026-10-08T16:00:00-05:00", json!({"title": "caudate"})),
            (
                "imaging_finding",
                "2026-10-20T16:00:00-05:00",
                json!({"region": "spine", "read_as": "odd"}),
            ),
        ];
        book.transact(|tx| {
            for (kind, when, fields) in records {
                let at = at(when);
                let (id, kind) = (RecordId::new(at.utc, &SystemIds), kind.to_owned());
                let fields = serde_json::from_value(fields).unwrap();
                tx.create(NewRecord { id, kind, at, fields })?;
            }
            Ok(())
        })
        .unwrap();
        let weeks = book.imaging_growth().unwrap();
        let told: Vec<_> = weeks
            .iter()
            .map(|week| (week.number, week.findings.len(), week.reads, week.new_regions.join(" ")))
            .collect();
        let wanted = [(1, 2, 1, "Liver"), (2, 0, 0, ""), (3, 1, 0, "spine")];
        assert_eq!(told, wanted.map(|(n, f, r, new)| (n, f, r, new.to_owned())));
        assert_eq!(weeks[0].findings, [Some(ReadAs::Shown), Some(ReadAs::Alone)]);
        let rows = book.imaging_findings(None).unwrap().rows;
        assert_eq!(
            rows.iter().map(|row| row.region.as_str()).collect::<Vec<_>>(),
            ["spine", "liver ", "Liver"]
        );
        assert_eq!(rows[0].read_as, None);

        // A slip of the year does not draw a thousand empty weeks.
        let far = at("2062-10-08T16:00:00-05:00");
        let id = RecordId::new(far.utc, &SystemIds);
        let read = NewRecord { id, kind: DAILY_READ.to_owned(), at: far, fields: Fields::new() };
        book.transact(|tx| tx.create(read)).unwrap();
        assert_eq!(book.imaging_growth().unwrap().len(), 3);
    }
}
