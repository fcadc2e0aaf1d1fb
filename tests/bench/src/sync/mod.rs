//! The exchange between two books: over TLS on the loopback address, and in memory.

mod growth;
mod merge;
mod pouchdb;
mod talk;
mod transfer;

use std::sync::Arc;

use seldinger_core::ids::SystemIds;
use seldinger_core::link::DeviceIdentity;
use seldinger_core::store::Synchronous;
use seldinger_core::sync::Fingerprint;
use seldinger_core::sync::pairing::{DeviceName, Party};

pub use merge::merge;

use crate::book::Bench;
use crate::measure::Outcome;
use crate::sample::Sample;
use crate::table::Row;

/// A book with its device's keys.
pub struct Device {
    bench: Bench,
    keys: DeviceIdentity,
}

impl Device {
    fn new(bench: Bench) -> Outcome<Arc<Self>> {
        Ok(Arc::new(Self { bench, keys: DeviceIdentity::generate(&SystemIds)? }))
    }

    /// One with an empty book.
    fn empty() -> Outcome<Arc<Self>> {
        Self::new(Bench::new(Synchronous::Full)?)
    }

    /// One with so many cases.
    fn with_cases(sample: &Sample, count: u64) -> Outcome<Arc<Self>> {
        Self::new(Bench::with_cases(sample, count)?)
    }

    fn key(&self) -> Fingerprint {
        self.keys.fingerprint()
    }

    /// Makes two devices know each other.
    fn pair(&self, other: &Self) -> Outcome<()> {
        for (one, other) in [(self, other), (other, self)] {
            one.bench.book.add_peer(&Party {
                fingerprint: other.key(),
                name: DeviceName::new("bench"),
                seal_key: other.keys.seal_key(),
            })?;
        }
        Ok(())
    }
}

/// All that is measured of the exchange; with `grow`, at 100,000 records too, and with `npm`, against
/// PouchDB.
pub fn sync(sample: &Sample, grow: bool, npm: bool) -> Outcome<Vec<Row>> {
    let (mut rows, ours) = transfer::transfer(sample)?;
    rows.push(transfer::no_op(sample)?);
    rows.extend(growth::growth(sample, grow)?);
    if npm {
        eprintln!("installing and running PouchDB");
        rows.push(pouchdb::pouchdb(sample, ours)?);
    }
    Ok(rows)
}
