//! Words that the search index would not find by itself: within a text that has no blanks between its
//! words, in another spelling of a letter, and emoji.
//!
//! FTS5's tokenizer takes accents away, but a Chinese or Japanese sentence is one word to it, `ß` is not
//! `ss`, and an emoji is nothing. Those go into a column of their own, `more`; a text without them has
//! nothing there, and costs nothing. A letter of Chinese or Japanese text takes some 11 bytes more in the
//! index. Whoever changes what this file says of a text must build the index anew in a migration: what is
//! taken out of it has to be what was put in.

use crate::fold;

/// How a piece of a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// With blanks between its words.
    Spaced,
    /// Without.
    Unspaced,
    Emoji,
}

/// A stretch of letters in one script.
#[derive(Clone, Copy)]
struct Piece<'t> {
    script: Script,
    text: &'t str,
    start: usize,
    /// A piece in another script touches it: to the tokenizer both are one word.
    touches: bool,
}

fn script(letter: char) -> Option<Script> {
    match u32::from(letter) {
        0x1F3FB..=0x1F3FF => None, // the color of a skin says nothing of its own
        0x231A..=0x23FF | 0x2600..=0x27BF | 0x2B05..=0x2B55 | 0x1F000..=0x1FAFF => {
            Some(Script::Emoji)
        }
        // Thai, Lao, Burmese, Khmer, kana, Han, Hangul.
        0x0E00..=0x0EFF
        | 0x1000..=0x109F
        | 0x1780..=0x17FF
        | 0x3005..=0x3007
        | 0x3041..=0x30FF
        | 0x3105..=0x318E
        | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFF66..=0xFF9F
        | 0x20000..=0x3FFFF
            if letter != '・' =>
        {
            Some(Script::Unspaced)
        }
        _ if letter.is_alphanumeric() || fold::is_accent(letter) => Some(Script::Spaced),
        _ => None,
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for (at, letter) in text.char_indices() {
        let Some(script) = script(letter) else { continue };
        let end = at + letter.len_utf8();
        let last = pieces.last_mut().filter(|last| last.start + last.text.len() == at);
        let mut touches = false;
        if let Some(last) = last {
            if last.script == script && script != Script::Emoji {
                last.text = &text[last.start..end];
                continue;
            }
            touches = script != Script::Emoji && last.script != Script::Emoji;
            last.touches |= touches;
        }
        pieces.push(Piece { script, text: &text[at..end], start: at, touches });
    }
    pieces
}

/// A word as both sides write it; accents are the tokenizer's.
fn spelled(word: &str) -> String {
    let mut spelled = String::with_capacity(word.len());
    for letter in word.chars() {
        match fold::plain(letter) {
            Some(plain) => spelled.push_str(plain),
            None => spelled.extend(letter.to_lowercase()),
        }
    }
    spelled
}

/// Each two letters that follow one another.
fn pairs(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    letters.windows(2).map(|pair| pair.iter().collect()).collect()
}

fn emoji(text: &str) -> String {
    text.chars().next().map_or_else(String::new, |letter| format!("emoji{:x}", u32::from(letter)))
}

/// What the index takes in of a text besides the text itself; `None` where there is nothing.
pub(crate) fn more<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for text in texts.into_iter().filter(|text| !text.is_ascii()) {
        for piece in pieces(text) {
            match piece.script {
                Script::Emoji => words.push(emoji(piece.text)),
                Script::Unspaced => {
                    words.extend(pairs(piece.text));
                    // One letter is found as the beginning of a pair, the last one by itself.
                    words.extend(piece.text.chars().next_back().map(String::from));
                }
                Script::Spaced => {
                    let odd = piece.text.chars().any(|letter| fold::plain(letter).is_some());
                    if odd || piece.touches {
                        words.push(spelled(piece.text));
                    }
                }
            }
        }
    }
    if words.is_empty() { None } else { Some(words.join(" ")) }
}

/// A word of a query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// As the index has it: a word, or pairs of letters that follow one another.
    pub(crate) term: String,
    /// As it was typed, in one spelling.
    needle: String,
    script: Script,
}

quiet_debug!(Wanted);

/// The words that a query consists of, at most 16.
pub(crate) fn wanted(typed: &str) -> Vec<Wanted> {
    let wanted = |piece: Piece<'_>| {
        let term = match piece.script {
            Script::Spaced => spelled(piece.text),
            Script::Emoji => emoji(piece.text),
            Script::Unspaced if piece.text.chars().nth(1).is_none() => spelled(piece.text),
            Script::Unspaced => pairs(piece.text).join(" "),
        };
        Wanted { term, needle: fold::fold(piece.text), script: piece.script }
    };
    pieces(typed).into_iter().take(16).map(wanted).collect()
}

/// Where the first of the words is in a text: its bytes.
fn first(text: &str, wanted: &[Wanted]) -> Option<std::ops::Range<usize>> {
    pieces(text).into_iter().find_map(|piece| {
        let mut here = wanted.iter().filter(|wanted| wanted.script == piece.script);
        here.find_map(|wanted| within(&piece, &wanted.needle))
    })
}

fn within(piece: &Piece<'_>, needle: &str) -> Option<std::ops::Range<usize>> {
    if piece.script != Script::Unspaced {
        let mut folded = fold::letters(piece.text);
        let found = needle.chars().all(|letter| folded.next() == Some(letter));
        return found.then(|| piece.start..piece.start + piece.text.len());
    }
    // A peer may send a mebibyte without a blank: it is folded once, with where each letter begins.
    let mut folded = String::with_capacity(piece.text.len());
    let mut begins = Vec::new();
    for (at, letter) in piece.text.char_indices() {
        begins.push((folded.len(), at));
        folded.extend(fold::letters(letter.encode_utf8(&mut [0; 4])));
    }
    let begin_at = |place| begins.binary_search_by_key(&place, |(folded, _)| *folded);
    let mut places = folded.match_indices(needle).map(|(place, _)| place);
    let (first, place) = places.find_map(|place| Some((begin_at(place).ok()?, place)))?;
    let after = begins[first..].iter().find(|(folded, _)| *folded >= place + needle.len());
    let end = after.map_or(piece.text.len(), |(_, at)| *at);
    Some(piece.start + begins[first].1..piece.start + end)
}

/// Letters before and after the word in a stretch.
const BEFORE: usize = 24;
const AFTER: usize = 48;

/// The stretch of a text around the first of the words in it, as FTS5 would show it, between `mark` and
/// `unmark`; `None` where none is there.
pub(crate) fn stretch(text: &str, wanted: &[Wanted], mark: char, unmark: char) -> Option<String> {
    let found = first(text, wanted)?;
    let (before, after) = (&text[..found.start], &text[found.end..]);
    let start = before.char_indices().rev().take(BEFORE).last().map_or(found.start, |(at, _)| at);
    let end = after.char_indices().nth(AFTER).map_or(text.len(), |(at, _)| found.end + at);
    let cut = |is_cut: bool| if is_cut { "…" } else { "" };
    Some(format!(
        "{}{}{mark}{}{unmark}{}{}",
        cut(start > 0),
        &text[start..found.start],
        &text[found.clone()],
        &text[found.end..end],
        cut(end < text.len())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(typed: &str) -> Vec<String> {
        wanted(typed).into_iter().map(|wanted| wanted.term).collect()
    }

    #[test]
    fn only_what_the_index_lacks_is_more() {
        for text in ["", "R IJ PICC", "Müller, naïve", "5 µGy·m²", "±2 °C – “so”", "Пункция"]
        {
            assert_eq!(more([text]), None, "{text}");
        }
        assert_eq!(more(["Straße nach Łódź"]).as_deref(), Some("strasse lódź"));
        assert_eq!(more(["肝臓癌"]).as_deref(), Some("肝臓 臓癌 癌"));
        assert_eq!(more(["CT検査2回"]).as_deref(), Some("ct 検査 査 2 回"));
        assert_eq!(more(["ok 👍🏽💉"]).as_deref(), Some("emoji1f44d emoji1f489"));
        assert_eq!(more(["a", "ß"]).as_deref(), Some("ss"));
    }

    #[test]
    fn a_query_is_spelled_as_the_index_is() {
        assert_eq!(terms("  L. hep-atic \"vein\" (R) "), ["l", "hep", "atic", "vein", "r"]);
        assert_eq!(terms("STRASSE straße"), ["strasse", "strasse"]);
        assert_eq!(terms("癌 肝臓癌"), ["癌", "肝臓 臓癌"]);
        assert_eq!(terms("CT検査"), ["ct", "検査"]);
        assert_eq!(terms("👍🏻"), ["emoji1f44d"]);
        assert_eq!(terms(&"a ".repeat(40)).len(), 16);
        assert!(terms("… - ( \u{200d}").is_empty());
    }

    #[test]
    fn a_long_text_without_blanks_is_read_once() {
        let long = format!("{}肝臓癌", "あ".repeat(350_000));
        let shown = |typed: &str| stretch(&long, &wanted(typed), '[', ']');
        assert_eq!(shown("ああか"), None);
        assert!(shown("臓癌").unwrap().ends_with("肝[臓癌]"));
        // A mark that stands for itself is part of the letter before it.
        let marked = stretch("自宅でか\u{3099}んの", &wanted("がん"), '[', ']');
        assert_eq!(marked.as_deref(), Some("自宅で[か\u{3099}ん]の"));
    }

    #[test]
    fn a_stretch_shows_the_word_where_it_is() {
        let shown = |text: &str, typed: &str| stretch(text, &wanted(typed), '[', ']');
        assert_eq!(shown("自宅で肝臓癌の疑い", "臓癌").as_deref(), Some("自宅で肝[臓癌]の疑い"));
        assert_eq!(shown("auf der Straße", "strass").as_deref(), Some("auf der [Straße]"));
        assert_eq!(shown("good 👍🏽 job", "👍").as_deref(), Some("good [👍]🏽 job"));
        assert_eq!(shown("nothing here", "臓癌"), None);
        let long = format!("{}癌{}", "あ".repeat(60), "い".repeat(60));
        let shown = shown(&long, "癌").unwrap();
        assert!(shown.starts_with("…あ") && shown.contains("あ[癌]い") && shown.ends_with("い…"));
    }
}
