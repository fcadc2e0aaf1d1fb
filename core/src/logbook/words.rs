//! The words for what can go wrong with a logbook.

use crate::content::{Wording, wording, words};
use crate::error::{DamagedPart, LineProblem, LogbookError, MissingPart, StopReason};

impl LogbookError {
    /// What is said to the user: what happened, what was kept, what to do.
    pub fn wording(&self) -> Wording {
        let key = format!("logbook.{}", self.variant());
        match self {
            Self::NewerSchema { found, known } | Self::OlderSchema { found, known } => {
                let (found, known) = (found.to_string(), known.to_string());
                wording(&key, &[("found", &found), ("known", &known)])
            }
            Self::Storage { code } => wording(&key, &[("code", &code.to_string())]),
            Self::BadLine { line, .. } => wording(&key, &[("line", &line.to_string())]),
            Self::ImportStopped { reason, records }
            | Self::ExportStopped { reason, records }
            | Self::BundleStopped { reason, records } => {
                let why = words(&format!("logbook.{}", reason.variant()), &[]);
                wording(&key, &[("why", &why), ("count", &records.to_string())])
            }
            _ => wording(&key, &[]),
        }
    }

    /// The variant's name in `messages.toml`; where the advice differs by a part, with the part.
    fn variant(&self) -> &'static str {
        match self {
            Self::KeyLocked => "key_locked",
            Self::KeyCancelled => "key_cancelled",
            Self::KeyMissing => "key_missing",
            Self::KeyUnavailable => "key_unavailable",
            Self::WrongKey => "wrong_key",
            Self::NoBook => "no_book",
            Self::BookExists => "book_exists",
            Self::PartMissing { part } => missing(*part),
            Self::Damaged { part } => damaged(*part),
            Self::NewerSchema { .. } => "newer_schema",
            Self::OlderSchema { .. } => "older_schema",
            Self::CannotRead => "cannot_read",
            Self::NoRoomToRead => "no_room_to_read",
            Self::DiskFull => "disk_full",
            Self::ReadOnly => "read_only",
            Self::Busy => "busy",
            Self::NoFile => "no_file",
            Self::FileExists => "file_exists",
            Self::Io => "io",
            Self::Storage { .. } => "storage",
            Self::NotFound { .. } => "not_found",
            Self::NoDraft => "no_draft",
            Self::NothingToChoose => "nothing_to_choose",
            Self::ChoiceChanged => "choice_changed",
            Self::NotAnId => "not_an_id",
            Self::NotADay => "not_a_day",
            Self::Cancelled => "cancelled",
            Self::ImportStopped { .. } => "import_stopped",
            Self::ExportStopped { .. } => "export_stopped",
            Self::BundleStopped { .. } => "bundle_stopped",
            Self::TooMuchAtOnce => "too_much_at_once",
            Self::BadBackup => "bad_backup",
            Self::FormerBackup => "former_backup",
            Self::ForgedBackup => "forged_backup",
            Self::CodeNotKept => "code_not_kept",
            Self::CodeTooOld => "code_too_old",
            Self::FilesMoved => "files_moved",
            Self::NothingTyped => "nothing_typed",
            Self::NotInOne => "not_in_one",
            Self::CodeDiffers => "code_differs",
            Self::NotACode => "not_a_code",
            Self::BadLine { reason, .. } => reason.variant(),
            Self::KeyRevoked { .. } => "key_revoked",
            Self::OtherName => "other_name",
            Self::UnknownDefinition => "unknown_definition",
            Self::NotAPage => "not_a_page",
        }
    }
}

fn missing(part: MissingPart) -> &'static str {
    match part {
        MissingPart::Database => "missing_database",
        MissingPart::KeyFile => "missing_key_file",
    }
}

fn damaged(part: DamagedPart) -> &'static str {
    match part {
        DamagedPart::KeyFile => "damaged_key_file",
        DamagedPart::Header => "damaged_header",
        DamagedPart::Page => "damaged_page",
        DamagedPart::WriteAheadLog => "damaged_write_ahead_log",
        DamagedPart::MissingLog => "damaged_missing_log",
        DamagedPart::Structure => "damaged_structure",
        DamagedPart::SearchIndex => "damaged_search_index",
        DamagedPart::Record => "damaged_record",
        DamagedPart::Sums => "damaged_sums",
    }
}

impl StopReason {
    fn variant(self) -> &'static str {
        match self {
            Self::Cancelled => "why_cancelled",
            Self::DiskFull => "why_disk_full",
            Self::ReadOnly => "why_read_only",
            Self::Busy => "why_busy",
            Self::FileChanged => "why_file_changed",
            Self::Damaged => "why_damaged",
            Self::Failed => "why_failed",
        }
    }
}

impl LineProblem {
    /// What is said about a line that was left out.
    pub fn wording(self, line: u64) -> Wording {
        LogbookError::BadLine { line, reason: self }.wording()
    }

    fn variant(self) -> &'static str {
        match self {
            Self::NotText => "bad_line_not_text",
            Self::NotAnObject => "bad_line_not_an_object",
            Self::Kind => "bad_line_kind",
            Self::At => "bad_line_at",
            Self::Fields => "bad_line_fields",
            Self::Id => "bad_line_id",
            Self::TooLarge => "bad_line_too_large",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::content::Messages;

    /// The names that `variant` can give, read from its own text: a new variant does not compile
    /// without one.
    fn names() -> BTreeSet<&'static str> {
        let source = include_str!("words.rs").split("#[cfg(test)]").next().unwrap();
        let arms = source.lines().filter_map(|line| line.trim().split_once(" => \""));
        arms.filter_map(|(_, name)| name.strip_suffix("\",")).collect()
    }

    #[test]
    fn what_each_shell_offers_in_its_own_way_is_named_by_none_here() {
        assert!(!LogbookError::FileExists.wording().line().contains("--"));
    }

    #[test]
    fn every_variant_has_its_words_and_every_word_its_variant() {
        let names = names();
        assert!(names.len() > 30, "{names:?}");
        for name in &names {
            assert!(Messages::shipped().has(&format!("logbook.{name}")), "{name} has no words");
        }
        for key in Messages::shipped().keys() {
            if let Some(name) = key.strip_prefix("logbook.") {
                assert!(names.contains(name), "{key} is never said");
            }
        }
    }

    #[test]
    fn values_are_filled_in() {
        for error in [
            LogbookError::NewerSchema { found: 7, known: 1 },
            LogbookError::Storage { code: 7 },
            LogbookError::BadLine { line: 7, reason: LineProblem::At },
        ] {
            let told = error.wording().line();
            assert!(told.contains('7') && !told.contains('{'), "{told}");
        }
    }
}
