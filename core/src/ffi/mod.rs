//! What Swift and Kotlin see: objects whose methods forward in a line. Anything longer belongs inward.
//!
//! Calls are synchronous and short; a shell makes them on a background queue. Long work is a job that
//! the shell steps. Value types cross as they are, derived where they are defined.

#![allow(clippy::needless_pass_by_value, reason = "what crosses the border is handed over")]

mod checklists;
mod consults;
mod functions;
#[macro_use]
mod jobs;
mod library;
mod logbook;
mod safety;
#[cfg(feature = "lan")]
mod sync;

pub use jobs::{BackupJob, ExportJob, IdentifierJob, ImportJob, VerifyJob};
pub use logbook::Logbook;
pub use safety::{
    KeyChange, KeyChangeJob, PreparedRestore, RestoreJob, change_key, recover_key, restore_backup,
};
#[cfg(feature = "lan")]
pub use sync::{MakeBundleJob, SyncService, TakeBundleJob};
