//! What can be done with a case.

use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::{Extension, Form};
use seldinger_core::content::words;
use seldinger_core::form::TypedField;
use seldinger_core::logbook::CASE;

use crate::page::fields::Posted;
use crate::page::records::name;
use crate::page::shell::Notices;
use crate::page::trouble::Trouble;
use crate::serve::AppState;

/// Marks the case as interesting, or no longer.
pub async fn interesting(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Redirect, Trouble> {
    let id = state.ask(move |book| {
        let id = id.parse()?;
        let texts = vec![posted.one("interesting").to_owned()];
        let typed = TypedField { path: "interesting".to_owned(), texts };
        book.save_form(CASE, Some(id), book.case(id)?.opened, &[typed], None)?;
        Ok(id)
    });
    Ok(Redirect::to(&format!("/cases/{}", id.await?)))
}

/// A copy of the case, opened to be edited.
pub async fn duplicate(
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let copied = state.ask(move |book| {
        let copy = book.duplicate_case(id.parse()?)?;
        Ok((name(book, copy.id)?, copy))
    });
    let (name, copy) = copied.await?;
    notices.leave(words("page.duplicated", &[("what", &name)]), Some(copy.change));
    Ok(Redirect::to(&format!("/cases/{}/edit", copy.id)))
}
