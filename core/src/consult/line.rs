//! A line of scribbles, word by word, and what is said of it so far.

/// A word with what stands around it.
pub(super) struct Token<'t> {
    pub whole: &'t str,
    pub before: &'t str,
    pub core: &'t str,
    pub after: &'t str,
}

impl<'t> Token<'t> {
    pub fn of(whole: &'t str) -> Self {
        let inner = whole.trim_start_matches(['(', '"', '“', '[']);
        let before = &whole[..whole.len() - inner.len()];
        let core = inner.trim_end_matches([',', '.', ';', ':', ')', '!', '?', '"', '”', ']']);
        if core.is_empty() {
            return Self { whole, before: "", core: whole, after: "" };
        }
        Self { whole, before, core, after: &inner[core.len()..] }
    }
}

/// What was said of a line so far.
pub(super) struct Line {
    pub said: Vec<String>,
    /// A figure was said last, and more may follow it.
    pub after_figure: bool,
}

impl Line {
    pub fn push(&mut self, token: &Token<'_>, said: &str) {
        self.said.push(format!("{}{said}{}", token.before, token.after));
        self.after_figure = false;
    }

    pub fn attach(&mut self, mark: &str) {
        if let Some(last) = self.said.last_mut() {
            last.push_str(mark);
        }
    }

    pub fn comma(&mut self) {
        if self
            .said
            .last()
            .is_some_and(|last| last.ends_with(|c: char| c.is_alphanumeric() || c == ')'))
        {
            self.attach(",");
        }
    }

    /// A comma between a figure and what follows it, where that goes on with something else.
    pub fn gap(&mut self, next: &Token<'_>, joins: bool) {
        if self.after_figure && next.before.is_empty() && !joins {
            self.comma();
        }
        self.after_figure = false;
    }
}

/// Digits with what stands within numbers: `88/50`, `10-12`, `6.2`.
pub(super) fn is_figure(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '-' | '–' | '%'))
}

pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
}

/// The first letter large.
pub(super) fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first letter small.
pub(super) fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Sentences begin with a capital; the first is left as it is, because it may go on from something.
pub(super) fn capitals(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if out.ends_with(' ') && out.trim_end().ends_with(['.', '!', '?']) {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
    }
    out
}
