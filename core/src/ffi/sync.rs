//! Sync over the local network as an object.

use std::path::Path;
use std::sync::Arc;

use super::Logbook;
use crate::content::Wording;
use crate::error::Result;
use crate::ids::RecordId;
use crate::job::{Job, JobProgress};
use crate::link::discovery::Discovery;
use crate::logbook::lan::{
    self, JoinView, SyncError, SyncObserver, SyncResult, SyncStatus, WindowView,
};
use crate::logbook::{
    BundleTo, ImportSource, MadeBundle, Peer, RecordSync, Revocation, SyncCounts, TakenBundle,
};
use crate::store::Existing;
use crate::sync::pairing::DigitsAnswer;

/// Sync of a book with the devices that it is paired with, on threads of the core. One for the life of
/// the app; letting go of it ends every connection. The app may be suspended at any point.
#[derive(uniffi::Object)]
pub struct SyncService(lan::SyncService);

#[uniffi::export]
impl SyncService {
    /// Begins; paired devices are called as soon as somebody knows where they are. `name` is what this
    /// device is called on the others.
    #[uniffi::constructor]
    pub fn begin(
        book: Arc<Logbook>,
        name: &str,
        discovery: Option<Arc<dyn Discovery>>,
        observer: Option<Arc<dyn SyncObserver>>,
    ) -> SyncResult<Arc<Self>> {
        let service = lan::SyncService::begin(book.book.clone(), name, discovery, observer)?;
        Ok(Arc::new(Self(service)))
    }

    /// Answers calls at `address`, such as `0.0.0.0:0` for any free port; gives the port.
    pub fn listen(&self, address: &str) -> SyncResult<u16> {
        self.0.listen(address)
    }

    /// What to show.
    pub fn status(&self) -> SyncResult<SyncStatus> {
        self.0.status()
    }

    /// Calls every device that is not connected, now; also when the network has come back.
    pub fn sync_now(&self) {
        self.0.sync_now();
    }

    /// Ends every connection; what was saved stays saved, the rest goes over next time.
    pub fn hang_up(&self) {
        self.0.hang_up();
    }

    /// Takes a code, scanned or typed, to the device that shows it. `at` is where that is, `host:port`,
    /// where the code does not say and nothing is announced.
    pub fn join(&self, code: &str, at: Option<String>) -> SyncResult<()> {
        self.0.join(code, at.as_deref())
    }

    /// How joining goes; nothing where nobody joined.
    pub fn joining(&self) -> Option<JoinView> {
        self.0.joining()
    }

    /// Gives up joining.
    pub fn stop_joining(&self) {
        self.0.stop_joining();
    }

    /// Shows a code for two minutes. `addresses` are where this device can be reached, `host:port`.
    pub fn open_window(&self, addresses: Vec<String>) -> SyncResult<WindowView> {
        self.0.open_window(&addresses)
    }

    /// The window as it is now; nothing where none was opened.
    pub fn window(&self) -> Option<WindowView> {
        self.0.window()
    }

    /// The digits that the other device shows.
    pub fn type_digits(&self, typed: &str) -> DigitsAnswer {
        self.0.type_digits(typed)
    }

    /// Closes the window.
    pub fn close_window(&self) {
        self.0.close_window();
    }

    /// Ends the exchange with a device, by its fingerprint, here and wherever that is heard of. It cannot
    /// be undone: `name` is what the user typed to confirm it.
    pub fn revoke(&self, fingerprint: &str, name: &str) -> SyncResult<()> {
        self.0.revoke(fingerprint.parse()?, name)
    }
}

#[uniffi::export]
impl Logbook {
    /// Every device that this one was paired with, by name.
    pub fn peers(&self) -> Result<Vec<Peer>> {
        self.book.peers()
    }

    /// Every revoked key that this book knows of, also of devices that it was never paired with.
    pub fn revocations(&self) -> Result<Vec<Revocation>> {
        self.book.revocations()
    }

    /// How safe a record is.
    pub fn record_sync(&self, id: RecordId) -> Result<RecordSync> {
        self.book.record_sync(id)
    }

    /// Writes what another device lacks to a file that only it can read, and that appears once it is
    /// whole. `name` is what this device is called on the others. A file that has its name already is
    /// left alone, unless `replace`.
    #[uniffi::method(default(replace = false))]
    pub fn make_bundle(
        &self,
        path: String,
        to: BundleTo,
        name: String,
        replace: bool,
    ) -> SyncResult<Arc<MakeBundleJob>> {
        let existing = Existing::replaced_if(replace);
        self.book.make_bundle_job(Path::new(&path), existing, &to, &name).map(MakeBundleJob::begun)
    }

    /// Takes in a file that another device made for this one. `code` is the one that was shown where a
    /// first bundle was made.
    pub fn take_bundle(
        &self,
        path: String,
        code: Option<String>,
    ) -> SyncResult<Arc<TakeBundleJob>> {
        self.book
            .take_bundle_job(&ImportSource::Path(path.into()), code.as_deref())
            .map(TakeBundleJob::begun)
    }

    /// How much is to be exchanged, over all devices.
    pub fn sync_counts(&self) -> Result<SyncCounts> {
        self.book.sync_counts()
    }
}

jobs! {
    /// Writes a bundle for another device.
    MakeBundleJob gives MadeBundle or SyncError;
    /// Takes a bundle in.
    TakeBundleJob gives TakenBundle or SyncError;
}

/// What is said to the user when sync could not do something.
#[uniffi::export]
pub fn sync_error_wording(error: SyncError) -> Wording {
    error.wording()
}
