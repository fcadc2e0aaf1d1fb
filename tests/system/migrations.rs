//! Every released schema still opens: one encrypted book of each, frozen with its key.
//!
//! `FREEZE_BOOK=1 cargo test -p system-tests --test system migrations::` makes the one of the present
//! schema anew; after a release it is never made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seldinger_core::logbook::{
    ExportFormat, ExportOptions, ImportOptions, ImportSource, Logbook, Setup,
};
use seldinger_core::store::SCHEMA;
use seldinger_core::store::key::KeyVault as _;
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
    book.export_job(&out, ExportFormat::Jsonl, &ExportOptions::default())
        .unwrap()
        .run(|_| ())
        .unwrap();
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
        let backed_up = fs::read_dir(place.join("backups")).is_ok_and(|files| {
            files.flatten().any(|file| {
                file.file_name().to_string_lossy().starts_with(&format!("schema-{schema}."))
            })
        });
        assert_eq!(backed_up, schema < SCHEMA, "a backup comes before a migration");
    }
}
