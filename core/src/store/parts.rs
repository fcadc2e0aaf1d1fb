//! What there is of a book in a folder.
//!
//! # Decision
//! A folder with any trace of a book is never treated as empty. A file that is missing may have been
//! moved away and come back, and a new book in its place would take the key files from it. So a book is
//! made only where there is nothing; elsewhere the missing part is named, and a backup can be restored.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{DATABASE, LOG, SHARED_MEMORY, backup, key_file, open_mark, swap};
use crate::error::{LogbookError, MissingPart, Result};

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No trace of a book.
    Nothing,
    /// All that a book needs, or one on its way in.
    Book,
    /// Some of it.
    Without(MissingPart),
}

/// Looks into `folder`, which need not be there.
pub(crate) fn look(folder: &Path) -> Result<Found> {
    let names = match fs::read_dir(folder) {
        Ok(entries) => {
            let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
            names
                .collect::<std::io::Result<BTreeSet<_>>>()
                .map_err(|error| LogbookError::reading(&error))?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(LogbookError::reading(&error)),
    };
    let has = |name: &str| names.contains(name);
    if names.iter().any(|name| swap::is_on_its_way(name)) {
        return Ok(Found::Book);
    }
    let has_key = key_file::NAMES.iter().any(|name| has(name));
    if has(DATABASE) {
        return Ok(if has_key { Found::Book } else { Found::Without(MissingPart::KeyFile) });
    }
    let trace = has_key
        || has(LOG)
        || has(SHARED_MEMORY)
        || has(open_mark::NAME)
        || names.iter().any(|name| swap::is_kept(name))
        || backup::is_any_in(folder)?;
    Ok(if trace { Found::Without(MissingPart::Database) } else { Found::Nothing })
}

/// # Errors
/// `BookExists`, or `PartMissing` where there is any trace of a book.
pub(crate) fn nothing(folder: &Path) -> Result<()> {
    match look(folder)? {
        Found::Nothing => Ok(()),
        Found::Book => Err(LogbookError::BookExists),
        Found::Without(part) => Err(LogbookError::PartMissing { part }),
    }
}

/// # Errors
/// `NoBook`, or `PartMissing` where there is not all of one.
pub(crate) fn whole(folder: &Path) -> Result<()> {
    match look(folder)? {
        Found::Book => Ok(()),
        Found::Nothing => Err(LogbookError::NoBook),
        Found::Without(part) => Err(LogbookError::PartMissing { part }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trace_is_seen_and_a_killed_beginning_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let found = |names: &[&str]| {
            let place = tempfile::tempdir_in(folder.path()).unwrap();
            for name in names {
                let path = place.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "x").unwrap();
            }
            look(place.path()).unwrap()
        };
        assert_eq!(look(&folder.path().join("none")), Ok(Found::Nothing));
        for names in [
            &[][..],
            &["book.lock", "making.lock"],
            &["book.lock", "making.lock", "preparing/book.db", "preparing/book.key"],
            &["backups/.lock", "backups/.copy.db", "photo.jpeg"],
        ] {
            assert_eq!(found(names), Found::Nothing, "{names:?}");
        }
        for name in [
            "book.key",
            "book.key.copy",
            "book.db-wal",
            "book.db-shm",
            "book.open",
            "replaced-then/book.db",
            "dropped-then/book.db",
            "damaged-then/book.db",
            "backups/2026-10-05.000000000001.aa.backup",
        ] {
            assert_eq!(found(&[name]), Found::Without(MissingPart::Database), "{name}");
            let both = found(&[name, "book.db"]);
            if name.starts_with("book.key") {
                assert_eq!(both, Found::Book);
            } else {
                assert_eq!(both, Found::Without(MissingPart::KeyFile), "{name}");
            }
        }
        assert_eq!(found(&["incoming-x/book.db"]), Found::Book);
        assert_eq!(found(&["arriving-x/book.db", "book.key"]), Found::Book);
    }
}
