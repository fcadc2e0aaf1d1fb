//! What is looked up between two procedures: the library, a template, what a consult says, a calculator.

use rusqlite::{Connection, params};
use seldinger_core::calculator::calculate;
use seldinger_core::form::FormDefinition;
use seldinger_core::library::{self, Article, ArticleEntry};
use seldinger_core::store::Synchronous;
use serde_json::{Map, Value};

use crate::book::Bench;
use crate::measure::{Outcome, in_turns};
use crate::sample::ROTATION;
use crate::table::Row;

/// Every row of this part.
pub fn bedside() -> Outcome<Vec<Row>> {
    Ok(vec![search()?, template()?, presentation()?, calculator()?])
}

/// What is typed, with the same as the index takes it.
const LOOKED_FOR: [(&str, &str); 6] = [
    ("para", "\"para\"*"),
    ("biliary drain", "\"biliary\"* AND \"drain\"*"),
    ("gi bleed", "\"gi\"* AND \"bleed\"*"),
    ("post embolization fever", "\"post\"* AND \"embolization\"* AND \"fever\"*"),
    ("inverse square", "\"inverse\"* AND \"square\"*"),
    ("xylophone", "\"xylophone\"*"),
];

/// Finding articles, against the bare query over the same texts.
fn search() -> Outcome<Row> {
    let bare = index()?;
    let mut query = bare.prepare(
        "SELECT article, section, snippet(library, 4, char(2), char(3), '…', 12)
         FROM library WHERE library MATCH ?1
         ORDER BY bm25(library, 0, 0, 12, 10, 1), article, section LIMIT 400",
    )?;
    let at = |n: u64| usize::try_from(n).unwrap_or(0) % LOOKED_FOR.len();
    let pair = in_turns(
        5,
        600,
        6,
        |n| {
            std::hint::black_box(library::search(LOOKED_FOR[at(n)].0)?);
            Ok(())
        },
        |n| {
            let mut rows = query.query([LOOKED_FOR[at(n)].1])?;
            while let Some(row) = rows.next()? {
                let found: (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
                std::hint::black_box(found);
            }
            Ok(())
        },
    )?;
    let count = library::articles().count();
    Ok(Row::times("library search", pair, Some(1.5))
        .remark(format!("{count} articles; p99 {:.0} µs; baseline: the bare query", pair.p99_us)))
}

fn index() -> Outcome<Connection> {
    let bare = Connection::open_in_memory()?;
    bare.execute_batch(
        "CREATE VIRTUAL TABLE library USING fts5 (
           article UNINDEXED, section UNINDEXED, title, also, body,
           prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2');",
    )?;
    let mut insert = bare.prepare("INSERT INTO library VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (at, article) in library::articles().enumerate() {
        let Article { title, also, brief, sections, .. } = article;
        let bodies = sections.iter().map(|section| text(&section.entries));
        for (section, body) in std::iter::once(text(brief)).chain(bodies).enumerate() {
            insert.execute(params![at, section, title, also.join("\n"), body])?;
        }
    }
    drop(insert);
    Ok(bare)
}

fn text(entries: &[ArticleEntry]) -> String {
    let line = |entry: &ArticleEntry| format!("{} {}", entry.lead, entry.text).trim().to_owned();
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

const TEMPLATE: &str = include_str!("../../../core/content/forms/consult-drain.toml");

/// Reading a consult template with every check, against its TOML alone.
fn template() -> Outcome<Row> {
    let pair = in_turns(
        5,
        200,
        10,
        |_| {
            std::hint::black_box(FormDefinition::parse(TEMPLATE, "drain.toml")?);
            Ok(())
        },
        |_| {
            std::hint::black_box(toml::from_str::<toml::Table>(TEMPLATE)?);
            Ok(())
        },
    )?;
    let remark = format!("{} kB; baseline: its TOML alone", TEMPLATE.len() / 1000);
    Ok(Row::times("template load", pair, Some(1.5)).remark(remark))
}

/// What the consults of the sample say aloud, with their labs against the thresholds, against reading
/// the same consults from the book as JSON.
fn presentation() -> Outcome<Row> {
    let bench = Bench::new(Synchronous::Full)?;
    let mut ids = Vec::new();
    for line in ROTATION.lines() {
        let record: Value = serde_json::from_str(line)?;
        if record["kind"] == "consult" {
            let fields = serde_json::from_value(record["fields"].clone())?;
            ids.push(bench.book.create_record("consult", fields)?.id);
        }
    }
    let at = |n: u64| usize::try_from(n).unwrap_or(0) % ids.len();
    let pair = in_turns(
        5,
        200,
        10,
        |n| {
            std::hint::black_box(bench.book.consult(ids[at(n)])?);
            Ok(())
        },
        |n| {
            std::hint::black_box(bench.book.record(ids[at(n)])?);
            Ok(())
        },
    )?;
    let remark = format!(
        "{} consults, labs flagged; p99 {:.0} µs; baseline: reading the record",
        ids.len(),
        pair.p99_us
    );
    Ok(Row::times("presentation", pair, None).remark(remark))
}

/// The inputs of MELD 3.0, as scripts write them.
const INPUTS: &str = r#"{"bilirubin_mg_dl": 2.5, "inr": 1.5, "creatinine_mg_dl": 1.2,
    "sodium_mmol_l": 135, "sex": "female", "albumin_g_dl": 3.0, "dialysis": false}"#;

/// A score with its source, checks and inputs, against reading those inputs as JSON.
fn calculator() -> Outcome<Row> {
    let inputs: Map<String, Value> = serde_json::from_str(INPUTS)?;
    let inputs: seldinger_core::record::Fields = inputs.into_iter().collect();
    let pair = in_turns(
        5,
        2_000,
        50,
        |_| {
            std::hint::black_box(calculate("meld3", &inputs)?);
            Ok(())
        },
        |_| {
            std::hint::black_box(serde_json::from_str::<Value>(INPUTS)?);
            Ok(())
        },
    )?;
    let remark = "MELD 3.0 with source and inputs; baseline: its inputs as JSON";
    Ok(Row::times("calculator", pair, None).remark(remark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_query_finds_the_same() {
        let bare = index().unwrap();
        for (typed, expression) in LOOKED_FOR {
            let query = "SELECT count(DISTINCT article) FROM library WHERE library MATCH ?1";
            let found: usize = bare.query_row(query, [expression], |row| row.get(0)).unwrap();
            assert_eq!(library::search(typed).unwrap().len(), found.min(12), "{typed}");
        }
    }
}
