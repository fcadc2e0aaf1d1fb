//! The sample rotation, as a book of its own beside the user's.

use std::fs;
use std::sync::Arc;

use seldinger_core::error::{LogbookError, Result, StopReason};
use seldinger_core::logbook::{ImportOptions, ImportSource, Logbook};
use seldinger_core::store::Place;

use crate::open::Home;
use crate::vault::Vault;

/// One invented four-week rotation.
pub const ROTATION: &str = include_str!("../sample/rotation.jsonl");

/// Opens the sample book; makes it when it is not there, and fills in what is missing.
pub fn open(home: &Home, vault: &Vault) -> Result<Logbook> {
    let folder = home.places.sample_book();
    let setup = home.setup(Place::new(&folder), vault);
    let book = match Logbook::open_or_create(setup.clone()) {
        Err(
            LogbookError::KeyMissing | LogbookError::WrongKey | LogbookError::PartMissing { .. },
        ) => {
            // Its key stayed behind when the data folder moved, or a part of it is gone. It is only a
            // sample: the last such one is kept aside.
            let aside = folder.with_file_name("sample-without-key");
            let _ = fs::remove_dir_all(&aside);
            fs::rename(&folder, &aside)?;
            Logbook::open_or_create(setup)?.0
        }
        other => other?.0,
    };
    let source = ImportSource::Bytes(Arc::from(ROTATION.as_bytes()));
    let filled = book.import_job(source, ImportOptions::default())?.run(|_| {});
    filled.map_err(|error| match error {
        // Opening the sample again fills in the rest by itself.
        LogbookError::ImportStopped { reason: StopReason::DiskFull, .. } => LogbookError::DiskFull,
        other => other,
    })?;
    Ok(book)
}

#[cfg(test)]
mod tests {
    use seldinger_core::case_log::list::CaseFilter;

    use super::*;
    use crate::data_dir::Places;
    use crate::vault::VaultMode;

    #[test]
    fn opens_twice_and_holds_every_record_once() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        let home = Home { places: places.clone(), wanted: Some(VaultMode::KeyFile) };
        let vault = Vault::noted_or_chosen(&places, home.wanted).unwrap();
        let cases = |book: &Logbook| book.count_cases(&CaseFilter::default()).unwrap();
        let written = ROTATION.matches("{\"kind\": \"case\"").count() as u64;
        assert!(written > 20);
        assert_eq!(cases(&open(&home, &vault).unwrap()), written);
        assert_eq!(cases(&open(&home, &vault).unwrap()), written);

        fs::remove_dir_all(places.key_files()).unwrap();
        assert_eq!(cases(&open(&home, &vault).unwrap()), written);
        assert!(folder.path().join("data/books/sample-without-key").exists());
    }
}
