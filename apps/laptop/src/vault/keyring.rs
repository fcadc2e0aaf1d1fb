//! The system's keyring: Secret Service, Keychain or Credential Manager. Never the kernel's own
//! keyring, which a restart empties.

use std::sync::mpsc;
use std::time::Duration;

use keyring::{Entry, Error};
use seldinger_core::store::key::{KeyVault, KeyVaultError};

/// What our entries are filed under.
const SERVICE: &str = "seldinger";

/// The keyring of whoever is logged in.
pub struct Keyring;

impl Keyring {
    /// Whether the keyring keeps and gives back a secret.
    pub fn works() -> bool {
        // A name of its own: another program may be trying the same.
        let probe = format!("probe-{}", std::process::id());
        let secret = b"seldinger".to_vec();
        let kept = Self.store(probe.clone(), secret.clone()).is_ok()
            && Self.load(probe.clone()).ok().flatten().as_ref() == Some(&secret);
        // Taken out again even where it could not be read back.
        kept & Self.remove(probe).is_ok()
    }
}

impl KeyVault for Keyring {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        within(move || match Entry::new(SERVICE, &name)?.get_secret() {
            Err(Error::NoEntry) => Ok(None),
            other => other.map(Some),
        })
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        within(move || {
            let secret = zeroize::Zeroizing::new(secret);
            Entry::new(SERVICE, &name)?.set_secret(&secret)
        })
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        within(move || match Entry::new(SERVICE, &name)?.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            other => other,
        })
    }
}

/// Asks the keyring on a thread of its own: a locked one waits for its owner, and where nobody can
/// see its question it would wait for ever.
fn within<T: Send + 'static>(
    ask: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, KeyVaultError> {
    let (tell, told) = mpsc::channel();
    let _ = std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(move || tell.send(ask()))
        .map_err(|_| KeyVaultError::Unavailable)?;
    match told.recv_timeout(patience()) {
        Ok(answer) => answer.map_err(|error| match error {
            Error::NoStorageAccess(_) => KeyVaultError::Locked,
            _ => KeyVaultError::Unavailable,
        }),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyVaultError::Locked),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(KeyVaultError::Unavailable),
    }
}

/// Long enough to type a password where there is a screen for its question.
fn patience() -> Duration {
    let screen = !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    Duration::from_secs(if screen { 60 } else { 5 })
}
