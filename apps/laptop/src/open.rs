//! Opens the user's book, or makes it.

use std::sync::Arc;

use seldinger_core::error::LogbookError;
use seldinger_core::ids::{Ids as _, SystemIds};
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::store::Place;
use seldinger_core::store::key::RecoveryCode;
use seldinger_core::time::SystemClock;

use crate::data_dir::{Places, make_private_folder};
use crate::failure::Failure;
use crate::vault::{Vault, VaultMode};

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
    /// `NoBook` where none was made yet.
    pub fn existing(&self) -> Result<Opened, Failure> {
        let place = Place::new(self.places.own_book());
        if !place.has_book() {
            return Err(LogbookError::NoBook.into());
        }
        let vault = Vault::noted(&self.places)?;
        let book = Logbook::open(self.setup(place, &vault))?;
        Ok(Opened { book, vault, recovery_code: None })
    }

    /// The user's own book; a new one where there is none.
    pub fn existing_or_new(&self) -> Result<Opened, Failure> {
        let place = Place::new(self.places.own_book());
        if place.has_book() {
            return self.existing();
        }
        make_private_folder(self.places.data()).map_err(LogbookError::from)?;
        let vault = Vault::noted_or_chosen(&self.places, self.wanted)?;
        let (book, code) = Logbook::create(self.setup(place, &vault))?;
        Ok(Opened { book, vault, recovery_code: Some(code) })
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
