//! A logbook to measure, and a bare connection to the same file or to one like it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use seldinger_core::ids::{RecordId, SystemIds};
use seldinger_core::logbook::{CASE, Logbook, Setup};
use seldinger_core::record::NewRecord;
use seldinger_core::store::key::{KeyVault, KeyVaultError};
use seldinger_core::store::{self, Place, Synchronous};
use seldinger_core::time::{MINUTE_MS, Moment, SystemClock, UtcMillis};

use crate::measure::Outcome;
use crate::sample::Sample;

/// Keys in memory.
#[derive(Default)]
pub struct MemoryVault(Mutex<BTreeMap<String, Vec<u8>>>);

impl KeyVault for MemoryVault {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned())
    }

    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, secret);
        Ok(())
    }

    fn remove(&self, name: String) -> Result<(), KeyVaultError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        Ok(())
    }
}

/// A book in a folder of its own, gone when this is dropped.
pub struct Bench {
    folder: tempfile::TempDir,
    vault: Arc<MemoryVault>,
    synchronous: Synchronous,
    /// The open book.
    pub book: Logbook,
}

impl Bench {
    /// A new, empty book.
    pub fn new(synchronous: Synchronous) -> Outcome<Self> {
        Self::within(&std::env::temp_dir(), synchronous)
    }

    /// The same, on the disk that has the folder `parent`.
    pub fn within(parent: &Path, synchronous: Synchronous) -> Outcome<Self> {
        let folder = tempfile::tempdir_in(parent)?;
        let vault = Arc::new(MemoryVault::default());
        let book = Logbook::create(setup(&folder.path().join("book"), &vault, synchronous))?.0;
        Ok(Self { folder, vault, synchronous, book })
    }

    /// A new book with `count` cases.
    pub fn with_cases(sample: &Sample, count: u64) -> Outcome<Self> {
        let bench = Self::new(Synchronous::Full)?;
        bench.preload(sample, 0, count)?;
        Ok(bench)
    }

    /// Adds cases `from` to `to`, many in one transaction.
    pub fn preload(&self, sample: &Sample, from: u64, to: u64) -> Outcome<()> {
        const TOGETHER: u64 = 2_000;
        let mut next = from;
        while next < to {
            let end = (next + TOGETHER).min(to);
            self.book.transact(|tx| {
                for n in next..end {
                    tx.create(new_case(sample, n))?;
                }
                Ok(())
            })?;
            next = end;
        }
        Ok(())
    }

    /// What the book is opened with.
    pub fn setup(&self) -> Setup {
        setup(&self.folder.path().join("book"), &self.vault, self.synchronous)
    }

    /// Where to put a database to compare with.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The book's database file.
    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("book").join("book.db")
    }

    /// A bare connection to the book's own database.
    pub fn bare(&self) -> Outcome<Connection> {
        self.connect(&self.file())
    }

    /// A bare connection to `file` with the book's key and settings.
    pub fn connect(&self, file: &Path) -> Outcome<Connection> {
        let keys = self.vault.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys.values().next().ok_or("the book has no key")?;
        let hex = key.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let conn = Connection::open(file)?;
        conn.execute_batch("PRAGMA cipher_log_level = NONE")?;
        conn.pragma_update(None, "key", format!("x'{hex}'"))?;
        store::set_up(&conn, self.synchronous)?;
        Ok(conn)
    }
}

fn setup(folder: &Path, vault: &Arc<MemoryVault>, synchronous: Synchronous) -> Setup {
    Setup {
        place: Place { synchronous, ..Place::new(folder) },
        vault: vault.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        installation: "bench".to_owned(),
    }
}

/// Case `n` as a record, ten minutes after the one before: a million of them lie before today, so that
/// what is saved next is the latest.
pub fn new_case(sample: &Sample, n: u64) -> NewRecord {
    /// 2000-01-01.
    const FIRST_MS: i64 = 946_684_800_000;
    let ms = FIRST_MS + i64::try_from(n).unwrap_or(0) * 10 * MINUTE_MS;
    let at = Moment { utc: UtcMillis(ms), offset_min: Some(-300) };
    NewRecord {
        id: RecordId::new(at.utc, &SystemIds),
        kind: CASE.to_owned(),
        at,
        fields: sample.case(n),
    }
}
