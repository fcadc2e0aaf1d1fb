//! The case log's own reads.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use super::list::{CaseChoices, CaseFilter, CasePage, CaseRow, CaseSort, PAGE_ROWS};
use super::tally::TallyRow;
use super::values::Role;
use crate::content::Content;
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::record::{column, json_error};
use crate::store::{search, sql};
use crate::time::{Day, Moment, UtcMillis};

// What the index `record_list` holds of a case. Written out, because SQLite evaluates a generated column
// of a strict table from the row itself, for each case on record, although the index has its value.
const PROCEDURE: &str = "(fields ->> '$.procedure')";
const ROLE: &str = "(fields ->> '$.role')";
const ATTENDING: &str = "(fields ->> '$.attending')";
const INTERESTING: &str = "(fields ->> '$.interesting')";

/// A condition and the values that it binds.
struct Condition {
    text: String,
    values: Vec<SqlValue>,
}

impl Condition {
    fn and(&mut self, text: &str, values: impl IntoIterator<Item = SqlValue>) {
        self.text.push_str(" AND ");
        self.text.push_str(text);
        self.values.extend(values);
    }
}

fn condition(filter: &CaseFilter) -> Condition {
    let mut c = Condition { text: "kind = 'case' AND alive = 1".to_owned(), values: Vec::new() };
    let day = |day: Day| SqlValue::from(i64::from(day.0));
    if let Some(week) = filter.week {
        let monday = week.monday();
        c.and("day BETWEEN ? AND ?", [day(monday), day(Day(monday.0 + 6))]);
    }
    if let Some(from) = filter.from {
        c.and("day >= ?", [day(from)]);
    }
    if let Some(to) = filter.to {
        c.and("day <= ?", [day(to)]);
    }
    let one_of =
        |ids: Vec<String>| (format!("{PROCEDURE} IN ({})", vec!["?"; ids.len()].join(",")), ids);
    if !filter.procedures.is_empty() {
        let (text, ids) = one_of(filter.procedures.clone());
        c.and(&text, ids.into_iter().map(SqlValue::from));
    }
    if let Some(category) = &filter.category {
        let (text, ids) =
            one_of(Content::shipped().in_category(category).map(|p| p.id.clone()).collect());
        c.and(&text, ids.into_iter().map(SqlValue::from));
    }
    if let Some(role) = filter.role {
        c.and(&format!("{ROLE} = ?"), [SqlValue::from(role.as_str().to_owned())]);
    }
    if filter.role_missing {
        c.and(&format!("{ROLE} IS NULL"), []);
    }
    if let Some(attending) = &filter.attending {
        c.and(&format!("{ATTENDING} = ?"), [SqlValue::from(attending.clone())]);
    }
    if let Some(tag) = &filter.tag {
        c.and(
            "EXISTS (SELECT 1 FROM json_each(fields, '$.tags') WHERE value = ?)",
            [SqlValue::from(tag.clone())],
        );
    }
    if filter.interesting {
        c.and(&format!("{INTERESTING} = 1"), []);
    }
    if filter.unfinished {
        c.and("(procedure IS NULL OR role IS NULL OR fields ->> '$.lesson' IS NULL)", []);
    }
    if let Some(expression) = filter.text.as_deref().and_then(search_expression) {
        c.and("k IN (SELECT rowid FROM search WHERE search MATCH ?)", [SqlValue::from(expression)]);
    }
    c
}

/// What was typed, as a query in which a word may also stand for a procedure's name.
pub fn search_expression(typed: &str) -> Option<String> {
    let term = |word: String| {
        let procedures = Content::shipped().find(&word).into_iter().map(|p| p.id.clone()).collect();
        search::Term { word, procedures }
    };
    search::expression(&search::words(typed).into_iter().map(term).collect::<Vec<_>>())
}

/// One page; `after` is what the page before said.
pub(crate) fn page(
    conn: &Connection,
    filter: &CaseFilter,
    sort: CaseSort,
    after: Option<&str>,
) -> Result<CasePage> {
    let mut c = condition(filter);
    let order = match sort {
        CaseSort::Newest => "when_ms DESC, k DESC".to_owned(),
        CaseSort::Oldest => "when_ms, k".to_owned(),
        CaseSort::Procedure => format!("{PROCEDURE} IS NULL, {PROCEDURE}, when_ms DESC, k DESC"),
        CaseSort::Attending => format!("{ATTENDING} IS NULL, {ATTENDING}, when_ms DESC, k DESC"),
        CaseSort::AirKerma => "typeof(fields ->> '$.air_kerma_mgy') NOT IN ('integer', 'real'),
                               fields ->> '$.air_kerma_mgy' DESC, when_ms DESC, k DESC"
            .to_owned(),
    };
    let mut offset = 0;
    if let Some(after) = after {
        let (first, second) = cursor(after)?;
        match sort {
            CaseSort::Newest => c.and("(when_ms, k) < (?, ?)", [first.into(), second.into()]),
            CaseSort::Oldest => c.and("(when_ms, k) > (?, ?)", [first.into(), second.into()]),
            _ => offset = second,
        }
    }
    // The page is chosen first, by the index where that is enough; only its rows are read.
    let query = format!(
        "SELECT id, when_ms, at_offset_min, fields, k FROM record WHERE k IN (
           SELECT k FROM record WHERE {} ORDER BY {order} LIMIT {PAGE_ROWS} + 1 OFFSET {offset})
         ORDER BY {order}",
        c.text
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut found = statement.query(params_from_iter(c.values)).map_err(sql)?;
    let mut page = CasePage { rows: Vec::new(), next: None };
    let mut last = (0_i64, 0_i64);
    while let Some(row) = found.next().map_err(sql)? {
        if page.rows.len() == PAGE_ROWS as usize {
            page.next = Some(match sort {
                CaseSort::Newest | CaseSort::Oldest => format!("{}:{}", last.0, last.1),
                _ => format!("0:{}", offset + i64::from(PAGE_ROWS)),
            });
            break;
        }
        last = (column(row, 1)?, column(row, 4)?);
        page.rows.push(read(row)?);
    }
    Ok(page)
}

fn read(row: &rusqlite::Row<'_>) -> Result<CaseRow> {
    let fields: String = column(row, 3)?;
    let fields = serde_json::from_str(&fields).map_err(json_error)?;
    let at = Moment { utc: UtcMillis(column(row, 1)?), offset_min: column(row, 2)? };
    let performed = crate::record::when("case", at, &fields);
    Ok(CaseRow::new(RecordId::from_bytes(column(row, 0)?), performed, &fields))
}

fn cursor(text: &str) -> Result<(i64, i64)> {
    let parse = || {
        let (first, second) = text.split_once(':')?;
        Some((first.parse().ok()?, second.parse::<i64>().ok()?.max(0)))
    };
    parse().ok_or(LogbookError::UnknownDefinition)
}

/// How many cases there are.
pub(crate) fn count(conn: &Connection, filter: &CaseFilter) -> Result<u64> {
    let c = condition(filter);
    let query = format!("SELECT count(*) FROM record WHERE {}", c.text);
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    statement.query_row(params_from_iter(c.values), |row| row.get(0)).map_err(sql)
}

/// What the tally needs of every case, oldest first.
pub(crate) fn tally_rows(
    conn: &Connection,
    filter: &CaseFilter,
    mut each: impl FnMut(TallyRow),
) -> Result<()> {
    let c = condition(filter);
    let query = format!(
        "SELECT id, day, procedure, role, attending, fields ->> '$.air_kerma_mgy', fields ->> '$.fluoro_min',
           fields ->> '$.dap_gycm2' FROM record WHERE {} ORDER BY when_ms, k",
        c.text
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut found = statement.query(params_from_iter(c.values)).map_err(sql)?;
    while let Some(row) = found.next().map_err(sql)? {
        // A value of another type than expected is kept in the record and counts as not written here.
        let text = |at| row.get::<_, String>(at).ok();
        let number = |at| row.get::<_, f64>(at).ok();
        each(TallyRow {
            id: RecordId::from_bytes(column(row, 0)?),
            day: Day(column(row, 1)?),
            procedure: text(2),
            role: text(3).and_then(|role| Role::parse(&role)),
            attending: text(4),
            air_kerma_mgy: number(5),
            fluoro_min: number(6),
            dap_gycm2: number(7),
        });
    }
    Ok(())
}

/// The values that the latest cases have in a column, most used first, at most 12.
pub(crate) fn recent(conn: &Connection, column_name: &str) -> Result<Vec<String>> {
    let query = format!(
        "SELECT value FROM (SELECT {column_name} AS value, when_ms FROM record
           WHERE kind = 'case' AND alive = 1 AND typeof({column_name}) = 'text' ORDER BY when_ms DESC LIMIT 60)
         GROUP BY value ORDER BY count(*) DESC, max(when_ms) DESC LIMIT 12"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let values = statement.query_map([], |row| row.get(0)).map_err(sql)?;
    values.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// What the cases on record can be filtered by.
pub(crate) fn choices(conn: &Connection) -> Result<CaseChoices> {
    let texts = |query: &str| -> Result<Vec<String>> {
        let mut statement = conn.prepare_cached(query).map_err(sql)?;
        let values = statement.query_map([], |row| row.get(0)).map_err(sql)?;
        values.collect::<rusqlite::Result<_>>().map_err(sql)
    };
    // Read out of the index first: sorting for DISTINCT would take the rows along.
    let of = |value: &str| {
        texts(&format!(
            "WITH every AS MATERIALIZED
               (SELECT {value} AS value FROM record WHERE kind = 'case' AND alive = 1)
             SELECT DISTINCT value FROM every WHERE typeof(value) = 'text' ORDER BY 1"
        ))
    };
    let mut procedures = of(PROCEDURE)?;
    let known = Content::shipped().procedures();
    procedures.sort_by_key(|id| known.iter().position(|p| p.id == *id).unwrap_or(usize::MAX));
    let days =
        "SELECT DISTINCT day FROM record WHERE kind = 'case' AND alive = 1 ORDER BY day DESC";
    let mut statement = conn.prepare_cached(days).map_err(sql)?;
    let days = statement.query_map([], |row| row.get(0)).map_err(sql)?;
    let mut weeks = Vec::new();
    for day in days {
        let week = Day(day.map_err(sql)?).week();
        if weeks.last() != Some(&week) {
            weeks.push(week);
        }
    }
    let tags = texts(
        "SELECT DISTINCT tag.value FROM (SELECT fields FROM record WHERE kind = 'case' AND alive = 1
           ORDER BY when_ms DESC LIMIT 2000) AS latest, json_each(latest.fields, '$.tags') AS tag
         WHERE tag.type = 'text' ORDER BY 1",
    )?;
    Ok(CaseChoices { weeks, procedures, attendings: of(ATTENDING)?, tags })
}

/// Surname and role of the people on record, first met first.
pub(crate) fn people(conn: &Connection) -> Result<Vec<(String, String)>> {
    let query = "SELECT fields ->> '$.surname', coalesce(role, '') FROM record
                 WHERE kind = 'person' AND alive = 1 AND typeof(fields ->> '$.surname') = 'text'
                 ORDER BY when_ms, k";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let people = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1).unwrap_or_default())));
    people.and_then(Iterator::collect).map_err(sql)
}

/// Recently deleted records of all kinds, the last deleted first.
pub(crate) fn deleted(conn: &Connection) -> Result<Vec<(RecordId, i64)>> {
    let query =
        "SELECT id, removed_ms FROM record WHERE alive = 0 ORDER BY removed_ms DESC LIMIT 500";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let rows = statement.query_map([], |row| Ok((RecordId::from_bytes(row.get(0)?), row.get(1)?)));
    rows.and_then(Iterator::collect).map_err(sql)
}
