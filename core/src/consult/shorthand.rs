//! Scribbles said in words, after the list in `content/presentations/shorthand.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::line::{Line, Token, capitals, is_figure, is_word, lower, upper};
use crate::content::ContentError;
use crate::content::source::{SourceFile, Table};

/// Words that a longer key has at most.
const KEY_WORDS_MAX: usize = 3;

/// What scribbles mean.
#[derive(Default)]
pub(super) struct Shorthand {
    words: BTreeMap<String, String>,
    at_end: BTreeMap<String, String>,
    after_number: BTreeMap<String, (String, String)>,
    durations: BTreeSet<String>,
    before_number: BTreeMap<String, String>,
    no_comma: BTreeSet<String>,
    prefixes: BTreeMap<String, String>,
    denials: BTreeSet<String>,
    after_comma: BTreeSet<String>,
    articles: BTreeMap<String, String>,
    suggesting: Vec<String>,
    names: BTreeSet<String>,
    ahead: BTreeSet<String>,
    no_and: BTreeSet<String>,
}

impl Shorthand {
    /// The list that ships with the core.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Shorthand> = OnceLock::new();
        // A test proves that it is whole.
        SHIPPED
            .get_or_init(|| Self::parse(TEXT, "presentations/shorthand.toml").unwrap_or_default())
    }

    pub fn parse(text: &str, file_name: &str) -> Result<Self, ContentError> {
        SourceFile::new(file_name, text).read(|root| {
            let after = pairs(root, "after_number")?.into_iter().map(|(unit, said)| {
                let (one, many) = said.split_once('|').unwrap_or((&said, &said));
                (unit, (one.to_owned(), many.to_owned()))
            });
            Ok(Self {
                words: pairs(root, "words")?,
                at_end: pairs(root, "at_end")?,
                after_number: after.collect(),
                durations: list(root, "durations")?.into_iter().collect(),
                before_number: pairs(root, "before_number")?,
                no_comma: list(root, "no_comma")?.into_iter().collect(),
                prefixes: pairs(root, "prefixes")?,
                denials: list(root, "denials")?.into_iter().collect(),
                after_comma: list(root, "after_comma")?.into_iter().collect(),
                articles: pairs(root, "articles")?,
                suggesting: list(root, "suggesting")?,
                names: list(root, "names")?.into_iter().collect(),
                ahead: list(root, "ahead")?.into_iter().collect(),
                no_and: list(root, "no_and")?.into_iter().collect(),
            })
        })
    }

    /// The text in words. `spans`: lengths of time get their "for" and "of", as in a history.
    pub fn say(&self, text: &str, spans: bool) -> String {
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let mut said = String::new();
        for line in lines {
            if !said.is_empty() {
                let ended = said.ends_with(['.', '!', '?', ',', ';', ':']);
                said.push_str(if ended { " " } else { ". " });
            }
            said.push_str(&self.line(line, spans));
        }
        capitals(&said)
    }

    fn line(&self, line: &str, spans: bool) -> String {
        let tokens: Vec<Token<'_>> = line.split_whitespace().map(Token::of).collect();
        let mut out = Line { said: Vec::new(), after_figure: false };
        let mut at = 0;
        while at < tokens.len() {
            at += self
                .arrow(&tokens, at, &mut out)
                .or_else(|| self.figure(&tokens, at, &mut out))
                .or_else(|| self.amount(&tokens, at, spans, &mut out))
                .or_else(|| self.phrase(&tokens, at, &mut out))
                .unwrap_or_else(|| self.as_it_stands(&tokens[at], &mut out));
        }
        out.said.join(" ")
    }

    /// `→` and `=` between two thoughts; `92→108`.
    fn arrow(&self, tokens: &[Token<'_>], at: usize, out: &mut Line) -> Option<usize> {
        let core = tokens[at].core;
        if let Some(next) = tokens.get(at + 1).filter(|_| core == "=")
            && let Some(said) = self.words.get(&format!("= {}", next.core))
        {
            out.attach(&format!("{said}{}", next.after));
            return Some(2);
        }
        let mark = match core {
            "→" | "->" => ":",
            "=" => ", so",
            _ => {
                let (from, to) = core.split_once('→')?;
                let both = is_figure(from) && is_figure(to);
                out.push(
                    &tokens[at],
                    &if both { format!("{from} to {to}") } else { core.to_owned() },
                );
                return Some(1);
            }
        };
        out.attach(mark);
        out.after_figure = false;
        Some(1)
    }

    /// `HR 102`, and commas around it.
    fn figure(&self, tokens: &[Token<'_>], at: usize, out: &mut Line) -> Option<usize> {
        let said =
            self.before_number.get(tokens[at].core).filter(|_| tokens[at].after.is_empty())?;
        let next = tokens.get(at + 1).filter(|next| next.before.is_empty())?;
        let (from, to) = next.core.split_once('→').unwrap_or((next.core, ""));
        if !is_figure(from) || !(to.is_empty() || is_figure(to)) {
            return None;
        }
        let figure = if to.is_empty() { from.to_owned() } else { format!("{from} to {to}") };
        let joins = at > 0 && self.is_connector(tokens[at - 1].core);
        if at > 0 && !joins {
            out.comma();
        }
        let mut said = said.replace('#', &figure);
        let ends = !next.after.is_empty() || at + 2 >= tokens.len();
        if ends && let Some(short) = said.strip_suffix(" after") {
            said = short.to_owned();
        }
        let open_end = said.ends_with(" after");
        out.said.push(format!("{}{said}{}", tokens[at].before, next.after));
        out.after_figure = !ends && !open_end;
        Some(2)
    }

    /// `48h`, `12 d`, `~2 h`, `q2wk`, `>5 L`, `10-12F`.
    fn amount(
        &self,
        tokens: &[Token<'_>],
        at: usize,
        spans: bool,
        out: &mut Line,
    ) -> Option<usize> {
        let token = &tokens[at];
        let (prefix, rest) = self.prefix(token.core);
        let digits = rest.trim_end_matches(|c: char| c.is_alphabetic() || c == '/');
        let glued = &rest[digits.len()..];
        if !is_figure(digits) {
            return None;
        }
        let next = tokens.get(at + 1).filter(|next| next.before.is_empty());
        let (unit, last, used) = match next {
            _ if !glued.is_empty() => (glued, token, 1),
            Some(next) if token.after.is_empty() => (next.core, next, 2),
            _ => ("", token, 1),
        };
        // `2 u PRBC` and the like are phrases of their own.
        let phrase = tokens.get(at + used).filter(|_| last.after.is_empty());
        let phrase = phrase.and_then(|more| self.words.get(&format!("{unit} {}", more.core)));
        let known = self.after_number.get(unit);
        if known.is_none() && (prefix.is_empty() || prefix == "for") {
            return None;
        }
        let many = digits != "1";
        let mut text = if prefix.is_empty() { String::new() } else { format!("{prefix} ") };
        text.push_str(digits);
        let Some((one, more)) = known else {
            out.gap(token, self.is_connector(token.core));
            out.said.push(format!("{}{text}{}", token.before, token.after));
            return Some(1);
        };
        let unit_said = if many { more } else { one };
        let (unit_said, last, used) = match phrase {
            Some(said) => (said, &tokens[at + used], used + 1),
            None => (unit_said, last, used),
        };
        text = format!("{text} {unit_said}");
        let ahead = tokens[at.saturating_sub(2)..at]
            .iter()
            .any(|token| self.ahead.contains(&token.core.to_lowercase()));
        if self.durations.contains(unit) && ahead {
            text = format!("in {text}");
        } else if spans && self.durations.contains(unit) && phrase.is_none() {
            text = self.span(tokens, (at, used), &text, prefix, last);
        }
        out.gap(token, self.is_connector(token.core));
        out.said.push(format!("{}{text}{}", token.before, last.after));
        Some(used)
    }

    /// A length of time with its "for" or "of".
    fn span(
        &self,
        tokens: &[Token<'_>],
        (at, used): (usize, usize),
        text: &str,
        prefix: &str,
        last: &Token<'_>,
    ) -> String {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let runs_on = before.is_none_or(|before| !before.after.is_empty());
        let next = tokens.get(at + used).filter(|_| last.after.is_empty());
        let after = before.is_some_and(|b| b.after.is_empty() && is_word(b.core));
        let free = before.is_none_or(|before| {
            !self.is_connector(before.core) && !SPAN_WORDS.contains(&before.core)
        });
        match next {
            None if after && free && prefix == "under" => format!("in {text}"),
            None if after && free && prefix != "for" && prefix != "every" => format!("for {text}"),
            Some(next)
                if (runs_on || before.is_some_and(|b| b.core.eq_ignore_ascii_case("failed")))
                    && is_word(next.core)
                    && !SPAN_WORDS.contains(&next.core)
                    && !self.is_connector(next.core) =>
            {
                format!("{text} of")
            }
            _ => text.to_owned(),
        }
    }

    /// The longest listed key that begins here.
    fn phrase(&self, tokens: &[Token<'_>], at: usize, out: &mut Line) -> Option<usize> {
        let longest = KEY_WORDS_MAX.min(tokens.len() - at);
        (1..=longest).rev().find_map(|count| {
            let run = &tokens[at..at + count];
            let (first, last) = (&run[0], &run[count - 1]);
            let inner = run[..count - 1].iter().all(|token| token.after.is_empty())
                && run[1..].iter().all(|token| token.before.is_empty());
            if !inner {
                return None;
            }
            let key = run.iter().map(|token| token.core).collect::<Vec<_>>().join(" ");
            let ends = !last.after.is_empty() || at + count == tokens.len();
            let said = look_up(&self.words, &key);
            let said = said.or_else(|| look_up(&self.at_end, &key).filter(|_| ends))?;
            out.gap(first, self.is_connector(first.core));
            out.said.push(format!("{}{said}{}", first.before, last.after));
            Some(count)
        })
    }

    fn as_it_stands(&self, token: &Token<'_>, out: &mut Line) -> usize {
        let (prefix, rest) = self.prefix(token.core);
        out.gap(token, self.is_connector(token.core));
        if token.core == "x" {
            // 6.2 x 4.8
            let number = out.said.last().is_some_and(|last| is_figure(last));
            out.said.push(if number { "by".to_owned() } else { token.whole.to_owned() });
        } else if prefix == "possible" && rest.starts_with(char::is_alphabetic) {
            let said = look_up(&self.words, rest).unwrap_or_else(|| rest.to_owned());
            out.said.push(format!("{}{prefix} {said}{}", token.before, token.after));
        } else {
            out.said.push(token.whole.to_owned());
        }
        1
    }

    /// What stands directly before a number or a word, in words, and the rest.
    fn prefix<'t>(&self, core: &'t str) -> (&str, &'t str) {
        for (mark, said) in &self.prefixes {
            if let Some(rest) = core.strip_prefix(mark.as_str()) {
                let digit = rest.starts_with(|c: char| c.is_ascii_digit());
                let letter = mark == "?" && rest.starts_with(char::is_alphabetic);
                // `x48h` lasts, `x48` counts.
                let lasts = mark != "x" || rest.ends_with(char::is_alphabetic);
                if (digit && lasts) || letter {
                    return (said, rest);
                }
            }
        }
        ("", core)
    }

    fn is_connector(&self, word: &str) -> bool {
        self.no_comma.contains(&word.to_lowercase())
    }

    /// Whether a text says that there is none.
    pub fn denies(&self, text: &str) -> bool {
        self.denials.contains(text.trim().trim_end_matches('.').to_lowercase().as_str())
    }

    /// Whether a text goes on after a person with a comma.
    pub fn follows_comma(&self, text: &str) -> bool {
        let first = text.split([' ', ',']).next().unwrap_or_default().to_lowercase();
        self.after_comma.contains(&first)
    }

    /// The article that goes before a text; empty for none.
    pub fn article(&self, text: &str) -> &str {
        let small = text.to_lowercase();
        let begins = |key: &&String| {
            small
                .strip_prefix(key.as_str())
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let longest = self.articles.keys().filter(begins).max_by_key(|key| key.len());
        longest.and_then(|key| self.articles.get(key)).map_or("", String::as_str)
    }

    /// A list told in one breath, with "and" before its last piece.
    pub fn chained(&self, text: &str) -> String {
        let mut depth = 0_usize;
        let mut commas = Vec::new();
        for (at, letter) in text.char_indices() {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ',' if depth == 0 && text[at + 1..].starts_with(' ') => commas.push(at),
                _ => {}
            }
        }
        let Some(last) = commas.last() else { return text.to_owned() };
        let (before, piece) = (&text[..*last], text[*last + 1..].trim());
        let first = piece.split(' ').next().unwrap_or_default().to_lowercase();
        let plain = !piece.contains(" and ") && !text.contains([':', ';']);
        if !plain || self.no_and.contains(&first) || self.follows_comma(text) {
            return text.to_owned();
        }
        let comma = if commas.len() > 1 { "," } else { "" };
        format!("{before}{comma} and {piece}")
    }

    /// A text without the words that suggest, at its beginning and after a semicolon.
    pub fn without_suggesting(&self, text: &str) -> String {
        let bare = |piece: &str| {
            let piece = piece.trim();
            let small = piece.to_lowercase();
            let found = self.suggesting.iter().find(|word| {
                small.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with(' '))
            });
            found.and_then(|word| piece.get(word.len()..)).unwrap_or(piece).trim().to_owned()
        };
        text.split(';').map(bare).filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// The text small at its beginning, where that is no name and no abbreviation.
    pub fn inside(&self, text: &str) -> String {
        let word = |c: char| c.is_alphanumeric() || c == '\'' || c == '-';
        let first: String = text.chars().take_while(|c| word(*c)).collect();
        let plain = first.chars().skip(1).all(|c| c.is_lowercase() || c == '\'' || c == '-');
        let alone = first.chars().count() == 1 && !matches!(first.as_str(), "A" | "I");
        if first.is_empty() || !plain || alone || first == "I" || self.names.contains(&first) {
            return text.to_owned();
        }
        lower(text)
    }
}

/// Words beside which a length of time stays as it is.
const SPAN_WORDS: [&str; 9] =
    ["ago", "post", "later", "before", "within", "every", "last", "past", "next"];

/// What a list says of a key.
fn look_up(list: &BTreeMap<String, String>, key: &str) -> Option<String> {
    if let Some(said) = list.get(key) {
        return Some(said.clone());
    }
    // A word at the beginning of a sentence, `Prev`; not an abbreviation, `NO`.
    let letters = || key.chars().filter(|c| c.is_alphabetic());
    let capital = key.starts_with(char::is_uppercase)
        && letters().skip(1).all(char::is_lowercase)
        && letters().count() > 1;
    let said = list.get(&key.to_lowercase()).filter(|_| capital)?;
    Some(upper(said))
}

fn pairs(root: &Table<'_>, key: &str) -> Result<BTreeMap<String, String>, ContentError> {
    let read = root.table(key, |table| {
        table.keys().map(|word| Ok((word.to_owned(), table.text(word)?))).collect()
    })?;
    read.ok_or_else(|| ContentError::Missing { place: root.place(key) })
}

fn list(root: &Table<'_>, key: &str) -> Result<Vec<String>, ContentError> {
    let read = root.table(key, |table| {
        Ok(table.texts("words")?.into_iter().map(|word| word.value).collect())
    })?;
    read.ok_or_else(|| ContentError::Missing { place: root.place(key) })
}

const TEXT: &str = include_str!("../../content/presentations/shorthand.toml");

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> String {
        Shorthand::shipped().say(text, false)
    }

    fn told(text: &str) -> String {
        Shorthand::shipped().say(text, true)
    }

    #[test]
    fn the_shipped_list_is_whole() {
        let list = Shorthand::parse(TEXT, "shorthand.toml").unwrap();
        assert!(list.words.len() > 100);
        let longest = list.words.keys().map(|key| key.split(' ').count()).max();
        assert_eq!(longest, Some(KEY_WORDS_MAX));
    }

    #[test]
    fn scribbles_are_said_in_words() {
        for (written, said) in [
            ("R IJ, prev L PICC", "right IJ, previous left PICC"),
            ("tap 12 d ago 5.1 L.", "tap 12 days ago 5.1 liters."),
            ("neg cultures x48h", "negative cultures for 48 hours"),
            (
                "T 38.6 HR 102, LLQ guarding",
                "temperature 38.6, heart rate 102, left lower quadrant guarding",
            ),
            ("BP 92→108 after 2u. L rib", "BP 92 to 108 after 2 units. Left rib"),
            ("bili 14.2 + chills = sepsis", "bilirubin 14.2 and chills, so sepsis"),
            ("afeb HR 90 BP 124/70, tense", "afebrile, heart rate 90, BP 124/70, tense"),
            ("6.2 x 4.8 cm w gas", "6.2 by 4.8 cm with gas"),
            ("?SBP, q2wk, <20 ml/d", "possible SBP, every 2 weeks, under 20 mL a day"),
            ("10-12 Fr drain ~2 h ago", "10-12 French drain about 2 hours ago"),
            ("temp 101 F, PCN allergy, ASA III", "temperature 101 F, penicillin allergy, ASA III"),
            (
                "Ca 9.1, HD 3, HD stable, fever OR chills",
                "Ca 9.1, HD 3, hemodynamically stable, fever OR chills",
            ),
            ("2 u PRBC, 1 plasma", "2 units of packed cells, 1 plasma"),
            ("POD 6 lap chole", "postoperative day 6 after laparoscopic cholecystectomy"),
            ("POD 6, well", "postoperative day 6, well"),
            ("R>L. no swelling", "right more than left. No swelling"),
            ("NO drain", "no drain"),
            ("K 6.4 w K down, vit K", "potassium 6.4 with potassium down, vitamin K"),
            ("no peritonism / ascites", "no peritonism / ascites"),
            ("", ""),
        ] {
            assert_eq!(say(written), said, "{written}");
        }
    }

    #[test]
    fn lengths_of_time_are_told_in_a_history() {
        for (written, said) in [
            ("5 d LLQ pain, fever", "5 days of left lower quadrant pain, fever"),
            ("R flank pain 2d, rigors", "right flank pain for 2 days, rigors"),
            ("rebled within 12h", "rebled within 12 hours"),
            ("held ~36 h.", "held for about 36 hours."),
            ("reaccumulating <2 wk", "reaccumulating in under 2 weeks"),
            ("last HD 3 d ago", "last dialysis 3 days ago"),
            ("Failed 48h pip-tazo", "Failed 48 hours of pip-tazo"),
        ] {
            assert_eq!(told(written), said, "{written}");
        }
    }

    #[test]
    fn what_is_suggested_is_not_suggested_twice() {
        let list = Shorthand::shipped();
        assert_eq!(list.without_suggesting("suggest no drain; LFT"), "no drain; LFT");
        assert_eq!(list.without_suggesting("duplex first; suggest L IJ"), "duplex first; L IJ");
        assert_eq!(list.without_suggesting("suggestive of"), "suggestive of");
        assert_eq!(list.article("Therapeutic tap, tense"), "a");
        assert_eq!(list.article("draining"), "");
        assert_eq!(
            ["Right arm", "CT chest", "T", "Hinchey II", "A1c 8"].map(|t| list.inside(t)).join("|"),
            "right arm|CT chest|T|Hinchey II|A1c 8"
        );
        assert!(list.denies("None.") && !list.denies("none since Monday"));
    }
}
