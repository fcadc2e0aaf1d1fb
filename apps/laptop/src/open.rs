//! Opens the user's book, or makes it.

use std::sync::Arc;

use seldinger_core::error::LogbookError;
use seldinger_core::ids::{Ids as _, SystemIds};
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::key::RecoveryCode;
use seldinger_core::store::{Place, backup};
use seldinger_core::time::SystemClock;

use crate::data_dir::Places;
use crate::failure::Failure;
use crate::vault::{self, Vault, VaultMode};

/// The books of this installation and how they are opened.
#[derive(Clone)]
pub struct Home {
    /// Where they are.
    pub places: Places,
    /// Who shall keep the key of a new one.
    pub wanted: Option<VaultMode>,
}

/// An open book.
pub struct Opened {
    /// The book.
    pub book: Logbook,
    /// Who keeps its key.
    pub vault: Vault,
    /// The recovery code, where the book was made just now.
    pub recovery_code: Option<RecoveryCode>,
}

impl Home {
    /// The user's own book.
    ///
    /// # Errors
    /// `NoBook` where none was made yet; `LogGone` and `PartMissing` where there was one.
    pub fn existing(&self) -> Result<Opened, Failure> {
        self.check()?;
        let vault = Vault::noted(&self.places)?;
        let place = Place::new(self.places.own_book());
        let book = Logbook::open(self.setup(place, &vault))?;
        vault::note_made(&self.places);
        Ok(Opened { book, vault, recovery_code: None })
    }

    /// The user's own book; a new one where there is no trace of one. Of several programs that start at the
    /// same time one chooses who keeps the key and makes the book; the others wait for it.
    pub fn existing_or_new(&self) -> Result<Opened, Failure> {
        if !matches!(self.check(), Err(Failure::Book(LogbookError::NoBook))) {
            return self.existing();
        }
        let _turn = self.places.turn()?;
        if !matches!(self.check(), Err(Failure::Book(LogbookError::NoBook))) {
            return self.existing();
        }
        self.places.sweep();
        let vault = Vault::chosen(&self.places, self.wanted)?;
        let place = Place::new(self.places.own_book());
        let (book, recovery_code) = Logbook::open_or_create(self.setup(place, &vault))?;
        vault::note_made(&self.places);
        Ok(Opened { book, vault, recovery_code })
    }

    /// Whether the user's own book is there, before anybody is asked for a passphrase.
    ///
    /// # Errors
    /// Those of `existing`, as far as the folders tell.
    pub fn check(&self) -> Result<(), Failure> {
        let folder = self.places.own_book();
        match Place::new(&folder).check() {
            Err(LogbookError::NoBook) => match vault::trace(&self.places)? {
                Some(trace) => Err(Failure::LogGone { folder, trace }),
                None => Err(LogbookError::NoBook.into()),
            },
            Err(LogbookError::PartMissing { part }) => {
                let backups = backup::found_in(&folder);
                Err(Failure::PartMissing { part, folder, backups })
            }
            other => Ok(other?),
        }
    }

    /// What a book at `place` is opened with.
    pub fn setup(&self, place: Place, vault: &Vault) -> Setup {
        Setup {
            place,
            vault: Arc::clone(&vault.keys),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            installation: self.places.installation(random_word),
        }
    }
}

/// 32 random bytes, as letters and digits.
pub fn random_word() -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; 32];
    SystemIds.fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(64), |mut word, byte| {
        let _ = write!(word, "{byte:02x}");
        word
    })
}
