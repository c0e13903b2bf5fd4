//! The HTTP API: `/v1`, its OpenAPI document, pages that show it, and health; and the [`web`] page.
//!
//! A request's way: [`guard`] (from where, how often, who) → a handler → [`crate::control`], the one place where questions
//! become answers → [`crate::view`], what the world is shown.

#![allow(unused_qualifications, reason = "the macros of utoipa write them")]

mod app;
mod blocks;
mod events;
mod exports;
mod extract;
mod feed;
mod guard;
mod handoffs;
mod health;
mod import;
mod metrics;
mod micro;
mod openapi;
mod outputs;
mod problem;
mod replication;
mod server;
mod transactions;
mod users;
mod web;
mod webhooks;

pub(crate) use server::{HttpError, Ingredients, Server};

use app::App;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use problem::Problem;
use std::sync::Arc;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is.
const OPENAPI: &str = "/openapi.json";

/// Where the pages are that show it.
const DOCS: &str = "/docs";

/// The longest body, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The longest signed transaction, in bytes. Imports have no limit.
const MAX_TRANSACTION: usize = 8 << 20;

/// Nothing from elsewhere. The pages set styles of their own as they go.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(users::routes())
        .merge(outputs::routes())
        .merge(blocks::routes())
        .merge(handoffs::routes())
        .merge(events::routes())
        .merge(exports::routes())
        .merge(webhooks::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(transactions::routes().layer(DefaultBodyLimit::max(MAX_TRANSACTION)))
        .merge(import::routes().layer(DefaultBodyLimit::disable()))
}

/// The OpenAPI document as JSON.
pub(crate) fn document() -> String {
    let (_, api) = routes().split_for_parts();
    openapi::complete(api).to_pretty_json().unwrap_or_default()
}

/// Pages have the secret of their session in every form, and may repeat what a link says: compressed, their length would tell
/// whoever sees it, and makes links, whether a guess of the secret is right (BREACH).
const PAGES: NotForContentType = NotForContentType::const_new("text/html");

/// Everything that is answered.
fn router(app: Arc<App>) -> Router {
    let (router, _) = routes().split_for_parts();
    let document = document();
    let openapi = move || std::future::ready(([(CONTENT_TYPE, "application/json")], document.clone()));
    let policy = HeaderValue::from_static(POLICY);
    let pages = Router::new()
        .merge(SwaggerUi::new(DOCS).config(Config::from(OPENAPI)))
        .layer(SetResponseHeaderLayer::overriding(CONTENT_SECURITY_POLICY, policy));
    router
        .route(OPENAPI, get(openapi))
        .merge(pages)
        .merge(replication::routes())
        .merge(web::routes())
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(PAGES)))
        .with_state(app)
}

async fn nothing(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}; see {OPENAPI}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "path_unknown", detail)
}

async fn not_so(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not done at {}; see {OPENAPI}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
