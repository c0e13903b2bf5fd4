//! Across the gap by light: the request as pictures, and the answer from a camera.
//!
//! The browser only shows pictures and sends what its camera sees, as brightness: codes are found and put together here, by
//! the same code as on the signer's side.

use super::failure::Failure;
use super::handoffs::accept;
use super::layout::SECURITY;
use super::picture::qr;
use super::session::Open;
use super::who::{Who, require_same_origin};
use crate::access::Right;
use crate::codes::{self, CodesError, LONGEST_SIDE};
use crate::control::{HandoffAnswer, HandoffRequest};
use crate::http::app::{App, other_answer};
use crate::http::problem::Problem;
use crate::log::{Line, tell};
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Of};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use stegos_common::qr::{FRAGMENT, Frames, Gathering};

/// The largest picture, in bytes: one for each point.
pub(super) const LARGEST: usize = LONGEST_SIDE * LONGEST_SIDE;

/// The header that a script brings in place of a form's hidden field.
const CSRF: &str = "x-csrf";

/// One part of a request as a QR code; they go on for ever, and enough of any of them are all of it.
pub(super) async fn frame(
    Of(app): Of<Arc<App>>,
    who: Who,
    Path((number, frame)): Path<(u64, NonZeroU32)>,
) -> Result<Response, Failure> {
    who.require(Right::HandOff)?;
    let HandoffAnswer::Request { request } = app.about_handoffs(HandoffRequest::Request { number }).await?
    else {
        return Err(other_answer().into());
    };
    let drawn = app
        .blocking(move |_| {
            let frames = Frames::new(request.as_bytes(), FRAGMENT).map_err(Problem::internal)?;
            let picture = qr(&frames.frame(frame), "A part of the request").into_string();
            Ok((picture, frames.fragments()))
        })
        .await?;
    let (picture, fragments) = drawn;
    let headers = [(CONTENT_TYPE, "image/svg+xml".to_owned())];
    let number = [("x-fragments", fragments.to_string())];
    Ok((SECURITY, headers, number, picture).into_response())
}

/// How large a picture is.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Size {
    width: usize,
    height: usize,
    /// Whether it is the first one: what was gathered before is forgotten.
    #[serde(default)]
    first: bool,
}

/// What came of a picture.
#[derive(Serialize)]
pub(super) struct Seen {
    /// In words.
    text: String,
    /// Where to go on, once everything is there.
    next: Option<String>,
}

/// Takes what a camera sees: one byte for each point, row by row, 0 for black.
pub(super) async fn camera(
    Of(app): Of<Arc<App>>,
    who: Who,
    session: Option<Extension<Open>>,
    Path(number): Path<u64>,
    Query(size): Query<Size>,
    headers: HeaderMap,
    picture: Bytes,
) -> Result<Json<Seen>, Problem> {
    require_same_origin(&headers)?;
    let said = headers.get(CSRF).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let session = session.filter(|session| session.csrf.is(said)).ok_or_else(|| {
        let detail = "the picture is not one of this session: load the page again";
        Problem::new(StatusCode::FORBIDDEN, "foreign_form", detail)
    })?;
    crate::http::app::require(&who.caller, Right::Submit)?;
    let Size { width, height, first } = size;
    if width > LONGEST_SIDE || height > LONGEST_SIDE || width * height != picture.len() || picture.is_empty()
    {
        return Err(Problem::body(format!("{} bytes are no picture of {width} × {height}", picture.len())));
    }
    let place = Arc::clone(&app.pictures).acquire_owned().await.map_err(Problem::internal)?;
    let looked = app.blocking(move |_| {
        let codes = codes::find(width, height, &picture);
        // Kept until then also where nobody waits any more.
        drop(place);
        let (codes, text) = match codes {
            Ok(codes) => (codes, "Looking for a code.".to_owned()),
            Err(error @ CodesError::Endless) => (Vec::new(), error.to_string()),
            Err(error) => return Err(Problem::internal(error)),
        };
        Ok(gather(&session, number, first, &codes, text))
    });
    let seen = looked.await?;
    let answer = match seen {
        Ok(answer) => answer,
        Err(text) => return Ok(Json(Seen { text, next: None })),
    };
    let answer = String::from_utf8(answer).map_err(|_| Problem::body("what was shown is no text"))?;
    let next = accept(&app, &who, answer).await.map_err(|failure| failure.0)?;
    let line = Line::info(format!("web: a response was read by camera, by {}", who.caller.id));
    tell(line.with("caller", who.caller.id));
    Ok(Json(Seen { text: "Everything is there.".to_owned(), next: Some(next) }))
}

/// Adds what a picture shows to what is there. Answers all of it, or in words how far it is.
fn gather(
    session: &Open,
    number: u64,
    first: bool,
    codes: &[String],
    mut text: String,
) -> Result<Vec<u8>, String> {
    let mut scan = session.scan.lock().unwrap_or_else(PoisonError::into_inner);
    if first || scan.as_ref().is_none_or(|(of, _)| *of != number) {
        *scan = Some((number, Gathering::default()));
    }
    let Some((_, gathering)) = scan.as_mut() else { return Err(String::new()) };
    for code in codes {
        match gathering.add(code) {
            Ok(progress) => text = format!("{} of {} parts.", progress.gathered, progress.needed),
            Err(error) => text = format!("This code is not a part of the response: {error}"),
        }
    }
    let message = gathering.message().map(<[u8]>::to_vec);
    message.inspect(|_| *scan = None).ok_or(text)
}
