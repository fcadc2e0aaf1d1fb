//! How the search index follows the records.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::body::body;
use super::spelling::more;
use super::sql;
use crate::error::{DamagedPart, LogbookError, Result};

/// How far the search index has come, in local sequences.
pub(crate) fn indexed(conn: &Connection) -> Result<u64> {
    let mut statement =
        conn.prepare_cached("SELECT value FROM local WHERE name = 'indexed'").map_err(sql)?;
    statement.query_row([], |row| row.get(0)).map_err(sql)
}

/// Takes into the search index what was written since it was last asked to, up to `newest`. Many
/// at once write far fewer pages than one by one.
pub(crate) fn index(conn: &Connection, newest: u64) -> Result<()> {
    let indexed = indexed(conn)?;
    let mut statement =
        conn.prepare_cached("UPDATE local SET value = ?1 WHERE name = 'indexed'").map_err(sql)?;
    statement.execute([newest]).map_err(sql)?;
    insert_since(conn, indexed, "search")?;
    conn.prepare_cached("DELETE FROM same_words").and_then(|mut s| s.execute([])).map_err(sql)?;
    Ok(())
}

/// The index of what the search index lacks, where that cannot be written: in memory, for as long as the
/// open transaction lasts.
pub(crate) const LATELY: &str = "lately";

/// Makes that index.
pub(crate) fn gather_lately(conn: &Connection) -> Result<()> {
    let indexed = indexed(conn)?;
    let query = "SELECT sql FROM sqlite_schema WHERE name = 'search'";
    let made: String = conn.query_row(query, [], |row| row.get(0)).map_err(sql)?;
    // It splits words as the search index does.
    let tokenizer = made.split_once("tokenize = ").map_or("'unicode61'", |(_, rest)| rest);
    let tokenizer =
        tokenizer.trim_end().trim_end_matches(')').split(", ").next().unwrap_or_default();
    let statement = format!(
        "CREATE VIRTUAL TABLE temp.{LATELY} USING fts5 (procedure, body, more, tokenize = {})",
        tokenizer.trim()
    );
    conn.execute_batch(&statement).map_err(sql)?;
    insert_since(conn, indexed, LATELY)
}

/// Whether there is such an index.
pub(crate) fn has_lately(conn: &Connection) -> Result<bool> {
    let query = "SELECT 1 FROM sqlite_temp_schema WHERE name = ?1";
    conn.prepare_cached(query).and_then(|mut s| s.exists([LATELY])).map_err(sql)
}

/// Puts the words of what was written after `indexed` into an index.
fn insert_since(conn: &Connection, indexed: u64, index: &str) -> Result<()> {
    let query = "SELECT words.k, words.procedure, record.fields FROM words JOIN record USING (k)
                 WHERE k IN (SELECT k FROM record WHERE k > ?1 AND lseq = k
                   UNION ALL SELECT k FROM record WHERE lseq > ?1 AND lseq <> k)
                 AND k NOT IN (SELECT k FROM same_words)";
    let mut insert = conn.prepare_cached(&insert_into(index)).map_err(sql)?;
    let mut written = conn.prepare_cached(query).map_err(sql)?;
    let mut written = written.query([indexed]).map_err(sql)?;
    while let Some(row) = written.next().map_err(sql)? {
        let fields = row.get_ref(2).and_then(|fields| Ok(fields.as_str()?)).map_err(sql)?;
        let body = body(fields).map_err(|_| LogbookError::Damaged { part: DamagedPart::Record })?;
        let (k, procedure): (i64, Value) = (row.get(0).map_err(sql)?, row.get(1).map_err(sql)?);
        let words = Words { procedure, body };
        insert.execute(params![k, words.procedure, words.body, words.more()]).map_err(sql)?;
    }
    Ok(())
}

fn insert_into(index: &str) -> String {
    format!("INSERT INTO {index} (rowid, procedure, body, more) VALUES (?1, ?2, ?3, ?4)")
}

/// What the search index holds of a record.
#[derive(PartialEq)]
pub(crate) struct Words {
    procedure: Value,
    body: Option<String>,
}

impl Words {
    /// What it holds besides.
    fn more(&self) -> Option<String> {
        let procedure = match &self.procedure {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        more([procedure, self.body.as_deref().unwrap_or_default()])
    }
}

/// Fills an index, of that name, from the view of what is to be in it.
pub(crate) fn fill(conn: &Connection, index: &str) -> Result<()> {
    let mut insert = conn.prepare(&insert_into(index)).map_err(sql)?;
    let mut records = conn.prepare("SELECT procedure, body, k FROM search_doc").map_err(sql)?;
    let mut records = records.query([]).map_err(sql)?;
    while let Some(row) = records.next().map_err(sql)? {
        let words = words(row).map_err(sql)?;
        let k: i64 = row.get(2).map_err(sql)?;
        insert.execute(params![k, words.procedure, words.body, words.more()]).map_err(sql)?;
    }
    Ok(())
}

fn words(row: &Row<'_>) -> rusqlite::Result<Words> {
    Ok(Words { procedure: row.get(0)?, body: row.get(1)? })
}

/// How a record that is written stands in the search index.
pub(crate) enum Indexed {
    /// Not at all, or not yet.
    No,
    /// With words that the write leaves as they are.
    Kept,
    /// With these.
    Words(Words),
}

/// How a record stands in the index, asked before its row changes.
pub(crate) fn before(conn: &Connection, k: i64, keeps_words: bool) -> Result<Indexed> {
    if keeps_words {
        let query = "SELECT 1 FROM search_doc WHERE k = ?1";
        let is_in = conn.prepare_cached(query).and_then(|mut s| s.exists([k])).map_err(sql)?;
        return Ok(if is_in { Indexed::Kept } else { Indexed::No });
    }
    let found = read(conn, "SELECT procedure, body FROM search_doc WHERE k = ?1", k)?;
    Ok(found.map_or(Indexed::No, Indexed::Words))
}

fn read(conn: &Connection, query: &str, k: i64) -> Result<Option<Words>> {
    conn.prepare_cached(query)
        .and_then(|mut statement| statement.query_row([k], words).optional())
        .map_err(sql)
}

/// Takes what the index held of a record out of it, unless it says the same as before; called after the
/// row has changed. Wiping words from the index takes longer than all else.
pub(crate) fn after(conn: &Connection, k: i64, before: Indexed) -> Result<()> {
    let note = |change| {
        conn.prepare_cached(change).and_then(|mut statement| statement.execute([k])).map_err(sql)
    };
    let keep = || note("INSERT OR IGNORE INTO same_words (k) VALUES (?1)").map(drop);
    let before = match before {
        Indexed::No => return Ok(()),
        Indexed::Kept => return keep(),
        Indexed::Words(words) => words,
    };
    let after = read(conn, "SELECT procedure, body FROM words WHERE k = ?1", k)?;
    if after.as_ref() == Some(&before) {
        return keep();
    }
    note("DELETE FROM same_words WHERE k = ?1")?;
    let change = "INSERT INTO search (search, rowid, procedure, body, more) VALUES ('delete', ?1, ?2, ?3, ?4)";
    let values = params![k, before.procedure, before.body, before.more()];
    conn.prepare_cached(change).and_then(|mut s| s.execute(values)).map(drop).map_err(sql)
}
