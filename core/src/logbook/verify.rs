//! Verification as long work: pages, structure, search index, key file, records, sums, backups.

use std::path::PathBuf;

use super::Logbook;
use crate::error::{DamagedPart, LogbookError, Result};
use crate::job::{Job, JobProgress, Work};
use crate::record::{self, Listed, Recount};
use crate::store::aside::{Aside, Stage};
use crate::store::backup::{self, Checking};
use crate::store::key::BookKey;
use crate::store::key_file::KeyFile;
use crate::store::recovery::BackupKeys;
use crate::store::{OwnConnection, Place, integrity, is_about_writing, search};

/// Whether a backup in the book's folder is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct BackupState {
    /// Its name in `backups/`.
    pub name: String,
    /// Whether every byte is as it was; what it is sealed by is not needed to tell.
    pub whole: bool,
    /// A former version made it, in a format that only that version restores; whether it is whole is not
    /// known here.
    pub former: bool,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct VerifyReport {
    /// Pages of the file, each read against its authentication code.
    pub pages: u64,
    /// Those that are not as they were written.
    pub bad_pages: u64,
    /// Records that can be read, deleted ones too.
    pub records: u64,
    /// Records that cannot.
    pub bad_records: u64,
    /// What is damaged and stays so.
    pub damaged: Vec<DamagedPart>,
    /// What was damaged and has been made good: the search index and the sums from the records, the
    /// key file from its other copy.
    pub repaired: Vec<DamagedPart>,
    /// The backups in the book's folder, oldest first.
    pub backups: Vec<BackupState>,
}

impl VerifyReport {
    /// Whether everything is, by now, as it should be, as far as this version can tell.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.backups.iter().all(|backup| backup.whole || backup.former)
    }
}

/// Records of one step.
const BATCH: u32 = 200;

impl Logbook {
    /// Reads everything that is stored and says whether it is as it was written; what can be made good
    /// is. The book may be used meanwhile. The progress counts pages and records.
    pub fn verify_job(&self) -> Result<Job<VerifyReport>> {
        let store = &self.store;
        let database = store.place().database();
        let report =
            VerifyReport { pages: integrity::pages(&database)?, ..VerifyReport::default() };
        let header_is_whole = integrity::header_is_whole(&database, store.key())?;
        let pages = store.connect()?;
        Ok(Job::new(Verify {
            place: store.place().clone(),
            key: store.key().clone(),
            key_file: store.key_file().clone(),
            header_is_whole,
            stage: Some(Doing::Pages(integrity::begin_pages(pages)?)),
            other: Some(store.connect()?),
            sums: store.connect()?,
            conn: store.connect()?,
            last: Some(Listed::before(None)),
            records: 0,
            backups: backup::automatic_files(store.place())?,
            report,
        }))
    }
}

struct Verify {
    place: Place,
    key: BookKey,
    key_file: KeyFile,
    header_is_whole: bool,
    conn: OwnConnection,
    /// For what is asked aside, after the pages.
    other: Option<OwnConnection>,
    /// For the sums, which are counted as they were at one moment.
    sums: OwnConnection,
    /// The record that was read last; `None` after the last one.
    last: Option<Listed>,
    /// How many there are.
    records: u64,
    backups: Vec<PathBuf>,
    report: VerifyReport,
    stage: Option<Doing>,
}

enum Doing {
    Pages(Aside<u64>),
    Parts(Aside<Vec<DamagedPart>>),
    Records,
    Sums(Box<Recount>),
    Backups(Option<Box<Checking>>),
    Done,
}

impl Verify {
    fn damaged(&mut self, part: DamagedPart) {
        if !self.report.damaged.contains(&part) {
            self.report.damaged.push(part);
        }
    }

    fn pages_read(&mut self, bad: u64) -> Result<Doing> {
        self.report.bad_pages = bad;
        if !self.header_is_whole {
            self.damaged(DamagedPart::Header);
        }
        if bad > 0 {
            self.damaged(DamagedPart::Page);
        }
        self.check_key_file()?;
        let other = self.other.take().ok_or(LogbookError::Cancelled)?;
        Ok(Doing::Parts(integrity::begin_parts(other)?))
    }

    /// The copy that was read when the book was opened is good; the other may not be. Both may name
    /// another recovery code than the book does: nothing but its own hash protects that file.
    fn check_key_file(&mut self) -> Result<()> {
        let keys = self.conn.read(BackupKeys::of).ok().flatten();
        let named = keys.filter(|keys| keys.recipient.to_string() != self.key_file.recovery);
        if let Some(keys) = &named {
            self.key_file = KeyFile::new(&self.key, &keys.recipient)?;
        }
        if named.is_some() || !self.key_file.is_whole(&self.place.folder) {
            let written = self.key_file.write(&self.place.folder);
            self.mended(DamagedPart::KeyFile, written)?;
        }
        Ok(())
    }

    /// Notes what became of mending a part: where nothing can be written it stays as it is.
    fn mended(&mut self, part: DamagedPart, written: Result<()>) -> Result<()> {
        match written {
            Err(error) if is_about_writing(&error) => self.damaged(part),
            written => {
                written?;
                self.report.repaired.push(part);
            }
        }
        Ok(())
    }

    /// What remains is to read the records, as far as it is known where they are.
    fn parts_known(&mut self, parts: Vec<DamagedPart>) -> Result<()> {
        match self.conn.read(record::count) {
            Ok(records) => self.records = records,
            Err(LogbookError::Damaged { part }) => self.damaged(part),
            Err(other) => return Err(other),
        }
        let only_the_index = parts == [DamagedPart::SearchIndex] && self.report.damaged.is_empty();
        if only_the_index {
            let written = self.conn.write(search::rebuild);
            self.mended(DamagedPart::SearchIndex, written)?;
        } else {
            for part in parts {
                self.damaged(part);
            }
        }
        Ok(())
    }

    /// The places of the next records, as far as they can be told.
    fn next_places(&mut self) -> Result<Vec<Listed>> {
        let Some(last) = self.last.take() else { return Ok(Vec::new()) };
        match self.conn.read(|conn| record::listed(conn, &last, BATCH)) {
            Err(LogbookError::Damaged { part }) => {
                self.damaged(part);
                Ok(Vec::new())
            }
            places => places,
        }
    }

    fn records(&mut self) -> Result<Doing> {
        for place in self.next_places()? {
            match self.conn.read(|conn| record::is_readable(conn, place.k)) {
                Ok(true) => self.report.records += 1,
                Ok(false) | Err(LogbookError::Damaged { .. }) => self.report.bad_records += 1,
                Err(other) => return Err(other),
            }
            self.last = Some(place);
        }
        if self.last.is_some() {
            return Ok(Doing::Records);
        }
        self.backups.reverse();
        if self.report.bad_records > 0 {
            self.damaged(DamagedPart::Record);
        }
        if !self.report.damaged.is_empty() {
            return Ok(Doing::Backups(None));
        }
        self.sums.freeze()?;
        let begun = self.sums.read(Recount::begin)?;
        Ok(begun.map_or(Doing::Backups(None), |recount| Doing::Sums(Box::new(recount))))
    }

    fn sums(&mut self, mut recount: Box<Recount>) -> Result<Doing> {
        if !self.sums.read(|conn| recount.step(conn))? {
            return Ok(Doing::Sums(recount));
        }
        if !self.sums.read(|conn| recount.agrees(conn))? {
            let written = self.conn.write(record::forget_sums);
            self.mended(DamagedPart::Sums, written)?;
        }
        Ok(Doing::Backups(None))
    }

    /// One piece of a backup; the last in the list is the next to be read.
    fn backups(&mut self, checking: Option<Box<Checking>>) -> Result<Doing> {
        let Some(path) = self.backups.last() else { return Ok(Doing::Done) };
        let step = match checking {
            None => Checking::begin(path, None).map(Box::new).map(Some),
            Some(mut checking) => checking.piece().map(|last| (!last).then_some(checking)),
        };
        let (whole, former) = match step {
            Ok(Some(checking)) => return Ok(Doing::Backups(Some(checking))),
            Ok(None) => (true, false),
            // Pruned meanwhile by the next one.
            Err(LogbookError::NoFile) => {
                self.backups.pop();
                return Ok(Doing::Backups(None));
            }
            Err(LogbookError::BadBackup) => (false, false),
            Err(LogbookError::FormerBackup) => (false, true),
            Err(other) => return Err(other),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.report.backups.push(BackupState { name: name.unwrap_or_default(), whole, former });
        self.backups.pop();
        Ok(Doing::Backups(None))
    }
}

impl Work for Verify {
    type Output = VerifyReport;

    fn step(&mut self) -> Result<JobProgress> {
        let doing = match self.stage.take().ok_or(LogbookError::Cancelled)? {
            Doing::Pages(mut reading) => match reading.step()? {
                Stage::Going(..) => Doing::Pages(reading),
                Stage::Over(bad) => self.pages_read(bad)?,
            },
            Doing::Parts(mut asking) => match asking.step() {
                Ok(Stage::Going(..)) => Doing::Parts(asking),
                Ok(Stage::Over(parts)) => {
                    self.parts_known(parts)?;
                    Doing::Records
                }
                // Pages so damaged that nothing can be asked.
                Err(LogbookError::Damaged { part }) => {
                    self.parts_known(vec![part])?;
                    Doing::Records
                }
                Err(other) => return Err(other),
            },
            Doing::Records => self.records()?,
            Doing::Sums(recount) => self.sums(recount)?,
            Doing::Backups(checking) => self.backups(checking)?,
            Doing::Done => Doing::Done,
        };
        let pages = match &doing {
            Doing::Pages(_) => 0,
            Doing::Parts(_) => self.report.pages / 2,
            _ => self.report.pages,
        };
        let finished = matches!(doing, Doing::Done);
        self.stage = Some(doing);
        let done = pages + self.report.records + self.report.bad_records;
        let total = done.max(self.report.pages + self.records);
        Ok(JobProgress { done, total, finished })
    }

    fn finish(self: Box<Self>) -> Result<VerifyReport> {
        Ok(self.report)
    }
}
