//! What is around every page: rooms, theme, page token, and what has just happened.

use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use seldinger_core::content::Wording;
use seldinger_core::error::LogbookError;

use super::devices::Badge;
pub use super::notices::{Notice, Notices};
use super::trouble::Trouble;
use crate::serve::{AppState, Session};

/// The cookie that holds the chosen theme; without it the system decides.
pub const THEME_COOKIE: &str = "seldinger-theme";

/// A place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Cases,
    Consults,
    Checklists,
    Procedures,
    Imaging,
    Calculators,
    Tally,
    Find,
    Export,
    Deleted,
    Devices,
    Settings,
}

/// The rooms that a day's work goes through.
pub const DAILY: [Room; 7] = [
    Room::Cases,
    Room::Consults,
    Room::Procedures,
    Room::Checklists,
    Room::Imaging,
    Room::Calculators,
    Room::Tally,
];
/// The rooms that look at the whole logbook.
pub const WHOLE: [Room; 5] =
    [Room::Find, Room::Export, Room::Deleted, Room::Devices, Room::Settings];

impl Room {
    /// Whether the key that finds leads here.
    pub fn is_find(self) -> bool {
        self == Self::Find
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Cases => "/",
            Self::Consults => "/consults",
            Self::Checklists => "/checklists",
            Self::Procedures => "/procedures",
            Self::Imaging => "/imaging",
            Self::Tally => "/tally",
            Self::Calculators => "/calculators",
            Self::Find => "/find",
            Self::Export => "/export",
            Self::Deleted => "/deleted",
            Self::Devices => "/devices",
            Self::Settings => "/settings",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cases => "Cases",
            Self::Consults => "Consults",
            Self::Checklists => "Checklists",
            Self::Procedures => "Procedures",
            Self::Imaging => "Imaging",
            Self::Tally => "Tally",
            Self::Calculators => "Calculators",
            Self::Find => "Find",
            Self::Export => "Export, import",
            Self::Deleted => "Recently deleted",
            Self::Devices => "Devices",
            Self::Settings => "Settings",
        }
    }
}

/// What the layout shows around a page.
#[derive(Clone)]
pub struct Shell {
    /// Where the page is in the navigation.
    pub here: Room,
    /// `light`, `dark`, or empty: as the system says.
    pub theme: &'static str,
    /// The sample rotation is shown.
    pub sample: bool,
    /// The log can only be read.
    pub read_only: bool,
    /// Why what was sent was not saved; what was typed is still on the page.
    pub unsaved: Option<Wording>,
    /// The token that this page's forms carry.
    pub csrf: String,
    /// What has just happened.
    pub notice: Option<Notice>,
    /// How sync goes.
    pub badge: Badge,
    /// Only a part of a page is asked for, to be put into the one that is open.
    pub part: bool,
}

impl Shell {
    /// The shell of a page in `room`.
    pub fn at(self, here: Room) -> Self {
        Self { here, ..self }
    }

    /// The same around what could not be saved.
    pub fn unsaved(self, why: &LogbookError) -> Self {
        Self { unsaved: Some(why.wording()), ..self }
    }
}

impl FromRequestParts<AppState> for Shell {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Trouble> {
        let session = parts.extensions.get::<Session>().ok_or(LogbookError::KeyLocked)?;
        let part = parts.headers.contains_key("hx-request");
        let badge = if part { Badge::none() } else { Badge::now(state).await };
        let reads = parts.method == axum::http::Method::GET && !part;
        Ok(Self {
            here: Room::Cases,
            theme: theme(parts),
            sample: state.is_sample(),
            read_only: state.shown_book().is_ok_and(|book| book.is_read_only()),
            unsaved: None,
            csrf: session.page_token(),
            notice: reads.then(|| session.told().take(parts.uri.path(), Instant::now())).flatten(),
            badge,
            part,
        })
    }
}

fn theme(parts: &Parts) -> &'static str {
    let cookies =
        parts.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let value = cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == THEME_COOKIE).then_some(value)
    });
    match value {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}

/// Draws a template.
pub fn draw(template: &impl askama::Template) -> Result<Response, Trouble> {
    let text = template.render().map_err(|_| LogbookError::Io)?;
    Ok(Html(text).into_response())
}
