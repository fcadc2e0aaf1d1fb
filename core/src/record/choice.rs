//! Writes that bring back what was written before: a choice of what was written twice, and undo. What they
//! bring back keeps its author.

use std::collections::BTreeMap;

use serde_json::Value;

use super::beside;
use super::merge::State;
use super::meta::{ALIVE, Meta};
use super::rows;
use super::write::{Change, Patch, Tx, What};
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::time::Stamp;

/// What is chosen of what was written twice.
pub enum Choice {
    /// What is shown.
    Shown,
    /// What this write says, which stands beside it.
    Other(Stamp),
    /// A value of its own: a write of whoever chooses.
    Written(Option<Value>),
}

impl Tx<'_> {
    /// Chooses between what a path shows and what stands beside it: that ends. What is chosen keeps its
    /// author.
    ///
    /// # Errors
    /// `NothingToChoose` where that write does not stand there.
    pub fn settle(&mut self, id: RecordId, path: &str, choice: Choice) -> Result<Option<Change>> {
        let (k, record) = self.load(id)?;
        let others = State::of(&beside::whole(self.conn(), k, record.clone())?).others();
        let mut on_path = others.into_iter().filter(|other| other.path == path).peekable();
        let is_contested = on_path.peek().is_some();
        let (value, author) = match choice {
            Choice::Shown => {
                let shown = record.shown(path);
                let author = author_of(shown.as_ref(), record.meta.author(path), &record.meta);
                (shown, author)
            }
            Choice::Other(stamp) => {
                let chosen = on_path.find(|other| other.stamp == stamp);
                let dot = chosen.ok_or(LogbookError::NothingToChoose)?.dot;
                (dot.value, Some(dot.author))
            }
            Choice::Written(value) => (value, None),
        };
        let intent = Intent {
            rewritten: is_contested.then(|| path.to_owned()).into_iter().collect(),
            patch: vec![(path.to_owned(), value)],
            authors: author.map(|author| (path.to_owned(), author)).into_iter().collect(),
            settles: true,
            ..Intent::of(What::Edited)
        };
        self.write(k, record, intent)
    }

    /// Undoes one change by writing what stood before, and beside it what stood beside it; fields that
    /// changed again since stay.
    pub fn undo(&mut self, change: &Change) -> Result<Option<Change>> {
        let (k, record) = self.load(change.id)?;
        let mut intent = match change.what {
            What::Created | What::Restored => Intent::of(What::Deleted),
            What::Deleted => Intent::of(What::Restored),
            What::Erased => return Ok(None),
            What::Edited => Intent { alive: record.alive, ..Intent::of(What::Edited) },
        };
        if change.what != What::Edited {
            return self.write(k, record, intent);
        }
        let since = rows::replaced_since(self.conn(), k, change.lseq.saturating_sub(1))?;
        let (mine, later): (Vec<_>, Vec<_>) =
            since.into_iter().partition(|replaced| replaced.lseq == change.lseq);
        // The last that was remembered comes first; what was shown on a path comes after what stood beside it.
        for replaced in mine {
            if later.iter().any(|later| later.path == replaced.path) {
                continue;
            }
            let value = replaced.value.as_deref().map(serde_json::from_str).transpose();
            let value = value.map_err(rows::json_error)?;
            if replaced.path == ALIVE {
                intent.alive = value == Some(Value::Bool(true));
                continue;
            }
            let author = author_of(value.as_ref(), replaced.stamp, &record.meta);
            intent.put_back(replaced.path, value, author);
        }
        self.write(k, record, intent)
    }
}

/// What a write shall do to a record.
pub(super) struct Intent {
    pub(super) what: What,
    pub(super) alive: bool,
    pub(super) patch: Patch,
    /// Who wrote those values of the patch that are brought back.
    pub(super) authors: BTreeMap<String, Stamp>,
    /// Paths that are written although nothing else is to be shown.
    pub(super) rewritten: Vec<String>,
    /// Whether what stands beside what is written ends.
    pub(super) settles: bool,
    /// Values to stand beside what is written, with their authors.
    pub(super) beside: Vec<(String, Option<Value>, Option<Stamp>)>,
}

impl Intent {
    pub(super) fn of(what: What) -> Self {
        let alive = !matches!(what, What::Deleted | What::Erased);
        let (patch, authors, rewritten, beside) = Default::default();
        Self { what, alive, patch, authors, rewritten, settles: false, beside }
    }

    /// Brings a value back; what was brought back on its path before then stands beside it.
    fn put_back(&mut self, path: String, value: Option<Value>, author: Option<Stamp>) {
        let before = self.authors.remove(&path);
        self.authors.extend(author.map(|author| (path.clone(), author)));
        if let Some((_, shown)) = self.patch.iter_mut().find(|(known, _)| *known == path) {
            self.rewritten.push(path.clone());
            self.beside.push((path, std::mem::replace(shown, value), before));
        } else {
            self.patch.push((path, value));
        }
    }
}

/// Who wrote the value that is brought back. That a field was not there from the beginning nobody wrote.
fn author_of(value: Option<&Value>, author: Stamp, meta: &Meta) -> Option<Stamp> {
    Some(author).filter(|author| value.is_some() || *author != meta.base)
}
