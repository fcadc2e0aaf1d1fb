//! Restores a backup: read, opened, encrypted anew and verified completely in a folder beside, then put
//! in the place of the book, which is kept. Works as well where that book is damaged or gone.
//!
//! # Decision
//! What is restored gets a key of its own. The backup holds the key that the book had when it was made;
//! whoever once read a backup would otherwise read the log from then on. The recovery code stays: it
//! is what the user has on paper. Whose device it was, and which devices it was paired with, is
//! forgotten: what was paired then may have been revoked since.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::file::{Checking, Head, Reading};
use super::outlook::{Copied, RestoreOutlook, look_ahead};
use crate::error::{DamagedPart, LogbookError, Result};
use crate::ids::Ids;
use crate::job::{JobProgress, Work};
use crate::store::aside::{Aside, Stage};
use crate::store::integrity::{self, Whole};
use crate::store::key::{BookKey, KeyVault, RecoveryCode};
use crate::store::key_file::KeyFile;
use crate::store::lock::FileLock;
use crate::store::recovery::{self, BackupKeys};
use crate::store::swap::{Prepared, REPLACED};
use crate::store::{
    OwnConnection, PAGE_BYTES, Place, SCHEMA, connect, copy, local, make, owner_only, stamp,
};
use crate::time::{Moment, UtcMillis};

/// What a restore did.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RestoreReport {
    /// Records in the restored book that a user wrote, deleted ones too.
    pub records: u64,
    /// The folder in which the replaced book is kept; `None` where there was none.
    pub replaced: Option<String>,
}

impl std::fmt::Debug for RestoreReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestoreReport").field("records", &self.records).finish_non_exhaustive()
    }
}

/// A backup that is ready to take the place of a book. Dropping it leaves that book as it was.
pub struct PreparedRestore {
    place: Place,
    outlook: RestoreOutlook,
    stamp: String,
    prepared: Prepared,
    _lock: FileLock,
}

impl std::fmt::Debug for PreparedRestore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedRestore").field("outlook", &self.outlook).finish_non_exhaustive()
    }
}

impl PreparedRestore {
    /// What it will do; to be told before it does it.
    pub fn outlook(&self) -> &RestoreOutlook {
        &self.outlook
    }

    /// Puts it in the place of the book, which is kept.
    ///
    /// # Errors
    /// `DiskFull`, `ReadOnly`, `Io`.
    pub fn put_in_place(self) -> Result<RestoreReport> {
        let folder = &self.place.folder;
        let kept = self.prepared.put_in_place(folder, REPLACED, &self.stamp)?;
        let replaced = kept.map(|aside| aside.display().to_string());
        Ok(RestoreReport { records: self.outlook.records, replaced })
    }
}

/// The work. Its progress counts the bytes of the backup three times: checked, read, encrypted anew.
pub(crate) struct Restore {
    place: Place,
    vault: Arc<dyn KeyVault>,
    secret: Zeroizing<String>,
    /// What `secret` is, where it is one.
    code: Option<RecoveryCode>,
    /// The key that the restored book gets.
    key: BookKey,
    now: Moment,
    bytes: u64,
    stage: Option<Doing>,
    prepared: Option<Prepared>,
    lock: Option<FileLock>,
}

enum Doing {
    Checking(Checking),
    Opening(Checking),
    Reading(Box<(Head, Reading, File)>),
    Copying(Aside<u64>, UtcMillis),
    Verifying(Aside<Whole>, UtcMillis),
    Done(RestoreOutlook),
}

impl Restore {
    /// Begins to restore `file` into the folder of `place`.
    ///
    /// # Errors
    /// `NoFile`, `BadBackup`, `FormerBackup`; `Busy` while the book is open.
    pub(crate) fn begin(
        place: Place,
        vault: Arc<dyn KeyVault>,
        ids: &dyn Ids,
        file: &Path,
        secret: Zeroizing<String>,
        now: Moment,
    ) -> Result<Self> {
        let code = RecoveryCode::from_str(&secret).ok();
        let checking = Checking::begin(file, code.as_ref())?;
        // Not while a book is being made here.
        let _turn = make::turn_in_new(&place.folder)?;
        let (lock, prepared) = make::begin(&place.folder, &vault)?;
        Ok(Self {
            bytes: checking.bytes(),
            code: code.filter(|_| checking.is_by_code()),
            stage: Some(Doing::Checking(checking)),
            prepared: Some(prepared),
            place,
            vault,
            secret,
            key: BookKey::new(ids),
            now,
            lock: Some(lock),
        })
    }

    fn prepared(&mut self) -> Result<&mut Prepared> {
        self.prepared.as_mut().ok_or(LogbookError::Cancelled)
    }

    fn open(&mut self, checking: Checking) -> Result<Doing> {
        let (head, reading) = checking.open(&self.secret)?;
        if head.schema > SCHEMA {
            return Err(LogbookError::NewerSchema { found: head.schema, known: SCHEMA });
        }
        let aside = self.prepared()?.aside();
        owner_only::create_folder(&aside)?;
        let out = owner_only::create(&aside.join("backup.db"))?;
        Ok(Doing::Reading(Box::new((head, reading, out))))
    }

    /// What came out of the backup is encrypted anew, and forgets where it was.
    fn copy(&mut self, head: &Head, mut out: File) -> Result<Doing> {
        out.flush()?;
        drop(out);
        let read = self.prepared()?.aside().join("backup.db");
        let (database, code) = (self.prepared()?.database(), self.code.clone());
        if !integrity::header_is_whole(&read, &head.key)? {
            return Err(LogbookError::BadBackup);
        }
        let source = OwnConnection::apart(&read, &head.key, &self.place)?;
        let copying = copy::begin(source, &database, &self.key, &self.place, move |conn| {
            if let Some(code) = code {
                recovery::keep_keys(conn, &code)?;
            }
            recovery::forget_code(conn)?;
            local::leave_device(conn)
        })?;
        Ok(Doing::Copying(copying, head.made))
    }

    /// The copy is in a folder of its own, with all that makes it a book.
    fn verify(&mut self, made: UtcMillis) -> Result<Doing> {
        fs::remove_dir_all(self.prepared()?.aside())?;
        let (key, database) = (self.key.clone(), self.prepared()?.database());
        let keys = connect(&database, &key, &self.place).and_then(|conn| BackupKeys::of(&conn))?;
        let keys = keys.ok_or(LogbookError::BadBackup)?;
        let file = KeyFile::new(&key, &keys.recipient)?;
        self.prepared()?.keep_key(&key, &file)?;
        let check = integrity::begin_check(&database, &key, &self.place)?;
        Ok(Doing::Verifying(check, made))
    }

    fn look_ahead(&mut self, whole: &Whole, made: UtcMillis) -> Result<Doing> {
        let database = self.prepared()?.database();
        let copied = Copied { database: &database, key: &self.key, made, records: whole.records };
        look_ahead(&self.place, &self.vault, &copied, self.now).map(Doing::Done)
    }

    /// The next stage, and the bytes that are done.
    fn next(&mut self, doing: Doing) -> Result<(Doing, u64)> {
        let bytes = self.bytes;
        Ok(match doing {
            Doing::Checking(mut checking) => {
                if checking.piece()? {
                    (Doing::Opening(checking), bytes)
                } else {
                    let done = bytes - checking.left();
                    (Doing::Checking(checking), done)
                }
            }
            Doing::Opening(checking) => (self.open(checking)?, bytes),
            Doing::Reading(mut reading) => {
                if reading.1.piece(&mut reading.2)? {
                    let (head, _, out) = *reading;
                    (self.copy(&head, out).map_err(bad_inside)?, 2 * bytes)
                } else {
                    let done = 2 * bytes - reading.1.left().min(bytes);
                    (Doing::Reading(reading), done)
                }
            }
            Doing::Copying(mut copying, made) => match copying.step().map_err(bad_inside)? {
                Stage::Going(pages, _) => {
                    let done = (pages * PAGE_BYTES as u64).min(bytes);
                    (Doing::Copying(copying, made), 2 * bytes + done)
                }
                Stage::Over(_) => (self.verify(made).map_err(bad_inside)?, 3 * bytes),
            },
            Doing::Verifying(mut check, made) => match check.step().map_err(bad_inside)? {
                Stage::Going(..) => (Doing::Verifying(check, made), 3 * bytes),
                Stage::Over(whole) => (self.look_ahead(&whole, made)?, 3 * bytes),
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
    type Output = PreparedRestore;

    fn step(&mut self) -> Result<JobProgress> {
        let doing = self.stage.take().ok_or(LogbookError::Cancelled)?;
        let (doing, done) = self.next(doing)?;
        let finished = matches!(doing, Doing::Done(_));
        self.stage = Some(doing);
        Ok(JobProgress { done, total: 3 * self.bytes, finished })
    }

    fn finish(self: Box<Self>) -> Result<PreparedRestore> {
        let Self { place, now, stage, prepared, lock, .. } = *self;
        match (stage, prepared, lock) {
            (Some(Doing::Done(outlook)), Some(prepared), Some(lock)) => {
                Ok(PreparedRestore { place, outlook, stamp: stamp(now), prepared, _lock: lock })
            }
            _ => Err(LogbookError::Cancelled),
        }
    }
}
