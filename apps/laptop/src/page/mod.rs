//! The page: one room a folder, each with its handlers; templates in `templates/`, styles and scripts
//! in `assets/`. Handlers only ask the core and draw what it says.
//!
//! A handler takes `State<AppState>` and a `Shell` (what the layout needs), asks the book on a thread
//! that may wait for the disk, and draws an askama template that extends `layout.html` and has the
//! shell as its field `shell`. `?` turns an error of the core into a page of its words.

#[cfg(test)]
mod any_value_tests;
mod arriving;
mod assets;
mod calculators;
mod case;
mod cases;
mod charts;
mod checklists;
mod consults;
mod devices;
mod facts;
mod fields;
mod find;
mod form;
mod library;
mod live;
mod notices;
mod places;
mod proof;
mod records;
mod recovery;
mod sample;
mod settings;
mod shell;
mod tally;
#[cfg(test)]
mod tests;
mod transfer;
mod trouble;
mod undo;
mod words;

use axum::Router;
use axum::middleware;
use axum::routing::get;

use crate::serve::AppState;
pub use fields::Posted;
pub use notices::Told;

/// Every page.
pub fn routes(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(cases::routes())
        .merge(case::routes())
        .merge(form::routes())
        .merge(checklists::routes())
        .merge(library::routes())
        .merge(calculators::routes())
        .merge(consults::routes())
        .merge(find::routes())
        .merge(records::routes())
        .merge(live::routes())
        .merge(proof::routes())
        .merge(transfer::routes())
        .merge(settings::routes())
        .merge(recovery::routes())
        .merge(devices::routes())
        .merge(sample::routes())
        .merge(tally::routes())
        .merge(undo::routes())
        .layer(middleware::from_fn_with_state(state.clone(), trouble::tell))
        .layer(middleware::from_fn(notices::keep))
        .route("/assets/{name}", get(assets::serve))
}
