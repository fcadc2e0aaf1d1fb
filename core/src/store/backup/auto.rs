//! Backups that nobody has to think of: at most one a day, the last seven; and one before each
//! migration. They are sealed to the recovery code, whose public half the book holds.
//!
//! A file's name says all that is needed to tell whether another is due: the day, how far the book's
//! local sequence was, and in which format and to which recovery code it is sealed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::file::FORMAT;
use super::{FOLDER, Making, OLDER, Seal, Source, copy_aside};
use crate::error::{LogbookError, Result};
use crate::job::Work as _;
use crate::store::recovery::BackupKeys;
use crate::store::{Existing, Place, owner_only};

/// How many there are at most.
const KEPT: usize = 7;
const SUFFIX: &str = ".backup";

/// Where today's automatic backup goes; `None` where none is due.
pub(crate) fn due(
    place: &Place,
    day: &str,
    lseq: u64,
    keys: &BackupKeys,
) -> Result<Option<PathBuf>> {
    let folder = place.folder.join(FOLDER);
    let end = format!(".{}{SUFFIX}", tag(keys));
    let name = format!("{day}.{lseq:012}{end}");
    // Those that another recovery code opens do not count, nor those of a former format.
    if let Some(last) = dated(&folder)?.into_iter().rfind(|name| name.ends_with(&end)) {
        let today = self::day(&last) >= Some(day);
        let unchanged = last.split('.').nth(1) == name.split('.').nth(1);
        if today || unchanged {
            return Ok(None);
        }
    }
    Ok(Some(folder.join(name)))
}

/// In which format and to which recovery code a backup is sealed, without telling anything about the code.
fn tag(keys: &BackupKeys) -> String {
    let sealed = format!("{FORMAT} {}", keys.recipient);
    let hash = blake3::derive_key("seldinger 2026 backup tag", sealed.as_bytes());
    crate::store::key::hex(&hash[..4])
}

/// The names of the dated backups, oldest first.
fn dated(folder: &Path) -> Result<Vec<String>> {
    let mut names = names(folder)?;
    names.retain(|name| day(name).is_some());
    Ok(names)
}

/// The day in the name of a dated backup; `None` in that of one that was made before an upgrade.
fn day(name: &str) -> Option<&str> {
    name.split('.').next().filter(|day| day.starts_with(|c: char| c.is_ascii_digit()))
}

/// The names of all backups in a folder of backups; none where there is no such folder, an error where it
/// must not be looked into.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = try_names(folder).map_err(|error| LogbookError::reading(&error))?;
    names.sort();
    Ok(names)
}

fn try_names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
    let is_backup = |name: &String| name.ends_with(SUFFIX) && !name.starts_with('.');
    Ok(names.collect::<io::Result<Vec<String>>>()?.into_iter().filter(is_backup).collect())
}

/// Whether there is any backup in a book's folder.
pub(crate) fn is_any_in(folder: &Path) -> Result<bool> {
    Ok(!try_names(&folder.join(FOLDER))?.is_empty())
}

/// A backup that lies in a book's folder.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FoundBackup {
    /// Where it is.
    pub file: String,
    /// The day that its name tells, as 2026-10-05; `None` for one that was made before an upgrade.
    pub day: Option<String>,
    /// How long it is.
    pub bytes: u64,
}

quiet_debug!(FoundBackup);

/// The backups in the folder of a book, which need not be whole: the latest first, those made before an
/// upgrade last.
pub fn found_in(folder: &Path) -> Vec<FoundBackup> {
    // A folder that must not be looked into offers none; opening the book says why.
    let mut found: Vec<FoundBackup> = files(&Place::new(folder))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            let day = day(&name).map(str::to_owned);
            let bytes = fs::metadata(&path).ok()?.len();
            Some(FoundBackup { file: path.display().to_string(), day, bytes })
        })
        .collect();
    found.sort_by(|a, b| (&b.day, &b.file).cmp(&(&a.day, &a.file)));
    found
}

/// Every backup in the book's folder, oldest first.
pub(crate) fn files(place: &Place) -> Result<Vec<PathBuf>> {
    let folder = place.folder.join(FOLDER);
    Ok(names(&folder)?.into_iter().map(|name| folder.join(name)).collect())
}

/// Removes the oldest dated backups beside `newest`.
pub(super) fn prune(newest: &Path, keep: usize) -> Result<()> {
    let Some(folder) = newest.parent() else { return Ok(()) };
    let names = dated(folder)?;
    for name in &names[..names.len().saturating_sub(keep)] {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

impl Making {
    /// Begins an automatic backup; when it is whole, the eighth is removed.
    pub(crate) fn begin_automatic(source: Source<'_>, target: &Path) -> Result<Self> {
        let making = Self::begin(source, target, Existing::Replace, Seal::RecoveryCode)?;
        Ok(Self { keep: Some(KEPT), ..making })
    }
}

/// Makes a backup of a book of an older schema, before it is touched; `stamp` is now, as part of a name.
/// A book that has nothing to seal a backup with is copied as it is: the version that made it opens that.
pub(crate) fn before_migration(mut source: Source<'_>, from: u32, stamp: &str) -> Result<()> {
    if source.conn.read(BackupKeys::of)?.is_none() {
        let (folder, why) = (&source.place.folder, format!("{OLDER}{from}"));
        // Nobody writes meanwhile, so the database and its log go together.
        return source.conn.write(|_| copy_aside(folder, &why, stamp));
    }
    let folder = source.place.folder.join(FOLDER);
    owner_only::make_folder(&folder)?;
    let target = folder.join(format!("schema-{from}.{stamp}{SUFFIX}"));
    let mut making = Making::begin(source, &target, Existing::Replace, Seal::RecoveryCode)?;
    while !making.step()?.finished {}
    Box::new(making).finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;
    use crate::store::key::RecoveryCode;

    fn keys() -> BackupKeys {
        let code = RecoveryCode::new(&SystemIds);
        let recipient = code.identity().unwrap().to_public();
        BackupKeys { recipient, authentication: code.authentication() }
    }

    #[test]
    fn one_a_day_and_only_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        let (ours, other) = (keys(), keys());
        let made = due(&place, "2026-10-05", 7, &ours).unwrap().unwrap();
        fs::write(&made, "").unwrap();
        assert_eq!(due(&place, "2026-10-05", 9, &ours), Ok(None), "one was made today");
        assert_eq!(due(&place, "2026-10-06", 7, &ours), Ok(None), "nothing changed");
        assert!(due(&place, "2026-10-06", 9, &ours).unwrap().is_some());
        let again = due(&place, "2026-10-05", 7, &other).unwrap().expect("another recovery code");
        fs::write(&again, "").unwrap();
        assert_eq!(due(&place, "2026-10-05", 8, &other), Ok(None));
        assert_eq!(due(&place, "2026-10-04", 9, &ours), Ok(None), "a clock that was set back");
    }

    #[test]
    fn the_last_seven_stay() {
        let folder = tempfile::tempdir().unwrap();
        let name =
            |day: u32| folder.path().join(format!("2026-10-{day:02}.000000000001.aa.backup"));
        (1..=9).for_each(|day| fs::write(name(day), "").unwrap());
        let migration = folder.path().join("schema-1.2026-01-01.backup");
        fs::write(&migration, "").unwrap();
        prune(&name(9), 7).unwrap();
        let left: Vec<u32> = (1..=9).filter(|day| name(*day).exists()).collect();
        assert_eq!(left, [3, 4, 5, 6, 7, 8, 9]);
        assert!(migration.exists());
    }
}
