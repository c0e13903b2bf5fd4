//! The web page: what the HTTP API knows, for people. It is written here and sent whole; the little script only keeps
//! parts of a page fresh, and moves pictures.
//!
//! A browser logs in with a token and has a [`session`] then; to the guard it is whoever has that token. Its cookie is
//! taken for reading anything, and for changing something by the forms of these pages only: they bring back what no page
//! of another host knows.

mod assets;
mod audit;
mod chart;
mod events;
mod failure;
mod gap;
mod handoffs;
mod layout;
mod login;
mod make;
mod outputs;
mod overview;
mod parts;
mod picture;
mod session;
mod tally;
mod transactions;
mod users;
mod webhooks;
mod who;

pub(super) use failure::refused;
pub(super) use session::{Open, Sessions};
pub(super) use tally::Tally;

use super::app::App;
use super::{MAX_BODY, MAX_TRANSACTION};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::routing::{get, post};
use std::sync::Arc;
use std::time::Instant;

/// The header of what a page asks by itself.
const BY_ITSELF: &str = "x-by-itself";

/// Where the stream is that keeps pages fresh.
const STREAM: &str = "/v1/events/stream";

/// A form writes most characters of JSON as three.
const LONGEST_FORM: usize = 3 * MAX_TRANSACTION;

/// Everything that is shown to people.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(overview::page))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/users", get(users::list))
        .route("/users/{account}", get(users::one))
        .route("/users/{account}/archive", post(users::archive))
        .route("/outputs/{id}", get(outputs::one))
        .route("/handoffs", get(handoffs::list))
        .route("/handoffs/withdrawal", post(make::withdraw))
        .route("/handoffs/sweep", post(make::gather))
        .route("/handoffs/{number}", get(handoffs::one))
        .route("/handoffs/{number}/cancel", post(handoffs::cancel))
        .route("/handoffs/{number}/frames/{frame}", get(gap::frame))
        .route("/events", get(events::list))
        .route("/audit", get(audit::page).post(audit::check))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/{id}", get(webhooks::one))
        .route("/webhooks/{id}/deliveries/{event}", post(webhooks::redeliver))
        .route("/assets/{name}", get(assets::one))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(
            Router::new()
                .route("/handoffs/{number}/camera", post(gap::camera))
                .layer(DefaultBodyLimit::max(gap::LARGEST)),
        )
        .merge(
            Router::new()
                .route("/transactions", get(transactions::list).post(handoffs::submit))
                .layer(DefaultBodyLimit::max(LONGEST_FORM)),
        )
}

/// Whether a path is one of a page, as opposed to one for programs.
pub(super) fn is_page(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    matches!(
        first,
        "" | "login"
            | "logout"
            | "users"
            | "outputs"
            | "handoffs"
            | "transactions"
            | "events"
            | "audit"
            | "webhooks"
    ) || is_public(path)
}

/// Whether a page is for everybody: the one to log in with, and what it looks like.
pub(super) fn is_public(path: &str) -> bool {
    path == "/login" || path.starts_with("/assets/")
}

/// Whether a path is that of pictures, which come many times a second: what comes of them has a line in the log of its own.
pub(super) fn is_camera(path: &str) -> bool {
    path.starts_with("/handoffs/") && path.ends_with("/camera")
}

/// Lets a browser's session stand for the token that began it, where a request says nothing else of who asks: for the
/// pages, and for what they link to. Answers what is said in its name.
pub(super) fn session(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<(Open, HeaderValue)> {
    if !is_page(path) && !is_linked(method, path) {
        return None;
    }
    let by_itself = path == STREAM || headers.contains_key(BY_ITSELF);
    let open = app.sessions.of(headers, app.is_encrypted, by_itself, Instant::now())?;
    let mut said = HeaderValue::from_str(&open.authorization).ok()?;
    said.set_sensitive(true);
    Some((open, said))
}

/// Whether a page sends its reader there, or its script: nothing that changes anything, and no websocket, which a page of
/// another port could open and read.
fn is_linked(method: &Method, path: &str) -> bool {
    let is_request = path.starts_with("/v1/handoffs/") && path.ends_with("/request");
    matches!(*method, Method::GET | Method::HEAD)
        && (path == STREAM || path.starts_with("/v1/exports/") || is_request)
}
