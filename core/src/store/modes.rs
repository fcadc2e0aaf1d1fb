//! Who may read the files of a book: its owner. SQLite gives its own files the rights of the database,
//! so that those are right once the database's are.

use std::fs;
use std::path::Path;

use super::{owner_only, swap};

/// Takes from others what an earlier version, a copy or another program gave them. What cannot be
/// changed is as it was: a file of somebody else's, a disk that cannot be written.
pub(super) fn correct(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut only_ours = true;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            only_ours = false;
            continue;
        };
        if swap::is_ours(name) {
            owner_only::correct(&entry.path());
            let inside = fs::read_dir(entry.path()).into_iter().flatten().flatten();
            inside.for_each(|entry| owner_only::correct(&entry.path()));
        } else if name.trim_start_matches('.').starts_with("book.") || name == super::make::NAME {
            owner_only::correct(&entry.path());
        } else {
            only_ours = false;
        }
    }
    // A folder that holds other things too may be shared on purpose.
    if only_ours {
        owner_only::correct(folder);
    }
}
