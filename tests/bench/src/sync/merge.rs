//! Records that were edited on both sides.

use seldinger_core::ids::RecordId;
use seldinger_core::record::Choice;
use serde_json::json;

use super::Device;
use super::talk::meet;
use crate::book::Bench;
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
    let bare = Bare::new(sample)?;
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
         baseline: the same rows of the same tables written by bare SQL, nothing read or decided",
        median(&mut all) / 1000.0
    );
    Ok(Row::times(&format!("merge {RECORDS} edits, losers kept"), pair, None).remark(remark))
}

/// A choice: what the round before left beside it ends, so that each round merges the same.
fn edit(device: &Device, ids: &[[u8; 16]], value: u64) -> Outcome<()> {
    device.bench.book.transact(|tx| {
        for id in ids {
            let choice = Choice::Written(Some(json!(value)));
            tx.settle(RecordId::from_bytes(*id), "fluoro_min", choice)?;
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

/// The same rows in a book of their own, without a merge.
struct Bare {
    conn: rusqlite::Connection,
    /// Its folder stays as long as it does.
    _bench: Bench,
}

impl Bare {
    fn new(sample: &Sample) -> Outcome<Self> {
        let bench = Bench::with_cases(sample, RECORDS)?;
        Ok(Self { conn: bench.bare()?, _bench: bench })
    }

    /// Changes a field of each, with what it held before and what stands beside it, 500 in a transaction.
    fn write(&self, round: u64) -> Outcome<()> {
        let lseq: i64 =
            self.conn.query_row("SELECT max(lseq) FROM record", [], |row| row.get(0))?;
        let ks: Vec<i64> = self
            .conn
            .prepare("SELECT k FROM record WHERE kind = 'case' ORDER BY k")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for ks in ks.chunks(500) {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
            for k in ks {
                for change in [
                    "UPDATE record SET fields = json_set(fields, '$.fluoro_min', ?2), lseq = ?3 + k WHERE k = ?1",
                    "INSERT INTO history (k, lseq, path, value, hlc, device, replaced_ms)
                     VALUES (?1, ?3, 'fluoro_min', ?2, ?3, 1, 1)",
                    "INSERT OR REPLACE INTO sibling (k, path, hlc, device, value)
                     VALUES (?1, 'fluoro_min', 1, ?3, ?2)",
                    "INSERT OR IGNORE INTO same_words (k) SELECT ?1 WHERE ?2 AND ?3",
                ] {
                    self.conn.prepare_cached(change)?.execute([
                        *k,
                        i64::try_from(round + 1)?,
                        lseq,
                    ])?;
                }
            }
            self.conn.execute_batch("COMMIT")?;
        }
        if count(ks.len() as u64) < count(RECORDS) { Err("too few rows".into()) } else { Ok(()) }
    }
}
