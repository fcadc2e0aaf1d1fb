//! A new key for the book, and the old one back into a vault that lost it.
//!
//! # Decision
//! A new key always comes with a new recovery code, shown once: whoever changes a key because somebody
//! else may have it would otherwise have to know that the code opens the new one as well. The price:
//! backups made before open only with the code of their time, so both are kept until those are gone.

use std::path::Path;
use std::sync::Arc;

use super::aside::{Aside, Stage};
use super::backup::{replaced_books, unused};
use super::integrity::{self, Whole};
use super::key::{self, BookKey, KeyVault, RecoveryCode};
use super::key_file::KeyFile;
use super::lock::BookLock;
use super::make::Turn;
use super::open_mark::Held;
use super::swap::{DROPPED, Prepared};
use super::{Place, copy, parts, swap};
use crate::error::{LogbookError, Result};
use crate::ids::Ids;
use crate::job::{JobProgress, Work};

/// What changing the key gave.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct KeyChange {
    /// The new recovery code, to be shown once.
    pub recovery_code: String,
}

impl std::fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyChange(..)")
    }
}

/// The work: copied under the new key, verified, put in place; then the old files and key go.
pub(crate) struct Rekey {
    place: Place,
    vault: Arc<dyn KeyVault>,
    old_name: String,
    key: BookKey,
    code: RecoveryCode,
    stamp: String,
    stage: Option<Doing>,
    prepared: Option<Prepared>,
    _held: Arc<Held>,
}

enum Doing {
    Copying(Aside<u64>),
    Verifying(Aside<Whole>, u64),
    Done,
}

impl Rekey {
    /// Begins to change the key of the book in `place`.
    ///
    /// # Errors
    /// Those of opening it; `Busy` while it is open.
    pub(crate) fn begin(
        place: Place,
        vault: Arc<dyn KeyVault>,
        ids: &dyn Ids,
        stamp: String,
    ) -> Result<Self> {
        parts::whole(&place.folder)?;
        // Not while another program is putting the book in its place.
        let turn = Turn::wait(&place.folder)?;
        let lock = BookLock::own(&place.folder)?;
        swap::finish(&place.folder)?;
        drop(turn);
        let (old, key_file) = super::open_key(&place, &vault)?;
        super::check_files(&place, &old, &stamp)?;
        let held = Held::enter(&place.folder, lock)?;
        let source = super::OwnConnection::open(&place, &old, &held)?;
        let prepared = Prepared::begin(&place.folder)?;
        let (key, code) = (BookKey::new(ids), RecoveryCode::new(ids));
        let copying = copy::begin(source, &prepared.database(), &key, &place)?;
        Ok(Self {
            place,
            vault,
            old_name: key_file.key_name,
            key,
            code,
            stamp,
            stage: Some(Doing::Copying(copying)),
            prepared: Some(prepared),
            _held: held,
        })
    }

    fn verify(&self) -> Result<Aside<Whole>> {
        let prepared = self.prepared.as_ref().ok_or(LogbookError::Cancelled)?;
        let recovery = self.code.identity()?.to_public();
        KeyFile::new(&self.key, &recovery)?.write(prepared.path())?;
        key::keep(&self.vault, &self.key)?;
        integrity::begin_check(&prepared.database(), &self.key, &self.place, false)
    }

    fn put_in_place(&mut self) -> Result<()> {
        let folder = &self.place.folder;
        let aside = unused(folder, &format!("{DROPPED}{}", self.stamp));
        let name = aside.file_name().map(|name| name.to_string_lossy().into_owned());
        let prepared = self.prepared.take().ok_or(LogbookError::Cancelled)?;
        prepared.put_in_place(folder, &name.unwrap_or_default())?;
        // A replaced book that is kept may need the old key still.
        let needed = replaced_books(folder)
            .iter()
            .any(|kept| KeyFile::read(kept).is_ok_and(|file| file.key_name == self.old_name));
        if !needed {
            // The new key is in force; a vault that cannot forget just now is no failure of that.
            let _ = self.vault.remove(self.old_name.clone());
        }
        Ok(())
    }

    fn next(&mut self, doing: Doing) -> Result<(Doing, JobProgress)> {
        let progress = |done, total| JobProgress { done, total, finished: false };
        Ok(match doing {
            Doing::Copying(mut copying) => match copying.step()? {
                Stage::Going(done, total) => (Doing::Copying(copying), progress(done, 2 * total)),
                Stage::Over(bytes) => {
                    let pages = bytes / super::PAGE_BYTES as u64;
                    (Doing::Verifying(self.verify()?, pages), progress(pages, 2 * pages))
                }
            },
            Doing::Verifying(mut check, pages) => match check.step()? {
                Stage::Going(..) => (Doing::Verifying(check, pages), progress(pages, 2 * pages)),
                Stage::Over(_) => {
                    self.put_in_place()?;
                    let done = JobProgress { done: 2 * pages, total: 2 * pages, finished: true };
                    (Doing::Done, done)
                }
            },
            Doing::Done => return Err(LogbookError::Cancelled),
        })
    }
}

impl Work for Rekey {
    type Output = KeyChange;

    fn step(&mut self) -> Result<JobProgress> {
        let doing = self.stage.take().ok_or(LogbookError::Cancelled)?;
        let (doing, progress) = self.next(doing)?;
        self.stage = Some(doing);
        Ok(progress)
    }

    fn finish(self: Box<Self>) -> Result<KeyChange> {
        Ok(KeyChange { recovery_code: self.code.text().to_string() })
    }
}

/// Brings the key back into the vault, by the recovery code.
pub(crate) fn recover(folder: &Path, vault: &Arc<dyn KeyVault>, code: &RecoveryCode) -> Result<()> {
    parts::whole(folder)?;
    let _lock = BookLock::share(folder)?;
    key::keep(vault, &KeyFile::read(folder)?.recover(code)?)
}
