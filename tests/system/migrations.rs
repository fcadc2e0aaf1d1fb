//! Every released schema still opens: one encrypted book of each, frozen with its key.
//!
//! `FREEZE_BOOK=1 cargo test -p system-tests --test system migrations::` makes the one of the present
//! schema anew; after a release it is never made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seldinger_core::error::LogbookError;
use seldinger_core::logbook::{
    ExportFormat, ExportOptions, ImportOptions, ImportSource, Logbook, Setup,
};
use seldinger_core::store::backup::Seal;
use seldinger_core::store::key::KeyVault as _;
use seldinger_core::store::{Existing, SCHEMA};
use system_tests::{MemoryVault, rotation, setup};

const FILES: [&str; 3] = ["book.db", "book.key", "book.key.copy"];
/// Name and key, as hexadecimal digits.
const KEY: &str = "key.txt";
const EXPECTED: &str = "expected.jsonl";

fn frozen(schema: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("databases/schema-{schema}"))
}

fn exported(book: &Logbook, folder: &Path) -> String {
    let out = folder.join("out.jsonl");
    let replaced = ExportOptions { replace: true, ..ExportOptions::default() };
    book.export_job(&out, ExportFormat::Jsonl, &replaced).unwrap().run(|_| ()).unwrap();
    fs::read_to_string(out).unwrap()
}

fn with_vault(folder: &Path, vault: &Arc<MemoryVault>) -> Setup {
    Setup { vault: vault.clone(), ..setup(folder, 1) }
}

fn freeze(target: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let book = Logbook::create(with_vault(&folder.path().join("book"), &vault)).unwrap().0;
    let rotation = fs::read_to_string(rotation()).unwrap();
    let mut lines: Vec<&str> = rotation.lines().step_by(9).collect();
    lines.push(rotation.lines().last().unwrap());
    let source = ImportSource::Bytes(Arc::from(lines.join("\n").as_bytes()));
    book.import_job(source, ImportOptions::default()).unwrap().run(|_| ()).unwrap();
    fs::create_dir_all(target).unwrap();
    fs::write(target.join(EXPECTED), exported(&book, folder.path())).unwrap();
    drop(book);
    for name in FILES {
        fs::copy(folder.path().join("book").join(name), target.join(name)).unwrap();
    }
    let name = vault.names().remove(0);
    let key = vault.load(name.clone()).unwrap().unwrap();
    let digits: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(target.join(KEY), format!("{name} {}\n", digits.concat())).unwrap();
}

#[test]
fn a_book_of_every_released_schema_opens_and_gives_everything_back() {
    if std::env::var_os("FREEZE_BOOK").is_some() {
        freeze(&frozen(SCHEMA));
    }
    for schema in 1..=SCHEMA {
        let (from, folder) = (frozen(schema), tempfile::tempdir().unwrap());
        let place = folder.path().join("book");
        fs::create_dir(&place).unwrap();
        for name in FILES {
            fs::copy(from.join(name), place.join(name)).unwrap();
        }
        let key = fs::read_to_string(from.join(KEY)).unwrap();
        let (name, digits) = key.trim().split_once(' ').unwrap();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let secret: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        let vault = Arc::new(MemoryVault::default());
        vault.store(name.to_owned(), secret).unwrap();

        let book = Logbook::open(with_vault(&place, &vault)).unwrap();
        let expected = fs::read_to_string(from.join(EXPECTED)).unwrap();
        assert_eq!(exported(&book, folder.path()), expected, "schema {schema}");
        assert!(book.verify_job().unwrap().run(|_| ()).unwrap().is_whole());
        let is_there = |folder: &Path, begin: String| {
            let entry = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
            entry.into_iter().find(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin))
            })
        };
        let backup = is_there(&place.join("backups"), format!("schema-{schema}."));
        // Nothing in it could seal a backup.
        let copy = is_there(&place, format!("schema-{schema}-"));
        assert_eq!(backup.is_some(), (2..SCHEMA).contains(&schema), "before a migration");
        assert_eq!(copy.is_some(), schema == 1, "before a migration");
        let Some(copy) = copy else { continue };
        for name in FILES {
            assert_eq!(fs::read(copy.join(name)).unwrap(), fs::read(from.join(name)).unwrap());
        }
        let backup = |book: &Logbook| book.automatic_backup_job().map(|job| job.is_some());
        assert_eq!(backup(&book), Err(LogbookError::CodeTooOld));
        let (out, code) = (folder.path().join("out.backup"), Seal::RecoveryCode);
        let refused = book.backup_job(&out, Existing::Refuse, code).err();
        assert_eq!(refused, Some(LogbookError::CodeTooOld));
        assert!(!out.exists());
        drop(book);
        let setup = with_vault(&place, &vault);
        let change = Logbook::change_key_job(&setup).unwrap().run(|_| ()).unwrap();
        change.put_in_force().unwrap();
        let book = Logbook::open(setup).unwrap();
        assert_eq!(backup(&book), Ok(true), "a new recovery code seals backups");
        assert_eq!(exported(&book, folder.path()), expected);
    }
}
