//! The English words of every error and warning, by key: once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::error::ContentError;
use super::source::SourceFile;

/// What is said to a person: what happened, what was kept, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Wording {
    /// What happened.
    pub what: String,
    /// What was kept; empty where nothing was at stake.
    pub kept: String,
    /// What to do; empty where nothing needs doing.
    pub todo: String,
}

impl Wording {
    /// All of it on one line.
    pub fn line(&self) -> String {
        let parts = [&self.what, &self.kept, &self.todo];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// All wordings of a language.
#[derive(Debug, Clone, Default)]
pub struct Messages(BTreeMap<String, Wording>);

impl Messages {
    /// Reads `messages.toml`: tables `[room.variant]` with `what`, `kept` and `do`.
    ///
    /// # Errors
    /// `ContentError` with line and field.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ContentError> {
        let rooms = SourceFile::new(file_name, text).read(|root| {
            root.named(None, |room, variants| {
                variants.named(None, |variant, table| {
                    let wording = Wording {
                        what: table.text("what")?,
                        kept: table.opt_text("kept")?.unwrap_or_default(),
                        todo: table.opt_text("do")?.unwrap_or_default(),
                    };
                    for (key, part) in
                        [("what", &wording.what), ("kept", &wording.kept), ("do", &wording.todo)]
                    {
                        if placeholders(part).is_none() {
                            let allowed = "closed braces around a name".to_owned();
                            let (place, found) = (table.place(key), part.clone());
                            return Err(ContentError::NotAllowed { place, found, allowed });
                        }
                    }
                    Ok((format!("{room}.{variant}"), wording))
                })
            })
        })?;
        Ok(Self(rooms.into_iter().flatten().collect()))
    }

    /// The shipped English.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Messages> = OnceLock::new();
        // A test proves that it parses; should it ever not, keys are shown instead of words.
        SHIPPED.get_or_init(|| Self::parse(TEXT, "messages.toml").unwrap_or_default())
    }

    /// Whether there are words for a key.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The names in braces that a key's words want filled in.
    pub fn names(&self, key: &str) -> Vec<String> {
        let Some(wording) = self.0.get(key) else { return Vec::new() };
        let parts = [&wording.what, &wording.kept, &wording.todo];
        let mut names: Vec<String> = parts
            .into_iter()
            .filter_map(|part| placeholders(part))
            .flatten()
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The words for a key with its values filled in; for a key without words, the key.
    pub fn wording(&self, key: &str, values: &[(&str, &str)]) -> Wording {
        let Some(wording) = self.0.get(key) else {
            return Wording { what: key.to_owned(), ..Wording::default() };
        };
        Wording {
            what: filled(&wording.what, values),
            kept: filled(&wording.kept, values),
            todo: filled(&wording.todo, values),
        }
    }
}

const TEXT: &str = include_str!("../../content/messages.toml");

/// The shipped words for a key, with `{name}` replaced by its value.
pub fn wording(key: &str, values: &[(&str, &str)]) -> Wording {
    Messages::shipped().wording(key, values)
}

/// The same on one line.
pub fn words(key: &str, values: &[(&str, &str)]) -> String {
    wording(key, values).line()
}

/// The names in braces, or `None` where a brace is not closed.
fn placeholders(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let after = rest.get(open..)?.strip_prefix('{')?;
        let close = after.find('}')?;
        let name = after.get(..close)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            return None;
        }
        names.push(name);
        rest = after.get(close + 1..)?;
    }
    Some(names)
}

/// One pass from left to right, so that a value holding braces is never read as a placeholder.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = after.find('}') else {
            rest = after;
            break;
        };
        let (name, tail) =
            (after.get(1..close).unwrap_or_default(), after.get(close + 1..).unwrap_or_default());
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out.push_str(value),
            None => out.push_str(after.get(..=close).unwrap_or_default()),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_words_are_read() {
        let messages = Messages::parse(TEXT, "messages.toml").unwrap();
        assert!(messages.has("form.not_a_number"));
        for key in messages.keys() {
            let wording = messages.wording(key, &[]);
            for part in [&wording.what, &wording.kept, &wording.todo] {
                assert!(!part.contains('!'), "{key} shouts");
                // "Kept: Port placement" ends with a name; a badge and "3 days ago" are no sentences.
                let is_part = key.starts_with("badge.") || key.starts_with("ago.");
                let is_label = part.is_empty() || is_part;
                let ends = is_label || part.ends_with(['.', '}']);
                assert!(ends, "{key}: a sentence ends with a full stop");
            }
        }
    }

    #[test]
    fn names_are_filled_in_once() {
        let text = "[a.b]\nwhat = '{file}, line {line}.'\nkept = 'Kept.'\n";
        let messages = Messages::parse(text, "m").unwrap();
        assert_eq!(messages.names("a.b"), ["file", "line"]);
        let told = messages.wording("a.b", &[("file", "{line}"), ("line", "7")]);
        assert_eq!(told.line(), "{line}, line 7. Kept.");
        assert_eq!(messages.wording("a.b", &[]).what, "{file}, line {line}.");
        assert_eq!(messages.wording("no.such", &[]).line(), "no.such");
    }

    #[test]
    fn an_open_brace_is_told() {
        let error = Messages::parse("[a.b]\nwhat = 'x'\nkept = 'y {file'\n", "m").unwrap_err();
        assert_eq!(error.place().to_string(), "m:3 a.b.kept");
        assert!(Messages::parse("[a.b]\nwhat = 'x}'\n", "m").is_err());
        assert!(Messages::parse("[a]\nb = 'x'\n", "m").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_filled(text: String, name: String, value: String) {
            let _ = (placeholders(&text), filled(&text, &[(&name, &value)]));
        }
    }
}
