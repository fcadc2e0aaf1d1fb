//! The case list: filters, order, pages.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::values::{Guidance, Role};
use crate::content::{Content, Wording, reading};
use crate::ids::RecordId;
use crate::record::{self, Fields, get};
use crate::time::{Day, IsoWeek, Moment};

/// Which cases. Empty means any; everything that is given must hold.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseFilter {
    /// First day, of the record's own calendar.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub from: Option<Day>,
    /// Last day.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub to: Option<Day>,
    /// One week.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub week: Option<IsoWeek>,
    /// One of these procedures, by id or by a name, however it is spelled.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub procedures: Vec<String>,
    /// A procedure of this category, by id or name.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub category: Option<String>,
    /// This role.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub role: Option<Role>,
    /// No role written.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub role_missing: bool,
    /// This attending, however the name is spelled.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub attending: Option<String>,
    /// With this tag, in capitals or not.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub tag: Option<String>,
    /// Marked as interesting.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub interesting: bool,
    /// Procedure, role or lesson not written yet.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub unfinished: bool,
    /// Every word begins a word of the case.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub text: Option<String>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum CaseSort {
    /// Latest performed first.
    #[default]
    Newest,
    /// Earliest performed first.
    Oldest,
    /// By procedure id, newest first within one.
    Procedure,
    /// By attending, newest first within one.
    Attending,
    /// Highest air kerma first; unwritten last.
    AirKerma,
}

impl CaseSort {
    /// Every order, with its name for URLs and scripts.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Newest, "newest"),
        (Self::Oldest, "oldest"),
        (Self::Procedure, "procedure"),
        (Self::Attending, "attending"),
        (Self::AirKerma, "kerma"),
    ];

    /// The order called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(sort, _)| sort)
    }
}

/// Rows of one page.
pub const PAGE_ROWS: u32 = 50;

/// Some cases and where the next ones begin.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CasePage {
    /// At most 50 rows in all. In an order by time each day is there once; in another one, a day heads
    /// those of its cases that follow each other.
    pub days: Vec<CaseDay>,
    /// Given back for the next page; `None` on the last.
    pub next: Option<String>,
}

/// A page of cases and what a list says besides, all of one moment.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseList {
    /// The rows.
    pub page: CasePage,
    /// How many cases the filter lets through.
    pub count: u64,
    /// What is to be said of names in the filter that mean nothing here: an attending whom no case has, a
    /// procedure that nobody knows. Empty where all mean something.
    pub told: Vec<Wording>,
}

/// Cases of one day under its name in every length, so that a row need not repeat it.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseDay {
    /// The day, `2026-10-22`.
    pub day: Day,
    /// `Thu`.
    pub weekday: String,
    /// `22`.
    pub day_of_month: u32,
    /// `Oct 2026`.
    pub month: String,
    /// `Thursday 22 October`.
    pub long: String,
    /// In the order that was asked for.
    pub rows: Vec<CaseRow>,
}

/// One case as a list shows it.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseRow {
    /// Which case.
    pub id: RecordId,
    /// When it was performed.
    pub performed: Moment,
    /// `13:40`.
    pub clock_time: String,
    /// The procedure's id, also of one that is written by its name, or whatever was written; `None`: not
    /// written.
    pub procedure: Option<String>,
    /// The procedure's name, or what was written, or empty.
    pub procedure_name: String,
    /// Why it was done.
    pub indication: Option<String>,
    /// The student's part, where it is one of the known ones.
    pub role: Option<Role>,
    /// Who supervised.
    pub attending: Option<String>,
    /// What guided it.
    pub guidance: Vec<Guidance>,
    /// Air kerma in mGy, where it is certainly a number.
    pub air_kerma_mgy: Option<f64>,
    /// Marked as interesting.
    pub interesting: bool,
    /// Scheme and grade of the adverse event, `CIRSE 3`.
    pub adverse_event: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// A lesson is written.
    pub has_lesson: bool,
}

/// What the cases on record can be filtered by.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CaseChoices {
    /// Weeks with cases, the latest first.
    pub weeks: Vec<IsoWeek>,
    /// Procedure ids, in the order of the content, then whatever else was written.
    pub procedures: Vec<String>,
    /// Surnames.
    pub attendings: Vec<String>,
    /// Tags of the latest 2,000 cases.
    pub tags: Vec<String>,
}

quiet_debug!(CaseFilter, CaseChoices, CaseList, CasePage, CaseDay, CaseRow);

/// The text at `path`; `None` where nothing or something else is written.
pub(crate) fn text(fields: &Fields, path: &str) -> Option<String> {
    record::text(fields, path).map(str::to_owned).filter(|text| !text.trim().is_empty())
}

/// The words of a list; one that stands alone is a list of one. What is no word is passed over.
fn words<'a>(fields: &'a Fields, path: &str) -> impl Iterator<Item = &'a str> {
    let entries = match get(fields, path) {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(alone) => std::slice::from_ref(alone),
        None => &[],
    };
    entries.iter().filter_map(Value::as_str).filter(|word| !word.trim().is_empty())
}

/// The word at `path` as it is read; `None` where nothing or something else is written.
fn word(fields: &Fields, path: &str) -> Option<String> {
    reading::word("case", fields, path).filter(|word| !word.trim().is_empty())
}

/// The fields that a row is made of; reading a page passes over the rest.
pub(crate) struct ShownFields(pub(crate) Fields);

const SHOWN: [&str; 11] = [
    "access",
    "adverse_event",
    "air_kerma_mgy",
    "attending",
    "indication",
    "interesting",
    "lesson",
    "performed_at",
    "procedure",
    "role",
    "tags",
];

impl<'de> Deserialize<'de> for ShownFields {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Pick;
        impl<'de> Visitor<'de> for Pick {
            type Value = ShownFields;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ShownFields, A::Error> {
                let mut fields = Fields::new();
                while let Some(name) = map.next_key::<String>()? {
                    if SHOWN.contains(&name.as_str()) {
                        fields.insert(name, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(ShownFields(fields))
            }
        }
        input.deserialize_map(Pick)
    }
}

/// The procedure's id, or whatever was written, and what to call it.
pub(crate) fn procedure(fields: &Fields) -> (Option<String>, String) {
    let id = word(fields, "procedure");
    let name = id.as_deref().map(|id| Content::shipped().procedure(id).map_or(id, |p| &p.name));
    let name = name.unwrap_or_default().to_owned();
    (id, name)
}

impl CasePage {
    /// Every row, day after day.
    pub fn rows(&self) -> impl Iterator<Item = &CaseRow> {
        self.days.iter().flat_map(|day| &day.rows)
    }

    /// Adds the row that comes next.
    pub(crate) fn push(&mut self, row: CaseRow) {
        let day = row.performed.day();
        match self.days.last_mut().filter(|last| last.day == day) {
            Some(last) => last.rows.push(row),
            None => self.days.push(CaseDay {
                day,
                weekday: day.weekday_short(),
                day_of_month: day.day_of_month(),
                month: day.month(),
                long: day.long(),
                rows: vec![row],
            }),
        }
    }
}

impl CaseRow {
    /// Reads what it can; the rest stays in the record.
    pub(crate) fn new(id: RecordId, performed: Moment, fields: &Fields) -> Self {
        let (procedure, procedure_name) = procedure(fields);
        Self {
            id,
            performed,
            clock_time: performed.clock_time(),
            procedure,
            procedure_name,
            indication: text(fields, "indication"),
            role: word(fields, "role").and_then(|role| Role::parse(&role)),
            attending: text(fields, "attending"),
            guidance: words(fields, "access.guidance").filter_map(Guidance::parse).collect(),
            air_kerma_mgy: reading::number("case", fields, "air_kerma_mgy"),
            interesting: reading::flag("case", fields, "interesting"),
            adverse_event: adverse_event(fields),
            tags: words(fields, "tags").map(str::to_owned).collect(),
            has_lesson: text(fields, "lesson").is_some(),
        }
    }
}

/// `CIRSE 3`: scheme and grade, as far as they are written.
fn adverse_event(fields: &Fields) -> Option<String> {
    let grade = match get(fields, "adverse_event.grade")? {
        Value::String(word) => word.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(
        format!("{} {grade}", text(fields, "adverse_event.scheme").unwrap_or_default())
            .trim()
            .to_owned(),
    )
}
