//! Search, pages and tally against the bare queries on the same file.

use rusqlite::Connection;
use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::case_log::values::Role;

use crate::book::Bench;
use crate::measure::{Outcome, Pair, in_turns, median, percentile};
use crate::sample::word;
use crate::table::Row;

/// A query as it is typed, and what it stands for.
struct Query {
    name: &'static str,
    typed: String,
    /// The same as an FTS5 expression.
    expression: String,
}

fn queries() -> Vec<Query> {
    let plain = |name, typed: &str| Query {
        name,
        typed: typed.to_owned(),
        expression: seldinger_core::case_log::search_expression(typed).unwrap_or_default(),
    };
    vec![
        plain("common word", "vein"),
        plain("rare word", &word(1_000_007)),
        plain("two words", "hepatic vein"),
        plain("prefix of 2", "ca"),
        plain("prefix of 3", "cat"),
        plain("procedure name", "thrombectomy"),
    ]
}

/// The newest 50 rows that match, and nothing else.
const BARE_SEARCH: &str =
    "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT 50";

/// The same with what is shown of them besides the record: where the words are.
const BARE_SNIPPETS: &str =
    "SELECT rowid, snippet(search, 1, char(2), char(3), '…', 12) FROM search
     WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT 50";

/// Reads all rows of a query.
fn drain(conn: &Connection, query: &str, values: &[&dyn rusqlite::ToSql]) -> Outcome<usize> {
    let mut statement = conn.prepare_cached(query)?;
    let mut rows = statement.query(values)?;
    let mut number = 0;
    while let Some(row) = rows.next()? {
        for column in 0..row.as_ref().column_count() {
            std::hint::black_box(row.get_ref(column)?);
        }
        number += 1;
    }
    Ok(number)
}

/// Rows for the whole mix, against the bare query with and without snippets, and for each query of it.
pub fn search(bench: &Bench, cases: u64) -> Outcome<Vec<Row>> {
    let conn = bench.bare()?;
    // Lets the index catch up, so that both sides find the same.
    drop(bench.book.search("vein", None, None)?);
    let (mut snippets, mut numbers) = (Pair::default(), Pair::default());
    let mut rows = Vec::new();
    for query in queries() {
        let pair = one_search(bench, &conn, &query, BARE_SNIPPETS)?;
        add(&mut snippets, pair);
        add(&mut numbers, one_search(bench, &conn, &query, BARE_SEARCH)?);
        rows.push(
            Row::times(&format!("search {cases}: {}", query.name), pair, None).remark(format!(
                "{} hits; p99 {:.1} ms",
                hits(&conn, &query)?,
                pair.p99_us / 1000.0
            )),
        );
    }
    let ok = if snippets.p99_us < 10_000.0 { "under" } else { "NOT under" };
    let mix = [
        Row::times(&format!("search {cases}, mix"), snippets, Some(1.5))
            .remark(format!("worst p99 {:.1} ms, {ok} 10 ms", snippets.p99_us / 1000.0)),
        Row::times(&format!("search {cases}, mix, against row numbers alone"), numbers, None)
            .remark("ours gives 50 rows with marked snippets all the same"),
    ];
    Ok(mix.into_iter().chain(rows).collect())
}

/// Sums of times; the slowest of the slowest.
fn add(mix: &mut Pair, one: Pair) {
    mix.ours_us += one.ours_us;
    mix.baseline_us += one.baseline_us;
    mix.ratio = mix.ours_us / mix.baseline_us;
    mix.p99_us = mix.p99_us.max(one.p99_us);
}

fn hits(conn: &Connection, query: &Query) -> Outcome<u64> {
    let count = "SELECT count(*) FROM search WHERE search MATCH ?1";
    Ok(conn.query_row(count, [&query.expression], |row| row.get(0))?)
}

fn one_search(bench: &Bench, conn: &Connection, query: &Query, bare: &str) -> Outcome<Pair> {
    in_turns(
        5,
        40,
        4,
        |_| {
            let page = bench.book.search(&query.typed, None, None)?;
            std::hint::black_box(page);
            Ok(())
        },
        |_| drain(conn, bare, &[&query.expression]).map(drop),
    )
}

/// The search for a word that few cases have: flat however many cases there are.
pub fn selective_search_us(bench: &Bench) -> Outcome<f64> {
    let query = word(0);
    let mut times = Vec::new();
    for _ in 0..200 {
        times.push(crate::measure::micros(crate::measure::timed(|| {
            std::hint::black_box(bench.book.search(&query, None, None)?);
            Ok(())
        })?));
    }
    Ok(median(&mut times))
}

/// The first page, newest first.
pub fn first_page_us(bench: &Bench) -> Outcome<f64> {
    let mut times = Vec::new();
    for _ in 0..200 {
        times.push(crate::measure::micros(crate::measure::timed(|| {
            let page = bench.book.cases(&CaseFilter::default(), CaseSort::Newest, None)?;
            std::hint::black_box(page);
            Ok(())
        })?));
    }
    Ok(percentile(&mut times, 50))
}

/// What a page shows of a case, as SQL says it.
const SHOWN: &str = "id, when_ms, at_offset_min, procedure, role, attending, interesting,
    fields ->> '$.indication', fields ->> '$.access.guidance', fields ->> '$.air_kerma_mgy',
    fields ->> '$.adverse_event', fields ->> '$.tags', fields ->> '$.lesson'";

/// First pages against the raw query for what they show.
pub fn pages(bench: &Bench, cases: u64) -> Outcome<Vec<Row>> {
    let conn = bench.bare()?;
    let filters = [
        ("first page", CaseFilter::default(), ""),
        (
            "first page of a role",
            CaseFilter { role: Some(Role::Assisted), ..CaseFilter::default() },
            "AND role = 'assisted'",
        ),
        (
            "first page of a procedure and attending",
            CaseFilter {
                procedures: vec!["picc".to_owned()],
                attending: Some("Okafor".to_owned()),
                ..CaseFilter::default()
            },
            "AND procedure = 'picc' AND attending = 'Okafor'",
        ),
        (
            "first page of a tag",
            CaseFilter { tag: Some("first case".to_owned()), ..CaseFilter::default() },
            "AND EXISTS (SELECT 1 FROM json_each(fields, '$.tags') WHERE value = 'first case')",
        ),
    ];
    let mut rows = Vec::new();
    for (name, filter, condition) in filters {
        let bare = format!(
            "SELECT {SHOWN} FROM record
             WHERE kind = 'case' AND alive = 1 {condition} ORDER BY when_ms DESC, k DESC LIMIT 51"
        );
        let pair = in_turns(
            5,
            40,
            4,
            |_| {
                std::hint::black_box(bench.book.cases(&filter, CaseSort::Newest, None)?);
                Ok(())
            },
            |_| drain(&conn, &bare, &[]).map(drop),
        )?;
        rows.push(Row::times(&format!("{name} of {cases}"), pair, Some(1.5)));
    }
    Ok(rows)
}

/// Everything counted, against reading the same columns of the same rows.
pub fn tally(bench: &Bench, cases: u64) -> Outcome<Row> {
    let conn = bench.bare()?;
    let bare = "SELECT id, day, procedure, role, attending, fields ->> '$.air_kerma_mgy',
                  fields ->> '$.fluoro_min', fields ->> '$.dap_gycm2'
                FROM record WHERE kind = 'case' AND alive = 1 ORDER BY when_ms, k";
    let pair = in_turns(
        5,
        4,
        1,
        |_| {
            std::hint::black_box(bench.book.tally(&CaseFilter::default(), None)?);
            Ok(())
        },
        |_| drain(&conn, bare, &[]).map(drop),
    )?;
    Ok(Row::times(&format!("tally of {cases}"), pair, Some(1.5)))
}
