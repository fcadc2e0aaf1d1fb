//! Full-text search: what a user types as an FTS5 query, and the newest hits with their words marked.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::body::body;
pub(crate) use super::spelling::{Wanted, wanted};
use super::words::{LATELY, has_lately};
use super::{spelling, sql, words};
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::time::{Moment, UtcMillis};

/// One word of a query, and the procedure ids whose names it begins a word of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) word: String,
    pub(crate) procedures: Vec<String>,
}

quiet_debug!(Term);

/// The words that a query consists of, as the index has them.
pub(crate) fn words(typed: &str) -> Vec<String> {
    spelling::wanted(typed).into_iter().map(|wanted| wanted.term).collect()
}

/// An FTS5 expression in which every word must occur, each as the beginning of a word or in the name
/// of the procedure. `None` where nothing was typed.
pub(crate) fn expression(terms: &[Term]) -> Option<String> {
    let term = |term: &Term| {
        let mut any = format!("{}*", quoted(&term.word));
        for id in &term.procedures {
            any.push_str(" OR procedure : ^ ");
            any.push_str(&quoted(id));
        }
        if term.procedures.is_empty() { any } else { format!("({any})") }
    };
    if terms.is_empty() {
        None
    } else {
        Some(terms.iter().map(term).collect::<Vec<_>>().join(" AND "))
    }
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

/// A record that a search found.
pub(crate) struct Hit {
    pub(crate) k: i64,
    pub(crate) id: RecordId,
    pub(crate) kind: String,
    pub(crate) at: Moment,
    /// Its fields, as JSON.
    pub(crate) fields: String,
    /// A stretch of its text; the words found stand between `MARK` and `UNMARK`.
    pub(crate) snippet: String,
}

/// Stands before a found word.
pub const MARK: char = '\u{2}';
/// Stands after a found word.
pub const UNMARK: char = '\u{3}';

/// A piece of a found text.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SnippetPiece {
    /// The text.
    pub text: String,
    /// It is a word that was searched for.
    pub found: bool,
}

quiet_debug!(SnippetPiece);

/// A snippet in pieces. Where FTS5 marks nothing, the words are in the text in another spelling, or not
/// at all; `fields` is the record that it is from, as JSON.
pub(crate) fn shown(snippet: &str, fields: &str, wanted: &[Wanted]) -> Vec<SnippetPiece> {
    if snippet.contains(MARK) {
        return pieces(snippet);
    }
    let text = body(fields).ok().flatten().unwrap_or_default();
    let found = spelling::stretch(&text, wanted, MARK, UNMARK);
    pieces(found.as_deref().unwrap_or(snippet))
}

/// Splits a snippet at its marks.
pub(crate) fn pieces(snippet: &str) -> Vec<SnippetPiece> {
    let mut pieces = Vec::new();
    let mut found = false;
    for part in snippet.split_inclusive([MARK, UNMARK]) {
        let text = part.trim_end_matches([MARK, UNMARK]);
        if !text.is_empty() {
            pieces.push(SnippetPiece { text: text.replace('\n', " · "), found });
        }
        found = part.ends_with(MARK);
    }
    pieces
}

/// The newest `limit` hits before row `before`, of one kind or of all.
pub(crate) fn newest(
    conn: &Connection,
    expression: &str,
    kind: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Hit>> {
    let mut hits = newest_in(conn, "search", expression, kind, before, limit)?;
    if has_lately(conn)? {
        hits.extend(newest_in(conn, LATELY, expression, kind, before, limit)?);
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.k));
        hits.truncate(limit as usize);
    }
    Ok(hits)
}

/// The same in one index.
fn newest_in(
    conn: &Connection,
    index: &str,
    expression: &str,
    kind: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Hit>> {
    let query = format!(
        "SELECT {index}.rowid, record.id, record.kind,
                   snippet({index}, 1, char(2), char(3), '…', 12),
                   record.at_ms, record.at_offset_min, record.fields
                 FROM {index} JOIN record ON record.k = {index}.rowid
                 WHERE {index} MATCH ?1 AND {index}.rowid < ?2 AND (?3 IS NULL OR record.kind = ?3)
                 ORDER BY {index}.rowid DESC LIMIT ?4"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let rows = statement
        .query_map(params![expression, before.unwrap_or(i64::MAX), kind, limit], |row| {
            Ok(Hit {
                k: row.get(0)?,
                id: RecordId::from_bytes(row.get(1)?),
                kind: row.get(2)?,
                snippet: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                at: Moment { utc: UtcMillis(row.get(4)?), offset_min: row.get(5)? },
                fields: row.get(6)?,
            })
        })
        .map_err(sql)?;
    rows.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// Whether the index says something else than the records: they are indexed anew in memory, and the two
/// are read word by word side by side. (FTS5's own comparison refuses a view that reads JSON.)
pub(crate) fn disagrees(conn: &Connection) -> Result<bool> {
    conn.execute_batch(
        "BEGIN;
        CREATE VIRTUAL TABLE temp.anew USING fts5 (procedure, body, more, content = '', columnsize = 0,
          tokenize = 'unicode61 remove_diacritics 2');
        CREATE VIRTUAL TABLE temp.anew_words USING fts5vocab ('temp', 'anew', 'instance');
        CREATE VIRTUAL TABLE temp.search_words USING fts5vocab ('main', 'search', 'instance');",
    )
    .map_err(sql)?;
    let outcome = words::fill(conn, "temp.anew").and_then(|()| differ(conn));
    conn.execute_batch("ROLLBACK").map_err(sql)?;
    match outcome {
        Err(LogbookError::Damaged { .. }) => Ok(true),
        other => other,
    }
}

fn differ(conn: &Connection) -> Result<bool> {
    let words = |table: &str| conn.prepare(&format!("SELECT term, doc, col, offset FROM {table}"));
    let mut anew = words("anew_words").map_err(sql)?;
    let mut kept = words("search_words").map_err(sql)?;
    let (mut anew, mut kept) = (anew.query([]).map_err(sql)?, kept.query([]).map_err(sql)?);
    loop {
        match (anew.next().map_err(sql)?, kept.next().map_err(sql)?) {
            (None, None) => return Ok(false),
            (Some(one), Some(other)) => {
                for column in 0..4 {
                    if one.get_ref(column).map_err(sql)? != other.get_ref(column).map_err(sql)? {
                        return Ok(true);
                    }
                }
            }
            _ => return Ok(true),
        }
    }
}

/// Builds the index anew from the records.
pub(crate) fn rebuild(conn: &Connection) -> Result<()> {
    conn.execute("INSERT INTO search (search) VALUES ('delete-all')", []).map_err(sql)?;
    words::fill(conn, "search")
}

/// The stretch of one record's text around the first word found, and its fields, as JSON; `None` where
/// nothing is.
pub(crate) fn snippet(
    conn: &Connection,
    expression: &str,
    id: RecordId,
) -> Result<Option<(String, String)>> {
    let of = |index: &str| -> Result<Option<(String, String)>> {
        let query = format!(
            "SELECT snippet({index}, 1, char(2), char(3), '…', 12), record.fields
             FROM {index} JOIN record ON record.k = {index}.rowid
             WHERE {index} MATCH ?1 AND {index}.rowid = (SELECT k FROM record WHERE id = ?2)"
        );
        let mut statement = conn.prepare_cached(&query).map_err(sql)?;
        let found = statement.query_row(params![expression, id.bytes()], |row| {
            Ok((row.get::<_, Option<String>>(0)?.unwrap_or_default(), row.get(1)?))
        });
        found.optional().map_err(sql)
    };
    match of("search")? {
        None if has_lately(conn)? => of(LATELY),
        found => Ok(found),
    }
}

/// The rows that a query finds, as a condition on `k`; its expression is bound so many times.
pub(crate) fn found(conn: &Connection) -> Result<(String, usize)> {
    let rows = |index: &str| format!("SELECT rowid FROM {index} WHERE {index} MATCH ?");
    if has_lately(conn)? {
        return Ok((format!("k IN ({} UNION ALL {})", rows("search"), rows(LATELY)), 2));
    }
    Ok((format!("k IN ({})", rows("search")), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_cannot_break_the_query() {
        assert_eq!(words("  L. hep-atic \"vein\" (R) "), ["l", "hep", "atic", "vein", "r"]);
        assert_eq!(expression(&[]), None);
        let terms = [
            Term { word: "liv".into(), procedures: vec!["biopsy-liver".into()] },
            Term { word: "or".into(), procedures: vec![] },
        ];
        assert_eq!(
            expression(&terms).as_deref(),
            Some("(\"liv\"* OR procedure : ^ \"biopsy-liver\") AND \"or\"*")
        );
    }
}
