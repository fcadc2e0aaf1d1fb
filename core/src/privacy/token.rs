//! Words and runs of digits of a text, and phrases of such words.

/// A run of letters or of digits, by the positions of its Unicode scalars.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub start: usize,
    pub end: usize,
    /// Only ASCII digits; else only letters, with apostrophes and hyphens between letters.
    pub digits: bool,
    /// In small letters.
    pub lower: String,
    /// Begins with a capital.
    pub capital: bool,
    /// Has no small letter.
    pub shouted: bool,
}

quiet_debug!(Token);

/// A text taken apart.
pub(crate) struct Text {
    pub letters: Vec<char>,
    pub tokens: Vec<Token>,
}

impl Text {
    pub fn new(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < letters.len() {
            let first = letters[at];
            let start = at;
            if first.is_ascii_digit() {
                while letters.get(at).is_some_and(char::is_ascii_digit) {
                    at += 1;
                }
            } else if first.is_alphabetic() {
                at = word_end(&letters, at);
            } else {
                at += 1;
                continue;
            }
            let own = &letters[start..at];
            tokens.push(Token {
                start,
                end: at,
                digits: first.is_ascii_digit(),
                lower: own.iter().flat_map(|letter| letter.to_lowercase()).collect(),
                capital: first.is_uppercase(),
                shouted: !own.iter().any(|letter| letter.is_lowercase()),
            });
        }
        Self { letters, tokens }
    }

    /// What stands between a token and the next.
    pub fn gap(&self, at: usize) -> &[char] {
        match (self.tokens.get(at), self.tokens.get(at + 1)) {
            (Some(token), Some(next)) => &self.letters[token.end..next.start],
            _ => &[],
        }
    }

    /// Whether a token follows the one at `at` directly, with nothing between.
    pub fn glued(&self, at: usize) -> bool {
        at + 1 < self.tokens.len() && self.gap(at).is_empty()
    }

    /// The letter before a position.
    pub fn before(&self, position: usize) -> Option<char> {
        position.checked_sub(1).and_then(|before| self.letters.get(before)).copied()
    }

    /// How many tokens from `at` on make up one of the phrases, the longest first.
    pub fn phrase(&self, at: usize, phrases: &[Phrase]) -> Option<usize> {
        phrases.iter().filter(|phrase| self.matches(at, phrase)).map(|phrase| phrase.0.len()).max()
    }

    /// Whether one of the phrases ends just before the token at `at`.
    pub fn phrase_before(&self, at: usize, phrases: &[Phrase]) -> bool {
        phrases.iter().any(|phrase| {
            let from = at.checked_sub(phrase.0.len());
            from.is_some_and(|from| {
                self.matches(from, phrase) && (at == 0 || short(self.gap(at - 1)))
            })
        })
    }

    fn matches(&self, at: usize, phrase: &Phrase) -> bool {
        phrase.0.iter().enumerate().all(|(offset, word)| {
            let token = self.tokens.get(at + offset);
            let joined = offset == 0 || joins(self.gap(at + offset - 1));
            joined && token.is_some_and(|token| token.lower == *word)
        })
    }
}

/// Words in a row.
pub(crate) struct Phrase(Vec<String>);

impl Phrase {
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_owned).collect())
    }
}

/// Letters, with a hyphen or an apostrophe where letters stand on both sides. A hyphen counts only
/// before a capital (Smith-Jones), so that `year-old` stays two words.
fn word_end(letters: &[char], from: usize) -> usize {
    let mut at = from;
    while let Some(letter) = letters.get(at) {
        let next = letters.get(at + 1);
        let inner = match letter {
            '\'' | '’' => next.is_some_and(|next| next.is_alphabetic()) && at > from,
            '-' => {
                next.is_some_and(|next| next.is_uppercase())
                    && letters[from].is_uppercase()
                    && at > from + 1
            }
            letter => letter.is_alphabetic(),
        };
        if !inner {
            break;
        }
        at += 1;
    }
    at
}

/// Spaces and marks that may stand within a phrase.
fn joins(gap: &[char]) -> bool {
    gap.len() <= 2 && gap.iter().all(|letter| matches!(letter, ' ' | '.' | '-' | '/' | '\u{a0}'))
}

/// Spaces and marks that may stand between a word and what it names.
pub(crate) fn short(gap: &[char]) -> bool {
    gap.len() <= 3
        && gap
            .iter()
            .all(|letter| matches!(letter, ' ' | '.' | ':' | '#' | '-' | '=' | '(' | '\u{a0}'))
}
