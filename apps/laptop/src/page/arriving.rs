//! A file that a browser sends, piece by piece.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use seldinger_core::content::wording;
use seldinger_core::error::LogbookError;

use super::trouble::Trouble;

/// How long the next piece may take to come: files come from this machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Hands on what comes of a file of at most so many bytes; how many came.
///
/// # Errors
/// `TooMuchAtOnce`; what is said of a file that comes no further; whatever `take` says.
pub async fn each_piece(
    body: Body,
    most: usize,
    take: impl FnMut(&[u8]) -> Result<(), LogbookError>,
) -> Result<usize, Trouble> {
    each_within(PATIENCE, body, most, take).await
}

async fn each_within(
    patience: Duration,
    mut body: Body,
    most: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), LogbookError>,
) -> Result<usize, Trouble> {
    let mut bytes = 0;
    loop {
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let next = tokio::time::timeout(patience, next).await;
        let next = next.map_err(|_| {
            Trouble::told(StatusCode::REQUEST_TIMEOUT, wording("app.file_stopped", &[]))
        })?;
        let Some(frame) = next else { return Ok(bytes) };
        let Ok(piece) = frame.map_err(|_| LogbookError::Io)?.into_data() else { continue };
        bytes += piece.len();
        if bytes > most {
            return Err(LogbookError::TooMuchAtOnce.into());
        }
        take(&piece)?;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use axum::body::{Bytes, HttpBody};
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::serve::visit::Visit;

    type Frame = hyper::body::Frame<Bytes>;

    /// Sends one piece and then nothing more.
    struct Stalls(Option<Frame>);

    impl HttpBody for Stalls {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame, Infallible>>> {
            self.0.take().map_or(Poll::Pending, |frame| Poll::Ready(Some(Ok(frame))))
        }
    }

    #[test]
    fn a_file_that_comes_no_further_is_given_up_and_told() {
        let body = Body::new(Stalls(Some(Frame::data(Bytes::from_static(b"{")))));
        let mut came = Vec::new();
        let patience = Duration::from_millis(10);
        let ended = Visit::new().wait(each_within(patience, body, 9, |piece| {
            came.extend_from_slice(piece);
            Ok(())
        }));
        let Err(trouble) = ended else { panic!("it ended well") };
        assert_eq!(
            (came.as_slice(), trouble.into_response().status()),
            (&b"{"[..], StatusCode::REQUEST_TIMEOUT)
        );
    }

    #[test]
    fn a_file_that_is_too_large_is_not_waited_for() {
        let visit = Visit::new();
        let all = |most| {
            visit
                .wait(each_piece(Body::from("four"), most, |_| Ok(())))
                .map_err(|trouble| trouble.into_response().status())
        };
        assert_eq!(all(4).ok(), Some(4));
        assert_eq!(all(3).err(), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
