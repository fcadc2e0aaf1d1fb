//! Importing the sample rotation many times over, against its rows copied by bare SQL.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use seldinger_core::logbook::{ImportOptions, ImportSource};
use seldinger_core::store::Synchronous;
use serde_json::{Value, json};

use crate::book::Bench;
use crate::measure::{Outcome, Pair, count, median, micros, timed};
use crate::sample::{ROTATION, word};
use crate::table::Row;

/// How often the sample is in the file.
const COPIES: u64 = 50;
const ROUNDS: usize = 5;

const COLUMNS: &str =
    "k, id, kind, at_ms, at_offset_min, when_ms, day, alive, hlc, lseq, meta, fields";

/// The sample `COPIES` times, each record with a word of its copy, so that none is there twice.
fn lines() -> Outcome<(String, u64)> {
    let (mut text, mut records) = (String::new(), 0);
    for copy in 0..COPIES {
        for line in ROTATION.lines() {
            let mut record: Value = serde_json::from_str(line)?;
            record["fields"]["copy"] = json!(word(copy));
            text.push_str(&serde_json::to_string(&record)?);
            text.push('\n');
            records += 1;
        }
    }
    Ok((text, records))
}

/// A record imported, with history and search index, against the same rows inserted into tables like
/// the book's by one statement each, and their index by one more, in a single transaction.
pub fn import() -> Outcome<Row> {
    let (text, records) = lines()?;
    let (mut ours, mut baseline, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bench = Bench::new(Synchronous::Full)?;
        let source = ImportSource::Bytes(text.as_bytes().into());
        let mut added = 0;
        let our_time = timed(|| {
            let job = bench.book.import_job(source, ImportOptions::default())?;
            added = job.run(|_| ())?.added;
            Ok(())
        })?;
        if added != records {
            return Err(format!("{added} of {records} records were imported").into());
        }
        let rows = rows(&bench.bare()?)?;
        let other = Bench::new(Synchronous::Full)?;
        let mut conn = other.bare()?;
        let bare_time = timed(|| insert(&mut conn, &rows, rows.len()))?;
        ours.push(micros(our_time) / count(records));
        baseline.push(micros(bare_time) / count(records));
        ratios.push(our_time.as_secs_f64() / bare_time.as_secs_f64());
    }
    let pair = Pair {
        ours_us: median(&mut ours),
        baseline_us: median(&mut baseline),
        ratio: median(&mut ratios),
        ..Pair::default()
    };
    Ok(Row::times(&format!("import the sample ×{COPIES}, a record"), pair, Some(3.0)).remark(
        "read twice, in transactions of 200; baseline: the same rows and index in one transaction",
    ))
}

/// The rows of a book's records, as they are stored.
pub fn rows(conn: &Connection) -> Outcome<Vec<Vec<Sql>>> {
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS} FROM record ORDER BY k"))?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts them into the same tables of another book, and into its search index, so many in a transaction.
pub fn insert(conn: &mut Connection, rows: &[Vec<Sql>], together: usize) -> Outcome<()> {
    let places = vec!["?"; COLUMNS.split(',').count()].join(", ");
    let statement = format!("INSERT INTO record ({COLUMNS}) VALUES ({places})");
    for rows in rows.chunks(together) {
        let tx = conn.transaction()?;
        for row in rows {
            tx.prepare_cached(&statement)?.execute(params_from_iter(row))?;
        }
        let before: i64 =
            tx.query_row("SELECT value FROM local WHERE name = 'indexed'", [], |row| row.get(0))?;
        tx.execute(
            "UPDATE local SET value = (SELECT max(k) FROM record) WHERE name = 'indexed'",
            [],
        )?;
        tx.prepare_cached(
            "INSERT INTO search (rowid, procedure, body)
             SELECT k, procedure, body FROM search_doc
             WHERE k IN (SELECT k FROM record WHERE k > ?1)",
        )?
        .execute([before])?;
        tx.commit()?;
    }
    Ok(())
}
