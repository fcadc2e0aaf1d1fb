//! Saving and editing against a bare write of the same JSON.

use rusqlite::{Connection, params};
use seldinger_core::ids::{RecordId, SystemIds};
use seldinger_core::store::Synchronous;
use seldinger_core::time::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};

use crate::book::Bench;
use crate::measure::{Outcome, bytes_written, count, in_turns};
use crate::sample::Sample;
use crate::table::Row;

/// Saves of one round.
const CALLS: u64 = 2_000;
const ROUNDS: usize = 5;

/// A bare table with cases as JSON, in a file like the book's.
pub struct Raw {
    /// The connection.
    pub conn: Connection,
}

impl Raw {
    /// A new file beside the book's, with its key and settings.
    pub fn new(bench: &Bench) -> Outcome<Self> {
        let conn = bench.connect(&bench.folder().join("raw.db"))?;
        conn.execute_batch("CREATE TABLE raw (k INTEGER PRIMARY KEY, id BLOB UNIQUE, json TEXT)")?;
        Ok(Self { conn })
    }

    /// One insert in a transaction of its own.
    pub fn insert(&self, json: &str) -> Outcome<()> {
        let id = RecordId::new(SystemClock.now().utc, &SystemIds).bytes();
        let mut insert = self.conn.prepare_cached("INSERT INTO raw (id, json) VALUES (?1, ?2)")?;
        insert.execute(params![id, json])?;
        Ok(())
    }
}

/// The cases of all rounds, as fields and as text, made before the clock starts.
fn cases(sample: &Sample, number: u64) -> Outcome<Vec<(Map<String, Value>, String)>> {
    (0..number)
        .map(|n| {
            let fields = sample.case(n);
            let text = serde_json::to_string(&fields)?;
            Ok((fields, text))
        })
        .collect()
}

fn place(n: u64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

/// A case saved, against one raw insert of the same JSON.
pub fn save(sample: &Sample, synchronous: Synchronous, goal: f64) -> Outcome<Row> {
    let bench = Bench::new(synchronous)?;
    let raw = Raw::new(&bench)?;
    let mut cases = cases(sample, CALLS * ROUNDS as u64)?;
    let texts: Vec<String> = cases.iter_mut().map(|(_, text)| std::mem::take(text)).collect();
    let pair = in_turns(
        ROUNDS,
        CALLS,
        100,
        |n| {
            bench.book.create_case(std::mem::take(&mut cases[place(n)].0))?;
            Ok(())
        },
        |n| raw.insert(&texts[place(n)]),
    )?;
    let row = format!("save, synchronous={}", synchronous.as_str());
    let (ours, baseline) = written(sample, &bench, &raw)?;
    Ok(Row::times(&row, pair, Some(goal)).remark(format!(
        "p99 {:.1} ms; writes {ours:.1} KiB a case, bare {baseline:.1}",
        pair.p99_us / 1000.0
    )))
}

/// KiB that go to the disk for one more case, checkpoints included: this does not depend on what else
/// the machine does.
fn written(sample: &Sample, bench: &Bench, raw: &Raw) -> Outcome<(f64, f64)> {
    const MANY: u64 = 2_000;
    let cases = cases(sample, MANY)?;
    let begun = bytes_written();
    for (fields, _) in &cases {
        bench.book.create_case(fields.clone())?;
    }
    let between = bytes_written();
    for (_, text) in &cases {
        raw.insert(text)?;
    }
    let kib = |bytes: u64| count(bytes / 1024) / count(MANY);
    Ok((kib(between - begun), kib(bytes_written() - between)))
}

/// A field changed, against a raw update of the same JSON.
pub fn edit(sample: &Sample) -> Outcome<Row> {
    const CASES: u64 = 1_000;
    let bench = Bench::with_cases(sample, CASES)?;
    let raw = Raw::new(&bench)?;
    let ids: Vec<[u8; 16]> = bench
        .bare()?
        .prepare("SELECT id FROM record ORDER BY k")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for (_, text) in cases(sample, CASES)? {
        raw.insert(&text)?;
    }
    let pair = in_turns(
        5,
        1_000,
        50,
        |n| {
            let id = RecordId::from_bytes(ids[place(n) % ids.len()]);
            let patch = vec![("lesson".to_owned(), Some(json!(format!("lesson {n}"))))];
            bench.book.transact(|tx| tx.edit(id, patch, None))?;
            Ok(())
        },
        |n| {
            let update = "UPDATE raw SET json = json_set(json, '$.lesson', ?2) WHERE k = ?1";
            let k = n % CASES + 1;
            raw.conn.prepare_cached(update)?.execute(params![k, format!("lesson {n}")])?;
            Ok(())
        },
    )?;
    Ok(Row::times("edit one field", pair, None)
        .remark("with history and search index, against one UPDATE of the JSON"))
}
