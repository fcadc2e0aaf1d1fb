//! Time, randomness and keys as parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use seldinger_core::ids::Ids;
use seldinger_core::store::key::{KeyVault, KeyVaultError};
use seldinger_core::time::{Clock, Moment, UtcMillis};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct FixedClock(Mutex<Moment>);

impl FixedClock {
    /// A clock at `ms`, five hours behind UTC.
    pub fn at(ms: i64) -> Self {
        Self(Mutex::new(Moment { utc: UtcMillis(ms), offset_min: Some(-300) }))
    }

    /// Moves it, forward or back.
    pub fn advance_ms(&self, ms: i64) {
        lock(&self.0).utc.0 += ms;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Moment {
        *lock(&self.0)
    }
}

/// Randomness that a seed repeats.
#[derive(Debug)]
pub struct SeededIds(Mutex<u64>);

impl SeededIds {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next number (splitmix64).
    pub fn number(&self) -> u64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is above 0.
    pub fn below(&self, limit: usize) -> usize {
        usize::try_from(self.number() % limit.max(1) as u64).unwrap_or(0)
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.number().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A vault in memory that can be told to fail.
#[derive(Debug, Default)]
pub struct MemoryVault {
    secrets: Mutex<BTreeMap<String, Vec<u8>>>,
    failure: Mutex<Option<KeyVaultError>>,
}

impl MemoryVault {
    /// Every call fails like this from now on; `None` heals it.
    pub fn fail(&self, failure: Option<KeyVaultError>) {
        *lock(&self.failure) = failure;
    }

    /// The names it holds.
    pub fn names(&self) -> Vec<String> {
        lock(&self.secrets).keys().cloned().collect()
    }

    fn open(&self) -> Result<MutexGuard<'_, BTreeMap<String, Vec<u8>>>, KeyVaultError> {
        match *lock(&self.failure) {
            Some(failure) => Err(failure),
            None => Ok(lock(&self.secrets)),
        }
    }
}

impl KeyVault for MemoryVault {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        Ok(self.open()?.get(&name).cloned())
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        self.open()?.insert(name, secret);
        Ok(())
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        self.open()?.remove(&name);
        Ok(())
    }
}

/// A vault of files, for a book that several processes open.
#[derive(Debug)]
pub struct FileVault(PathBuf);

impl FileVault {
    /// Keeps its files in `folder`, which is there.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }
}

impl KeyVault for FileVault {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        Ok(std::fs::read(self.0.join(name)).ok())
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        std::fs::write(self.0.join(name), secret).map_err(|_| KeyVaultError::Unavailable)
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        match std::fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(KeyVaultError::Unavailable)
            }
            _ => Ok(()),
        }
    }
}
