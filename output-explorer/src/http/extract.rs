//! What a request says, taken apart; where it cannot be, the answer is a problem like every other.

use super::problem::Problem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

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

/// A body of JSON: one object.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            let detail = "send JSON, and say so: `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let code = match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "too_long",
                _ => "broken_off",
            };
            Problem::new(error.status(), code, error.body_text())
        })?;
        match Json::<T>::from_bytes(&bytes) {
            // Fields without their names could be taken for one another.
            Ok(_) if bytes.trim_ascii().first() != Some(&b'{') => Err(Problem::body("send one JSON object")),
            Ok(Json(it)) => Ok(Self(it)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::body(error.body_text())),
            Err(error) => Err(Problem::new(error.status(), "malformed_json", error.body_text())),
        }
    }
}

/// A number that signed 64 bits hold, as the document says.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    i64::try_from(number).map(|_| number).map_err(D::Error::custom)
}

/// The same, where there need not be one.
pub(super) fn a_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    number(deserializer).map(Some)
}

/// The number of rows that is asked for.
pub(super) fn limit(wanted: Option<u32>, default: u32, most: u32) -> Result<usize, Problem> {
    match wanted.unwrap_or(default) {
        limit if (1..=most).contains(&limit) => Ok(limit as usize),
        limit => Err(Problem::parameter(format!("limit {limit} is not one of 1 to {most}"))),
    }
}
