//! Two texts of one field beside each other: in which words they differ, and the lines of both in one.
//!
//! Marks and proposals are made when they are shown and never stored.

use std::collections::HashMap;
use std::convert::Infallible;

use similar::algorithms::{DiffHook, myers};

/// In which of two texts a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum StandsIn {
    /// In both.
    Both,
    /// Only in the one that is shown.
    Shown,
    /// Only in the one beside it.
    Other,
}

/// A piece of one of two texts, or of both. Those of both and of one in a row are that text, letter by
/// letter.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct TextPiece {
    /// What it says.
    pub text: String,
    /// Where.
    pub stands_in: StandsIn,
}

quiet_debug!(TextPiece);

/// Words and gaps, or lines, of both texts that are compared one by one. The time that it takes grows with
/// the square of what differs; texts from another device must not stall a page.
const MOST: usize = 3_000;

/// Both texts in pieces, by words; by lines where they are long, and as wholes where they are very long.
pub(super) fn pieces(shown: &str, other: &str) -> Vec<TextPiece> {
    let mut found: Vec<TextPiece> = Vec::new();
    let mut push = |text: &str, stands_in| match found.last_mut() {
        Some(last) if last.stands_in == stands_in => last.text.push_str(text),
        _ => found.push(TextPiece { text: text.to_owned(), stands_in }),
    };
    let by_words = steps(&words(shown), &words(other));
    let steps = by_words.or_else(|| steps(&lines(shown), &lines(other)));
    for (stands_in, text) in steps.unwrap_or_else(|| {
        vec![(StandsIn::Shown, shown.to_owned()), (StandsIn::Other, other.to_owned())]
    }) {
        push(&text, stands_in);
    }
    found
}

/// The lines of both, in order; what both say is there once.
pub(super) fn lines_of_both(one: &str, other: &str) -> String {
    let (ones, others): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let Some(steps) = steps(&ones, &others) else { return format!("{one}\n{other}") };
    // A line that stands elsewhere in the other text was moved; it is not said twice.
    let mut moved: HashMap<String, usize> = HashMap::new();
    for (_, line) in steps.iter().filter(|(stands_in, _)| *stands_in == StandsIn::Shown) {
        *moved.entry(line.clone()).or_default() += 1;
    }
    let mut kept: Vec<String> = Vec::new();
    for (stands_in, line) in steps {
        let left = moved.get_mut(&line).filter(|left| **left > 0);
        match (stands_in, left) {
            (StandsIn::Other, Some(left)) => *left -= 1,
            _ => kept.push(line),
        }
    }
    kept.join("\n")
}

/// Words, and what is between them.
fn words(text: &str) -> Vec<&str> {
    let mut bounds = vec![0];
    let mut gap = None;
    for (at, letter) in text.char_indices() {
        if gap.replace(letter.is_whitespace()).is_some_and(|was| was != letter.is_whitespace()) {
            bounds.push(at);
        }
    }
    bounds.push(text.len());
    bounds
        .windows(2)
        .map(|bounds| &text[bounds[0]..bounds[1]])
        .filter(|word| !word.is_empty())
        .collect()
}

/// Lines with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

type Step = (StandsIn, String);

/// How to come from one to the other; `None` where that would take too long. Pieces are compared as
/// numbers.
fn steps(shown: &[&str], other: &[&str]) -> Option<Vec<Step>> {
    let head = shown.iter().zip(other).take_while(|(one, other)| one == other).count();
    let (old, new) = (&shown[head..], &other[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other);
    let tail = tail.count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    if old.len() + new.len() > MOST {
        return None;
    }
    let mut numbers = HashMap::new();
    let mut numbered = |pieces: &[&str]| -> Vec<usize> {
        let number = |piece: &&str| {
            let next = numbers.len();
            *numbers.entry((*piece).to_owned()).or_insert(next)
        };
        pieces.iter().map(number).collect()
    };
    let (olds, news) = (numbered(old), numbered(new));
    let mut script = Script { old, new, steps: Vec::new() };
    let Ok(()) = myers::diff(&mut script, &olds, 0..olds.len(), &news, 0..news.len());
    let both = |piece: &&str| (StandsIn::Both, (*piece).to_owned());
    let ends = shown[shown.len() - tail..].iter().map(both);
    Some(shown[..head].iter().map(both).chain(ordered(script.steps)).chain(ends).collect())
}

/// What is shown before what stands beside it, in each stretch that differs.
fn ordered(steps: Vec<Step>) -> Vec<Step> {
    let mut ordered = Vec::with_capacity(steps.len());
    let mut waiting = Vec::new();
    for step in steps {
        match step.0 {
            StandsIn::Other => waiting.push(step),
            StandsIn::Shown => ordered.push(step),
            StandsIn::Both => {
                ordered.append(&mut waiting);
                ordered.push(step);
            }
        }
    }
    ordered.append(&mut waiting);
    ordered
}

struct Script<'a> {
    old: &'a [&'a str],
    new: &'a [&'a str],
    steps: Vec<Step>,
}

impl Script<'_> {
    fn push(&mut self, stands_in: StandsIn, pieces: &[&str]) {
        self.steps.extend(pieces.iter().map(|piece| (stands_in, (*piece).to_owned())));
    }
}

impl DiffHook for Script<'_> {
    type Error = Infallible;

    fn equal(&mut self, old: usize, _: usize, count: usize) -> Result<(), Infallible> {
        self.push(StandsIn::Both, &self.old[old..old + count]);
        Ok(())
    }

    fn delete(&mut self, old: usize, count: usize, _: usize) -> Result<(), Infallible> {
        self.push(StandsIn::Shown, &self.old[old..old + count]);
        Ok(())
    }

    fn insert(&mut self, _: usize, new: usize, count: usize) -> Result<(), Infallible> {
        self.push(StandsIn::Other, &self.new[new..new + count]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(shown: &str, other: &str) -> Vec<(StandsIn, String)> {
        pieces(shown, other).into_iter().map(|piece| (piece.stands_in, piece.text)).collect()
    }

    #[test]
    fn the_words_that_differ_are_marked_as_a_whole() {
        use StandsIn::{Both, Other, Shown};
        let part = |stands_in, text: &str| (stands_in, text.to_owned());
        assert_eq!(
            marked("output 12 ml", "output 15 ml"),
            [part(Both, "output "), part(Shown, "12"), part(Other, "15"), part(Both, " ml")]
        );
        assert_eq!(marked("a b", "a b"), [part(Both, "a b")]);
        assert_eq!(marked("", "new"), [part(Other, "new")]);
        let (long, longer) = ("a ".repeat(4_000), "b ".repeat(4_000));
        assert_eq!(marked(&long, &longer).len(), 2);
    }

    #[test]
    fn the_lines_of_both_are_there_in_order_and_common_ones_once() {
        let one = "Drain flushed.\nOutput 12 ml.\nPlan: CT.";
        let other = "Drain flushed.\nOutput 15 ml.\nPlan: CT.\nCall surgery.";
        let both = "Drain flushed.\nOutput 12 ml.\nOutput 15 ml.\nPlan: CT.\nCall surgery.";
        assert_eq!(lines_of_both(one, other), both);
        assert_eq!(lines_of_both("a\nb", "b\na"), "a\nb");
        assert_eq!(lines_of_both("", "b"), "b");
        assert_eq!(lines_of_both("a", "a\na"), "a\na");
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_pieces_letter_by_letter(shown in "[ab é😀\n]{0,30}", other in "[ab é😀\n]{0,30}") {
            let pieces = pieces(&shown, &other);
            let of = |side| -> String {
                let mine = pieces.iter().filter(|piece| piece.stands_in != side);
                mine.map(|piece| piece.text.as_str()).collect()
            };
            prop_assert_eq!(of(StandsIn::Other), shown);
            prop_assert_eq!(of(StandsIn::Shown), other);
        }

        #[test]
        fn no_line_of_either_is_missing_in_both(one in "[ab\n]{0,12}", other in "[ab\n]{0,12}") {
            let both = lines_of_both(&one, &other);
            let count = |text: &str, line: &str| text.lines().filter(|known| *known == line).count();
            for text in [&one, &other] {
                for line in text.lines().filter(|line| !line.is_empty()) {
                    prop_assert!(count(&both, line) >= count(text, line), "{:?}", line);
                }
            }
        }
    }
}
