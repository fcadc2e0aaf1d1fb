//! What went wrong, as a page or, where a part of a page was asked for, as a part.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use seldinger_core::content::{Wording, wording};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::lan::SyncError;

use super::shell::{Shell, draw};
use crate::serve::{AppState, locked};

/// Why a page could not be shown or a request could not be carried out.
#[derive(Debug)]
pub struct Trouble {
    status: StatusCode,
    told: Wording,
}

/// Whether a page can be shown again with what was typed, because nothing but the saving failed.
pub fn is_unsaved(error: &LogbookError) -> bool {
    matches!(error, LogbookError::DiskFull | LogbookError::ReadOnly)
}

impl Trouble {
    /// What has its words already.
    pub fn told(status: StatusCode, told: Wording) -> Self {
        Self { status, told }
    }
}

impl From<LogbookError> for Trouble {
    fn from(error: LogbookError) -> Self {
        use LogbookError as E;
        let status = match error {
            E::NotFound { .. }
            | E::NoDraft
            | E::NothingToChoose
            | E::NotAnId
            | E::CodeNotKept
            | E::UnknownDefinition => StatusCode::NOT_FOUND,
            E::NothingTyped
            | E::NotInOne
            | E::NotADay
            | E::NotAPage
            | E::OtherName
            | E::BadLine { .. } => StatusCode::BAD_REQUEST,
            E::ChoiceChanged => StatusCode::CONFLICT,
            E::Busy => StatusCode::SERVICE_UNAVAILABLE,
            E::KeyLocked => StatusCode::UNAUTHORIZED,
            E::TooMuchAtOnce => {
                return Self::told(StatusCode::PAYLOAD_TOO_LARGE, wording("app.too_large", &[]));
            }
            E::DiskFull | E::ReadOnly | E::FilesMoved => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, told: error.wording() }
    }
}

impl From<SyncError> for Trouble {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Book { error } => error.into(),
            other @ (SyncError::Code { .. } | SyncError::Bundle { .. }) => {
                Self { status: StatusCode::BAD_REQUEST, told: other.wording() }
            }
            other => Self { status: StatusCode::INTERNAL_SERVER_ERROR, told: other.wording() },
        }
    }
}

impl IntoResponse for Trouble {
    /// The words travel beside the answer: only `tell` knows what kind of page was asked for.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self.told);
        response
    }
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    shell: Shell,
    told: Wording,
}

#[derive(Template)]
#[template(path = "part/told.html")]
struct TroublePart {
    told: Wording,
}

/// Puts the words of a trouble into its answer.
pub async fn tell(State(state): State<AppState>, request: Request, next: Next) -> Response {
    use axum::extract::FromRequestParts as _;
    let (mut parts, body) = request.into_parts();
    let part = parts.headers.contains_key("hx-request");
    let path_parts = parts.clone();
    let mut response = next.run(Request::from_parts(parts.clone(), body)).await;
    let Some(told) = response.extensions_mut().remove::<Wording>() else { return response };
    parts = path_parts;
    if response.status() == StatusCode::UNAUTHORIZED && !state.is_open() {
        // Locked from another tab while this was asked for: what the next request is told, too.
        return locked(&state, &parts.headers);
    }
    let drawn = if part {
        draw(&TroublePart { told })
    } else {
        match Shell::from_request_parts(&mut parts, &state).await {
            Ok(shell) => draw(&TroublePage { shell, told }),
            Err(trouble) => return trouble.into_response(),
        }
    };
    match drawn {
        Ok(mut drawn) => {
            *drawn.status_mut() = response.status();
            drawn
        }
        Err(_) => response,
    }
}
