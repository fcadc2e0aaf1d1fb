//! Reading jots: one by one, and text far longer than a jot.

use seldinger_core::case_log::jot::JotReader;
use serde_json::Value;

use crate::measure::{Outcome, in_turns};
use crate::table::Row;

const JOTS: &str = include_str!("../../vectors/jots_dev.jsonl");
/// Text that makes the reader look around: turned plans, sides, slips, clocks, marks.
const PIECES: [&str; 5] = [
    "no cx hx booked as picc so R IJ 10F -> instead failed, 3:24 ",
    "R ",
    "xqzvy thrombectmoy ",
    "1:",
    "?",
];
const SHORT: usize = 1_500;

/// One jot against reading its line of JSON; then ten times the text against ten times reading it.
pub fn read() -> Outcome<Vec<Row>> {
    let reader = JotReader::shipped();
    let lines: Vec<&str> = JOTS.lines().collect();
    let jots: Vec<String> = lines
        .iter()
        .map(|line| {
            let row: Value = serde_json::from_str(line)?;
            Ok(row["text"].as_str().unwrap_or_default().to_owned())
        })
        .collect::<Outcome<_>>()?;
    let turn = |n: u64| usize::try_from(n).unwrap_or(0) % jots.len();
    let one = in_turns(
        5,
        2_000,
        100,
        |n| {
            std::hint::black_box(reader.read(&jots[turn(n)], &[]));
            Ok(())
        },
        |n| {
            std::hint::black_box(serde_json::from_str::<Value>(lines[turn(n)])?);
            Ok(())
        },
    )?;
    let mut rows = vec![
        Row::times("read a jot", one, None).remark("against its JSON; the wish: below 100 us"),
    ];
    for piece in PIECES {
        let text = |length: usize| piece.repeat(length / piece.len());
        let (short, long) = (text(SHORT), text(10 * SHORT));
        let pair = in_turns(
            5,
            4,
            1,
            |_| {
                std::hint::black_box(reader.read(&long, &[]));
                Ok(())
            },
            |_| {
                for _ in 0..10 {
                    std::hint::black_box(reader.read(&short, &[]));
                }
                Ok(())
            },
        )?;
        let name = format!("read 15,000 characters: {}", piece.trim());
        // One would be linear, ten quadratic.
        rows.push(Row::times(&name, pair, Some(5.0)).remark("against ten times a tenth of it"));
    }
    Ok(rows)
}
