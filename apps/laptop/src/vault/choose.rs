//! Which vault a new book gets, and how a passphrase is asked for.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal as _};

use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use seldinger_core::store::key::KeyVaultError;
use zeroize::Zeroizing;

use super::{Keyring, Sealed, VaultMode};
use crate::data_dir::Places;
use crate::failure::Failure;
use crate::say;

/// Gives the passphrase where nobody can be asked; no child of ours inherits it.
pub const PASSPHRASE_VARIABLE: &str = "SELDINGER_PASSPHRASE";
/// Gives the passphrase that `key change` sets where nobody can be asked.
pub const NEW_PASSPHRASE_VARIABLE: &str = "SELDINGER_NEW_PASSPHRASE";
/// Gives the passphrase of a backup where nobody can be asked.
pub const BACKUP_PASSPHRASE_VARIABLE: &str = "SELDINGER_BACKUP_PASSPHRASE";
/// Letters below which a passphrase is called short. Four words have more.
const SHORT: usize = 12;
/// Wrong passphrases in a row before the command gives up.
const TRIES: u32 = 3;

/// Whether somebody is there to answer.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
        && std::io::stderr().is_terminal()
        && std::env::var_os("CI").is_none()
}

/// Asks for something that is not shown while it is typed.
pub fn ask_secret(question: &str) -> Result<Zeroizing<String>, Failure> {
    let answer = rpassword::prompt_password(format!("{question} "));
    answer.map(Zeroizing::new).map_err(|error| match error.kind() {
        // A terminal that speaks another character set.
        ErrorKind::InvalidData => {
            Failure::NotText { from: "what was typed".to_owned(), line: 1, saved_before: false }
        }
        _ => LogbookError::KeyCancelled.into(),
    })
}

/// The passphrase that a script gives.
pub fn given_passphrase() -> Result<Option<Zeroizing<String>>, Failure> {
    variable(PASSPHRASE_VARIABLE)
}

/// What a script says by a variable; an empty one says nothing.
///
/// # Errors
/// `VariableNotText`: a passphrase that cannot be read is not one that was not given.
pub fn variable(name: &'static str) -> Result<Option<Zeroizing<String>>, Failure> {
    let text = std::env::var_os(name).map(OsString::into_string).transpose();
    let text = text.map_err(|_| Failure::VariableNotText(name))?;
    Ok(text.filter(|text| !text.is_empty()).map(Zeroizing::new))
}

/// Says so where a new passphrase is short: it seals what anyone can try to open who has the file. It
/// is taken all the same.
pub fn tell_if_short(passphrase: &str) {
    if is_short(passphrase) {
        say::note(&words("app.short_passphrase", &[]));
    }
}

fn is_short(passphrase: &str) -> bool {
    passphrase.chars().count() < SHORT
}

/// The passphrase that shall seal the keys from now on; `None` where it stays.
pub fn changed_passphrase() -> Result<Option<Zeroizing<String>>, Failure> {
    let changed = asked_changed()?;
    if let Some(passphrase) = &changed {
        tell_if_short(passphrase);
    }
    Ok(changed)
}

fn asked_changed() -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(passphrase) = variable(NEW_PASSPHRASE_VARIABLE)? {
        return Ok(Some(passphrase));
    }
    if !is_interactive() {
        return Ok(None);
    }
    let first = ask_secret(&words("app.ask_changed_passphrase", &[]))?;
    if first.is_empty() {
        return Ok(None);
    }
    let again = ask_secret(&words("app.ask_again", &[]))?;
    if *again == *first { Ok(Some(first)) } else { Err(Failure::PassphrasesDiffer) }
}

/// Who shall keep the key of a new book, and with what; nothing is written yet.
pub(super) struct Choice {
    pub(super) mode: VaultMode,
    passphrase: Option<Zeroizing<String>>,
}

impl Choice {
    /// The sealed file; it is made where there is none.
    pub(super) fn sealed(&self, places: &Places) -> Result<Sealed, Failure> {
        let passphrase = self.passphrase.as_ref().ok_or(Failure::NewPassphraseNeeded)?;
        if !places.sealed_keys().exists() {
            tell_if_short(passphrase);
        }
        let keys = Sealed::open_or_make(&places.sealed_keys(), passphrase);
        keys.map_err(|error| match error {
            KeyVaultError::Unavailable => Failure::CannotWrite(places.sealed_keys()),
            other => Failure::Book(other.into()),
        })
    }
}

/// What was asked for, else the keyring, else a passphrase, else a file.
pub(super) fn choose(places: &Places, wanted: Option<VaultMode>) -> Result<Choice, Failure> {
    let sealed = |passphrase| Choice { mode: VaultMode::Passphrase, passphrase: Some(passphrase) };
    let by = |mode| Choice { mode, passphrase: None };
    Ok(match wanted {
        Some(VaultMode::Keyring) if !Keyring::works() => {
            return Err(LogbookError::KeyUnavailable.into());
        }
        Some(VaultMode::Passphrase) => sealed(new_passphrase(places)?),
        Some(mode) => by(mode),
        None if Keyring::works() => by(VaultMode::Keyring),
        None => offered_passphrase(places)?.map_or(by(VaultMode::KeyFile), sealed),
    })
}

/// Without a keyring: the passphrase of the environment or the terminal; none after a bare Enter.
fn offered_passphrase(places: &Places) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(passphrase) = given_passphrase()? {
        return Ok(Some(passphrase));
    }
    if !is_interactive() {
        return Ok(None);
    }
    say::note(&words("app.offer_passphrase", &[]));
    let first = ask_secret(&words("app.ask_optional_passphrase", &[]))?;
    if first.is_empty() {
        return Ok(None);
    }
    typed_twice(places, first).map(Some)
}

pub(super) fn new_passphrase(places: &Places) -> Result<Zeroizing<String>, Failure> {
    if let Some(passphrase) = given_passphrase()? {
        return Ok(passphrase);
    }
    if !is_interactive() {
        return Err(Failure::NewPassphraseNeeded);
    }
    let first = ask_secret(&words("app.ask_new_passphrase", &[]))?;
    if first.is_empty() {
        return Err(Failure::PassphraseEmpty);
    }
    typed_twice(places, first)
}

/// A new passphrase is typed twice; one that opens a sealed file which is there already, once.
fn typed_twice(places: &Places, first: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    if !places.sealed_keys().exists() {
        let again = ask_secret(&words("app.ask_again", &[]))?;
        if *again != *first {
            return Err(Failure::PassphrasesDiffer);
        }
    }
    Ok(first)
}

/// Opens the sealed file with the passphrase of the environment, or asks for it.
pub(super) fn unseal(places: &Places) -> Result<Sealed, Failure> {
    let path = places.sealed_keys();
    match path.try_exists() {
        Ok(true) => {}
        // Nobody is asked in vain.
        Ok(false) => return Err(LogbookError::KeyMissing.into()),
        Err(error) => return Err(Failure::unreadable(&path, &error)),
    }
    let open = |passphrase: &str| Sealed::open(&path, passphrase);
    let opened = |keys: Option<Sealed>| Ok(keys.ok_or(LogbookError::KeyMissing)?);
    if let Some(passphrase) = given_passphrase()? {
        return opened(open(&passphrase).map_err(LogbookError::from)?);
    }
    if !is_interactive() {
        return Err(Failure::PassphraseNeeded);
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let passphrase = ask_secret(&words("app.ask_passphrase", &[]))?;
        match open(&passphrase) {
            Err(KeyVaultError::WrongPassphrase) if tries < TRIES => {
                say::note(&words("app.try_again", &[]));
            }
            other => return opened(other.map_err(LogbookError::from)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_is_told_by_letters_not_by_bytes() {
        assert!(is_short("") && is_short("hunter2") && is_short("ÄÖÜäöüÄÖÜäö"));
        assert!(!is_short("four plain words here") && !is_short("ÄÖÜäöüÄÖÜäöü"));
    }
}
