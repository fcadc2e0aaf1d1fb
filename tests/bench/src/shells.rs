//! The calls that Kotlin and Swift measured, against the same calls in Rust.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::logbook::{CASE, Logbook};
use seldinger_core::store::Synchronous;

use crate::book::Bench;
use crate::jot;
use crate::measure::{Outcome, median, micros, timed};
use crate::table::Row;

/// What a call may cost more than in Rust, in µs, by the side that makes it.
const MORE_US: [(&str, f64); 2] = [("kotlin", 60.0), ("swift", 2.0)];

const WORDS: [&str; 5] = ["picc", "okafor", "fluoro", "ultrasound gu", "no comp"];

/// The lines `BENCH name value_us` of a file, each beside Rust's own time.
pub fn shells(file: &Path) -> Outcome<Vec<Row>> {
    let rust = rust()?;
    let text = std::fs::read_to_string(file)?;
    text.lines()
        .filter_map(|line| line.split_once("BENCH "))
        .map(|(_, line)| row(line, &rust))
        .collect()
}

fn row(line: &str, rust: &BTreeMap<&str, f64>) -> Outcome<Row> {
    let odd = || format!("not a measurement: {line}");
    let (name, value) = line.trim().split_once(' ').ok_or_else(odd)?;
    let (side, call) = name.split_once('_').ok_or_else(odd)?;
    let more = MORE_US.iter().find(|(known, _)| *known == side).ok_or_else(odd)?.1;
    let (ours, baseline) = (value.parse::<f64>()?, *rust.get(call).ok_or_else(odd)?);
    Ok(Row {
        name: format!("{call} from {side}"),
        ours,
        baseline,
        unit: "us",
        ratio: ours / baseline,
        goal: Some((baseline + more) / baseline),
        remark: format!("{:+.0} µs; goal +{more:.0} µs", ours - baseline),
    })
}

/// What the packages' own tests do, in Rust.
fn rust() -> Outcome<BTreeMap<&'static str, f64>> {
    let bench = Bench::new(Synchronous::Full)?;
    let jots = jot::typed()?;
    let save = |n: usize| {
        black_box(bench.book.save_jot(&jots[n % jots.len()], &[], None, None)?);
        Ok(())
    };
    (0..200).try_for_each(save)?;
    let save_us = median_us(1_000, save)?;
    let search_us = median_us(500, |n| {
        black_box(bench.book.search(WORDS[n % WORDS.len()], Some(CASE), None)?);
        Ok(())
    })?;
    let page_us = median_us(500, |_| {
        black_box(bench.book.cases(&CaseFilter::default(), CaseSort::Newest, None)?);
        Ok(())
    })?;
    let setup = bench.setup();
    let open_us = median_us(50, |_| {
        black_box(Logbook::open(setup.clone())?);
        Ok(())
    })?;
    Ok(BTreeMap::from([
        ("save", save_us),
        ("search", search_us),
        ("first_page", page_us),
        ("open", open_us),
    ]))
}

fn median_us(times: usize, call: impl Fn(usize) -> Outcome<()>) -> Outcome<f64> {
    let mut each = Vec::with_capacity(times);
    for n in 0..times {
        each.push(micros(timed(|| call(n))?));
    }
    Ok(median(&mut each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_judged_by_what_its_side_may_cost_more() {
        let rust = BTreeMap::from([("save", 100.0)]);
        assert_eq!(row("kotlin_save 159.0", &rust).unwrap().ok(), Some(true));
        assert_eq!(row("swift_save 159.0", &rust).unwrap().ok(), Some(false));
        assert!(row("kotlin_poem 1", &rust).is_err());
        assert!(row("kotlin_save fast", &rust).is_err());
    }
}
