//! The calls that Kotlin and Swift measured, against the same calls in Rust.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use seldinger_core::case_log::list::{CaseFilter, CaseSort, PAGE_ROWS};
use seldinger_core::logbook::{CASE, JotOptions, Logbook};
use seldinger_core::store::Synchronous;
use seldinger_core::time::{DAY_MS, Moment, UtcMillis};

use crate::book::Bench;
use crate::jot;
use crate::measure::{Outcome, median, micros, timed};
use crate::table::Row;

/// What a call may cost more than in Rust, in µs, by the side that makes it.
const MORE_US: [(&str, f64); 2] = [("kotlin", 60.0), ("swift", 2.0)];
/// What a row of a page may cost beside the call, on either side.
const ROW_US: f64 = 3.0;
/// What two processes that take turns by the minute cannot tell apart, as a part of the whole.
const UNRESOLVED: f64 = 0.02;

/// The call that does next to nothing: what it costs is the border's.
const LEAST: &str = "nothing";

/// What crosses, by the names that the packages' tests print.
const CALLS: [(&str, Crossing); 6] = [
    (LEAST, Crossing::Calls(1.0)),
    ("read_jot", Crossing::Calls(1.0)),
    ("save", Crossing::Calls(1.0)),
    // To Rust: open and close. Back: load the key, let go of the vault.
    ("open", Crossing::Calls(4.0)),
    ("first_page", Crossing::Rows(50.0)),
    ("search", Crossing::Rows(50.0)),
];

/// Every one finds a whole page.
const WORDS: [&str; 5] = ["drain", "okafor", "fluoro", "us r", "lindqvist"];

#[derive(Debug, Clone, Copy)]
enum Crossing {
    /// So many calls, there or back, that return no page.
    Calls(f64),
    /// One call that returns so many rows.
    Rows(f64),
}

/// The lines `BENCH name value_us` of a file, each beside Rust's own time.
pub fn shells(file: &Path) -> Outcome<Vec<Row>> {
    let rust = rust()?;
    let text = std::fs::read_to_string(file)?;
    rows(text.lines().filter_map(|line| Some(line.split_once("BENCH ")?.1)), &rust)
}

fn rows<'a>(lines: impl Iterator<Item = &'a str>, rust: &BTreeMap<&str, f64>) -> Outcome<Vec<Row>> {
    let measured = lines.map(Measured::read).collect::<Outcome<Vec<_>>>()?;
    measured.iter().map(|one| one.row(&measured, rust)).collect()
}

/// One line of the file.
struct Measured<'a> {
    side: &'a str,
    call: &'a str,
    us: f64,
}

impl<'a> Measured<'a> {
    fn read(line: &'a str) -> Outcome<Self> {
        let odd = || format!("not a measurement: {line}");
        let (name, value) = line.trim().split_once(' ').ok_or_else(odd)?;
        let (side, call) = name.split_once('_').ok_or_else(odd)?;
        Ok(Self { side, call, us: value.parse()? })
    }

    fn row(&self, all: &[Self], rust: &BTreeMap<&str, f64>) -> Outcome<Row> {
        let Self { side, call, us } = *self;
        let unknown = || format!("no such call: {call} from {side}");
        let baseline = |call| rust.get(call).copied().ok_or_else(unknown);
        let per_call = MORE_US.iter().find(|(known, _)| *known == side).ok_or_else(unknown)?.1;
        let crossing = CALLS.iter().find(|(known, _)| *known == call).ok_or_else(unknown)?.1;
        let more = us - baseline(call)?;
        let (may, remark) = match crossing {
            Crossing::Calls(calls) => {
                let may = calls * per_call;
                (may, format!("{more:+.1} µs; goal +{may:.0} µs"))
            }
            Crossing::Rows(rows) => {
                let least = all.iter().find(|other| other.side == side && other.call == LEAST);
                let least = least.ok_or("a page without the call that does nothing")?;
                let border = least.us - baseline(LEAST)?;
                let each = (more - border) / rows;
                let told = format!("{more:+.0} µs: the call and {each:.1} µs a row; goal 3 µs");
                (border + rows * ROW_US, told)
            }
        };
        let baseline = baseline(call)?;
        let resolved = may >= UNRESOLVED * baseline;
        Ok(Row {
            name: format!("{call} from {side}"),
            ours: us,
            baseline,
            unit: "us",
            ratio: us / baseline,
            goal: resolved.then_some((baseline + may) / baseline),
            remark: if resolved { remark } else { format!("{remark}, below what can be told") },
        })
    }
}

/// What the packages' own tests do, in Rust.
fn rust() -> Outcome<BTreeMap<&'static str, f64>> {
    let bench = Bench::within(&folder(), Synchronous::Full)?;
    let jots = jot::typed()?;
    let jot = |n: usize| jots[n % jots.len()].as_str();
    for n in 0..1_200 {
        bench.book.save_jot(jot(n), &performed(n))?;
    }
    let nothing = least_median_us(5_000, |_| {
        black_box(bench.book.code_groups());
        Ok(())
    })?;
    let read_jot = least_median_us(5_000, |n| {
        black_box(bench.book.read_jot(jot(n))?);
        Ok(())
    })?;
    let first_page = least_median_us(1_000, |_| {
        black_box(bench.book.cases(&CaseFilter::default(), CaseSort::Newest, None)?);
        Ok(())
    })?;
    for words in WORDS {
        let hits = bench.book.search(words, Some(CASE), None)?.hits.len();
        if hits != PAGE_ROWS as usize {
            return Err(format!("{words}: {hits} hits are no page").into());
        }
    }
    let search = least_median_us(1_000, |n| {
        black_box(bench.book.search(WORDS[n % WORDS.len()], Some(CASE), None)?);
        Ok(())
    })?;
    let save = least_median_us(1_000, |n| {
        black_box(bench.book.save_jot(jot(n), &JotOptions::default())?);
        Ok(())
    })?;
    let setup = bench.setup();
    let open = least_median_us(100, |_| {
        black_box(Logbook::open(setup.clone())?);
        Ok(())
    })?;
    Ok(BTreeMap::from([
        (LEAST, nothing),
        ("read_jot", read_jot),
        ("first_page", first_page),
        ("search", search),
        ("save", save),
        ("open", open),
    ]))
}

/// In memory where the system has such a disk: what a real one takes for a save varies by more than
/// what is measured here.
fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Five cases a day from 2025-01-01 on.
fn performed(n: usize) -> JotOptions {
    let after = i64::try_from(n).unwrap_or(0) * DAY_MS / 5;
    let performed = Moment { utc: UtcMillis(1_735_689_600_000 + after), offset_min: Some(0) };
    JotOptions { performed: Some(performed), ..JotOptions::default() }
}

/// The least disturbed of five rounds: the lowest of their medians.
fn least_median_us(times: usize, mut call: impl FnMut(usize) -> Outcome<()>) -> Outcome<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..5 {
        let mut each = Vec::with_capacity(times);
        for n in 0..times {
            each.push(micros(timed(|| call(n))?));
        }
        least = least.min(median(&mut each));
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[&str]) -> Outcome<Vec<Option<bool>>> {
        let rust = BTreeMap::from([
            (LEAST, 1.0),
            ("read_jot", 20.0),
            ("save", 150.0),
            ("open", 1_000.0),
            ("first_page", 100.0),
        ]);
        Ok(rows(lines.iter().copied(), &rust)?.iter().map(Row::ok).collect())
    }

    #[test]
    fn a_call_is_judged_by_what_its_side_may_cost_more() {
        assert_eq!(
            judged(&["kotlin_save 209.0", "kotlin_save 211"]).unwrap(),
            [Some(true), Some(false)]
        );
        assert_eq!(judged(&["swift_read_jot 21.9"]).unwrap(), [Some(true)]);
        assert_eq!(judged(&["swift_read_jot 22.1"]).unwrap(), [Some(false)]);
        // It goes to and fro four times.
        assert_eq!(judged(&["kotlin_open 1239"]).unwrap(), [Some(true)]);
        assert_eq!(judged(&["kotlin_open 1241"]).unwrap(), [Some(false)]);
    }

    #[test]
    fn a_page_is_judged_by_its_rows() {
        let page = |us: &str| judged(&["swift_nothing 3.0", &format!("swift_first_page {us}")]);
        assert_eq!(page("251").unwrap(), [Some(true), Some(true)]);
        assert_eq!(page("253").unwrap(), [Some(true), Some(false)]);
        assert!(judged(&["swift_first_page 251"]).is_err(), "the call itself is not known");
        assert!(judged(&["kotlin_nothing 3", "swift_first_page 251"]).is_err());
    }

    #[test]
    fn what_drowns_in_the_call_is_told_and_not_judged() {
        assert_eq!(judged(&["swift_save 999", "swift_open 999"]).unwrap(), [None, None]);
    }

    #[test]
    fn only_measurements_are_read() {
        for odd in ["kotlin_poem 1", "pascal_save 1", "kotlin_save fast", "kotlin_save", "save 1"] {
            assert!(judged(&[odd]).is_err(), "{odd}");
        }
    }

    #[test]
    fn five_cases_are_of_one_day() {
        let day = |n| performed(n).performed.unwrap().day().iso();
        assert_eq!((day(4), day(5)), ("2025-01-01".to_owned(), "2025-01-02".to_owned()));
    }
}
