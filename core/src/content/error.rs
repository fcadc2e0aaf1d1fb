//! What is wrong with a piece of content, and exactly where.

use super::wording::{self, Wording};

/// Where in a file something is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ContentPlace {
    /// The file as its author knows it, for example `forms/case.toml`.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// The field as a path, for example `section[2].field[1].kind`; empty for the file as a whole.
    pub field: String,
}

impl std::fmt::Display for ContentPlace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.file, self.line)?;
        if self.field.is_empty() { Ok(()) } else { write!(out, " {}", self.field) }
    }
}

/// Why a piece of content cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum ContentError {
    /// The file is not TOML, or not CSV.
    #[error("{place}: not readable: {reason}")]
    Unreadable {
        /// Where reading stopped.
        place: ContentPlace,
        /// The reader's own words.
        reason: String,
    },
    /// A field that must be there is not.
    #[error("{place}: missing")]
    Missing {
        /// The missing field; the line is that of its table.
        place: ContentPlace,
    },
    /// A field that nothing reads: mostly a slip of the pen.
    #[error("{place}: no such field")]
    UnknownField {
        /// The field.
        place: ContentPlace,
    },
    /// A value of another kind than the field holds.
    #[error("{place}: not {wanted}")]
    WrongKind {
        /// The field.
        place: ContentPlace,
        /// What it holds: `text`, `a whole number`, `a list`, …
        wanted: String,
    },
    /// A value that the field does not allow.
    #[error("{place}: {found:?} is not one of {allowed}")]
    NotAllowed {
        /// The field.
        place: ContentPlace,
        /// What is written there.
        found: String,
        /// What may be.
        allowed: String,
    },
    /// An id that is there already.
    #[error("{place}: {found:?} is there twice")]
    Duplicate {
        /// The second one.
        place: ContentPlace,
        /// The id.
        found: String,
    },
    /// An id that names nothing.
    #[error("{place}: there is no {found:?}")]
    NoSuchId {
        /// Where it is named.
        place: ContentPlace,
        /// The id.
        found: String,
    },
}

impl ContentError {
    /// Where it is.
    pub fn place(&self) -> &ContentPlace {
        match self {
            Self::Unreadable { place, .. }
            | Self::Missing { place }
            | Self::UnknownField { place }
            | Self::WrongKind { place, .. }
            | Self::NotAllowed { place, .. }
            | Self::Duplicate { place, .. }
            | Self::NoSuchId { place, .. } => place,
        }
    }

    /// The key of its words in `messages.toml`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "content.unreadable",
            Self::Missing { .. } => "content.missing",
            Self::UnknownField { .. } => "content.unknown_field",
            Self::WrongKind { .. } => "content.wrong_kind",
            Self::NotAllowed { .. } => "content.not_allowed",
            Self::Duplicate { .. } => "content.duplicate",
            Self::NoSuchId { .. } => "content.no_such_id",
        }
    }

    /// Its words for the person who wrote the file.
    pub fn wording(&self) -> Wording {
        let place = self.place();
        let (found, more) = match self {
            Self::Unreadable { reason, .. } => ("", reason.as_str()),
            Self::WrongKind { wanted, .. } => ("", wanted.as_str()),
            Self::NotAllowed { found, allowed, .. } => (found.as_str(), allowed.as_str()),
            Self::Duplicate { found, .. } | Self::NoSuchId { found, .. } => (found.as_str(), ""),
            Self::Missing { .. } | Self::UnknownField { .. } => ("", ""),
        };
        let line = place.line.to_string();
        let values = [
            ("file", place.file.as_str()),
            ("line", &line),
            ("field", &place.field),
            ("found", found),
            ("more", more),
        ];
        wording::wording(self.key(), &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Messages;

    #[test]
    fn every_mistake_has_its_words_and_fills_them() {
        let place = ContentPlace { file: "own.toml".into(), line: 7, field: "goal[1].id".into() };
        let text = || "x".to_owned();
        let all = [
            ContentError::Unreadable { place: place.clone(), reason: text() },
            ContentError::Missing { place: place.clone() },
            ContentError::UnknownField { place: place.clone() },
            ContentError::WrongKind { place: place.clone(), wanted: text() },
            ContentError::NotAllowed { place: place.clone(), found: text(), allowed: text() },
            ContentError::Duplicate { place: place.clone(), found: text() },
            ContentError::NoSuchId { place, found: text() },
        ];
        let told = Messages::shipped().keys().filter(|key| key.starts_with("content.")).count();
        assert_eq!(told, all.len(), "words that nobody says");
        for error in all {
            let line = error.wording().line();
            assert!(line.starts_with("own.toml, line 7: "), "{line}");
            assert!(!line.contains(['{', '}']), "{line}");
        }
    }
}
