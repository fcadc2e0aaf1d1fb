//! Names behind a title, and e-mail addresses.

use super::number::Span;
use super::token::Text;
use super::words::Words;

/// `Mr. Smith`, `mrs smith`, `named Jane`. "MR liver" is magnetic resonance.
pub(crate) fn name(text: &Text, at: usize, words: &Words) -> Option<Span> {
    let title = text.tokens.get(at)?;
    let titled = words.titles.contains(&title.lower);
    let count = if titled { 1 } else { text.phrase(at, &words.name)? };
    let mut next = at + count;
    let gap = text.gap(next - 1);
    let dotted = gap == ['.', ' '] || gap == ['.'];
    let spaced = gap == [' '] || gap == ['\u{a0}'] || (!titled && gap == [':', ' ']);
    let first = text.tokens.get(next).filter(|token| !token.digits && (dotted || spaced))?;
    if words.not_names.contains(&first.lower) {
        return None;
    }
    let proper = first.capital && !first.shouted;
    let initial = first.capital && first.end - first.start == 1 && text.gap(next) == ['.', ' '];
    let found = match title.lower.as_str() {
        _ if !titled => proper,
        _ if initial || (dotted && first.end - first.start > 1) => true,
        // Milliseconds, a verb.
        "ms" if at > 0 && text.tokens[at - 1].digits => false,
        "miss" => title.capital && proper,
        "ms" | "mx" => proper,
        _ if title.shouted => proper,
        _ => proper || (first.end - first.start >= 3 && !first.shouted),
    };
    if !found {
        return None;
    }
    // First and last name, or an initial and a name.
    while text
        .tokens
        .get(next + 1)
        .is_some_and(|token| !token.digits && token.capital && !token.shouted)
        && matches!(text.gap(next), [' '] | ['.', ' '])
        && (text.gap(next) == [' '] || text.tokens[next].end - text.tokens[next].start == 1)
        && next < at + count + 2
    {
        next += 1;
    }
    Some((title.start, text.tokens[next].end))
}

/// The e-mail address around an @ at this position.
pub(crate) fn email(letters: &[char], at: usize) -> Option<Span> {
    let local =
        |letter: &char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '%' | '+' | '-');
    let domain = |letter: &char| letter.is_alphanumeric() || matches!(letter, '.' | '-');
    let before = letters[..at].iter().rev().take(64).take_while(|letter| local(letter)).count();
    let mut after = letters[at + 1..].iter().take(255).take_while(|letter| domain(letter)).count();
    while after > 0 && !letters[at + after].is_alphanumeric() {
        after -= 1;
    }
    let host = &letters[at + 1..=at + after];
    let dot = host.iter().rposition(|letter| *letter == '.')?;
    let ending = &host[dot + 1..];
    let fits = before > 0
        && dot > 0
        && ending.len() >= 2
        && ending.iter().all(|letter| letter.is_alphabetic());
    fits.then_some((at - before, at + 1 + after))
}
