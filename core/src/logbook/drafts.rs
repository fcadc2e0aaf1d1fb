//! Entries that are still being typed. They survive a kill, have no history and are never sent.

use super::also::ALSO;
use super::{Logbook, rows as draft};
use crate::case_log::debrief::DebriefTimer;
use crate::error::{LogbookError, Result};
use crate::form::TypedField;
use crate::ids::{DraftId, RecordId};
use crate::time::UtcMillis;

/// The form of a draft that is one jot, typed under the path `jot`.
pub const JOT: &str = "jot";
/// The form of a debrief.
pub const DEBRIEF: &str = "debrief";

/// What was typed so far.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Draft {
    /// Which draft.
    pub id: DraftId,
    /// Which form it is typed into.
    pub form: String,
    /// The record that it edits; `None`: a new one.
    pub record: Option<RecordId>,
    /// That record's state when the form was opened.
    pub opened: u64,
    /// What stands in its fields.
    pub typed: Vec<TypedField>,
    /// When it was begun.
    pub begun: UtcMillis,
    /// When it was last kept.
    pub updated: UtcMillis,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("id", &self.id)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl Logbook {
    /// Begins a draft of `form`, for a new record or to edit `record`.
    pub fn begin_draft(&self, form: &str, record: Option<RecordId>) -> Result<Draft> {
        let opened = record.map(|id| self.record(id)).transpose()?.map_or(0, |record| record.lseq);
        let now = self.now().utc;
        let id = DraftId::new(now, &*self.ids);
        let draft = Draft {
            id,
            form: form.to_owned(),
            record,
            opened,
            typed: Vec::new(),
            begun: now,
            updated: now,
        };
        self.store.write(|conn| draft::put(conn, &draft))?;
        Ok(draft)
    }

    /// Keeps what was typed so far; called as the user types.
    ///
    /// # Errors
    /// `NoDraft` where it was dropped meanwhile, by saving it elsewhere for example.
    pub fn keep_draft(&self, id: DraftId, typed: Vec<TypedField>) -> Result<Draft> {
        let now = self.now().utc;
        self.store.write(|conn| {
            let mut draft = draft::get(conn, id)?.ok_or(LogbookError::NoDraft)?;
            draft.typed = typed;
            draft.updated = now;
            draft::put(conn, &draft)?;
            Ok(draft)
        })
    }

    /// The draft of `form` for `record` that was kept last, where there is one.
    pub fn draft_of(&self, form: &str, record: Option<RecordId>) -> Result<Option<Draft>> {
        let fits = |draft: &Draft| draft.form == form && draft.record == record;
        Ok(self.drafts()?.into_iter().find(fits))
    }

    /// One draft.
    pub fn draft(&self, id: DraftId) -> Result<Draft> {
        self.read(|conn| draft::get(conn, id))?.ok_or(LogbookError::NoDraft)
    }

    /// Every draft, the last kept first; without what waits beside a record for a choice.
    pub fn drafts(&self) -> Result<Vec<Draft>> {
        let mut drafts = self.read(draft::all)?;
        drafts.retain(|draft| draft.form != ALSO);
        Ok(drafts)
    }

    /// Forgets a draft; what was typed in it is gone.
    pub fn drop_draft(&self, id: DraftId) -> Result<()> {
        self.store.write(|conn| draft::remove(conn, id))
    }

    /// Begins the one to two minutes after a case. The draft holds the timer, so both survive a kill.
    pub fn begin_debrief(&self, case: RecordId) -> Result<Draft> {
        self.begin_draft(DEBRIEF, Some(case))
    }

    /// Where the minutes of a draft are.
    pub fn debrief_timer(&self, id: DraftId) -> Result<DebriefTimer> {
        Ok(DebriefTimer::at(self.draft(id)?.begun, self.now().utc))
    }
}
