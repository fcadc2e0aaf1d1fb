//! The word lists of the scan, from `content/privacy/`.

use std::sync::OnceLock;

use super::token::Phrase;
use crate::content::ContentError;
use crate::content::source::{SourceFile, Table};

/// All lists, ready for matching.
#[derive(Default)]
pub(crate) struct Words {
    pub record: Vec<Phrase>,
    pub public: Vec<Phrase>,
    pub birth: Vec<Phrase>,
    pub phone: Vec<Phrase>,
    pub fillers: Vec<String>,
    pub months: Vec<String>,
    pub titles: Vec<String>,
    pub name: Vec<Phrase>,
    pub not_names: Vec<String>,
    pub age_before: Vec<Phrase>,
    pub age_after: Vec<Phrase>,
    pub old: Vec<String>,
    pub sex_letters: Vec<Phrase>,
    pub sex: Vec<String>,
    pub temperature: Vec<Phrase>,
    pub band: Vec<Phrase>,
    pub units: Vec<String>,
    pub date_fields: Vec<String>,
}

impl Words {
    pub fn shipped() -> &'static Self {
        static WORDS: OnceLock<Words> = OnceLock::new();
        WORDS.get_or_init(|| Self::parse(TEXT).unwrap_or_default())
    }

    fn parse(text: &str) -> Result<Self, ContentError> {
        SourceFile::new("privacy/identifiers.toml", text).read(|root| {
            let list = |key| list(root, key);
            let phrases = |key| Ok(list(key)?.iter().map(|text| Phrase::new(text)).collect());
            Ok(Self {
                record: phrases("record_words")?,
                public: phrases("public_words")?,
                birth: phrases("birth_words")?,
                phone: phrases("phone_words")?,
                fillers: list("fillers")?,
                months: list("months")?,
                titles: list("titles")?,
                name: phrases("name_words")?,
                not_names: list("not_names")?,
                age_before: phrases("age_words_before")?,
                age_after: phrases("age_words_after")?,
                old: list("old_words")?,
                sex_letters: phrases("sex_letters")?,
                sex: list("sex_words")?,
                temperature: phrases("temperature_words")?,
                band: phrases("band_words")?,
                units: list("units")?,
                date_fields: list("date_fields")?,
            })
        })
    }

    /// Whether a word is a month, in full or by its first three or four letters.
    pub fn is_month(&self, word: &str) -> bool {
        let short = (3..=4).contains(&word.len());
        self.months.iter().any(|month| month == word || (short && month.starts_with(word)))
    }
}

const TEXT: &str = include_str!("../../content/privacy/identifiers.toml");

/// A list that must be there, in small letters.
fn list(root: &Table<'_>, key: &str) -> Result<Vec<String>, ContentError> {
    let entries = root.texts(key)?;
    if entries.is_empty() {
        return Err(ContentError::Missing { place: root.place(key) });
    }
    if let Some(wrong) = entries.iter().find(|entry| entry.value != entry.value.to_lowercase()) {
        let (place, found) = (wrong.place.clone(), wrong.value.clone());
        return Err(ContentError::NotAllowed { place, found, allowed: "small letters".to_owned() });
    }
    Ok(entries.into_iter().map(|entry| entry.value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_lists_are_whole() {
        Words::parse(TEXT).unwrap();
        let error = Words::parse("record_words = ['MRN']\n").err().unwrap();
        assert_eq!(error.place().to_string(), "privacy/identifiers.toml:1 record_words[1]");
    }
}
