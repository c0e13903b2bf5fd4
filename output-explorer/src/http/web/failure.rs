//! What went wrong, for a person who looks at a page.

use super::layout::{SECURITY, plain};
use crate::http::problem::Problem;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use maud::html;
use url::form_urlencoded;

/// A [`Problem`], shown as a page.
pub(super) struct Failure(pub(super) Problem);

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let body = plain(
            problem.title(),
            html! {
                h1 { (problem.title()) }
                p.notice.bad role="alert" { (problem.detail()) }
                p { a href="/" { "Overview" } }
            },
        );
        let answer = problem.into_response();
        let status = answer.status();
        let retry = answer.headers().get(RETRY_AFTER).cloned();
        let mut response = (status, body).into_response();
        if let Some(retry) = retry {
            response.headers_mut().insert(RETRY_AFTER, retry);
        }
        response
    }
}

/// A page that is not shown to whoever asks: whoever did not log in is sent to do so, and back.
pub(in crate::http) fn refused(problem: Problem, path_and_query: &str) -> Response {
    if !problem.is_unauthorized() {
        return Failure(problem).into_response();
    }
    let next: String = form_urlencoded::byte_serialize(path_and_query.as_bytes()).collect();
    (StatusCode::SEE_OTHER, SECURITY, [(LOCATION, format!("/login?next={next}"))]).into_response()
}
