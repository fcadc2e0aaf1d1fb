//! `key`: a new key for the log, or the old one back.

use std::str::FromStr as _;

use clap::Subcommand;
use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::Logbook;
use seldinger_core::store::Place;
use seldinger_core::store::key::RecoveryCode;

use super::{job, safety};
use crate::failure::Failure;
use crate::open::Home;
use crate::say;
use crate::vault::{self, Vault};

/// What happens to the key.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Encrypt the log under a new key, with a new recovery code, and change the passphrase.
    Change,
    /// Bring a lost key or passphrase back with the recovery code.
    Recover,
}

/// Runs it.
pub fn run(home: &Home, command: &KeyCommand) -> Result<(), Failure> {
    home.check()?;
    match command {
        KeyCommand::Change => change(home),
        KeyCommand::Recover => recover(home),
    }
}

fn change(home: &Home) -> Result<(), Failure> {
    let (vault, sealed) = Vault::noted_to_change(&home.places)?;
    let passphrase = match &sealed {
        Some(_) => vault::changed_passphrase()?,
        None => None,
    };
    let setup = home.setup(Place::new(home.places.own_book()), &vault);
    let changed = job::run(Logbook::change_key_job(&setup)?, "Encrypting")?;
    say::note(&words("app.new_key", &[]));
    say::note(&format!("    {}", changed.recovery_code));
    // Sealed to the new code; the backups before need the former.
    safety::back_up_if_due(&Logbook::open(setup)?);
    if let (Some(sealed), Some(passphrase)) = (sealed, passphrase) {
        sealed.change_passphrase(&passphrase).map_err(LogbookError::from)?;
        say::note(&words("app.passphrase_changed", &[]));
    }
    Ok(())
}

fn recover(home: &Home) -> Result<(), Failure> {
    let typed = safety::typed("app.ask_code")?.ok_or(Failure::CodeNeeded)?;
    let code = RecoveryCode::from_str(&typed).map_err(|_| LogbookError::NotACode)?;
    let book = home.places.own_book();
    let _turn = home.places.turn()?;
    vault::recover_into(&home.places, home.wanted, |keys| {
        Ok(Logbook::recover_key(&book, keys, &code)?)
    })?;
    vault::note_made(&home.places);
    say::note(&words("app.key_is_back", &[]));
    Ok(())
}
