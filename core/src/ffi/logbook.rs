//! The logbook as an object.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::case_log::debrief::DebriefTimer;
use crate::case_log::jot::{JotReading, StaffMember};
use crate::case_log::list::{CaseChoices, CaseFilter, CaseList, CasePage, CaseSort};
use crate::error::Result;
use crate::form::{TextStyle, TypedField};
use crate::ids::{DraftId, RecordId, SystemIds};
use crate::logbook::{
    self, AlsoWritten, CaseDetail, CaseSheet, ChangeObserver, DeletedRecord, Draft, FieldVersion,
    JotOptions, Keep, OpenForm, ReadTime, RecentChoices, RecordName, RecordSheet, SavedCase,
    SavedForm, SavedJot, SearchPage, Setup, SnippetPiece,
};
use crate::record::Change;
use crate::store::{Place, key::KeyVault};
use crate::time::SystemClock;

/// An open book. One for the life of the app; closing it is dropping it.
#[derive(uniffi::Object)]
pub struct Logbook {
    pub(super) book: Arc<logbook::Logbook>,
}

pub(super) fn setup(folder: String, vault: Arc<dyn KeyVault>, installation: String) -> Setup {
    Setup {
        place: Place::new(PathBuf::from(folder)),
        vault,
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        installation,
    }
}

#[cfg(test)]
impl Logbook {
    /// A book that a test has opened.
    pub(crate) fn of(book: Arc<logbook::Logbook>) -> Self {
        Self { book }
    }
}

#[uniffi::export]
impl Logbook {
    /// Makes a new book in `folder`, with a recovery code that `unconfirmed_code` gives. `installation`
    /// is a random word that the app keeps outside of every backup.
    #[uniffi::constructor]
    pub fn create(
        folder: String,
        vault: Arc<dyn KeyVault>,
        installation: String,
    ) -> Result<Arc<Self>> {
        let (book, _) = logbook::Logbook::create(setup(folder, vault, installation))?;
        Ok(Arc::new(Self { book: Arc::new(book) }))
    }

    /// Opens the book in `folder`.
    #[uniffi::constructor]
    pub fn open(
        folder: String,
        vault: Arc<dyn KeyVault>,
        installation: String,
    ) -> Result<Arc<Self>> {
        let book = logbook::Logbook::open(setup(folder, vault, installation))?;
        Ok(Arc::new(Self { book: Arc::new(book) }))
    }

    /// Opens the book in `folder`; makes one where there is nothing. Of several processes that do so at
    /// the same time one makes it, and the others wait and open it.
    #[uniffi::constructor]
    pub fn open_or_create(
        folder: String,
        vault: Arc<dyn KeyVault>,
        installation: String,
    ) -> Result<Arc<Self>> {
        let (book, _) = logbook::Logbook::open_or_create(setup(folder, vault, installation))?;
        Ok(Arc::new(Self { book: Arc::new(book) }))
    }

    /// Whether the book can only be read: its disk is full, or it must not be written.
    pub fn is_read_only(&self) -> bool {
        self.book.is_read_only()
    }

    /// Tells `observer` of every change from now on.
    pub fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.book.observe(observer);
    }

    /// Says in which time zone the wall clock is, by its IANA name, such as `America/New_York`: when the
    /// app starts, and whenever the system says that it changed. False where no zone is called so; then
    /// typed times get today's offset, and say so.
    pub fn set_zone(&self, name: String) -> bool {
        self.book.set_zone(&name)
    }

    /// A time as it is typed beside a jot; `None` where nothing is typed.
    pub fn read_time(&self, typed: String) -> Option<ReadTime> {
        self.book.read_time(&typed)
    }

    /// What a jot says, with the people on record in mind; nothing is saved.
    pub fn read_jot(&self, text: String) -> Result<JotReading> {
        self.book.read_jot(&text)
    }

    /// Saves a jot as a case.
    pub fn save_jot(&self, text: String, options: JotOptions) -> Result<SavedJot> {
        self.book.save_jot(&text, &options)
    }

    /// One page of cases; `after` is the `next` of the page before.
    pub fn cases(
        &self,
        filter: CaseFilter,
        sort: CaseSort,
        after: Option<String>,
    ) -> Result<CasePage> {
        self.book.cases(&filter, sort, after.as_deref())
    }

    /// The same with how many cases there are in all, and what is said of names that mean nothing here.
    pub fn case_list(
        &self,
        filter: CaseFilter,
        sort: CaseSort,
        after: Option<String>,
    ) -> Result<CaseList> {
        self.book.case_list(&filter, sort, after.as_deref())
    }

    /// How many cases there are.
    pub fn count_cases(&self, filter: CaseFilter) -> Result<u64> {
        self.book.count_cases(&filter)
    }

    /// One case, deleted or not.
    pub fn case(&self, id: RecordId) -> Result<CaseDetail> {
        self.book.case(id)
    }

    /// Saves a copy of a case with what carries over to the next one like it.
    pub fn duplicate_case(&self, id: RecordId) -> Result<SavedCase> {
        self.book.duplicate_case(id)
    }

    /// What the cases on record can be filtered by.
    pub fn case_choices(&self) -> Result<CaseChoices> {
        self.book.case_choices()
    }

    /// One case as a page shows it: what is written, in the form's order, and what is odd about it.
    pub fn case_sheet(&self, id: RecordId) -> Result<CaseSheet> {
        self.book.case_sheet(id)
    }

    /// One record of any kind that has a form, as a page shows it.
    pub fn record_sheet(&self, id: RecordId) -> Result<RecordSheet> {
        self.book.record_sheet(id)
    }

    /// Full-text search; `before` is the `next` of the page before.
    pub fn search(
        &self,
        typed: String,
        kind: Option<String>,
        before: Option<i64>,
    ) -> Result<SearchPage> {
        self.book.search(&typed, kind.as_deref(), before)
    }

    /// Where the words are in those of `ids` that have them: the stretch around the first one.
    pub fn found_in(
        &self,
        typed: String,
        ids: Vec<RecordId>,
    ) -> Result<HashMap<RecordId, Vec<SnippetPiece>>> {
        Ok(self.book.found_in(&typed, &ids)?.into_iter().collect())
    }

    /// The people on record.
    pub fn people(&self) -> Result<Vec<StaffMember>> {
        self.book.people()
    }

    /// What the latest cases chose.
    pub fn recent_choices(&self) -> Result<RecentChoices> {
        self.book.recent_choices()
    }

    /// What the field at `path` held, the present value first.
    pub fn history(&self, id: RecordId, path: String) -> Result<Vec<FieldVersion>> {
        self.book.history(id, &path)
    }

    /// Moves a record to the recently deleted.
    pub fn delete(&self, id: RecordId) -> Result<Option<Change>> {
        self.book.delete(id)
    }

    /// Brings a deleted record back.
    pub fn restore_record(&self, id: RecordId) -> Result<Option<Change>> {
        self.book.restore_record(id)
    }

    /// What was deleted and can be brought back.
    pub fn recently_deleted(&self) -> Result<Vec<DeletedRecord>> {
        self.book.recently_deleted()
    }

    /// Undoes a change, by another write.
    pub fn undo(&self, change: Change) -> Result<Option<Change>> {
        self.book.undo(&change)
    }

    /// Removes a record for good.
    pub fn erase(&self, id: RecordId) -> Result<Change> {
        self.book.erase(id)
    }

    /// Opens the form `id`, empty or filled with `record`.
    pub fn open_form(&self, id: String, record: Option<RecordId>) -> Result<OpenForm> {
        self.book.open_form(&id, record)
    }

    /// Opens the form that a draft was typed into, as it was left.
    pub fn open_draft(&self, id: DraftId) -> Result<OpenForm> {
        self.book.open_draft(id)
    }

    /// The form with what was typed so far, and what is odd about it; nothing is saved.
    pub fn look_over(&self, form: OpenForm, typed: Vec<TypedField>) -> Result<OpenForm> {
        self.book.look_over(form, &typed)
    }

    /// What a record says of a form's fields, as text to print or to share.
    pub fn form_text(&self, form: String, record: RecordId, style: TextStyle) -> Result<String> {
        self.book.form_text(&form, record, style)
    }

    /// Saves what was typed and differs from what the form was opened with, and drops its draft.
    pub fn save_form(&self, form: OpenForm, typed: Vec<TypedField>) -> Result<SavedForm> {
        self.book.save_form(&form.view.id, form.record, form.opened, &typed, form.draft)
    }

    /// What was written in fields of a record that show something else; all are kept until `settle`.
    pub fn also_written(&self, id: RecordId) -> Result<Vec<AlsoWritten>> {
        self.book.also_written(id)
    }

    /// Ends that for one field; undoing it brings back what another device wrote.
    pub fn settle(
        &self,
        id: RecordId,
        path: String,
        keep: Keep,
        seen: String,
    ) -> Result<Option<Change>> {
        self.book.settle(id, &path, &keep, &seen)
    }

    /// Records in which something was written twice, the latest first.
    pub fn written_twice(&self) -> Result<Vec<RecordName>> {
        self.book.written_twice()
    }

    /// Begins a draft of `form`, for a new record or to edit `record`.
    pub fn begin_draft(&self, form: String, record: Option<RecordId>) -> Result<Draft> {
        self.book.begin_draft(&form, record)
    }

    /// Keeps what was typed so far.
    pub fn keep_draft(&self, id: DraftId, typed: Vec<TypedField>) -> Result<Draft> {
        self.book.keep_draft(id, typed)
    }

    /// One draft.
    pub fn draft(&self, id: DraftId) -> Result<Draft> {
        self.book.draft(id)
    }

    /// The draft of `form` for `record` that was kept last, where there is one.
    pub fn draft_of(&self, form: String, record: Option<RecordId>) -> Result<Option<Draft>> {
        self.book.draft_of(&form, record)
    }

    /// Every draft, the last kept first.
    pub fn drafts(&self) -> Result<Vec<Draft>> {
        self.book.drafts()
    }

    /// Forgets a draft.
    pub fn drop_draft(&self, id: DraftId) -> Result<()> {
        self.book.drop_draft(id)
    }

    /// Begins the one to two minutes after the case `id`.
    pub fn begin_debrief(&self, id: RecordId) -> Result<Draft> {
        self.book.begin_debrief(id)
    }

    /// Where the minutes of a debrief are.
    pub fn debrief_timer(&self, draft: DraftId) -> Result<DebriefTimer> {
        self.book.debrief_timer(draft)
    }
}
