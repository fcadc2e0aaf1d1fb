//! Long work as objects: the shell steps it on a background queue and may cancel it between steps.

use std::path::Path;
use std::sync::Arc;

use super::Logbook;
use crate::error::Result;
use crate::job::{Job, Progress};
use crate::logbook::{
    ExportFormat, ExportReport, IdentifierReport, ImportOptions, ImportReport, ImportSource,
};

macro_rules! jobs {
    ($($(#[$doc:meta])* $name:ident gives $report:ident;)+) => {$(
        $(#[$doc])*
        #[derive(uniffi::Object)]
        pub struct $name(Job<$report>);

        impl $name {
            fn begun(job: Job<$report>) -> Arc<Self> {
                Arc::new(Self(job))
            }
        }

        #[uniffi::export]
        impl $name {
            /// Does the next piece, some milliseconds of work.
            pub fn step(&self) -> Result<Progress> {
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
    ImportJob gives ImportReport;
    /// Writes records to a file.
    ExportJob gives ExportReport;
    /// Looks for patient identifiers before an export.
    IdentifierJob gives IdentifierReport;
}

#[uniffi::export]
impl Logbook {
    /// Imports JSON lines from a file: checked whole first, then written; known records are passed over.
    pub fn import_file(&self, path: String, options: ImportOptions) -> Result<Arc<ImportJob>> {
        self.book.import_job(ImportSource::Path(path.into()), options).map(ImportJob::begun)
    }

    /// Exports records of `kind`, or of all kinds, to a file that appears once it is whole.
    pub fn export_file(
        &self,
        path: String,
        format: ExportFormat,
        kind: Option<String>,
    ) -> Result<Arc<ExportJob>> {
        self.book.export_job(Path::new(&path), format, kind.as_deref()).map(ExportJob::begun)
    }

    /// Looks for identifiers in what an export of `kind` would write.
    pub fn find_identifiers(&self, kind: Option<String>) -> Result<Arc<IdentifierJob>> {
        self.book.identifier_job(kind.as_deref()).map(IdentifierJob::begun)
    }
}
