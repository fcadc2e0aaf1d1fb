//! Cases without end, made by varying those of the sample rotation.

use serde_json::{Map, Value};

/// The sample rotation, a record a line.
pub const ROTATION: &str = include_str!("../../vectors/rotation.jsonl");

/// The words that stand in few cases are made of these.
const SYLLABLES: [&str; 16] = [
    "ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "xu", "za",
];

/// Makes case number `n`, the same one each time.
pub struct Sample {
    cases: Vec<Map<String, Value>>,
}

/// A small generator of numbers that look random (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// A made-up word; the same number gives the same word, and no other word begins with it.
pub fn word(number: u64) -> String {
    let mut word = String::from("q");
    let mut left = number;
    while left > 0 {
        word.push_str(SYLLABLES[usize::try_from(left % 16).unwrap_or(0)]);
        left /= 16;
    }
    word + "nd"
}

/// How many cases share one of the rarer words.
pub const RARE_EVERY: u64 = 500;

impl Sample {
    /// Reads the rotation.
    pub fn new() -> Result<Self, serde_json::Error> {
        let mut cases = Vec::new();
        for line in ROTATION.lines() {
            let record: Value = serde_json::from_str(line)?;
            if let (Some("case"), Some(fields)) =
                (record["kind"].as_str(), record["fields"].as_object())
            {
                cases.push(fields.clone());
            }
        }
        Ok(Self { cases })
    }

    /// Case number `n`: one of the sample's, with the free texts of another, its own numbers, and two
    /// words that few other cases have (a device's name, a ward's, a misspelling).
    pub fn case(&self, n: u64) -> Map<String, Value> {
        let mut dice = Dice(n);
        let mut fields = self.pick(&mut dice).clone();
        let other = self.pick(&mut dice);
        for name in ["lesson", "note", "imaging_reviewed", "decision_points"] {
            if let (true, Some(text)) = (fields.contains_key(name), other.get(name)) {
                fields.insert(name.to_owned(), text.clone());
            }
        }
        for name in ["fluoro_min", "air_kerma_mgy", "dap_gycm2", "contrast_ml"] {
            if let Some(value) = fields.get_mut(name).filter(|value| value.is_number()) {
                *value = Value::from(tenth(dice.below(900)));
            }
        }
        let rare = format!("{} {}", word(n / RARE_EVERY), word(1_000_000 + dice.below(20_000)));
        let note = match fields.get("note").and_then(Value::as_str) {
            Some(note) => format!("{note} {rare}"),
            None => rare,
        };
        fields.insert("note".to_owned(), Value::from(note));
        fields
    }

    fn pick(&self, dice: &mut Dice) -> &Map<String, Value> {
        let count = self.cases.len() as u64;
        &self.cases[usize::try_from(dice.below(count)).unwrap_or(0)]
    }
}

fn tenth(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(0)) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_vary_and_repeat_and_have_the_samples_size() {
        let sample = Sample::new().unwrap();
        assert_eq!(sample.cases.len(), 46);
        assert_eq!(sample.case(7), sample.case(7));
        assert_ne!(sample.case(7), sample.case(8));
        assert!((0..500).all(|n| (0..500).all(|m| n == m || !word(n).starts_with(&word(m)))));
        let bytes = |cases: &[Map<String, Value>]| {
            let all: usize = cases.iter().map(|c| serde_json::to_string(c).unwrap().len()).sum();
            all / cases.len()
        };
        let varied: Vec<_> = (0..2_000).map(|n| sample.case(n)).collect();
        let (ours, theirs) = (bytes(&varied), bytes(&sample.cases));
        assert!(ours.abs_diff(theirs) * 8 < theirs, "{ours} against {theirs} bytes");
    }
}
