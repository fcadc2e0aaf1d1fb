//! Long work as objects: the shell steps it on a background queue and may cancel it between steps.

use std::path::Path;
use std::sync::Arc;

use super::Logbook;
use super::logbook::setup;
use crate::case_log::list::CaseFilter;
use crate::case_log::tally::Tally;
use crate::content::GoalScheme;
use crate::error::{LogbookError, Result};
use crate::job::{Job, JobProgress};
use crate::logbook::{
    self, ExportFormat, ExportOptions, ExportReport, IdentifierReport, ImportOptions, ImportReport,
    ImportSource, VerifyReport,
};
use crate::store::KeyChange;
use crate::store::backup::{BackupReport, RestoreReport, Seal};
use crate::store::key::KeyVault;

macro_rules! jobs {
    ($($(#[$doc:meta])* $name:ident gives $report:ident or $error:ident;)+) => {$(
        $(#[$doc])*
        #[derive(uniffi::Object)]
        pub struct $name(Job<$report, $error>);

        impl $name {
            fn begun(job: Job<$report, $error>) -> Arc<Self> {
                Arc::new(Self(job))
            }
        }

        #[uniffi::export]
        impl $name {
            /// Does the next piece, some milliseconds of work.
            pub fn step(&self) -> std::result::Result<JobProgress, $error> {
                self.0.step()
            }

            /// Stops before the next step; callable from any thread.
            pub fn cancel(&self) {
                self.0.cancel();
            }

            /// The outcome once a step said `finished`; given once.
            pub fn take(&self) -> Option<$report> {
                self.0.take()
            }
        }
    )+};
}

jobs! {
    /// Reads JSON lines into the book.
    ImportJob gives ImportReport or LogbookError;
    /// Writes records to a file.
    ExportJob gives ExportReport or LogbookError;
    /// Looks for patient identifiers before an export.
    IdentifierJob gives IdentifierReport or LogbookError;
    /// Writes the whole book to one encrypted file.
    BackupJob gives BackupReport or LogbookError;
    /// Puts a backup in the place of a book.
    RestoreJob gives RestoreReport or LogbookError;
    /// Counts cases.
    TallyJob gives Tally or LogbookError;
    /// Reads everything that is stored.
    VerifyJob gives VerifyReport or LogbookError;
    /// Encrypts the book under a new key.
    KeyChangeJob gives KeyChange or LogbookError;
}

#[uniffi::export]
impl Logbook {
    /// Imports JSON lines from a file: checked whole first, then written. Records that are known are left
    /// alone unless the options say otherwise.
    pub fn import_file(&self, path: String, options: ImportOptions) -> Result<Arc<ImportJob>> {
        self.book.import_job(ImportSource::Path(path.into()), options).map(ImportJob::begun)
    }

    /// Exports records to a file that appears once it is whole.
    pub fn export_file(
        &self,
        path: String,
        format: ExportFormat,
        options: ExportOptions,
    ) -> Result<Arc<ExportJob>> {
        self.book.export_job(Path::new(&path), format, &options).map(ExportJob::begun)
    }

    /// Looks for identifiers in what an export of `kind` would write.
    pub fn find_identifiers(&self, kind: Option<String>) -> Result<Arc<IdentifierJob>> {
        self.book.identifier_job(kind.as_deref()).map(IdentifierJob::begun)
    }

    /// Writes the whole book to one encrypted file that appears once it is whole; without a passphrase
    /// it is sealed to the recovery code.
    pub fn backup_file(&self, path: String, passphrase: Option<String>) -> Result<Arc<BackupJob>> {
        let seal = passphrase.map_or(Seal::RecoveryCode, |text| Seal::Passphrase(text.into()));
        self.book.backup_job(Path::new(&path), seal).map(BackupJob::begun)
    }

    /// The backup that nobody has to think of; nothing where none is due. Ask after opening and when
    /// work is done.
    pub fn automatic_backup(&self) -> Result<Option<Arc<BackupJob>>> {
        Ok(self.book.automatic_backup_job()?.map(BackupJob::begun))
    }

    /// Counts the cases that `filter` lets through, against the goals of `scheme`, or the guide's.
    pub fn tally(&self, filter: CaseFilter, scheme: Option<GoalScheme>) -> Result<Arc<TallyJob>> {
        self.book.tally_job(&filter, scheme).map(TallyJob::begun)
    }

    /// Reads everything that is stored, and makes good what can be.
    pub fn verify(&self) -> Result<Arc<VerifyJob>> {
        self.book.verify_job().map(VerifyJob::begun)
    }
}

/// Restores a backup into `folder`, verified before it replaces the book there, which is kept. `secret`
/// is the passphrase or recovery code of the backup. The book must not be open.
#[uniffi::export]
pub fn restore_backup(
    path: String,
    secret: String,
    folder: String,
    vault: Arc<dyn KeyVault>,
) -> Result<Arc<RestoreJob>> {
    let setup = setup(folder, vault, String::new());
    logbook::Logbook::restore_job(&setup, Path::new(&path), secret.into()).map(RestoreJob::begun)
}

/// Encrypts the book in `folder` under a new key, with a new recovery code. It must not be open.
#[uniffi::export]
pub fn change_key(folder: String, vault: Arc<dyn KeyVault>) -> Result<Arc<KeyChangeJob>> {
    logbook::Logbook::change_key_job(&setup(folder, vault, String::new())).map(KeyChangeJob::begun)
}

/// Brings the key of the book in `folder` back into a vault that lost it.
#[uniffi::export]
pub fn recover_key(folder: String, recovery_code: String, vault: Arc<dyn KeyVault>) -> Result<()> {
    let code = recovery_code.parse().map_err(|_| LogbookError::NotACode)?;
    logbook::Logbook::recover_key(Path::new(&folder), &vault, &code)
}
