//! A book's file in plain SQL, past the product: the judge does not ask the accused.

#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use seldinger_core::store::key::KeyVault;

/// Opens `book.db` of a folder with the key that its vault holds.
///
/// # Panics
/// Where the key is missing or does not fit.
pub fn raw(folder: &Path, vault: &dyn KeyVault) -> Connection {
    let about = std::fs::read_to_string(folder.join("book.key")).expect("a book has a key file");
    let about: serde_json::Value = about
        .lines()
        .nth(1)
        .and_then(|body| serde_json::from_str(body).ok())
        .expect("the key file is JSON beneath a checksum");
    let name = about["key_name"].as_str().expect("the key file names a key").to_owned();
    let key = vault.load(name).expect("the vault opens").expect("the vault has the key");
    let mut hex = String::new();
    for byte in key {
        let _ = write!(hex, "{byte:02x}");
    }
    let conn = Connection::open(folder.join("book.db")).expect("the file opens");
    conn.pragma_update(None, "key", format!("x'{hex}'")).expect("a key can be given");
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).expect("the key fits");
    conn
}

/// Whether the index agrees with itself, and another one, made anew, beside it: FTS5 cannot compare an
/// index with a view over `json_tree` by its own means. Other spellings of words are in a column that no
/// SQL can make: `verify` compares that.
const INDEX_ANEW: &str = "INSERT INTO search (search) VALUES ('integrity-check');
    PRAGMA temp_store = MEMORY;
    CREATE VIRTUAL TABLE temp.again USING fts5 (procedure, body, content = '', columnsize = 0,
      tokenize = 'unicode61 remove_diacritics 2');
    INSERT INTO again (rowid, procedure, body) SELECT k, procedure, body FROM main.search_doc;
    CREATE VIRTUAL TABLE temp.anew USING fts5vocab (temp, again, instance);
    CREATE VIRTUAL TABLE temp.kept USING fts5vocab (main, search, instance);";

/// What SQLite, SQLCipher and the search index find wrong with a book; empty where all is well.
///
/// # Panics
/// Where the checks themselves cannot run.
pub fn complaints(conn: &Connection) -> Vec<String> {
    let rows = |pragma: &str| -> Vec<String> {
        let mut statement = conn.prepare(pragma).expect("the check is known");
        let rows = statement.query_map([], |row| row.get(0)).expect("the check runs");
        rows.map(|row| row.expect("a complaint is text")).collect()
    };
    // A page that is half in the file and whole in the log is no damage; SQLCipher looks at the file only.
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).expect("the log is read");
    let mut complaints = rows("PRAGMA cipher_integrity_check");
    complaints.extend(rows("PRAGMA integrity_check").into_iter().filter(|line| line != "ok"));
    complaints.extend(rows("SELECT 'orphan of ' || \"table\" FROM pragma_foreign_key_check"));
    complaints.extend(conn.execute_batch(INDEX_ANEW).err().map(|error| error.to_string()));
    complaints.extend(rows(
        "SELECT 'not searched for ' || doc FROM (SELECT * FROM anew EXCEPT SELECT * FROM kept)",
    ));
    complaints.extend(rows(
        "SELECT 'found in vain ' || doc
         FROM (SELECT * FROM kept WHERE col <> 'more' EXCEPT SELECT * FROM anew)",
    ));
    // Unique within each table by their indexes; together they are one sequence.
    complaints.extend(rows(
        "SELECT 'sequence ' || lseq || ' twice' FROM
           (SELECT lseq FROM record UNION ALL SELECT lseq FROM tomb) GROUP BY lseq HAVING count(*) > 1",
    ));
    complaints
}
