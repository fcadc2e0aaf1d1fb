//! A new key for the book, and the old one back into a vault that lost it.
//!
//! # Decision
//! A new key always comes with a new recovery code: whoever changes a key because somebody else may have
//! it would otherwise have to know that the code opens the new one as well. The price: backups made
//! before open only with the code of their time, so both are kept until those are gone.
//!
//! The new key comes into force in a step of its own, which a shell takes after it has shown the code.
//! Until then the book, its key and its code are as they were; from then on the book keeps the new code
//! until it is confirmed. Whenever the program ends, a code that was shown opens the book.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::aside::{Aside, Stage};
use super::integrity::{self, Whole};
use super::key::{self, BookKey, KeyVault, RecoveryCode};
use super::key_file::KeyFile;
use super::open_mark::Held;
use super::swap::{DROPPED, Prepared};
use super::{OwnConnection, Place, copy, make, parts, recovery};
use crate::error::{LogbookError, Result};
use crate::ids::Ids;
use crate::job::{JobProgress, Work};

/// A new key that is ready and not in force. Dropping it leaves the book as it was.
pub struct KeyChange {
    place: Place,
    code: RecoveryCode,
    /// When, for the name of the folder that the old files go into.
    stamp: String,
    prepared: Prepared,
    _held: Arc<Held>,
}

impl std::fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyChange(..)")
    }
}

impl KeyChange {
    /// The new recovery code. It is to be shown before the key comes into force.
    pub fn recovery_code(&self) -> Zeroizing<String> {
        self.code.text()
    }

    /// Puts the new key in force; the old files go, and with them the old key, unless a book that is kept
    /// beside needs it.
    ///
    /// # Errors
    /// `DiskFull`, `ReadOnly`, `Io`.
    pub fn put_in_force(self) -> Result<()> {
        self.prepared.put_in_place(&self.place.folder, DROPPED, &self.stamp).map(drop)
    }
}

/// The work: copied under the new key and verified.
pub(crate) struct Rekey {
    key: BookKey,
    stage: Option<Doing>,
    /// What it ends with, until it does.
    change: Option<KeyChange>,
}

enum Doing {
    Copying(Aside<u64>),
    Verifying(Aside<Whole>, u64),
    Done,
}

impl Rekey {
    /// Begins to change the key of the book in `place`; `stamp` is now, for the names of what is aside.
    ///
    /// # Errors
    /// Those of opening it; `Busy` while it is open.
    pub(crate) fn begin(
        place: Place,
        vault: &Arc<dyn KeyVault>,
        ids: &dyn Ids,
        stamp: &str,
    ) -> Result<Self> {
        parts::whole(&place.folder)?;
        // Not while another program is putting the book in its place.
        let turn = make::turn(&place.folder)?;
        let (lock, prepared) = make::begin(&place.folder, vault)?;
        drop(turn);
        let (old, _) = super::open_key(&place, vault)?;
        super::check_files(&place, &old, stamp)?;
        let held = Held::enter(&place.folder, lock)?;
        let source = OwnConnection::open(&place, &old, &held)?;
        let (key, code) = (BookKey::new(ids), RecoveryCode::new(ids));
        let new_code = code.clone();
        let change = move |conn: &_| recovery::keep(conn, &new_code);
        let copying = copy::begin(source, &prepared.database(), &key, &place, change)?;
        let change = KeyChange { place, code, stamp: stamp.to_owned(), prepared, _held: held };
        Ok(Self { key, stage: Some(Doing::Copying(copying)), change: Some(change) })
    }

    fn verify(&mut self) -> Result<Aside<Whole>> {
        let change = self.change.as_mut().ok_or(LogbookError::Cancelled)?;
        let file = KeyFile::new(&self.key, &change.code.identity()?.to_public())?;
        change.prepared.keep_key(&self.key, &file)?;
        integrity::begin_check(&change.prepared.database(), &self.key, &change.place)
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
        match self.stage {
            Some(Doing::Done) => self.change.ok_or(LogbookError::Cancelled),
            _ => Err(LogbookError::Cancelled),
        }
    }
}

/// Brings the key back into the vault, by the recovery code.
pub(crate) fn recover(folder: &Path, vault: &Arc<dyn KeyVault>, code: &RecoveryCode) -> Result<()> {
    parts::whole(folder)?;
    let _lock = make::enter(folder, vault)?;
    key::keep(vault, &KeyFile::read(folder)?.recover(code)?)
}
