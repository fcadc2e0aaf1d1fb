//! What a field held before.

use std::collections::BTreeMap;

use super::merge::Other;
use super::meta::Meta;
use super::path::{ChangedPath, Fields, changed_paths, flatten, get, is_within, put_all};
use super::{Record, rows, write};
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::store::Connection;
use crate::time::UtcMillis;

/// A value that a field has or had.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FieldVersion {
    /// The field, `labs.inr`.
    pub path: String,
    /// As JSON; `None` where the field was not there.
    pub value_json: Option<String>,
    /// When it was written.
    pub written: UtcMillis,
    /// When it was replaced; `None` for the value that stands.
    pub replaced: Option<UtcMillis>,
}

impl std::fmt::Debug for FieldVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldVersion").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Every version of the field at `path` and below it, the present one first.
pub fn history_of(conn: &Connection, id: RecordId, path: &str) -> Result<Vec<FieldVersion>> {
    let (k, record) = rows::load_row(conn, id)?.ok_or(LogbookError::NotFound { id })?;
    let mut versions = Vec::new();
    if get(&record.fields, path).is_some() {
        let flat = flatten(&record.fields, &write::type_of(&record.kind, &record.meta));
        for (path, value) in flat.into_iter().filter(|(other, _)| is_within(other, path)) {
            let written = record.meta.stamp(&path).hlc.ms();
            let value_json = serde_json::to_string(value).map_err(rows::json_error)?;
            versions.push(FieldVersion {
                path,
                value_json: Some(value_json),
                written,
                replaced: None,
            });
        }
    }
    for replaced in rows::replaced_since(conn, k, 0)? {
        if is_within(&replaced.path, path) {
            versions.push(FieldVersion {
                path: replaced.path,
                value_json: replaced.value,
                written: replaced.stamp.hlc.ms(),
                replaced: Some(UtcMillis(replaced.when_ms)),
            });
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

/// Remembers what stood where a write changes it, with its stamp of before.
pub(super) fn remember_replaced(
    conn: &Connection,
    k: i64,
    changed: &[ChangedPath<'_>],
    meta: &Meta,
    (now, lseq): (UtcMillis, u64),
) -> Result<()> {
    for ChangedPath { path, before, .. } in changed {
        let value = before.map(serde_json::to_string).transpose().map_err(rows::json_error)?;
        let (path, stamp) = (path.clone(), meta.stamp(path));
        rows::remember(conn, k, &rows::Replaced { path, value, stamp, when_ms: now.0, lseq })?;
    }
    Ok(())
}

/// Remembers a value that stood beside the one that was shown and stands nowhere any more.
pub(super) fn remember_other(
    conn: &Connection,
    k: i64,
    other: &Other,
    (now, lseq): (UtcMillis, u64),
) -> Result<()> {
    let value = other.value.as_ref().map(ToString::to_string);
    let (path, stamp) = (other.path.clone(), other.stamp);
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
