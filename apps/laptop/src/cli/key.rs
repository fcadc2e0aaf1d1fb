//! `key`: a new key for the log, or the old one back; the recovery code until it is confirmed.

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
    /// Show the recovery code, until it is confirmed.
    Code,
    /// Confirm that the recovery code is written down: two of its groups are asked for, and it is wiped
    /// from the log.
    Confirm,
    /// Bring a lost key or passphrase back with the recovery code.
    Recover,
}

/// Runs it.
pub fn run(home: &Home, command: &KeyCommand) -> Result<(), Failure> {
    home.check()?;
    match command {
        KeyCommand::Change => change(home),
        KeyCommand::Code => code(home),
        KeyCommand::Confirm => confirm(home),
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
    let change = job::run(Logbook::change_key_job(&setup)?, "Encrypting")?;
    // A key whose code nobody could see must not come into force.
    say::show(&words("app.new_key", &[]))?;
    say::show(&format!("    {}", *change.recovery_code()))?;
    change.put_in_force()?;
    say::note(&words("app.key_in_force", &[]));
    // Sealed to the new code; the backups before need the former.
    safety::back_up_if_due(&Logbook::open(setup)?);
    if let (Some(sealed), Some(passphrase)) = (sealed, passphrase) {
        sealed.change_passphrase(&passphrase).map_err(LogbookError::from)?;
        say::note(&words("app.passphrase_changed", &[]));
    }
    Ok(())
}

fn code(home: &Home) -> Result<(), Failure> {
    let code = home.existing()?.book.unconfirmed_code()?;
    say::show(&words("app.code_again", &[]))?;
    say::show(&format!("    {}", *code.text()))
}

fn confirm(home: &Home) -> Result<(), Failure> {
    let book = home.existing()?.book;
    if !book.has_unconfirmed_code()? {
        return Err(LogbookError::CodeNotKept.into());
    }
    let groups = book.code_groups();
    let group = |number: u8| safety::answer("app.ask_group", &[("number", &number.to_string())]);
    let first = group(groups.first)?.ok_or(Failure::CodeNeeded)?;
    let second = group(groups.second)?.ok_or(Failure::CodeNeeded)?;
    book.confirm_code(groups, &first, &second)?;
    say::note(&words("app.code_confirmed", &[]));
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
