//! What is typed into a form: kept as a draft, saved, or dropped.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::content::words;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::form::FieldView;
use seldinger_core::ids::{DraftId, RecordId};
use seldinger_core::logbook::Logbook;

use super::drawn;
use crate::page::fields::Posted;
use crate::page::places;
use crate::page::records::name;
use crate::page::shell::{Notices, draw};
use crate::page::trouble::Trouble;
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

/// Keeps what stands in the form, and says what is odd about it.
pub async fn keep(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let fields = state.ask(move |book| {
        let sent = Sent::read(posted)?;
        let Some(draft) = sent.draft else { return Ok(Vec::new()) };
        match book.keep_draft(draft, sent.posted.typed()) {
            Ok(_) => {}
            // Saved meanwhile, here or in another window.
            Err(LogbookError::NoDraft) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        let view = book.open_draft(draft)?.view;
        Ok(view.sections.into_iter().flat_map(|section| section.fields).collect())
    });
    draw(&KeptPart { fields: fields.await? })
}

/// Saves the form.
pub async fn save(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let saved = state.ask(move |book| {
        let sent = Sent::read(posted)?;
        let typed = sent.posted.typed();
        let saved = book.save_form(&sent.form, sent.record, sent.opened, &typed, sent.draft)?;
        let kept = book.record(saved.id)?;
        Ok((places::of(&kept.kind, saved.id), name(book, saved.id)?, saved))
    });
    let (place, name, saved) = saved.await?;
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
