//! Cuts a jot into words, numbers and marks, each with its place in the text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Mark,
}

/// One piece of a jot.
#[derive(Clone)]
pub(super) struct Token {
    pub kind: Kind,
    /// Lower case, plain spelling (`µ` is `u`, apostrophes are dropped).
    pub text: String,
    /// The number, when it is one.
    pub value: f64,
    /// Unicode scalar offsets into the original text.
    pub start: u32,
    pub end: u32,
    /// Nothing, or only a hyphen, stands between this token and the one before.
    pub glued: bool,
    /// Typed with a capital first letter.
    pub capital: bool,
    /// Typed in capitals throughout.
    pub upper: bool,
}

quiet_debug!(Token);

impl Token {
    /// Whether this is the mark or word `text`.
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

struct Cutter {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    end_of_last: usize,
}

/// Cuts `text` into tokens.
pub(super) fn cut(text: &str) -> Vec<Token> {
    let mut cutter = Cutter {
        chars: text.chars().map(plain).collect(),
        at: 0,
        tokens: Vec::new(),
        end_of_last: usize::MAX,
    };
    while cutter.at < cutter.chars.len() {
        cutter.step();
    }
    cutter.tokens
}

/// One spelling for look-alike characters; never changes how many there are.
fn plain(c: char) -> char {
    match c {
        '²' => '2',
        '³' => '3',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '’' | '‘' | '`' | '´' | '′' => '\'',
        '×' => 'x',
        '·' | '•' => '.',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'ö' | 'ó' | 'ò' | 'ô' => 'o',
        'µ' | 'μ' | 'ü' | 'ú' | 'ù' => 'u',
        'ä' | 'á' | 'à' | 'â' | 'å' => 'a',
        'ï' | 'í' | 'ì' => 'i',
        'ç' => 'c',
        'ñ' => 'n',
        _ => c,
    }
}

impl Cutter {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or(' ')
    }

    fn before(&self) -> char {
        self.at.checked_sub(1).and_then(|i| self.chars.get(i)).copied().unwrap_or(' ')
    }

    fn step(&mut self) {
        let c = self.peek(0);
        if c.is_whitespace() {
            self.at += 1;
        } else if c.is_ascii_digit() || (matches!(c, '.' | ',') && self.leads_number()) {
            self.number();
        } else if c.is_alphabetic() {
            self.word();
        } else {
            self.mark(c);
        }
    }

    /// `.6L`: a point that opens a number rather than closing a sentence.
    fn leads_number(&self) -> bool {
        self.peek(0) == '.' && self.peek(1).is_ascii_digit() && !self.before().is_alphanumeric()
    }

    fn push(&mut self, kind: Kind, from: usize, value: f64) {
        let raw = &self.chars[from..self.at];
        let text: String =
            raw.iter().filter(|c| **c != '\'').flat_map(|c| c.to_lowercase()).collect();
        let letters = raw.iter().filter(|c| c.is_alphabetic());
        let token = Token {
            kind,
            text,
            value,
            start: offset(from),
            end: offset(self.at),
            glued: from == self.end_of_last,
            capital: raw.first().is_some_and(|c| c.is_uppercase()),
            upper: letters.clone().count() > 0 && letters.clone().all(|c| c.is_uppercase()),
        };
        self.end_of_last = self.at;
        self.tokens.push(token);
    }

    fn word(&mut self) {
        let from = self.at;
        while self.peek(0).is_alphabetic() || (self.peek(0) == '\'' && self.peek(1).is_alphabetic())
        {
            // A possessive is the name and a mark that says nothing.
            if self.peek(0) == '\''
                && matches!(self.peek(1), 's' | 'S')
                && !self.peek(2).is_alphanumeric()
            {
                break;
            }
            self.at += 1;
        }
        self.push(Kind::Word, from, 0.0);
        if self.peek(0) == '\'' && matches!(self.peek(1), 's' | 'S') {
            self.at += 2;
            self.end_of_last = self.at;
        }
    }

    fn number(&mut self) {
        let from = self.at;
        let mut digits = String::new();
        let mut pointed = false;
        loop {
            let c = self.peek(0);
            if c.is_ascii_digit() {
                digits.push(c);
            } else if c == '.' && !pointed && self.peek(1).is_ascii_digit() {
                pointed = true;
                digits.push('.');
            } else if c == ',' && !pointed && self.peek(1).is_ascii_digit() && !digits.is_empty() {
                if !self.groups_thousands(&digits) {
                    // A decimal comma has one or two digits behind it and no list goes on.
                    let run = (1..=4).take_while(|i| self.peek(*i).is_ascii_digit()).count();
                    let listed = self.peek(run + 1) == ',' && self.peek(run + 2).is_ascii_digit();
                    if run > 2 || listed {
                        break;
                    }
                    pointed = true;
                    digits.push('.');
                }
            } else {
                break;
            }
            self.at += 1;
        }
        let value = digits.parse().unwrap_or(0.0);
        self.push(Kind::Number, from, value);
    }

    fn groups_thousands(&self, digits: &str) -> bool {
        (1..=3).all(|i| self.peek(i).is_ascii_digit())
            && !self.peek(4).is_ascii_digit()
            && digits.len() <= 3
            && !digits.starts_with('0')
    }

    fn mark(&mut self, c: char) {
        let from = self.at;
        let two = (c, self.peek(1));
        if matches!(two, ('-' | '=', '>')) {
            self.at += 2;
            self.push(Kind::Mark, from, 0.0);
            self.rename_last("→");
            return;
        }
        self.at += 1;
        if (c == '-' && self.joins(from)) || (c == '.' && self.letters_around(from)) {
            // `g-tube`, `y-90`: the hyphen says nothing, the halves stay glued.
            if self.end_of_last == from {
                self.end_of_last = self.at;
            }
            return;
        }
        self.push(Kind::Mark, from, 0.0);
        if c == '\'' {
            self.rename_last("'");
        }
    }

    /// A hyphen inside a word, or between a word and a number.
    fn joins(&self, from: usize) -> bool {
        let before = from.checked_sub(1).and_then(|i| self.chars.get(i)).copied().unwrap_or(' ');
        let after = self.peek(0);
        before.is_alphanumeric()
            && after.is_alphanumeric()
            && !(before.is_ascii_digit() && after.is_ascii_digit())
    }

    /// `Gy·cm2`, `i.v.`: a point inside a word.
    fn letters_around(&self, from: usize) -> bool {
        let before = from.checked_sub(1).and_then(|i| self.chars.get(i)).copied().unwrap_or(' ');
        before.is_alphabetic() && self.peek(0).is_alphabetic()
    }

    fn rename_last(&mut self, text: &str) {
        if let Some(token) = self.tokens.last_mut() {
            text.clone_into(&mut token.text);
        }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        cut(text).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn units_come_apart_from_numbers() {
        assert_eq!(
            texts("14.5F 11m30s L3-4 y-90"),
            ["14.5", "f", "11", "m", "30", "s", "l", "3", "-", "4", "y", "90"]
        );
        assert_eq!(texts("10->12F b/l G-tube"), ["10", "→", "12", "f", "b", "/", "l", "g", "tube"]);
        assert_eq!(texts("didn't Moreau's obs'd"), ["didnt", "moreau", "obsd"]);
    }

    #[test]
    fn numbers_are_read_with_points_and_commas() {
        let values: Vec<f64> = cut("1,120 .6L 2,5 3.4, 5,6,7 1,2345")
            .iter()
            .filter(|t| t.kind == Kind::Number)
            .map(|t| t.value)
            .collect();
        assert_eq!(values[..4], [1120.0, 0.6, 2.5, 3.4]);
    }

    #[test]
    fn places_count_characters_not_bytes() {
        let tokens = cut("µm → 5F");
        assert_eq!((tokens[0].start, tokens[0].end), (0, 2));
        assert_eq!(tokens[2].start, 5);
        assert!(tokens[3].glued && !tokens[2].glued);
    }
}
