//! Records that were edited on both sides.

use seldinger_core::ids::RecordId;
use serde_json::json;

use super::Device;
use super::talk::meet;
use crate::measure::{Outcome, Pair, count, median, micros, timed};
use crate::sample::Sample;
use crate::table::Row;

const RECORDS: u64 = 1_000;
const ROUNDS: u64 = 5;

/// One field of each record written on both sides, then exchanged: what taking in takes on one side,
/// with the losers kept, against the values written by bare SQL.
pub fn merge(sample: &Sample) -> Outcome<Row> {
    let [phone, laptop] = [Device::with_cases(sample, RECORDS)?, Device::empty()?];
    phone.pair(&laptop)?;
    meet(&phone, &laptop)?;
    let ids: Vec<[u8; 16]> = phone
        .bench
        .bare()?
        .prepare("SELECT id FROM record WHERE kind = 'case' ORDER BY k")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let bare = Bare::new(&phone)?;
    let (mut ours, mut baseline, mut ratios, mut all) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for (device, side) in [(&phone, 0), (&laptop, 1)] {
            edit(device, &ids, round * 2 + side)?;
        }
        let mut taken_in = 0.0;
        all.push(micros(timed(|| {
            let ends = meet(&phone, &laptop)?;
            // The side that is slower: both do the same.
            taken_in = ends.iter().map(|end| micros(end.taking_in)).fold(0.0, f64::max);
            Ok(())
        })?));
        kept(&laptop)?;
        let written = micros(timed(|| bare.write(round))?);
        ours.push(taken_in);
        baseline.push(written);
        ratios.push(taken_in / written);
    }
    let pair = Pair {
        ours_us: median(&mut ours),
        baseline_us: median(&mut baseline),
        ratio: median(&mut ratios),
        ..Pair::default()
    };
    let remark = format!(
        "50 ms are asked; the whole exchange with both sides' reading, merging and sums {:.0} ms; \
         baseline: {RECORDS} updates, losers and old values inserted, by bare SQL",
        median(&mut all) / 1000.0
    );
    Ok(Row::times(&format!("merge {RECORDS} edits, losers kept"), pair, None).remark(remark))
}

fn edit(device: &Device, ids: &[[u8; 16]], value: u64) -> Outcome<()> {
    device.bench.book.transact(|tx| {
        for id in ids {
            let patch = vec![("fluoro_min".to_owned(), Some(json!(value)))];
            tx.edit(RecordId::from_bytes(*id), patch, None)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Every record has the value that is not shown beside it.
fn kept(device: &Device) -> Outcome<()> {
    let query = "SELECT count(*) FROM sibling WHERE path = 'fluoro_min'";
    let kept: u64 = device.bench.bare()?.query_row(query, [], |row| row.get(0))?;
    if kept == RECORDS { Ok(()) } else { Err(format!("{kept} losers were kept").into()) }
}

/// The same tables without a merge.
struct Bare(rusqlite::Connection);

impl Bare {
    fn new(like: &Device) -> Outcome<Self> {
        let file = like.bench.folder().join("merge.db");
        let conn = like.bench.connect(&file)?;
        let source = like.bench.file();
        conn.execute("ATTACH ?1 AS book", [source.display().to_string()])?;
        conn.execute_batch(
            "CREATE TABLE raw AS SELECT k, meta, fields FROM book.record WHERE kind = 'case';
             CREATE UNIQUE INDEX raw_k ON raw (k);
             CREATE TABLE loser (k INTEGER, path TEXT, value TEXT, PRIMARY KEY (k, path, value)) WITHOUT ROWID;
             CREATE TABLE old (h INTEGER PRIMARY KEY, k INTEGER, path TEXT, value TEXT);
             DETACH book",
        )?;
        Ok(Self(conn))
    }

    /// Changes a field of each, 500 in a transaction.
    fn write(&self, round: u64) -> Outcome<()> {
        let ks: Vec<i64> = self
            .0
            .prepare("SELECT k FROM raw ORDER BY k")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for ks in ks.chunks(500) {
            self.0.execute_batch("BEGIN IMMEDIATE")?;
            for k in ks {
                self.0
                    .prepare_cached(
                        "UPDATE raw SET fields = json_set(fields, '$.fluoro_min', ?2) WHERE k = ?1",
                    )?
                    .execute([*k, i64::try_from(round)?])?;
                for change in [
                    "INSERT INTO loser (k, path, value) VALUES (?1, 'fluoro_min', ?2)",
                    "INSERT INTO old (k, path, value) VALUES (?1, 'fluoro_min', ?2)",
                ] {
                    self.0.prepare_cached(change)?.execute([*k, i64::try_from(round)?])?;
                }
            }
            self.0.execute_batch("COMMIT")?;
        }
        if count(ks.len() as u64) < count(RECORDS) { Err("too few rows".into()) } else { Ok(()) }
    }
}
