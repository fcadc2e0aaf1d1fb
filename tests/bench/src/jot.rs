//! Reading a jot, against reading JSON that says the same.

use seldinger_core::case_log::jot::{JotReader, StaffMember};
use seldinger_core::case_log::values::StaffRole;
use serde_json::Value;

use crate::measure::{Outcome, in_turns};
use crate::sample::ROTATION;
use crate::table::Row;

/// Jots with what they say, one a line.
const JOTS: &str = include_str!("../../vectors/jots_dev.jsonl");

/// As they are typed.
pub fn typed() -> Outcome<Vec<String>> {
    let text = |line| {
        let line: Value = serde_json::from_str(line)?;
        Ok(line["text"].as_str().unwrap_or_default().to_owned())
    };
    JOTS.lines().map(text).collect()
}

/// A jot read, against its line of the vectors; and ten in one text, against the ten one by one.
pub fn jot() -> Outcome<Vec<Row>> {
    const TOGETHER: usize = 10;
    let (reader, staff, jots) = (JotReader::shipped(), staff()?, typed()?);
    let lines: Vec<&str> = JOTS.lines().collect();
    let tens: Vec<&[String]> = jots.chunks_exact(TOGETHER).collect();
    let long: Vec<String> = tens.iter().map(|ten| ten.join(". ")).collect();
    let at = |n: u64, of: usize| usize::try_from(n).unwrap_or(0) % of;
    let read = |text: &str| drop(std::hint::black_box(reader.read(text, &staff)));

    let one = in_turns(
        5,
        jots.len() as u64 * 10,
        50,
        |n| {
            read(&jots[at(n, jots.len())]);
            Ok(())
        },
        |n| {
            let line: Value = serde_json::from_str(lines[at(n, lines.len())])?;
            std::hint::black_box(line);
            Ok(())
        },
    )?;
    let ten = in_turns(
        5,
        long.len() as u64 * 10,
        5,
        |n| {
            read(&long[at(n, long.len())]);
            Ok(())
        },
        |n| {
            tens[at(n, tens.len())].iter().for_each(|jot| read(jot));
            Ok(())
        },
    )?;
    let ok = if one.ours_us < 100.0 { "under" } else { "NOT under" };
    Ok(vec![
        Row::times("jot parse", one, None).remark(format!(
            "{ok} 100 µs; p99 {:.0} µs; baseline: its line of the vectors as JSON",
            one.p99_us
        )),
        Row::times("jot parse, 10 times the text", ten, Some(1.5))
            .remark("baseline: the ten jots one by one"),
    ])
}

/// Text that makes the reader look around: turned plans, sides, slips, clocks, marks.
const PIECES: [&str; 5] = [
    "no cx hx booked as picc so R IJ 10F -> instead failed, 3:24 ",
    "R ",
    "xqzvy thrombectmoy ",
    "1:",
    "?",
];

/// Text far longer than a jot against ten times a tenth of it: one would be linear, ten quadratic.
pub fn long() -> Outcome<Vec<Row>> {
    const SHORT: usize = 1_500;
    let reader = JotReader::shipped();
    let row = |piece: &&str| {
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
                (0..10).for_each(|_| drop(std::hint::black_box(reader.read(&short, &[]))));
                Ok(())
            },
        )?;
        let name = format!("read 15,000 characters: {}", piece.trim());
        Ok(Row::times(&name, pair, Some(5.0)).remark("against ten times a tenth of it"))
    };
    PIECES.iter().map(row).collect()
}

/// The people of the sample rotation.
fn staff() -> Outcome<Vec<StaffMember>> {
    let mut staff = Vec::new();
    for line in ROTATION.lines() {
        let record: Value = serde_json::from_str(line)?;
        let fields = &record["fields"];
        if let (Some("person"), Some(surname), Some(role)) =
            (record["kind"].as_str(), fields["surname"].as_str(), fields["role"].as_str())
        {
            let role = StaffRole::parse(role).unwrap_or(StaffRole::Other);
            staff.push(StaffMember { surname: surname.to_owned(), role });
        }
    }
    Ok(staff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_jots_and_people() {
        assert_eq!(typed().unwrap().len(), 150);
        assert!(typed().unwrap().iter().all(|jot| !jot.is_empty()));
        assert_eq!(staff().unwrap().len(), 8);
    }
}
