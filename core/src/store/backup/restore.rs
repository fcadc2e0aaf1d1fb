//! Restores a backup: read, opened and verified completely in a folder beside, then put in the place of
//! the book, which is kept. Works as well where that book is damaged or gone.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::file::{Checking, Head, Reading};
use super::unused;
use crate::error::{DamagedPart, LogbookError, Result};
use crate::job::{JobProgress, Work};
use crate::store::aside::{Aside, Stage};
use crate::store::integrity::{self, Whole};
use crate::store::key::{self, KeyVault};
use crate::store::lock::BookLock;
use crate::store::make::Turn;
use crate::store::swap::{self, Prepared, REPLACED};
use crate::store::{Place, SCHEMA, owner_only};

/// What a restore did.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RestoreReport {
    /// Records in the restored book, deleted ones too.
    pub records: u64,
    /// The folder in which the replaced book is kept; `None` where there was none.
    pub replaced: Option<String>,
}

impl std::fmt::Debug for RestoreReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestoreReport").field("records", &self.records).finish_non_exhaustive()
    }
}

/// The work. Its progress counts the bytes of the backup, read twice.
pub(crate) struct Restore {
    place: Place,
    vault: Arc<dyn KeyVault>,
    secret: Zeroizing<String>,
    stamp: String,
    total: u64,
    stage: Option<Doing>,
    prepared: Option<Prepared>,
    _lock: BookLock,
}

enum Doing {
    Checking(Checking),
    Opening(Checking),
    Reading(Box<(Head, Reading, File)>),
    Verifying(Aside<Whole>),
    Done(RestoreReport),
}

impl Restore {
    /// Begins to restore `file` into the folder of `place`.
    ///
    /// # Errors
    /// `NoFile`, `BadBackup`; `Busy` while the book is open.
    pub(crate) fn begin(
        place: Place,
        vault: Arc<dyn KeyVault>,
        file: &Path,
        secret: Zeroizing<String>,
        stamp: String,
    ) -> Result<Self> {
        let checking = Checking::begin(file)?;
        // Not while a book is being made here.
        let _turn = Turn::wait_in_new(&place.folder)?;
        let lock = BookLock::own(&place.folder)?;
        swap::finish(&place.folder)?;
        Ok(Self {
            total: 2 * checking.bytes(),
            stage: Some(Doing::Checking(checking)),
            prepared: Some(Prepared::begin(&place.folder)?),
            place,
            vault,
            secret,
            stamp,
            _lock: lock,
        })
    }

    fn prepared(&self) -> Result<&Prepared> {
        self.prepared.as_ref().ok_or(LogbookError::Cancelled)
    }

    fn open(&self, checking: Checking) -> Result<Doing> {
        let (head, reading) = checking.open(&self.secret)?;
        if head.schema > SCHEMA {
            return Err(LogbookError::NewerSchema { found: head.schema, known: SCHEMA });
        }
        let out = owner_only::create(&self.prepared()?.database())?;
        Ok(Doing::Reading(Box::new((head, reading, out))))
    }

    /// The copy is in a folder of its own, with all that makes it a book.
    fn verify(&self, head: &Head, mut out: File) -> Result<Doing> {
        out.flush()?;
        out.sync_all()?;
        head.key_file.write(self.prepared()?.path())?;
        key::keep(&self.vault, &head.key)?;
        let database = self.prepared()?.database();
        integrity::begin_check(&database, &head.key, &self.place, true).map(Doing::Verifying)
    }

    fn put_in_place(&mut self, whole: &Whole) -> Result<Doing> {
        let folder = &self.place.folder;
        let aside = unused(folder, &format!("{REPLACED}{}", self.stamp));
        let name = aside.file_name().map(|name| name.to_string_lossy().into_owned());
        let prepared = self.prepared.take().ok_or(LogbookError::Cancelled)?;
        let kept = prepared.put_in_place(folder, &name.unwrap_or_default())?;
        let replaced = kept.then(|| aside.display().to_string());
        Ok(Doing::Done(RestoreReport { records: whole.records, replaced }))
    }

    fn next(&mut self, doing: Doing) -> Result<(Doing, u64)> {
        let half = self.total / 2;
        Ok(match doing {
            Doing::Checking(mut checking) => {
                if checking.piece()? {
                    (Doing::Opening(checking), half)
                } else {
                    let done = half - checking.left();
                    (Doing::Checking(checking), done)
                }
            }
            Doing::Opening(checking) => (self.open(checking)?, half),
            Doing::Reading(mut reading) => {
                if reading.1.piece(&mut reading.2)? {
                    let (head, _, out) = *reading;
                    (self.verify(&head, out)?, self.total)
                } else {
                    let done = self.total - reading.1.left().min(half);
                    (Doing::Reading(reading), done)
                }
            }
            Doing::Verifying(mut check) => match check.step().map_err(bad_inside)? {
                Stage::Going(..) => (Doing::Verifying(check), self.total),
                Stage::Over(whole) => (self.put_in_place(&whole)?, self.total),
            },
            Doing::Done(_) => return Err(LogbookError::Cancelled),
        })
    }
}

/// Damage in a copy that came out of the backup as it went in is the backup's.
fn bad_inside(error: LogbookError) -> LogbookError {
    match error {
        LogbookError::Damaged {
            part: DamagedPart::Page | DamagedPart::Structure | DamagedPart::Header,
        } => LogbookError::BadBackup,
        other => other,
    }
}

impl Work for Restore {
    type Output = RestoreReport;

    fn step(&mut self) -> Result<JobProgress> {
        let doing = self.stage.take().ok_or(LogbookError::Cancelled)?;
        let (doing, done) = self.next(doing)?;
        let finished = matches!(doing, Doing::Done(_));
        self.stage = Some(doing);
        Ok(JobProgress { done, total: self.total, finished })
    }

    fn finish(self: Box<Self>) -> Result<RestoreReport> {
        match self.stage {
            Some(Doing::Done(report)) => Ok(report),
            _ => Err(LogbookError::Cancelled),
        }
    }
}

/// Where replaced books are kept, in the book's folder.
pub(crate) fn replaced_books(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(REPLACED))
    };
    entries.map(|entry| entry.path()).filter(is_one).collect()
}
