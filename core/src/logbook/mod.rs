//! The logbook: the one door to everything, where the rooms meet.
//!
//! Every write goes through `transact`, which moves record, stamps, history, search index and local
//! sequence together and tells what changed; observers hear of it after the commit, with no lock held.

mod also;
mod authors;
mod cases;
mod checklists;
#[cfg(test)]
mod checklists_tests;
mod chips;
mod consult_templates;
#[cfg(test)]
mod consult_tests;
mod consults;
mod difference;
mod drafts;
mod forms;
mod identity;
mod imaging;
mod import;
mod import_source;
#[cfg(test)]
mod import_tests;
mod jots;
#[cfg(feature = "lan")]
pub mod lan;
mod library;
#[cfg(feature = "lan")]
mod link_words;
mod lists;
#[cfg(test)]
mod making_tests;
#[cfg(test)]
mod model_tests;
mod names;
mod reading;
#[cfg(test)]
mod recovery_tests;
mod rows;
mod safety;
#[cfg(test)]
mod safety_tests;
mod sheet;
mod sync;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;
mod verify;
mod wall_clock;
mod words;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

pub use also::{AlsoWritten, Keep};
pub use authors::{FieldVersion, WrittenBy};
pub use cases::{CASE, CaseDetail, DeletedRecord, RecentChoices, SavedCase, SearchHit, SearchPage};
pub use checklists::{CaseTimeline, ChangedRun, WrittenStages};
pub use chips::JotChip;
pub use consult_templates::{
    ConsultTemplate, FieldToAdd, PresentationWording, SavedTemplate, TemplateChange, TemplateText,
};
pub use consults::{ConsultPage, ConsultRow, ConsultView};
pub use difference::{StandsIn, TextPiece};
pub use drafts::{DEBRIEF, Draft, JOT};
pub use forms::{OpenForm, SavedForm};
pub use imaging::{DAILY_READ, FindingPage, FindingRow, IMAGING_FINDING, ImagingWeek, ReadAs};
pub use import::{BadLineAt, ImportOptions, ImportReport, UnreadValue};
pub use import_source::{ImportSource, Packed, Packer};
pub use jots::{JotOptions, SavedJot};
pub use library::{FoundPage, PROCEDURE_NOTE, ProcedureNote, ProcedurePage};
pub use lists::RecordList;
pub use names::RecordName;
pub use sheet::{CaseSheet, FieldWas, RecordSheet, SheetField, SheetSection};
#[cfg(feature = "lan")]
pub use sync::{BundleTo, MadeBundle, TakenBundle};
pub use sync::{DEVICE, Peer, REVOCATION, RecordSync, Revocation, RevokedBy, SyncCounts};
pub use transfer::{ExportFormat, ExportOptions, ExportReport, FlaggedRecord, IdentifierReport};
pub use verify::{BackupState, VerifyReport};
pub use wall_clock::ReadTime;

pub use crate::store::search::SnippetPiece;

use crate::error::{LogbookError as E, Result};
use crate::ids::{Ids, RecordId};
use crate::record::{self, Change, Record, Tx};
use crate::store::key::{self, KeyVault, RecoveryCode};
use crate::store::{Connection, Place, Store, is_about_writing, local};
use crate::time::{Clock, DAY_MS, Hlc, UtcMillis, Zone};

/// What a logbook is opened with.
#[derive(Clone)]
pub struct Setup {
    /// Where the book is.
    pub place: Place,
    /// Who keeps its key.
    pub vault: Arc<dyn KeyVault>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub ids: Arc<dyn Ids>,
    /// A word that this installation keeps outside of every backup; a book that finds another one than
    /// last time was restored or copied, and writes under a new device id from then on.
    pub installation: String,
}

/// The observer could not be told; the change itself is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum ObserverError {
    /// The shell's side failed.
    #[error("the observer failed")]
    Failed,
}

#[cfg(feature = "ffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for ObserverError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// Who wants to know what changed.
#[cfg_attr(feature = "ffi", uniffi::export(with_foreign))]
pub trait ChangeObserver: Send + Sync {
    /// Called after each committed transaction of this process.
    fn changed(&self, changes: Vec<Change>) -> Result<(), ObserverError>;
}

/// What a transaction gave and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed<T> {
    /// The work's own result.
    pub value: T,
    /// The records that it changed, in order.
    pub changes: Vec<Change>,
}

/// Which rules the readings beside the records were made by.
const READINGS: &str = "readings";

/// How long what was replaced stays readable.
const HISTORY_DAYS: i64 = 90;
/// How long what was deleted can be brought back.
pub const DELETED_DAYS: i64 = 30;

type Observers = Arc<Mutex<Vec<Arc<dyn ChangeObserver>>>>;

/// An open book.
pub struct Logbook {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    device: AtomicU64,
    observers: Observers,
    /// Where the wall clock is, once a shell has said so.
    zone: Mutex<Option<Zone>>,
}

impl std::fmt::Debug for Logbook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logbook").field("device", &self.device()).finish_non_exhaustive()
    }
}

impl Logbook {
    /// Makes a new book. Its recovery code is kept in it until `confirm_code`; who loses it after that,
    /// and the key, has lost the book.
    ///
    /// # Errors
    /// `BookExists`; `PartMissing` where there is any trace of one; whatever the vault says; `DiskFull`,
    /// `ReadOnly`, `Io`.
    pub fn create(setup: Setup) -> Result<(Self, RecoveryCode)> {
        let now = setup.clock.now();
        let (store, code) = Store::create(setup.place.clone(), &setup.vault, &*setup.ids, now)?;
        Ok((Self::with(store, setup)?, code))
    }

    /// Opens the book that is there; makes one where there is nothing, and gives its recovery code then.
    /// Of several programs that do so at the same time one makes the book, and the others wait for it and
    /// open it. The vault is asked to keep the new key meanwhile.
    ///
    /// # Errors
    /// Those of `open` and `create`, without `NoBook` and `BookExists`.
    pub fn open_or_create(setup: Setup) -> Result<(Self, Option<RecoveryCode>)> {
        let (place, now) = (setup.place.clone(), setup.clock.now());
        let (store, code) = Store::open_or_create(place, &setup.vault, &*setup.ids, now)?;
        Ok((Self::with(store, setup)?, code))
    }

    /// Opens the book that is there, upgrading its schema after a backup where that is due.
    ///
    /// # Errors
    /// `NoBook`, `PartMissing`, `WrongKey`, `KeyMissing`, `KeyLocked`, `KeyCancelled`, `Damaged`,
    /// `NewerSchema`.
    pub fn open(setup: Setup) -> Result<Self> {
        let now = setup.clock.now();
        Self::with(Store::open(setup.place.clone(), &setup.vault, now)?, setup)
    }

    /// Whether a vault holds the key that this book is open with: it may be somebody else's.
    ///
    /// # Errors
    /// `KeyMissing`, `WrongKey`; whatever the vault says.
    pub fn check_vault(&self, vault: &Arc<dyn KeyVault>) -> Result<()> {
        let key = self.store.key();
        if key::load(vault, &key.name())? == *key { Ok(()) } else { Err(E::WrongKey) }
    }

    fn with(store: Store, setup: Setup) -> Result<Self> {
        let device = identity::device_of(&store, &setup)?;
        let Setup { clock, ids, .. } = setup;
        let device = AtomicU64::new(device.0);
        let (observers, zone) = (Observers::default(), Mutex::default());
        let book = Self { store, clock, ids, device, observers, zone };
        for due in [Self::purge, Self::read_values_again] {
            match due(&book) {
                // What is due stays until it can be written.
                Err(error) if is_about_writing(&error) => {}
                done => done?,
            }
        }
        Ok(book)
    }

    /// Whether the book can only be read: its disk is full, or this user may not write it.
    pub fn is_read_only(&self) -> bool {
        self.store.only_read().is_some()
    }

    /// Where this version reads values in another way than the one that wrote: brings what lists and
    /// tallies ask for up to it. Where the book cannot be written, they see the former readings.
    fn read_values_again(&self) -> Result<()> {
        let revision = crate::content::reading::revision();
        if self.read(|conn| local::number(conn, READINGS))? == Some(revision) {
            return Ok(());
        }
        let written = self.store.write(|conn| {
            record::read_again(conn)?;
            local::set(conn, READINGS, &revision)
        });
        match written {
            // Another program writes just now; the next one that opens the book does this.
            Err(E::Busy) => Ok(()),
            other => other,
        }
    }

    /// Tells `observer` of every change from now on.
    pub fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.observers.lock().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// The one write path: all of `work` is saved, or none of it.
    pub fn transact<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<Changed<T>> {
        let now = self.clock.now().utc;
        let changed = self.store.write(|conn| {
            let mut tx = Tx::begin(conn, now, self.device(), Hlc(0))?;
            let value = work(&mut tx)?;
            Ok(Changed { value, changes: tx.end()? })
        })?;
        tell(&self.observers, &changed.changes);
        Ok(changed)
    }

    /// Reads on the connection that never waits for a writer.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.store.read(work)
    }

    /// The same for a read that searches: the index takes in the latest writes first.
    pub(crate) fn read_indexed<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        if self.index_lags()? {
            return self.store.read_prepared(record::index_beside, work);
        }
        self.read(work)
    }

    /// Lets the index take in the latest writes; whether it cannot, so that they have to be looked through
    /// one by one.
    pub(crate) fn index_lags(&self) -> Result<bool> {
        if !self.read(record::index_is_behind)? {
            return Ok(false);
        }
        match self.store.write(record::catch_up_index) {
            Ok(()) => Ok(false),
            // A search is a read: it does not fail because something cannot be written.
            Err(E::ReadOnly | E::DiskFull | E::Busy | E::Io) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// One record, deleted or not.
    pub fn record(&self, id: RecordId) -> Result<Record> {
        self.read(|conn| record::load(conn, id))
    }

    /// Moves a record to the recently deleted, from where it can be brought back for 30 days.
    pub fn delete(&self, id: RecordId) -> Result<Option<Change>> {
        Ok(self.transact(|tx| tx.delete(id))?.value)
    }

    /// Brings a deleted record back.
    pub fn restore_record(&self, id: RecordId) -> Result<Option<Change>> {
        Ok(self.transact(|tx| tx.restore(id))?.value)
    }

    /// Undoes a change, by another write.
    pub fn undo(&self, change: &Change) -> Result<Option<Change>> {
        Ok(self.transact(|tx| tx.undo(change))?.value)
    }

    /// Removes a record for good: value, history and index terms, here and on every device that hears
    /// of it. Backups made before still hold it.
    pub fn erase(&self, id: RecordId) -> Result<Change> {
        let change = self.transact(|tx| tx.erase(id))?.value;
        self.store.empty_log()?;
        Ok(change)
    }

    /// Changes whenever another program has written to the book.
    pub fn version_on_disk(&self) -> Result<i64> {
        self.store.data_version()
    }

    /// The device's keys for the exchange.
    #[cfg(feature = "lan")]
    pub fn device_identity(&self) -> lan::SyncResult<crate::link::DeviceIdentity> {
        identity::keys(&self.store, &*self.ids)
    }

    /// New device keys and a new device id; all pairings are forgotten. What is written stays. For a
    /// device that was revoked, and for a book that was restored: there `store::local::RENEW_IDENTITY`,
    /// set in the restored file, does the same as soon as it is opened.
    pub fn renew_identity(&self) -> Result<()> {
        self.renew_device(identity::forget_keys)
    }

    /// From now on this book writes under a new device id.
    fn renew_device(&self, forget: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
        let device = self.store.write(|conn| {
            forget(conn)?;
            identity::new_device(conn, &*self.ids)
        })?;
        self.device.store(device.0, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    fn purge(&self) -> Result<()> {
        let now = self.clock.now().utc.0;
        let (history, removed) =
            (UtcMillis(now - HISTORY_DAYS * DAY_MS), UtcMillis(now - DELETED_DAYS * DAY_MS));
        let purged = self.transact(|tx| tx.purge(history, removed))?;
        if !purged.changes.is_empty() {
            // Where that does not work now, a later write does it.
            let _ = self.store.empty_log();
        }
        Ok(())
    }
}

fn tell(observers: &Observers, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let observers = observers.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for observer in observers {
        // Saved is saved, whether or not the shell could be told.
        let _ = observer.changed(changes.to_vec());
    }
}
