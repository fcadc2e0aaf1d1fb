//! All records of a book pushed to another and pulled from there by a third, and nothing at all.

use std::time::Duration;

use rusqlite::types::Value as Sql;
use seldinger_core::store::Synchronous;
use serde_json::json;

use super::Device;
use super::talk::{Called, call};
use crate::book::{Bench, new_case};
use crate::import;
use crate::measure::{Outcome, Pair, count, median, micros, timed};
use crate::sample::Sample;
use crate::table::Row;

/// How many records travel.
pub const RECORDS: u64 = 10_000;
/// As many as a page holds.
const TOGETHER: usize = 500;
const ROUNDS: usize = 3;

/// A push and a pull against the same rows inserted twice, and the bytes; gives the time of both, too.
pub fn transfer(sample: &Sample) -> Outcome<(Vec<Row>, Duration)> {
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}: pushing and pulling {RECORDS} records");
        let [phone, laptop, third] =
            [Device::with_cases(sample, RECORDS)?, Device::empty()?, Device::empty()?];
        phone.pair(&laptop)?;
        laptop.pair(&third)?;
        let pushed = call(&phone, &laptop)?;
        let pulled = call(&third, &laptop)?;
        let rows = import::rows(&phone.bench.bare()?)?;
        let once = [bulk(&rows)?, bulk(&rows)?].iter().sum::<Duration>();
        let both = pushed.time + pulled.time;
        ours.push(micros(both));
        bare.push(micros(once));
        ratios.push(both.as_secs_f64() / once.as_secs_f64());
        last = Some((pushed, pulled));
    }
    let (pushed, pulled) = last.ok_or("no round")?;
    let pair = Pair {
        ours_us: median(&mut ours),
        baseline_us: median(&mut bare),
        ratio: median(&mut ratios),
        ..Pair::default()
    };
    let time = Duration::from_secs_f64(pair.ours_us / 1e6);
    let name = format!("sync {RECORDS} records, push and pull over TLS");
    let rows = vec![
        Row::times(&name, pair, Some(3.0)).remark(format!(
            "{:.0} and {:.0} ms with handshake and sums; baseline: the rows and index, 500 a transaction, twice",
            micros(pushed.time) / 1000.0,
            micros(pulled.time) / 1000.0
        )),
        wire(sample, &pushed)?,
    ];
    Ok((rows, time))
}

/// The rows inserted into an empty book's tables.
fn bulk(rows: &[Vec<Sql>]) -> Outcome<Duration> {
    let bench = Bench::new(Synchronous::Full)?;
    let mut conn = bench.bare()?;
    timed(|| import::insert(&mut conn, rows, TOGETHER))
}

/// The records as lines of JSON, as they would be exported.
pub fn lines(sample: &Sample) -> Outcome<Vec<String>> {
    let line = |n| {
        let record = new_case(sample, n);
        let (id, at) = (record.id.to_string(), record.at.rfc3339());
        let line = json!({"id": id, "kind": record.kind, "at": at, "fields": record.fields});
        Ok(serde_json::to_string(&line)?)
    };
    (0..RECORDS).map(line).collect()
}

/// Bytes both ways, TLS and all, against the lines of JSON in one stream of zstd.
fn wire(sample: &Sample, called: &Called) -> Outcome<Row> {
    let json = lines(sample)?.join("\n");
    let packed = zstd::bulk::compress(json.as_bytes(), 3)?.len();
    let bytes = beyond_handshake(called);
    let (ours, baseline) = (count(bytes), count(packed as u64));
    Ok(Row {
        name: format!("bytes on the wire, {RECORDS} records"),
        ours,
        baseline,
        unit: "B",
        ratio: ours / baseline,
        goal: Some(1.1),
        remark: format!(
            "{:.0} B a record, of {:.0} of JSON; baseline: zstd-3 of all in one stream",
            ours / count(RECORDS),
            count(json.len() as u64) / count(RECORDS)
        ),
    })
}

fn beyond_handshake(called: &Called) -> u64 {
    let traffic = called.traffic;
    let handshake = traffic.handshake_sent + traffic.handshake_received;
    traffic.sent + traffic.received - handshake
}

/// Two books that have everything.
pub fn no_op(sample: &Sample) -> Outcome<Row> {
    const MOST_BYTES: f64 = 400.0;
    let [phone, laptop] = [Device::with_cases(sample, 1_000)?, Device::empty()?];
    phone.pair(&laptop)?;
    call(&phone, &laptop)?;
    let called = call(&laptop, &phone)?;
    if called.frames != 2 {
        return Err(format!("nothing to do took {} frames", called.frames).into());
    }
    let ours = count(beyond_handshake(&called));
    Ok(Row {
        name: "bytes of a sync without news".to_owned(),
        ours,
        baseline: MOST_BYTES,
        unit: "B",
        ratio: ours / MOST_BYTES,
        goal: Some(1.0),
        remark: format!(
            "after the handshake ({} B), one round trip; {:.1} ms",
            called.traffic.handshake_sent + called.traffic.handshake_received,
            micros(called.time) / 1000.0
        ),
    })
}
