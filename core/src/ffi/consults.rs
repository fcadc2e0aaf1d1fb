//! Consults and what is said about them.

use crate::error::Result;
use crate::form::TypedField;
use crate::ids::RecordId;
use crate::logbook::{
    ConsultPage, ConsultTemplate, ConsultView, OpenForm, PresentationWording, RecordName,
    SavedCase, SavedTemplate, TemplateChange, TemplateText,
};
use crate::record::Change;

use super::Logbook;

#[uniffi::export]
impl Logbook {
    /// The consults, newest first; `after` is the `next` of the page before.
    pub fn consults(&self, after: Option<String>) -> Result<ConsultPage> {
        self.book.consults(after.as_deref())
    }

    /// What a saved consult says beyond its form: labs against thresholds, and what is said about it.
    pub fn consult(&self, id: RecordId) -> Result<ConsultView> {
        self.book.consult(id)
    }

    /// The same for a form that is being filled in; nothing is saved.
    pub fn look_over_consult(&self, form: OpenForm, typed: Vec<TypedField>) -> Result<ConsultView> {
        self.book.look_over_consult(&form, &typed)
    }

    /// Goes on with another template: what was typed goes along, and what the other does not ask for goes
    /// into its note.
    pub fn switch_consult(
        &self,
        form: OpenForm,
        typed: Vec<TypedField>,
        to: String,
    ) -> Result<OpenForm> {
        self.book.switch_consult(&form.view.id, form.draft, &typed, &to)
    }

    /// A case form filled with what the consult says, on a draft that goes on where it was left.
    pub fn begin_case_from_consult(&self, id: RecordId) -> Result<OpenForm> {
        self.book.begin_case_from_consult(id)
    }

    /// The cases that followed a consult, newest first, at most 50.
    pub fn cases_of_consult(&self, id: RecordId) -> Result<Vec<RecordName>> {
        self.book.cases_of_consult(id)
    }

    /// The consult that a case followed.
    pub fn consult_of_case(&self, id: RecordId) -> Result<Option<RecordName>> {
        self.book.consult_of_case(id)
    }

    /// Says that a case followed a consult, or, without one, that it did not.
    pub fn link_case(
        &self,
        case_id: RecordId,
        consult: Option<RecordId>,
    ) -> Result<Option<Change>> {
        self.book.link_case(case_id, consult)
    }

    /// The templates that a consult can be begun with.
    pub fn consult_templates(&self) -> Result<Vec<ConsultTemplate>> {
        self.book.consult_templates()
    }

    /// Makes a template of the user's own out of another one.
    pub fn copy_template(&self, form: String) -> Result<SavedCase> {
        self.book.copy_template(&form)
    }

    /// A template of the user's own, to be changed.
    pub fn template_text(&self, id: RecordId) -> Result<TemplateText> {
        self.book.template_text(id)
    }

    /// Saves the text of a template; one that cannot be read is kept, told, and not used.
    pub fn save_template(&self, id: RecordId, definition: String) -> Result<SavedTemplate> {
        self.book.save_template(id, &definition)
    }

    /// Changes a template without TOML.
    pub fn change_template(&self, id: RecordId, change: TemplateChange) -> Result<SavedTemplate> {
        self.book.change_template(id, &change)
    }

    /// How presentations are worded: as the user does, or as shipped.
    pub fn presentation_wording(&self) -> Result<PresentationWording> {
        self.book.presentation_wording()
    }

    /// Saves the user's own wording; one that cannot be used is kept and told.
    pub fn save_presentation_wording(&self, definition: String) -> Result<SavedTemplate> {
        self.book.save_presentation_wording(&definition)
    }
}
