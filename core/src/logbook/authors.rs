//! Who wrote what: the values that a field has or had, each with its author.

use super::{Logbook, identity, sync};
use crate::content::words;
use crate::error::Result;
use crate::ids::{DeviceId, RecordId};
use crate::record;
use crate::time::{Stamp, UtcMillis};

/// Who wrote a value, and when.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct WrittenBy {
    /// On which device, within a sentence: `here`, `on “Phone”`.
    pub place: String,
    /// When.
    pub at: UtcMillis,
}

/// A value that a field has or had.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct FieldVersion {
    /// The field, `labs.inr`.
    pub path: String,
    /// As JSON; `None` where the field was not there.
    pub value_json: Option<String>,
    /// Who wrote it. A choice between values, or an undo, writes nothing new: what it brings back stays with
    /// who wrote it.
    pub by: WrittenBy,
    /// When it was replaced; `None` for what stands.
    pub replaced: Option<UtcMillis>,
    /// It stands beside the value that is shown, until one is chosen.
    pub stands_beside: bool,
}

impl std::fmt::Debug for FieldVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldVersion").field("path", &self.path).finish_non_exhaustive()
    }
}

quiet_debug!(WrittenBy);

/// The devices that can be told by name.
pub(super) struct Authors {
    /// The ids of this device, those of before too.
    here: Vec<DeviceId>,
    peers: Vec<(DeviceId, String)>,
}

impl Authors {
    /// Who wrote at `author`.
    pub(super) fn by(&self, author: Stamp) -> WrittenBy {
        let name = self.peers.iter().find(|(device, _)| *device == author.device);
        let place = match name {
            _ if self.here.contains(&author.device) => words("badge.place_here", &[]),
            Some((_, name)) => words("badge.place_named", &[("name", name)]),
            None => words("badge.place_another", &[]),
        };
        WrittenBy { place, at: author.hlc.ms() }
    }
}

impl Logbook {
    pub(super) fn authors(&self) -> Result<Authors> {
        let (mut here, peers) =
            self.read(|conn| Ok((identity::former(conn)?, sync::names(conn)?)))?;
        here.push(self.device());
        Ok(Authors { here, peers })
    }

    /// What the field at `path` holds and held, or all fields where it is empty: what is shown first, then what
    /// stands beside it, then what was replaced, the latest first.
    pub fn history(&self, id: RecordId, path: &str) -> Result<Vec<FieldVersion>> {
        let authors = self.authors()?;
        let versions = self.read(|conn| record::history_of(conn, id, path))?;
        let told = |version: record::Version| FieldVersion {
            path: version.path,
            value_json: version.value_json,
            by: authors.by(version.author),
            replaced: version.replaced,
            stands_beside: version.stands_beside,
        };
        Ok(versions.into_iter().map(told).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::logbook::tests::{case, setup};
    use crate::logbook::{Logbook, Setup};

    #[test]
    fn what_a_device_wrote_under_an_earlier_id_was_written_here() {
        let folder = tempfile::tempdir().unwrap();
        let setup = setup(folder.path());
        let book = Logbook::create(setup.clone()).unwrap().0;
        let id = case(&book, json!({"note": "first"})).id;
        let place = |book: &Logbook| book.history(id, "note").unwrap().remove(0).by.place;
        let here = place(&book);
        for _ in 0..2 {
            book.renew_identity().unwrap();
            assert_eq!(place(&book), here);
        }
        // In a copy on another device it was not.
        drop(book);
        let book = Logbook::open(Setup { installation: "elsewhere".to_owned(), ..setup }).unwrap();
        assert_ne!(place(&book), here);
        book.renew_identity().unwrap();
        assert_ne!(place(&book), here);
    }
}
