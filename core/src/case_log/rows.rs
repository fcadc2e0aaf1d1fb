//! The case log's own reads.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use super::list::{CaseChoices, CaseFilter, CasePage, CaseRow, CaseSort, PAGE_ROWS, ShownFields};
use super::named::{self, Meant, OnRecord};
use super::tally::{Amount, TallyRow};
use super::values::Role;
use crate::content::Content;
use crate::error::Result;
use crate::ids::RecordId;
use crate::record::{Cursor, column, json_error};
use crate::store::{search, sql};
use crate::time::{Day, IsoWeek, Moment, UtcMillis};

// What the index `record_list` holds of a case. Written out, because SQLite evaluates a generated column
// of a strict table from the row itself, for each case on record, although the index has its value.
// The readings of a value come first where it is not written as a form stores it: `content/reading.rs`.
const PROCEDURE: &str = "coalesce(readings ->> '$.procedure', fields ->> '$.procedure')";
const ROLE: &str = "coalesce(readings ->> '$.role', fields ->> '$.role')";
const ATTENDING: &str = "(fields ->> '$.attending')";
const INTERESTING: &str = "coalesce(readings ->> '$.interesting', fields ->> '$.interesting')";
const LESSON: &str = "length(fields ->> '$.lesson')";
const AIR_KERMA: &str = "coalesce(readings ->> '$.air_kerma_mgy', fields ->> '$.air_kerma_mgy')";
const FLUORO: &str = "coalesce(readings ->> '$.fluoro_min', fields ->> '$.fluoro_min')";
const DAP: &str = "coalesce(readings ->> '$.dap_gycm2', fields ->> '$.dap_gycm2')";
const TAGS: &str = "(fields ->> '$.tags')";

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

/// What the names of a filter mean here. Names are looked up only where some are given: it takes a walk
/// through the index.
pub(crate) fn meant(conn: &Connection, filter: &CaseFilter) -> Result<Meant> {
    let mut on_record = OnRecord::default();
    if !filter.procedures.is_empty() || filter.attending.is_some() {
        let every = format!(
            "SELECT {PROCEDURE}, {ATTENDING} FROM record WHERE kind = 'case' AND alive = 1"
        );
        let mut statement = conn.prepare_cached(&every).map_err(sql)?;
        let mut rows = statement.query([]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            take_in(&mut on_record.procedures, row, 0)?;
            take_in(&mut on_record.attendings, row, 1)?;
        }
    }
    if filter.tag.is_some() {
        let every = format!("SELECT {TAGS} FROM record WHERE kind = 'case' AND alive = 1");
        let mut statement = conn.prepare_cached(&every).map_err(sql)?;
        let mut rows = statement.query([]).map_err(sql)?;
        let mut lists = BTreeSet::new();
        while let Some(row) = rows.next().map_err(sql)? {
            take_in(&mut lists, row, 0)?;
        }
        on_record.tags = lists.iter().flat_map(|list| tags_in(list)).collect();
    }
    Ok(named::meant(filter, &on_record))
}

fn condition(conn: &Connection, meant: &Meant) -> Result<Condition> {
    let filter = &meant.filter;
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
    let mut one_of = |column: &str, names: &Option<Vec<String>>| {
        if let Some(names) = names {
            let text = format!("{column} IN ({})", vec!["?"; names.len()].join(","));
            c.and(&text, names.iter().cloned().map(SqlValue::from));
        }
    };
    one_of(PROCEDURE, &meant.procedures);
    one_of(ATTENDING, &meant.attendings);
    if let Some(role) = filter.role {
        c.and(&format!("{ROLE} = ?"), [SqlValue::from(role.as_str().to_owned())]);
    }
    if filter.role_missing {
        c.and(&format!("{ROLE} IS NULL"), []);
    }
    if let Some(tags) = &meant.tags {
        // Where a word stands alone, it is a list of one; SQLite would take it for broken JSON.
        let places = vec!["?"; tags.len()].join(",");
        let condition = format!(
            "({TAGS} IN ({places}) OR EXISTS (SELECT 1
               FROM json_each(CASE WHEN json_valid({TAGS}) THEN {TAGS} END) WHERE value IN ({places})))"
        );
        c.and(&condition, [tags, tags].into_iter().flatten().cloned().map(SqlValue::from));
    }
    if filter.interesting {
        c.and(&format!("{INTERESTING} = 1"), []);
    }
    if filter.unfinished {
        c.and(&format!("({PROCEDURE} IS NULL OR {ROLE} IS NULL OR {LESSON} IS NULL)"), []);
    }
    if let Some(expression) = filter.text.as_deref().and_then(search_expression) {
        let (found, times) = search::found(conn)?;
        c.and(&found, vec![SqlValue::from(expression); times]);
    }
    Ok(c)
}

/// What was typed, as a query in which a word may also stand for a procedure's name.
pub fn search_expression(typed: &str) -> Option<String> {
    let term = |word: String| {
        let procedures = Content::shipped().find(&word).into_iter().map(|p| p.id.clone()).collect();
        search::Term { word, procedures }
    };
    search::expression(&search::words(typed).into_iter().map(term).collect::<Vec<_>>())
}

/// The order of a list, as SQL says it.
fn order(sort: CaseSort) -> String {
    match sort {
        CaseSort::Newest => "when_ms DESC, k DESC".to_owned(),
        CaseSort::Oldest => "when_ms, k".to_owned(),
        CaseSort::Procedure => format!("{PROCEDURE} IS NULL, {PROCEDURE}, when_ms DESC, k DESC"),
        CaseSort::Attending => format!("{ATTENDING} IS NULL, {ATTENDING}, when_ms DESC, k DESC"),
        CaseSort::AirKerma => format!(
            "typeof({AIR_KERMA}) NOT IN ('integer', 'real'), {AIR_KERMA} DESC, when_ms DESC, k DESC"
        ),
    }
}

/// One page; `after` is what the page before said.
pub(crate) fn page(
    conn: &Connection,
    filter: &Meant,
    sort: CaseSort,
    after: Option<&str>,
) -> Result<CasePage> {
    let mut c = condition(conn, filter)?;
    let order = order(sort);
    let mut offset = 0;
    if let Some(after) = after {
        let Cursor(first, second) = Cursor::parse(after)?;
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
    let mut page = CasePage { days: Vec::new(), next: None };
    let mut count = 0;
    let mut last = Cursor(0, 0);
    while let Some(row) = found.next().map_err(sql)? {
        if count == PAGE_ROWS {
            page.next = Some(match sort {
                CaseSort::Newest | CaseSort::Oldest => last.text(),
                _ => Cursor(0, offset + i64::from(PAGE_ROWS)).text(),
            });
            break;
        }
        last = Cursor(column(row, 1)?, column(row, 4)?);
        page.push(read(row)?);
        count += 1;
    }
    Ok(page)
}

fn read(row: &rusqlite::Row<'_>) -> Result<CaseRow> {
    let fields = row.get_ref(3).map_err(sql)?.as_str().unwrap_or_default();
    let ShownFields(fields) = serde_json::from_str(fields).map_err(json_error)?;
    let at = Moment { utc: UtcMillis(column(row, 1)?), offset_min: column(row, 2)? };
    let performed = crate::record::when("case", at, &fields);
    Ok(CaseRow::new(RecordId::from_bytes(column(row, 0)?), performed, &fields))
}

/// How many cases there are.
pub(crate) fn count(conn: &Connection, filter: &Meant) -> Result<u64> {
    let c = condition(conn, filter)?;
    let query = format!("SELECT count(*) FROM record WHERE {}", c.text);
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    statement.query_row(params_from_iter(c.values), |row| row.get(0)).map_err(sql)
}

/// Cases of one step of a tally, and bytes of their fields.
const TALLY_ROWS: u32 = 1_000;
const TALLY_BYTES: i64 = 1 << 20;

/// What the tally needs of the next cases after `(when_ms, k)`, oldest first; where they end, `None` with
/// the last.
pub(crate) fn tally_rows(
    conn: &Connection,
    filter: &Meant,
    after: (i64, i64),
    mut each: impl FnMut(TallyRow),
) -> Result<Option<(i64, i64)>> {
    let mut c = condition(conn, filter)?;
    c.and("(when_ms, k) > (?, ?)", [after.0.into(), after.1.into()]);
    let query = format!(
        "SELECT id, day, {PROCEDURE}, {ROLE}, attending, {AIR_KERMA}, {FLUORO},
           {DAP}, when_ms, k, octet_length(fields)
         FROM record WHERE {} ORDER BY when_ms, k LIMIT {TALLY_ROWS}",
        c.text
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut found = statement.query(params_from_iter(c.values)).map_err(sql)?;
    let (mut rows, mut bytes, mut end) = (0, 0, None);
    while bytes < TALLY_BYTES {
        let Some(row) = found.next().map_err(sql)? else {
            return Ok(end.filter(|_| rows == TALLY_ROWS));
        };
        // A value of another type than expected is kept in the record and counts as not written here.
        let text = |at| row.get::<_, String>(at).ok();
        let number = |at| row.get_ref(at).map_or(Amount::Unread, amount);
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
        end = Some((column(row, 8)?, column(row, 9)?));
        (rows, bytes) = (rows + 1, bytes + column::<i64>(row, 10)?);
    }
    Ok(end)
}

#[allow(clippy::cast_precision_loss)] // A dose beyond 2^53 is none.
fn amount(value: ValueRef<'_>) -> Amount {
    match value {
        ValueRef::Null => Amount::Nothing,
        ValueRef::Integer(number) => Amount::Number(number as f64),
        ValueRef::Real(number) => Amount::Number(number),
        ValueRef::Text(text) if text.trim_ascii().is_empty() => Amount::Nothing,
        ValueRef::Text(_) | ValueRef::Blob(_) => Amount::Unread,
    }
}

/// The values that the latest cases have in a column, most used first, at most 12.
pub(crate) fn recent(conn: &Connection, column_name: &str) -> Result<Vec<String>> {
    let column = match column_name {
        "procedure" => PROCEDURE,
        "role" => ROLE,
        other => other,
    };
    let query = format!(
        "SELECT value FROM (SELECT {column} AS value, when_ms FROM record
           WHERE kind = 'case' AND alive = 1 AND typeof({column}) = 'text' ORDER BY when_ms DESC LIMIT 60)
         GROUP BY value ORDER BY count(*) DESC, max(when_ms) DESC LIMIT 12"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let values = statement.query_map([], |row| row.get(0)).map_err(sql)?;
    values.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// How many cases there are of each procedure that is written, by one walk through the index.
pub(crate) fn by_procedure(conn: &Connection) -> Result<BTreeMap<String, u64>> {
    let every = format!("SELECT {PROCEDURE} FROM record WHERE kind = 'case' AND alive = 1");
    let mut statement = conn.prepare_cached(&every).map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next().map_err(sql)? {
        if let ValueRef::Text(id) = row.get_ref(0).map_err(sql)? {
            let id = String::from_utf8_lossy(id);
            match counts.get_mut(id.as_ref()) {
                Some(count) => *count += 1,
                None => drop(counts.insert(id.into_owned(), 1)),
            }
        }
    }
    Ok(counts)
}

/// What the cases on record can be filtered by; of tags those of the latest 2,000.
pub(crate) fn choices(conn: &Connection) -> Result<CaseChoices> {
    let (mut days, mut procedures, mut attendings) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    // One walk through the index: letting SQLite sort it for DISTINCT takes four times as long.
    let every = format!(
        "SELECT day, {PROCEDURE}, {ATTENDING} FROM record WHERE kind = 'case' AND alive = 1"
    );
    let mut statement = conn.prepare_cached(&every).map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        days.insert(column::<i32>(row, 0)?);
        take_in(&mut procedures, row, 1)?;
        take_in(&mut attendings, row, 2)?;
    }
    let mut weeks: Vec<IsoWeek> = days.iter().rev().map(|day| Day(*day).week()).collect();
    weeks.dedup();
    let mut procedures: Vec<String> = procedures.into_iter().collect();
    let known = Content::shipped().procedures();
    procedures.sort_by_key(|id| known.iter().position(|p| p.id == *id).unwrap_or(usize::MAX));
    let latest = format!(
        "SELECT {TAGS} FROM record WHERE kind = 'case' AND alive = 1 ORDER BY when_ms DESC LIMIT 2000"
    );
    let mut statement = conn.prepare_cached(&latest).map_err(sql)?;
    let (mut rows, mut tags) = (statement.query([]).map_err(sql)?, BTreeSet::new());
    while let Some(row) = rows.next().map_err(sql)? {
        if let ValueRef::Text(written) = row.get_ref(0).map_err(sql)? {
            tags.extend(tags_in(&String::from_utf8_lossy(written)));
        }
    }
    let tags = tags.into_iter().collect();
    Ok(CaseChoices { weeks, procedures, attendings: attendings.into_iter().collect(), tags })
}

/// The tags in what the index holds of them: a list as JSON, or a word that stands alone.
fn tags_in(written: &str) -> Vec<String> {
    let entries = match serde_json::from_str(written) {
        Ok(Value::Array(entries)) => entries,
        // Nobody chooses by what is no word; it stays in the record as it is.
        Ok(Value::Object(_)) => Vec::new(),
        _ => vec![Value::from(written)],
    };
    let words = entries.iter().filter_map(Value::as_str).filter(|word| !word.trim().is_empty());
    words.map(str::to_owned).collect()
}

/// Puts a column's text to those seen, without a copy of one that is there.
fn take_in(seen: &mut BTreeSet<String>, row: &rusqlite::Row<'_>, at: usize) -> Result<()> {
    if let ValueRef::Text(text) = row.get_ref(at).map_err(sql)?
        && let Ok(text) = std::str::from_utf8(text)
        && !seen.contains(text)
    {
        seen.insert(text.to_owned());
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A book's tables with `cases` cases, four of them at every minute.
    fn tables(cases: u32) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../migrations/001_init.sql")).unwrap();
        conn.execute_batch(include_str!("../../migrations/002_exchange.sql")).unwrap();
        conn.execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO record (k, id, kind, at_ms, when_ms, day, alive, hlc, lseq, meta, fields)
             SELECT n, unhex(printf('%032x', n)), 'case', 0, n / 4 * 60000, 20000, 1, 0, n, x'',
               json_object('procedure', 'picc', 'fluoro_min', n) FROM n",
            [cases],
        )
        .unwrap();
        conn
    }

    #[test]
    fn a_tally_in_steps_meets_every_case_once() {
        let conn = tables(2_500);
        let filter = meant(&conn, &CaseFilter::default()).unwrap();
        let (mut met, mut steps) = (Vec::new(), 0);
        let mut after = Some((i64::MIN, 0));
        while let Some(place) = after {
            after = tally_rows(&conn, &filter, place, |row| met.push(row.fluoro_min)).unwrap();
            steps += 1;
        }
        assert!(met.into_iter().eq((1..=2_500).map(|n| Amount::Number(f64::from(n)))));
        assert_eq!(steps, 3);
    }

    #[test]
    fn filters_and_orders_are_answered_by_the_index() {
        let conn = tables(1);
        let filter = CaseFilter {
            from: Some(Day(0)),
            role: Some(Role::Assisted),
            interesting: true,
            unfinished: true,
            ..CaseFilter::default()
        };
        let some = |name: &str| Some(vec![name.to_owned()]);
        let c = condition(
            &conn,
            &Meant {
                procedures: some("picc"),
                attendings: some("Okafor"),
                tags: some("first case"),
                ..named::meant(&filter, &OnRecord::default())
            },
        )
        .unwrap();
        for order in [CaseSort::Procedure, CaseSort::Attending, CaseSort::AirKerma].map(order) {
            let query = format!("EXPLAIN SELECT k FROM record WHERE {} ORDER BY {order}", c.text);
            let mut statement = conn.prepare(&query).unwrap();
            let program = statement
                .query_map(params_from_iter(&c.values), |row| row.get::<_, Option<String>>(5))
                .unwrap();
            let program: Vec<_> = program.map(|row| row.unwrap().unwrap_or_default()).collect();
            // What is taken out of the JSON is taken out of the row.
            assert!(!program.iter().any(|call| call.starts_with("->>")), "{program:?}");
        }
    }
}
