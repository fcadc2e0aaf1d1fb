//! Opening a book, its size, and its growth.

use rusqlite::Connection;
use seldinger_core::logbook::Logbook;
use seldinger_core::store::Synchronous;

use crate::book::Bench;
use crate::find;
use crate::measure::{Outcome, Pair, count, in_turns, median, micros, timed};
use crate::sample::Sample;
use crate::table::Row;

/// Opening, with its checks, against two bare connections that are keyed and read one row. The log is
/// empty, as a book that was closed leaves it.
pub fn open(bench: &Bench, cases: u64) -> Outcome<Row> {
    empty_log(bench)?;
    let setup = bench.setup();
    let first_row = || -> Outcome<Connection> {
        let conn = bench.bare()?;
        let first: i64 =
            conn.query_row("SELECT k FROM record ORDER BY k LIMIT 1", [], |row| row.get(0))?;
        std::hint::black_box(first);
        Ok(conn)
    };
    let pair = in_turns(
        5,
        20,
        2,
        |_| {
            std::hint::black_box(Logbook::open(setup.clone())?);
            Ok(())
        },
        |_| {
            std::hint::black_box((first_row()?, first_row()?));
            Ok(())
        },
    )?;
    Ok(Row::times(&format!("open a book of {cases}"), pair, Some(1.5)))
}

fn empty_log(bench: &Bench) -> Outcome<()> {
    Ok(bench.bare()?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// Bytes a case takes on disk, against its JSON.
pub fn size(sample: &Sample, bench: &Bench, cases: u64) -> Outcome<Row> {
    empty_log(bench)?;
    let file = std::fs::metadata(bench.file())?.len();
    let mut json = 0;
    for n in 0..cases {
        json += serde_json::to_string(&sample.case(n))?.len() as u64;
    }
    let (ours, baseline) = (count(file) / count(cases), count(json) / count(cases));
    Ok(Row {
        name: format!("file size a case, of {cases}"),
        ours,
        baseline,
        unit: "B",
        ratio: ours / baseline,
        goal: Some(2.5),
        remark: "with search index and history, against the JSON alone".to_owned(),
    })
}

/// Save, selective search and first page, from 1,000 cases to a million: flat.
pub fn growth(sample: &Sample) -> Outcome<Vec<Row>> {
    const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
    let bench = Bench::new(Synchronous::Full)?;
    let mut have = 0;
    let mut first: Option<[f64; 3]> = None;
    let mut rows = Vec::new();
    for size in SIZES {
        bench.preload(sample, have, size)?;
        have = size;
        let now = [
            save_us(&bench, sample)?,
            find::selective_search_us(&bench)?,
            find::first_page_us(&bench)?,
        ];
        let base = *first.get_or_insert(now);
        for (at, name) in ["save", "search for a rare word", "first page"].into_iter().enumerate() {
            let pair = Pair {
                ours_us: now[at],
                baseline_us: base[at],
                ratio: now[at] / base[at],
                ..Pair::default()
            };
            rows.push(
                Row::times(&format!("growth: {name} at {size}"), pair, Some(1.5))
                    .remark("baseline: itself at 1000"),
            );
        }
    }
    Ok(rows)
}

/// Median over 1,000 saves.
fn save_us(bench: &Bench, sample: &Sample) -> Outcome<f64> {
    let mut times = Vec::new();
    for n in 0..1_000 {
        let fields = sample.case(u64::MAX / 2 + n);
        times.push(micros(timed(|| {
            bench.book.create_case(fields)?;
            Ok(())
        })?));
    }
    Ok(median(&mut times))
}
