//! The library's search index: in memory, filled once, split into words as the index of records is.

use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::store::sql;

/// A section as it is indexed.
pub(super) struct Text<'a> {
    /// Where the article is among all.
    pub(super) article: usize,
    /// Where the section is in it; 0 is the half minute before the first.
    pub(super) section: usize,
    pub(super) title: &'a str,
    pub(super) also: &'a str,
    pub(super) body: &'a str,
}

/// A section that was found.
pub(super) struct Found {
    pub(super) article: usize,
    pub(super) section: usize,
    pub(super) snippet: String,
}

pub(super) struct Index(Mutex<Connection>);

/// How much more a hit in the title or another name counts than one in the text.
const RANK: &str = "bm25(library, 0, 0, 12, 10, 1)";
/// Sections that are looked at for the articles that they belong to.
const MOST: u32 = 400;

impl Index {
    pub(super) fn new<'a>(texts: impl Iterator<Item = Text<'a>>) -> Result<Self> {
        let conn = Connection::open_in_memory().map_err(sql)?;
        conn.execute_batch(
            "CREATE VIRTUAL TABLE library USING fts5 (
               article UNINDEXED, section UNINDEXED, title, also, body,
               prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2');
             BEGIN;",
        )
        .map_err(sql)?;
        {
            let insert = "INSERT INTO library VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut insert = conn.prepare(insert).map_err(sql)?;
            for text in texts {
                let Text { article, section, title, also, body } = text;
                insert.execute(params![article, section, title, also, body]).map_err(sql)?;
            }
        }
        conn.execute_batch("COMMIT").map_err(sql)?;
        Ok(Self(Mutex::new(conn)))
    }

    /// The sections in which the expression holds, best first.
    pub(super) fn find(&self, expression: &str) -> Result<Vec<Found>> {
        let conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let query = format!(
            "SELECT article, section, snippet(library, 4, char(2), char(3), '…', 12)
             FROM library WHERE library MATCH ?1 ORDER BY {RANK}, article, section LIMIT {MOST}"
        );
        let mut statement = conn.prepare_cached(&query).map_err(sql)?;
        let rows = statement.query_map([expression], |row| {
            Ok(Found { article: row.get(0)?, section: row.get(1)?, snippet: row.get(2)? })
        });
        rows.and_then(Iterator::collect).map_err(sql)
    }
}
