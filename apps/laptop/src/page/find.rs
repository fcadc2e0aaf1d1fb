//! Finding words in everything that was written.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use seldinger_core::error::{LogbookError, Result};
use seldinger_core::library::{ArticleKind, LibraryHit};
use seldinger_core::logbook::{FoundPage, Logbook, SearchHit};
use serde::Deserialize;

use super::places;
use super::shell::{Room, Shell, draw};
use super::trouble::Trouble;
use super::words;
use crate::serve::AppState;

/// Pages of this room.
pub fn routes() -> Router<AppState> {
    Router::new().route("/find", get(page).post(found))
}

/// What is looked for. It is posted, so that it does not end up in the browser's history.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Looked {
    q: String,
    before: String,
}

impl Looked {
    fn search(&self, book: &Logbook) -> Result<FoundPage> {
        let before = Some(&self.before).filter(|before| !before.is_empty());
        let before = before.map(|before| before.parse::<i64>()).transpose();
        book.find(&self.q, before.map_err(|_| LogbookError::NotAPage)?)
    }
}

#[derive(Template)]
#[template(path = "find/page.html")]
struct FindPage {
    shell: Shell,
    q: String,
    found: FoundPage,
}

#[derive(Template)]
#[template(path = "find/hits.html")]
struct Hits {
    q: String,
    found: FoundPage,
}

#[derive(Template)]
#[template(path = "find/more.html")]
struct MoreHits {
    found: FoundPage,
}

/// What a hit is called.
fn title(hit: &SearchHit) -> String {
    if hit.procedure_name.is_empty() { words::kind(&hit.kind) } else { hit.procedure_name.clone() }
}

/// Where an article is read, from the section on in which the words are.
fn place(hit: &LibraryHit) -> String {
    let room = match hit.kind {
        ArticleKind::Procedure => "procedures",
        ArticleKind::Imaging => "imaging",
    };
    let section = if hit.section.is_empty() { "" } else { "#" };
    format!("/{room}/{}{section}{}", hit.id, hit.section)
}

async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    whole(state, shell, Looked::default()).await
}

async fn found(
    State(state): State<AppState>,
    shell: Shell,
    Form(looked): Form<Looked>,
) -> Result<Response, Trouble> {
    if !shell.part {
        return whole(state, shell, looked).await;
    }
    let goes_on = !looked.before.is_empty();
    let (q, found) = state.ask(move |book| Ok((looked.q.clone(), looked.search(book)?))).await?;
    if goes_on { draw(&MoreHits { found }) } else { draw(&Hits { q, found }) }
}

async fn whole(state: AppState, shell: Shell, looked: Looked) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Find);
    let page = state.ask(move |book| {
        let found = looked.search(book)?;
        Ok(FindPage { shell, q: looked.q, found })
    });
    draw(&page.await?)
}
