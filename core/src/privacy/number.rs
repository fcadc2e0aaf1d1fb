//! Numbers that point to a person: records, phones, dates, high ages.

use super::token::{Text, Token, short};
use super::words::Words;

/// First and last-plus-one position of a hit.
pub(crate) type Span = (usize, usize);

/// A full date that begins with the token at `at`, or what follows a word of birth there.
pub(crate) fn date(text: &Text, at: usize, words: &Words) -> Option<Span> {
    if let Some(length) = text.phrase(at, &words.birth) {
        return birth(text, skip_fillers(text, at + length, words)?, words);
    }
    figures(text, at).or_else(|| named_month(text, at, words))
}

/// `10/21/1958`, `21.10.1958`, `1958-10-21`, `10/21/58`.
fn figures(text: &Text, at: usize) -> Option<Span> {
    let [first, second, third] = three(text, at)?;
    let mark = *single(text.gap(at))?;
    if single(text.gap(at + 1)) != Some(&mark) || !matches!(mark, '/' | '-' | '.') {
        return None;
    }
    // 1-2-3-4 is no date.
    let runs_on = text.letters.get(third.end) == Some(&mark)
        && text.letters.get(third.end + 1).is_some_and(char::is_ascii_digit);
    let begun = text.before(first.start) == Some(mark);
    if runs_on || begun {
        return None;
    }
    let (a, b, c) = (value(first)?, value(second)?, value(third)?);
    let day_month = |a: u32, b: u32| (is_day(a) && is_month(b)) || (is_month(a) && is_day(b));
    let found = match (length(first), length(second), length(third)) {
        (4, 1..=2, 1..=2) => is_year(a) && day_month(b, c),
        (1..=2, 1..=2, 4) => is_year(c) && day_month(a, b),
        (1..=2, 1..=2, 2) => mark == '/' && day_month(a, b),
        _ => false,
    };
    found.then_some((first.start, third.end))
}

/// `21 October 1958`, `Oct 21st, 1958`, `21-Oct-58`.
fn named_month(text: &Text, at: usize, words: &Words) -> Option<Span> {
    let first = text.tokens.get(at)?;
    let mut next = at + 1;
    let day_first = first.digits;
    if day_first {
        if !value(first).is_some_and(is_day) || text.before(first.start) == Some('.') {
            return None;
        }
        next = skip_ordinal(text, next);
        if text.tokens.get(next)?.lower == "of" {
            next += 1;
        }
        if !words.is_month(&text.tokens.get(next)?.lower) {
            return None;
        }
        next += 1;
    } else {
        if !words.is_month(&first.lower) || !value(text.tokens.get(next)?).is_some_and(is_day) {
            return None;
        }
        next = skip_ordinal(text, next + 1);
    }
    let near = (at..next).all(|token| {
        let gap = text.gap(token);
        gap.len() <= 2 && gap.iter().all(|letter| matches!(letter, ' ' | '-' | ',' | '.' | '/'))
    });
    let year = text.tokens.get(next).filter(|token| token.digits && near)?;
    let whole = length(year) == 4 && value(year).is_some_and(is_year);
    let short_year = length(year) == 2 && day_first && text.gap(next - 1) == ['-'];
    (whole || short_year).then_some((first.start, year.end))
}

/// After a word of birth anything is a date: `3/4`, `1958`, `May 58`.
fn birth(text: &Text, at: usize, words: &Words) -> Option<Span> {
    let first = text.tokens.get(at)?;
    if !short(text.gap(at - 1)) {
        return None;
    }
    if let Some(whole) = figures(text, at).or_else(|| named_month(text, at, words)) {
        return Some(whole);
    }
    if words.is_month(&first.lower) {
        let next = text.tokens.get(at + 1).filter(|token| token.digits);
        return Some((first.start, next.unwrap_or(first).end));
    }
    if !first.digits || is_quantity(text, at, words) {
        return None;
    }
    let year = length(first) == 4 && value(first).is_some_and(is_year);
    let second = text.tokens.get(at + 1).filter(|token| token.digits);
    let pair =
        second.filter(|_| single(text.gap(at)).is_some_and(|mark| matches!(mark, '/' | '-' | '.')));
    let compact = matches!(length(first), 6 | 8);
    match pair {
        Some(second) => Some((first.start, second.end)),
        None => (year || compact).then_some((first.start, first.end)),
    }
}

/// `555-010-4477`, `(555) 010 4477`, `+49 30 1234567`, `07700 900123`.
pub(crate) fn phone(text: &Text, at: usize, words: &Words) -> Option<Span> {
    let first = text.tokens.get(at).filter(|token| token.digits)?;
    if at > 0
        && text.tokens[at - 1].digits
        && in_group(text.gap(at - 1))
        && !text.gap(at - 1).contains(&' ')
    {
        return None;
    }
    let mut groups = vec![length(first)];
    let mut last = at;
    while text.tokens.get(last + 1).is_some_and(|token| token.digits) && in_group(text.gap(last)) {
        last += 1;
        groups.push(length(&text.tokens[last]));
    }
    let abroad = text.before(first.start) == Some('+');
    let announced = announced(text, at, words);
    let whole = |count: usize, digits: usize| -> Option<Span> {
        let end = at + count - 1;
        let fits = match groups[..count] {
            [3, 3, 4] => true,
            [1, 3, 3, 4] => first.lower == "1",
            [5, 6] | [5, 3, 3] | [4, 3, 4] | [3, 4, 4] => first.lower.starts_with('0'),
            _ => {
                (abroad && (8..=15).contains(&digits)) || (announced && (7..=15).contains(&digits))
            }
        };
        let start = if abroad || text.before(first.start) == Some('(') {
            first.start - 1
        } else {
            first.start
        };
        (fits && !is_quantity(text, end, words)).then_some((start, text.tokens[end].end))
    };
    (1..=groups.len()).rev().find_map(|count| whole(count, groups[..count].iter().sum()))
}

/// Whether a word for a phone stands before the number.
fn announced(text: &Text, at: usize, words: &Words) -> bool {
    let mut before = at;
    while before > 0 && words.fillers.contains(&text.tokens[before - 1].lower) {
        before -= 1;
    }
    at > 0 && short(text.gap(at - 1)) && text.phrase_before(before, &words.phone)
}

/// `MRN 12345`, `123-45-6789`, `A1234567`, and any long run of digits that is no quantity.
pub(crate) fn record(text: &Text, at: usize, words: &Words) -> Option<Span> {
    if let Some(count) = text.phrase(at, &words.record) {
        let number = skip_fillers(text, at + count, words)?;
        if let Some(span) = record_number(text, number) {
            return Some(span);
        }
    }
    let first = text.tokens.get(at)?;
    if let Some([a, b, c]) = three(text, at)
        && (length(a), length(b), length(c)) == (3, 2, 4)
        && text.gap(at) == ['-']
        && text.gap(at + 1) == ['-']
    {
        return Some((a.start, c.end));
    }
    let run = if first.digits { first } else { prefixed(text, at)? };
    let digits = length(run);
    let round = run.lower.ends_with("00") && (digits == 6 || run.lower.ends_with("0000"));
    let own = if first.digits { at } else { at + 1 };
    let named = at > 0 && text.phrase_before(at, &words.public);
    let part = text.before(first.start).is_some_and(char::is_alphanumeric)
        || is_part_of_decimal(text, first, run);
    if digits < 6 || round || named || part || is_quantity(text, own, words) {
        return None;
    }
    let public = !first.digits && text.phrase(at, &words.public).is_some();
    (!public).then_some((first.start, run.end))
}

/// The digits after one to three letters without a space: `A1234567`.
fn prefixed(text: &Text, at: usize) -> Option<&Token> {
    let fits = length(text.tokens.get(at)?) <= 3 && text.glued(at);
    text.tokens.get(at + 1).filter(|next| fits && next.digits)
}

/// What is written after "MRN": at least four signs, three of them figures.
fn record_number(text: &Text, at: usize) -> Option<Span> {
    let first = text.tokens.get(at)?;
    if !short(text.gap(at.checked_sub(1)?)) {
        return None;
    }
    let mut last = at;
    while matches!(text.gap(last), [] | ['-' | '/']) && last + 1 < text.tokens.len() {
        last += 1;
    }
    let own = text.tokens.get(at..=last)?;
    let figures: usize = own.iter().filter(|token| token.digits).map(length).sum();
    let signs: usize = own.iter().map(length).sum();
    (figures >= 3 && signs >= 4).then_some((first.start, text.tokens[last].end))
}

/// An age of 90 and over: `92 yo`, `aged 93`, `95F`, `in her 90s`.
pub(crate) fn high_age(text: &Text, at: usize, words: &Words) -> Option<Span> {
    let token = text.tokens.get(at)?;
    if !token.digits {
        return words.old.contains(&token.lower).then_some((token.start, token.end));
    }
    let years = value(token).filter(|years| (90..130).contains(years) && length(token) <= 3)?;
    if is_part_of_decimal(text, token, token)
        || text.before(token.start).is_some_and(char::is_alphabetic)
    {
        return None;
    }
    let near = matches!(text.gap(at), [] | [' ' | '-']);
    if near && let Some(count) = text.phrase(at + 1, &words.age_after) {
        return Some((token.start, text.tokens[at + count].end));
    }
    if at > 0 && text.phrase_before(at, &words.age_before) && !is_quantity(text, at, words) {
        return Some((token.start, token.end));
    }
    if !text.glued(at) {
        return None;
    }
    let warm = at > 0 && text.phrase_before(at, &words.temperature);
    if let Some(count) = text.phrase(at + 1, &words.sex_letters) {
        let last = &text.tokens[at + count];
        let ends = !text.letters.get(last.end).is_some_and(char::is_ascii_digit);
        return (!warm && ends).then_some((token.start, last.end));
    }
    let band = &text.tokens[at + 1];
    let sex = text.tokens.get(at + 2).is_some_and(|next| words.sex.contains(&next.lower));
    let person = sex || (at > 0 && text.phrase_before(at, &words.band));
    (years % 10 == 0 && band.lower == "s" && person).then_some((token.start, band.end))
}

fn three(text: &Text, at: usize) -> Option<[&Token; 3]> {
    let own = text.tokens.get(at..at + 3)?;
    let [a, b, c] = own else { return None };
    (a.digits && b.digits && c.digits).then_some([a, b, c])
}

fn single(gap: &[char]) -> Option<&char> {
    match gap {
        [mark] => Some(mark),
        _ => None,
    }
}

fn skip_ordinal(text: &Text, at: usize) -> usize {
    let ordinal = text
        .tokens
        .get(at)
        .is_some_and(|token| matches!(token.lower.as_str(), "st" | "nd" | "rd" | "th"));
    if ordinal && at > 0 && text.glued(at - 1) { at + 1 } else { at }
}

fn skip_fillers(text: &Text, at: usize, words: &Words) -> Option<usize> {
    let rest = text.tokens.get(at..)?;
    let fillers =
        rest.iter().take(3).take_while(|token| words.fillers.contains(&token.lower)).count();
    Some(at + fillers)
}

/// Marks between the groups of a phone number.
fn in_group(gap: &[char]) -> bool {
    matches!(gap, ['-' | '.' | ' ' | ')'] | [')', ' ' | '-'] | [' ', '('] | [' ', '-', ' '])
}

/// Whether a unit or a per cent sign follows.
fn is_quantity(text: &Text, at: usize, words: &Words) -> bool {
    let Some(token) = text.tokens.get(at) else { return false };
    let sign =
        text.letters.get(token.end..).and_then(|rest| rest.iter().find(|letter| **letter != ' '));
    if matches!(sign, Some('%' | '°')) {
        return true;
    }
    let near = matches!(text.gap(at), [] | [' ' | '-']);
    near && text.tokens.get(at + 1).is_some_and(|next| words.units.contains(&next.lower))
}

/// Whether digits belong to a number with a decimal point or thousands: 0.035, 1,234,567.
fn is_part_of_decimal(text: &Text, first: &Token, last: &Token) -> bool {
    let is_digit = |letter: Option<&char>| letter.is_some_and(char::is_ascii_digit);
    let before = first.start >= 2
        && matches!(text.letters[first.start - 1], '.' | ',')
        && is_digit(text.letters.get(first.start - 2));
    let after = matches!(text.letters.get(last.end), Some('.' | ','))
        && is_digit(text.letters.get(last.end + 1));
    before || after
}

fn length(token: &Token) -> usize {
    token.end - token.start
}

fn value(token: &Token) -> Option<u32> {
    if token.digits { token.lower.parse().ok() } else { None }
}

fn is_day(day: u32) -> bool {
    (1..=31).contains(&day)
}

fn is_month(month: u32) -> bool {
    (1..=12).contains(&month)
}

fn is_year(year: u32) -> bool {
    (1900..2100).contains(&year)
}
