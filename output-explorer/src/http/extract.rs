//! What a request says, taken apart; where it cannot be, the answer is a problem like every other.

use super::problem::Problem;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::{Json, RequestExt};
use serde::de::DeserializeOwned;

/// The longest page.
pub(super) const MAX_ROWS: u32 = 1000;

/// Parameters of the path.
pub(super) struct InPath<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(it)| Self(it)).map_err(|error| Problem::parameter(error.body_text()))
    }
}

/// Parameters of the query.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(it)| Self(it)).map_err(|error| Problem::parameter(error.body_text()))
    }
}

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + 'static> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        match request.extract::<Json<T>, _>().await {
            Ok(Json(it)) => Ok(Self(it)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::body(error.body_text())),
            Err(error) => {
                let code = match error.status() {
                    StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
                    StatusCode::PAYLOAD_TOO_LARGE => "too_long",
                    _ => "malformed_json",
                };
                Err(Problem::new(error.status(), code, error.body_text()))
            }
        }
    }
}

/// The number of rows that is asked for.
pub(super) fn limit(wanted: Option<u32>, default: u32, most: u32) -> Result<usize, Problem> {
    match wanted.unwrap_or(default) {
        limit if (1..=most).contains(&limit) => Ok(limit as usize),
        limit => Err(Problem::parameter(format!("limit {limit} is not one of 1 to {most}"))),
    }
}
