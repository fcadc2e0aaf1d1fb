//! Backups that nobody has to think of: at most one a day, the last seven; and one before each
//! migration. They are sealed to the recovery code, whose public half the key file holds.
//!
//! A file's name says all that is needed to tell whether another is due: the day, how far the book's
//! local sequence was, and which recovery code it is sealed to.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FOLDER, Making, Seal};
use crate::error::{LogbookError, Result};
use crate::job::Work as _;
use crate::store::key::BookKey;
use crate::store::key_file::KeyFile;
use crate::store::{OwnConnection, Place, owner_only};

/// How many there are at most.
const KEPT: usize = 7;
const SUFFIX: &str = ".backup";

/// Where today's automatic backup goes; `None` where none is due.
pub(crate) fn due(
    place: &Place,
    day: &str,
    lseq: u64,
    key_file: &KeyFile,
) -> Result<Option<PathBuf>> {
    let folder = place.folder.join(FOLDER);
    let end = format!(".{}{SUFFIX}", tag(key_file));
    let name = format!("{day}.{lseq:012}{end}");
    // Those that another recovery code opens do not count.
    if let Some(last) = dated(&folder)?.into_iter().rfind(|name| name.ends_with(&end)) {
        let today = last.split('.').next() >= Some(day);
        let unchanged = last.split('.').nth(1) == name.split('.').nth(1);
        if today || unchanged {
            return Ok(None);
        }
    }
    Ok(Some(folder.join(name)))
}

/// Which recovery code a backup is sealed to, without telling anything about it.
fn tag(key_file: &KeyFile) -> String {
    let hash = blake3::derive_key("seldinger 2026 backup tag", key_file.recovery.as_bytes());
    crate::store::key::hex(&hash[..4])
}

/// The names of the dated backups, oldest first.
fn dated(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = names(folder)?;
    names.retain(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    Ok(names)
}

/// None where there is no such folder; an error where it must not be looked into.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| LogbookError::reading(&error))?.flatten(),
    };
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_backup(name)).collect();
    names.sort();
    Ok(names)
}

/// Whether a file in the folder of backups is one.
pub(crate) fn is_backup(name: &str) -> bool {
    name.ends_with(SUFFIX) && !name.starts_with('.')
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
            let day =
                name.split('.').next().filter(|day| day.starts_with(|c: char| c.is_ascii_digit()));
            let bytes = fs::metadata(&path).ok()?.len();
            Some(FoundBackup {
                file: path.display().to_string(),
                day: day.map(str::to_owned),
                bytes,
            })
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
    pub(crate) fn begin_automatic(
        source: OwnConnection,
        place: &Place,
        key: &BookKey,
        key_file: &KeyFile,
        target: &Path,
    ) -> Result<Self> {
        let making = Self::begin(source, place, key, key_file, target, Seal::RecoveryCode)?;
        Ok(Self { keep: Some(KEPT), ..making })
    }
}

/// Makes a backup of a book of an older schema, before it is touched.
pub(crate) fn before_migration(
    source: OwnConnection,
    place: &Place,
    key: &BookKey,
    key_file: &KeyFile,
    from: u32,
    stamp: &str,
) -> Result<()> {
    let target = place.folder.join(FOLDER).join(format!("schema-{from}.{stamp}{SUFFIX}"));
    owner_only::make_folder(&place.folder.join(FOLDER))?;
    let mut making = Making::begin(source, place, key, key_file, &target, Seal::RecoveryCode)?;
    while !making.step()?.finished {}
    Box::new(making).finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;
    use crate::store::key::RecoveryCode;

    fn key_file() -> KeyFile {
        let code = RecoveryCode::new(&SystemIds);
        KeyFile::new(&BookKey::new(&SystemIds), &code.identity().unwrap().to_public()).unwrap()
    }

    #[test]
    fn one_a_day_and_only_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        let (file, other) = (key_file(), key_file());
        let made = due(&place, "2026-10-05", 7, &file).unwrap().unwrap();
        fs::write(&made, "").unwrap();
        assert_eq!(due(&place, "2026-10-05", 9, &file), Ok(None), "one was made today");
        assert_eq!(due(&place, "2026-10-06", 7, &file), Ok(None), "nothing changed");
        assert!(due(&place, "2026-10-06", 9, &file).unwrap().is_some());
        let again = due(&place, "2026-10-05", 7, &other).unwrap().expect("another recovery code");
        fs::write(&again, "").unwrap();
        assert_eq!(due(&place, "2026-10-05", 8, &other), Ok(None));
        assert_eq!(due(&place, "2026-10-04", 9, &file), Ok(None), "a clock that was set back");
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
