//! What is typed into a form: kept as a draft, saved, or dropped.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::content::words;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::form::{FieldView, TypedField};
use seldinger_core::ids::{DraftId, RecordId};
use seldinger_core::logbook::{Logbook, OpenForm};

use super::drawn;
use super::view::unsaved;
use crate::page::fields::Posted;
use crate::page::places;
use crate::page::records::name;
use crate::page::shell::{Notices, Shell, draw};
use crate::page::trouble::{Trouble, is_unsaved};
use crate::serve::AppState;

/// What every form of ours says about itself.
struct Sent {
    form: String,
    record: Option<RecordId>,
    opened: u64,
    draft: Option<DraftId>,
    posted: Posted,
}

impl Sent {
    fn read(posted: Posted) -> Result<Self> {
        let record = Some(posted.one("record")).filter(|id| !id.is_empty());
        Ok(Self {
            form: posted.one("form").to_owned(),
            record: record.map(str::parse).transpose()?,
            opened: posted.one("opened").parse().unwrap_or(0),
            draft: posted.one("draft").parse().ok(),
            posted,
        })
    }

    fn back(&self, book: &Logbook) -> Result<String> {
        if let Some(id) = self.record {
            return Ok(places::of(book.record(id)?.kind, id));
        }
        Ok(places::list_of(book.open_form(&self.form, None)?.view.kind).to_owned())
    }
}

#[derive(Template)]
#[template(path = "form/kept.html")]
struct KeptPart {
    fields: Vec<FieldView>,
}

/// Keeps what stands in a form; the form with it, and what that is. Nothing where it was saved meanwhile,
/// here or in another window, or where it has no draft.
pub fn kept(book: &Logbook, posted: &Posted) -> Result<Option<(OpenForm, Vec<TypedField>)>> {
    let Ok(draft) = posted.one("draft").parse::<DraftId>() else { return Ok(None) };
    let typed = posted.typed();
    match book.keep_draft(draft, typed.clone()) {
        Ok(_) => Ok(Some((book.open_draft(draft)?, typed))),
        Err(LogbookError::NoDraft) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps what stands in the form, and says what is odd about it.
pub async fn keep(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let fields = state.ask(move |book| {
        let view = kept(book, &posted)?.map(|(open, _)| open.view);
        let sections = view.into_iter().flat_map(|view| view.sections);
        Ok(sections.flat_map(|section| section.fields).collect())
    });
    draw(&KeptPart { fields: fields.await? })
}

/// Saves the form.
pub async fn save(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let sent = Sent::read(posted)?;
    let typed = sent.posted.typed();
    let (form, again) = ((sent.form.clone(), sent.record, sent.opened), typed.clone());
    let saved = state.ask(move |book| {
        let saved = book.save_form(&sent.form, sent.record, sent.opened, &typed, sent.draft)?;
        let kept = book.record(saved.id)?;
        Ok((places::of(&kept.kind, saved.id), name(book, saved.id)?, saved))
    });
    let saved = saved.await;
    let (place, name, saved) = match saved {
        Err(why) if is_unsaved(&why) => return unsaved(state, shell, form, again, why).await,
        saved => saved?,
    };
    if !saved.stale.is_empty() {
        notices.leave(words("page.kept_beside", &[]), saved.change);
    } else if saved.change.is_some() {
        notices.leave(words("page.kept", &[("what", &name)]), saved.change);
    }
    Ok(Redirect::to(&place).into_response())
}

/// Forgets what was typed.
pub async fn drop_draft(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Redirect, Trouble> {
    let back = state.ask(move |book| {
        let sent = Sent::read(posted)?;
        if let Some(draft) = sent.draft {
            book.drop_draft(draft)?;
        }
        sent.back(book)
    });
    Ok(Redirect::to(&back.await?))
}
