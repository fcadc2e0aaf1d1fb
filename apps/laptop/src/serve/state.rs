//! What every page handler can reach.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use seldinger_core::content::words;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::logbook::Logbook;
use seldinger_core::logbook::lan::SyncResult;
use seldinger_core::store::Place;
use zeroize::Zeroizing;

use super::doors::{Doors, Session};
use super::invitations::{InvitationId, Invitations};
use super::opening::OpeningFile;
use super::tries::Tries;
use crate::exchange::{Exchange, host_name};
use crate::failure::Failure;
use crate::open::{Home, Opened};
use crate::say;
use crate::vault::{Vault, VaultMode};

/// How long what still runs is waited for when the page is locked.
const LAST_WORK: Duration = Duration::from_secs(10);

/// The running page; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    /// Nothing while the page is locked by its button: the key is not in memory then.
    open: RwLock<Option<Open>>,
    home: Home,
    doors: Doors,
    port: u16,
    /// Hash of what a second start of the app has to show.
    secret: blake3::Hash,
    /// One passphrase at a time: each costs memory on purpose.
    trying: Mutex<Tries>,
    /// What was closed and may still be in use.
    closed: Mutex<Vec<Closed>>,
}

/// What is there while the book is open.
struct Open {
    own: Arc<Logbook>,
    /// Sync of the own book; why there is none, where its keys cannot be used.
    exchange: Arc<SyncResult<Exchange>>,
    sample: Option<Arc<Logbook>>,
    vault: Vault,
}

impl Open {
    fn new(book: Logbook, vault: Vault, home: &Home) -> Self {
        let own = Arc::new(book);
        let exchange = Arc::new(Exchange::begin(own.clone(), &home.places, &host_name(), None));
        Self { own, exchange, sample: None, vault }
    }

    /// Tells later whether all of it is gone.
    fn watch(&self) -> Closed {
        let books = [Some(&self.own), self.sample.as_ref()];
        Closed {
            books: books.into_iter().flatten().map(Arc::downgrade).collect(),
            exchange: Arc::downgrade(&self.exchange),
        }
    }
}

/// Books and sync that were closed: what still runs may hold on to them, and to their key.
struct Closed {
    books: Vec<Weak<Logbook>>,
    exchange: Weak<SyncResult<Exchange>>,
}

impl Closed {
    fn is_gone(&self) -> bool {
        self.exchange.strong_count() == 0 && self.books.iter().all(|book| book.strong_count() == 0)
    }
}

/// How often it is looked whether an invitation was used.
const LOOK: Duration = Duration::from_millis(50);

/// What lets one browser in.
pub struct WayIn {
    /// Which invitation it is.
    pub id: InvitationId,
    /// The address that carries the token.
    pub address: String,
    /// The file that posts it.
    pub file: Option<PathBuf>,
}

/// Why somebody was not let in again.
#[derive(Debug)]
pub enum Refused {
    /// The passphrase is needed.
    Needed,
    /// It is another one.
    Wrong,
    /// Too many were wrong: nobody is heard for so long.
    Wait(Duration),
    /// The book does not open.
    Trouble(Failure),
}

impl AppState {
    /// The page of an open book on a port.
    pub fn new(opened: Opened, home: Home, doors: Doors, port: u16, secret: &str) -> Self {
        let open = Open::new(opened.book, opened.vault, &home);
        Self(Arc::new(Shared {
            open: RwLock::new(Some(open)),
            home,
            doors,
            port,
            secret: blake3::hash(secret.as_bytes()),
            trying: Mutex::default(),
            closed: Mutex::default(),
        }))
    }

    fn with_open<T>(&self, work: impl FnOnce(&Open) -> T) -> Result<T> {
        let open = self.0.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(work).ok_or(LogbookError::KeyLocked)
    }

    /// The book that is shown: the user's own, or the sample rotation.
    ///
    /// # Errors
    /// `KeyLocked` while the page is locked by its button.
    pub fn shown_book(&self) -> Result<Arc<Logbook>> {
        self.with_open(|open| open.sample.as_ref().unwrap_or(&open.own).clone())
    }

    /// Whether the book is open: it is not where the page was locked by its button.
    pub fn is_open(&self) -> bool {
        self.with_open(|_| ()).is_ok()
    }

    /// Whether the sample rotation is shown.
    pub fn is_sample(&self) -> bool {
        self.with_open(|open| open.sample.is_some()).unwrap_or(false)
    }

    /// Shows the sample rotation, a book of its own; it is made when it is opened for the first time.
    pub fn open_sample(&self) -> Result<()> {
        let _one = self.one_at_a_time();
        if self.is_sample() {
            return Ok(());
        }
        let vault = self.with_open(|open| open.vault.clone())?;
        let book = crate::sample::open(&self.0.home, &vault)?;
        self.show_sample(Some(Arc::new(book)));
        Ok(())
    }

    /// Shows the user's own book again.
    pub fn leave_sample(&self) {
        self.show_sample(None);
    }

    fn show_sample(&self, book: Option<Arc<Logbook>>) {
        let mut open = self.0.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open.as_mut() {
            open.sample = book;
        }
    }

    /// Runs `work` on the book that is shown, on a thread that may wait for the disk.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Logbook) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let book = self.shown_book()?;
        let asked = tokio::task::spawn_blocking(move || work(&book));
        asked.await.unwrap_or(Err(LogbookError::Io))
    }

    /// Who keeps the key. While the book is open, who gave it: the note may have been changed since, by
    /// somebody who wants to come in without the passphrase. While it is closed, the note says how it is
    /// opened; without one nobody is let in without a passphrase.
    pub fn vault_mode(&self) -> VaultMode {
        let noted = || Vault::noted_mode(&self.0.home.places).ok().flatten();
        let open = self.with_open(|open| open.vault.mode);
        open.ok().or_else(noted).unwrap_or(VaultMode::Passphrase)
    }

    /// The data folder, as text.
    pub fn data_folder(&self) -> String {
        self.0.home.places.data().display().to_string()
    }

    /// The folder where key files are, as text.
    pub fn key_folder(&self) -> String {
        self.0.home.places.key_files().display().to_string()
    }

    /// Locks the page: every session ends, sync stops, the books are closed and their key is dropped.
    /// Returns when that is so, or when what still runs takes too long.
    pub async fn lock(&self) {
        // In this order: what opens the book for a session looks whether that goes on.
        self.0.doors.lock();
        let state = self.clone();
        let closed = tokio::task::spawn_blocking(move || state.close()).await;
        let told = if closed.unwrap_or(false) { "app.locked_now" } else { "app.locked_soon" };
        say::note(&words(told, &[]));
        self.say_way_back();
    }

    /// Opens the own book anew where it was opened to be read only and can be written now: a full disk has
    /// room again.
    pub(super) fn open_to_write(&self) -> std::result::Result<(), Failure> {
        let _one = self.one_at_a_time();
        let home = &self.0.home;
        let place = Place::new(home.places.own_book());
        let vault = self.with_open(|open| open.own.is_read_only().then(|| open.vault.clone()))?;
        let Some(vault) = vault.filter(|_| place.can_be_written()) else { return Ok(()) };
        let book = Logbook::open(home.setup(place, &vault))?;
        if book.is_read_only() {
            return Ok(());
        }
        let mut open = self.0.open.write().unwrap_or_else(PoisonError::into_inner);
        // The page may have been locked meanwhile. Sync ends before it begins anew.
        let Some(Open { sample, .. }) = open.take() else { return Ok(()) };
        *open = Some(Open { sample, ..Open::new(book, vault, home) });
        Ok(())
    }

    /// Ends sync and closes the books; whether all of it is gone in time.
    pub(super) fn close(&self) -> bool {
        let open = {
            let mut open = self.0.open.write().unwrap_or_else(PoisonError::into_inner);
            self.closed().extend(open.as_ref().map(Open::watch));
            open.take()
        };
        drop(open);
        let until = Instant::now() + LAST_WORK;
        while self.is_closing() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        !self.is_closing()
    }

    /// Whether something still holds on to a book that was closed, and to its key.
    pub fn is_closing(&self) -> bool {
        let mut closed = self.closed();
        closed.retain(|closed| !closed.is_gone());
        !closed.is_empty()
    }

    fn closed(&self) -> MutexGuard<'_, Vec<Closed>> {
        self.0.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where nobody reads, another start of the app gives an address. Under a passphrase nothing but
    /// the passphrase lets in again.
    pub(super) fn say_way_back(&self) {
        if self.vault_mode() != VaultMode::Passphrase && !say::to_terminal() {
            let _ = super::say_address(&self.invite(false).address);
        }
    }

    /// Lets somebody in who may come in at all: under a passphrase who knows it, and no variable of the
    /// environment knows it for them. Opens the book where it was closed.
    pub async fn admit(
        &self,
        passphrase: Option<Zeroizing<String>>,
    ) -> std::result::Result<(), Refused> {
        self.admit_while(passphrase, |_| true).await
    }

    /// Opens the book for a browser that was let in, where it was closed and its session goes on: "Lock
    /// now" may have ended that in between.
    pub(super) async fn open_for(&self, cookie: &str) -> std::result::Result<(), Refused> {
        let cookie = cookie.to_owned();
        self.admit_while(None, move |doors| doors.session(&cookie, Instant::now(), false).is_some())
            .await
    }

    /// On a thread that may wait for the disk.
    async fn admit_while(
        &self,
        passphrase: Option<Zeroizing<String>>,
        is_due: impl Fn(&Doors) -> bool + Send + 'static,
    ) -> std::result::Result<(), Refused> {
        let state = self.clone();
        let passphrase = passphrase.filter(|text| !text.is_empty());
        let admitting = tokio::task::spawn_blocking(move || {
            state.admit_now(passphrase.as_ref().map(|text| text.as_str()), is_due)
        });
        admitting.await.unwrap_or(Err(Refused::Trouble(LogbookError::Io.into())))
    }

    fn admit_now(
        &self,
        passphrase: Option<&str>,
        is_due: impl Fn(&Doors) -> bool,
    ) -> std::result::Result<(), Refused> {
        let mut tries = self.one_at_a_time();
        let places = &self.0.home.places;
        let vault = if self.vault_mode() == VaultMode::Passphrase {
            let wait = tries.wait(Instant::now());
            if !wait.is_zero() {
                return Err(Refused::Wait(wait));
            }
            let vault = Vault::under(places, passphrase.ok_or(Refused::Needed)?);
            match &vault {
                Ok(_) => tries.right(),
                Err(Failure::Book(LogbookError::WrongKey)) => {
                    tries.wrong(Instant::now());
                    return Err(Refused::Wrong);
                }
                Err(_) => {}
            }
            vault
        } else if self.is_open() {
            return Ok(());
        } else {
            Vault::noted(places)
        };
        self.open_with(vault.map_err(Refused::Trouble)?, is_due).map_err(Refused::Trouble)
    }

    fn open_with(
        &self,
        vault: Vault,
        is_due: impl Fn(&Doors) -> bool,
    ) -> std::result::Result<(), Failure> {
        if let Ok(own) = self.own_book() {
            // The sealed file may have been put there by somebody who knows another passphrase.
            return Ok(own.check_vault(&vault.keys)?);
        }
        let home = &self.0.home;
        let place = Place::new(home.places.own_book());
        let book = Logbook::open(home.setup(place, &vault))?;
        let opened = Open::new(book, vault, home);
        let mut open = self.0.open.write().unwrap_or_else(PoisonError::into_inner);
        if !is_due(&self.0.doors) {
            return Err(LogbookError::KeyLocked.into());
        }
        *open = Some(opened);
        Ok(())
    }

    /// The user of a session has shown who they are.
    pub fn prove(&self, session: &Session) {
        self.0.doors.prove(session, Instant::now());
    }

    /// The user's own book, whichever is shown.
    pub fn own_book(&self) -> Result<Arc<Logbook>> {
        self.with_open(|open| open.own.clone())
    }

    /// Asks it, on a thread that may wait for the disk.
    pub async fn ask_own<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Logbook>) -> SyncResult<T> + Send + 'static,
    ) -> SyncResult<T> {
        let own = self.own_book()?;
        let asked = tokio::task::spawn_blocking(move || work(&own)).await;
        asked.unwrap_or(Err(LogbookError::Io.into()))
    }

    /// Asks sync of the user's own book, on a thread that may wait for the disk or the network.
    pub async fn ask_exchange<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Exchange) -> SyncResult<T> + Send + 'static,
    ) -> SyncResult<T> {
        let exchange = self.with_open(|open| open.exchange.clone())?;
        let asked = tokio::task::spawn_blocking(move || match &*exchange {
            Ok(exchange) => work(exchange),
            Err(error) => Err(error.clone()),
        });
        asked.await.unwrap_or(Err(LogbookError::Io.into()))
    }

    /// What lets one browser in, once; with a file that brings it there, where one is to be started.
    pub(super) fn invite(&self, opens: bool) -> WayIn {
        let (id, token) = self.0.doors.invitations(Invitations::add);
        let file = opens.then(|| OpeningFile::write(&self.0.home.places, self.0.port, &token));
        let file = file.flatten().map(|file| {
            let path = file.path().to_owned();
            self.0.doors.invitations(|invitations| invitations.keep_file(id, file, Instant::now()));
            path
        });
        let address = format!("{}open?token={token}", self.bare_address());
        WayIn { id, address, file }
    }

    /// Waits for a browser to use the invitation; a code to type where none did.
    pub(super) async fn code_if_unused(&self, id: InvitationId, wait: Duration) -> Option<String> {
        let until = Instant::now() + wait;
        let waits = || self.0.doors.invitations(|invitations| invitations.is_waiting(id));
        while Instant::now() < until && waits() {
            tokio::time::sleep(LOOK).await;
        }
        self.0.doors.invitations(|invitations| invitations.new_code(id, Instant::now()))
    }

    /// The address without anything that lets in.
    pub(super) fn bare_address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.0.port)
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

    fn one_at_a_time(&self) -> MutexGuard<'_, Tries> {
        self.0.trying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl AppState {
    /// The book that is shown, for tests of pages.
    pub fn book(&self) -> Arc<Logbook> {
        self.shown_book().unwrap()
    }
}
