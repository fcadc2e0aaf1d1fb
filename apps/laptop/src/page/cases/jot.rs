//! The jot box: one typed line becomes a case.

use std::borrow::Borrow;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::case_log::jot::JotField;
use seldinger_core::content::words as told;
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::form::TypedField;
use seldinger_core::ids::DraftId;
use seldinger_core::logbook::{Draft, JOT, JotChip, JotOptions, Logbook, SavedJot};
use seldinger_core::privacy::{IdentifierKind, scan};

use super::list::Rows;
use super::query::CaseQuery;
use crate::page::fields::Posted;
use crate::page::shell::{Notice, Notices, Shell, draw};
use crate::page::trouble::{Trouble, is_unsaved};
use crate::page::words;
use crate::serve::AppState;

/// The path under which the line is kept while it is typed.
const LINE: &str = "jot";
/// The path of the time, for a case typed later.
const PERFORMED: &str = "performed";
/// The path of the guesses that were confirmed.
const CONFIRMED: &str = "confirmed";
/// Where the box says which draft it goes on with.
const DRAFT: &str = "draft";

/// The jot box as it stands.
pub struct JotBox {
    pub(super) line: String,
    pub(super) performed: String,
    /// Where the line is kept while it is typed. It is begun before the first letter, so that a request
    /// that is overtaken by the save finds it gone and brings nothing back.
    pub(super) draft: Option<DraftId>,
    pub(super) reading: Reading,
}

/// What the line was read as.
#[derive(Default)]
pub struct Reading {
    pub(super) chips: Vec<JotChip>,
    pub(super) note: String,
    pub(super) identifiers: Vec<IdentifierKind>,
    pub(super) confirmed: Vec<JotField>,
    /// What is odd about the time that was typed.
    pub(super) odd_time: Option<String>,
}

impl JotBox {
    /// With the line that was being typed when the page was left, or the program killed.
    pub fn restore(book: &Logbook) -> Result<Self> {
        let fits = |draft: &Draft| draft.form == JOT && draft.record.is_none();
        let drafts: Vec<Draft> = book.drafts()?.into_iter().filter(fits).collect();
        let written = |draft: &&Draft| !Posted::of_typed(&draft.typed).one(LINE).trim().is_empty();
        let Some(draft) = drafts.iter().find(written).or(drafts.first()) else {
            // A full disk must not keep the page from being shown.
            let draft = book.begin_draft(JOT, None).ok().map(|draft| draft.id);
            let (line, performed) = (String::new(), String::new());
            return Ok(Self { line, performed, draft, reading: Reading::default() });
        };
        let posted = Posted::of_typed(&draft.typed);
        let (line, performed) = (posted.one(LINE).to_owned(), posted.one(PERFORMED).to_owned());
        let reading = Reading::of(book, &posted)?;
        Ok(Self { line, performed, draft: Some(draft.id), reading })
    }

    /// With a line that could not be saved.
    pub(super) fn unsaved(book: &Logbook, posted: &Posted) -> Result<Self> {
        let (line, performed) = (posted.one(LINE).to_owned(), posted.one(PERFORMED).to_owned());
        let draft = posted.one(DRAFT).parse().ok();
        Ok(Self { line, performed, draft, reading: Reading::of(book, posted)? })
    }

    pub(super) fn draft_id(&self) -> String {
        self.draft.map(|id| id.to_string()).unwrap_or_default()
    }
}

impl Reading {
    fn of(book: &Logbook, posted: &Posted) -> Result<Self> {
        let line = posted.one(LINE);
        let reading = book.read_jot(line)?;
        let mut identifiers: Vec<_> = scan(line).into_iter().map(|hit| hit.kind).collect();
        identifiers.sort_unstable();
        identifiers.dedup();
        let performed = book.read_time(posted.one(PERFORMED));
        Ok(Self {
            chips: reading.chips(),
            note: reading.note,
            identifiers,
            confirmed: confirmed(posted),
            odd_time: performed.and_then(|read| read.warning).map(|warning| warning.text),
        })
    }

    pub(super) fn is_confirmed(&self, field: impl Borrow<JotField>) -> bool {
        self.confirmed.contains(field.borrow())
    }
}

fn confirmed(posted: &Posted) -> Vec<JotField> {
    let named = |name: &&str| JotField::ALL.into_iter().find(|field| field.as_str() == *name);
    posted.all(CONFIRMED).iter().filter_map(named).collect()
}

#[derive(Template)]
#[template(path = "cases/read.html")]
struct ReadPart {
    reading: Reading,
    /// The draft to go on with, where the one that was sent is gone.
    renewed: Option<DraftId>,
}

/// What the line says, while it is typed; it is kept as a draft meanwhile.
pub async fn read(
    State(state): State<AppState>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let part = state.ask(move |book| {
        let renewed = keep(book, &posted)?;
        Ok(ReadPart { reading: Reading::of(book, &posted)?, renewed })
    });
    draw(&part.await?)
}

/// Keeps the line. Where its draft is gone, another window has saved it, and an empty one is given for
/// the next letter.
fn keep(book: &Logbook, posted: &Posted) -> Result<Option<DraftId>> {
    let typed = [LINE, PERFORMED, CONFIRMED].map(|path| TypedField {
        path: path.to_owned(),
        texts: posted.all(path).into_iter().map(str::to_owned).collect(),
    });
    let kept = match posted.one(DRAFT).parse() {
        Ok(draft) => book.keep_draft(draft, typed.to_vec()),
        Err(_) => Err(LogbookError::NoDraft),
    };
    match kept {
        Ok(_) => Ok(None),
        Err(LogbookError::NoDraft) => Ok(Some(book.begin_draft(JOT, None)?.id)),
        Err(error) => Err(error),
    }
}

#[derive(Template)]
#[template(path = "cases/saved.html")]
struct SavedPart {
    shell: Shell,
    jot: JotBox,
    list: Rows,
    notice: Notice,
}

/// Saves the line as a case.
pub async fn save(
    State(state): State<AppState>,
    shell: Shell,
    Extension(notices): Extension<Notices>,
    Form(posted): Form<Posted>,
) -> std::result::Result<Response, Trouble> {
    let (sent, again) = (Arc::new(posted), state.clone());
    let posted = sent.clone();
    let saved = state.ask(move |book| {
        let line = posted.one(LINE).trim();
        if line.is_empty() {
            return Ok(None);
        }
        let options = JotOptions {
            confirmed: confirmed(&posted),
            performed: None,
            performed_typed: Some(posted.one(PERFORMED).to_owned()),
            draft: posted.one(DRAFT).parse().ok(),
        };
        let saved = book.save_jot(line, &options)?;
        let list = Rows::read(book, &CaseQuery::of(&posted))?;
        Ok(Some((notice(book, saved)?, JotBox::restore(book)?, list)))
    });
    let saved = saved.await;
    let saved = match saved {
        // A part of the page leaves the line where it is.
        Err(why) if is_unsaved(&why) && !shell.part => {
            return super::list::unsaved(again, shell, sent, why).await;
        }
        saved => saved?,
    };
    let Some((notice, jot, list)) = saved else {
        return Ok(Redirect::to("/").into_response());
    };
    if shell.part {
        return draw(&SavedPart { shell, jot, list, notice });
    }
    notices.leave(notice.text, notice.undo);
    Ok(Redirect::to("/").into_response())
}

fn notice(book: &Logbook, saved: SavedJot) -> Result<Notice> {
    let name = book.case(saved.id)?.row.procedure_name;
    let text = if name.is_empty() {
        told("page.kept_unread", &[])
    } else {
        told("page.kept", &[("what", &name)])
    };
    let text = words::with_warnings(text, &saved.warnings);
    Ok(Notice { text, undo: Some(saved.change), link: Some(format!("/cases/{}", saved.id)) })
}
