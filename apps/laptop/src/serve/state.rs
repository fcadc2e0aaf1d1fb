//! What every page handler can reach.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seldinger_core::content::words;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::logbook::Logbook;
use seldinger_core::logbook::lan::SyncResult;

use super::doors::Doors;
use crate::exchange::{Exchange, host_name};
use crate::open::{Home, Opened};
use crate::say;
use crate::vault::{Vault, VaultMode};

/// The running page; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    own: Arc<Logbook>,
    /// Sync of the own book; why there is none, where its keys cannot be used.
    exchange: SyncResult<Exchange>,
    sample: Mutex<Option<Arc<Logbook>>>,
    home: Home,
    vault: Vault,
    doors: Doors,
    port: u16,
    /// Hash of what a second start of the app has to show.
    secret: blake3::Hash,
}

impl AppState {
    /// The page of an open book on a port.
    pub fn new(opened: Opened, home: Home, doors: Doors, port: u16, secret: &str) -> Self {
        let own = Arc::new(opened.book);
        let exchange = Exchange::begin(own.clone(), &home.places, &host_name(), None);
        Self(Arc::new(Shared {
            own,
            exchange,
            sample: Mutex::default(),
            home,
            vault: opened.vault,
            doors,
            port,
            secret: blake3::hash(secret.as_bytes()),
        }))
    }

    /// The book that is shown: the user's own, or the sample rotation.
    pub fn book(&self) -> Arc<Logbook> {
        self.sample().as_ref().unwrap_or(&self.0.own).clone()
    }

    /// Whether the sample rotation is shown.
    pub fn is_sample(&self) -> bool {
        self.sample().is_some()
    }

    /// Shows the sample rotation, a book of its own; it is made when it is opened for the first time.
    pub fn open_sample(&self) -> Result<()> {
        let mut sample = self.sample();
        if sample.is_none() {
            let book = crate::sample::open(&self.0.home, &self.0.vault)?;
            *sample = Some(Arc::new(book));
        }
        Ok(())
    }

    /// Shows the user's own book again.
    pub fn leave_sample(&self) {
        *self.sample() = None;
    }

    /// Runs `work` on the book that is shown, on a thread that may wait for the disk.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Logbook) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let book = self.book();
        let asked = tokio::task::spawn_blocking(move || work(&book));
        asked.await.unwrap_or(Err(LogbookError::Io))
    }

    /// Who keeps the key.
    pub fn vault_mode(&self) -> VaultMode {
        self.0.vault.mode
    }

    /// The data folder, as text.
    pub fn data_folder(&self) -> String {
        self.0.home.places.data().display().to_string()
    }

    /// The folder where key files are, as text.
    pub fn key_folder(&self) -> String {
        self.0.home.places.key_files().display().to_string()
    }

    /// Lets every browser out, and prints the address that lets one in again.
    pub fn lock(&self) {
        self.0.doors.lock();
        say::note(&words("app.locked_now", &[]));
        // Where nobody reads, another start of the app gives an address.
        let _ = super::say_address(&self.new_address());
    }

    /// The user's own book, whichever is shown.
    pub fn own_book(&self) -> Arc<Logbook> {
        self.0.own.clone()
    }

    /// Asks it, on a thread that may wait for the disk.
    pub async fn ask_own<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Logbook>) -> SyncResult<T> + Send + 'static,
    ) -> SyncResult<T> {
        let own = self.own_book();
        let asked = tokio::task::spawn_blocking(move || work(&own)).await;
        asked.unwrap_or(Err(LogbookError::Io.into()))
    }

    /// Sync of the user's own book.
    pub fn exchange(&self) -> SyncResult<&Exchange> {
        self.0.exchange.as_ref().map_err(Clone::clone)
    }

    /// Asks it, on a thread that may wait for the disk or the network.
    pub async fn ask_exchange<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Exchange) -> SyncResult<T> + Send + 'static,
    ) -> SyncResult<T> {
        let state = self.clone();
        let asked = tokio::task::spawn_blocking(move || work(state.exchange()?));
        asked.await.unwrap_or(Err(LogbookError::Io.into()))
    }

    /// The address that lets one browser in, once.
    pub(super) fn new_address(&self) -> String {
        format!("http://127.0.0.1:{}/open?token={}", self.0.port, self.0.doors.new_token())
    }

    pub(super) fn doors(&self) -> &Doors {
        &self.0.doors
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port
    }

    pub(super) fn secret(&self) -> blake3::Hash {
        self.0.secret
    }

    fn sample(&self) -> MutexGuard<'_, Option<Arc<Logbook>>> {
        self.0.sample.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
