//! The files of the pages, inside the program.

use super::failure::Failure;
use crate::http::problem::Problem;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// One file. Browsers ask again after an hour: a new program may have others.
pub(super) async fn one(Path(name): Path<String>) -> Result<Response, Failure> {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css", include_str!("assets/style.css")),
        "script.js" => ("text/javascript", include_str!("assets/script.js")),
        "icon.svg" => ("image/svg+xml", include_str!("assets/icon.svg")),
        _ => {
            let detail = format!("there is no file {name}");
            return Err(Problem::new(StatusCode::NOT_FOUND, "path_unknown", detail).into());
        }
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=3600")], text).into_response())
}
