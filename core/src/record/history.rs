//! What a field held before.

use std::collections::BTreeMap;

use super::beside;
use super::merge::{Sibling, State};
use super::meta::Meta;
use super::path::{ChangedPath, Fields, changed_paths, flatten, is_within, split};
use super::put::put_all;
use super::{Record, rows, write};
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::store::Connection;
use crate::time::{Stamp, UtcMillis};

/// A value that a field has or had.
#[derive(Clone, PartialEq)]
pub(crate) struct Version {
    pub(crate) path: String,
    /// As JSON; `None` where the field was not there.
    pub(crate) value_json: Option<String>,
    /// Who wrote it, and when.
    pub(crate) author: Stamp,
    /// When it was replaced; `None` for what stands.
    pub(crate) replaced: Option<UtcMillis>,
    /// It stands beside the value that is shown.
    pub(crate) stands_beside: bool,
}

/// Every version of the field at `path` and below it, of all fields where it is empty: what is shown, what
/// stands beside it, what was replaced. What was brought back, or chosen, is there once.
pub(crate) fn history_of(conn: &Connection, id: RecordId, path: &str) -> Result<Vec<Version>> {
    let (k, record) = rows::load_row(conn, id)?.ok_or(LogbookError::NotFound { id })?;
    let mut versions: Vec<Version> = Vec::new();
    let is_within = |other: &str, path: &str| path.is_empty() || is_within(other, path);
    let top = split(path).into_iter().next().unwrap_or_default();
    if path.is_empty() || record.fields.contains_key(&top) {
        let flat = flatten(&record.fields, &write::type_of(&record.kind, &record.meta));
        for (path, value) in flat.into_iter().filter(|(other, _)| is_within(other, path)) {
            let author = record.meta.author(&path);
            let value_json = Some(serde_json::to_string(value).map_err(rows::json_error)?);
            let (replaced, stands_beside) = (None, false);
            versions.push(Version { path, value_json, author, replaced, stands_beside });
        }
    }
    let whole = beside::whole(conn, k, record)?;
    let others = if whole.has_beside() { State::of(&whole).others() } else { Vec::new() };
    let others = others.into_iter().map(|Sibling { path, dot, .. }| Version {
        path,
        value_json: dot.value.as_ref().map(ToString::to_string),
        author: dot.author,
        replaced: None,
        stands_beside: true,
    });
    let replaced = rows::replaced_since(conn, k, 0)?.into_iter().map(|replaced| Version {
        path: replaced.path,
        value_json: replaced.value,
        author: replaced.stamp,
        replaced: Some(UtcMillis(replaced.when_ms)),
        stands_beside: false,
    });
    for version in others.chain(replaced).filter(|version| is_within(&version.path, path)) {
        let is_known = |known: &Version| {
            (&known.path, &known.value_json, known.author)
                == (&version.path, &version.value_json, version.author)
        };
        if !versions.iter().any(is_known) {
            versions.push(version);
        }
    }
    Ok(versions)
}

/// What differs between two states of a record, being deleted, too.
pub(super) fn changes<'a>(was: &'a Record, is: &'a Record) -> Vec<ChangedPath<'a>> {
    let (before, after) =
        (write::type_of(&was.kind, &was.meta), write::type_of(&is.kind, &is.meta));
    let mut changed = changed_paths((&was.fields, &before), (&is.fields, &after));
    if was.alive != is.alive {
        changed.push(ChangedPath::alive(was.alive, is.alive));
    }
    changed
}

/// Remembers what stood where a write changes it, with its author.
pub(super) fn remember_replaced(
    conn: &Connection,
    k: i64,
    changed: &[ChangedPath<'_>],
    meta: &Meta,
    (now, lseq): (UtcMillis, u64),
) -> Result<()> {
    for ChangedPath { path, before, .. } in changed {
        let value = before.map(serde_json::to_string).transpose().map_err(rows::json_error)?;
        let (path, stamp) = (path.clone(), meta.author(path));
        rows::remember(conn, k, &rows::Replaced { path, value, stamp, when_ms: now.0, lseq })?;
    }
    Ok(())
}

/// Remembers a value that stood beside the one that was shown and stands nowhere any more.
pub(super) fn remember_other(
    conn: &Connection,
    k: i64,
    other: &Sibling,
    (now, lseq): (UtcMillis, u64),
) -> Result<()> {
    let value = other.dot.value.as_ref().map(ToString::to_string);
    let (path, stamp) = (other.path.clone(), other.dot.author);
    rows::remember(conn, k, &rows::Replaced { path, value, stamp, when_ms: now.0, lseq })
}

/// The fields as they were after the write `lseq`: what a form was opened with that was opened then.
pub fn fields_at(conn: &Connection, id: RecordId, lseq: u64) -> Result<Fields> {
    let (k, mut record) = rows::load_row(conn, id)?.ok_or(LogbookError::NotFound { id })?;
    let types = write::type_of(&record.kind, &record.meta);
    // The newest comes first: what a path held then is the last that is named for it.
    let mut held = BTreeMap::new();
    for replaced in rows::replaced_since(conn, k, lseq)? {
        if replaced.path != super::meta::ALIVE {
            let value = replaced.value.as_deref().map(serde_json::from_str).transpose();
            held.insert(replaced.path, value.map_err(rows::json_error)?);
        }
    }
    put_all(&mut record.fields, held, &types);
    Ok(record.fields)
}
