//! Whether the server lives, and whether what it knows is recent: the only answers without credentials.

use super::app::App;
use super::problem::Problem;
use crate::control::{Answer, Request};
use axum::Json;
use axum::extract::State as Of;
use axum::http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the server says that it lives.
pub(super) const ALIVE: &str = "/healthz";

/// Where it says whether it is ready.
pub(super) const READY: &str = "/readyz";

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// That all is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the server lives
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "is_alive", security(()),
    responses((status = 200, body = Health)))]
async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether what it knows is recent
///
/// The node is connected and has caught up with the network, and the ledger is at most as many blocks behind it as the
/// configuration allows.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "is_ready", security(()),
    responses((status = 200, body = Health), (status = 503, description = "not ready, and why", body = Problem,
        content_type = "application/problem+json")))]
async fn ready(Of(app): Of<Arc<App>>) -> Result<Json<Health>, Problem> {
    let Answer::Status(status) = app.ask(Request::Status).await? else {
        return Err(super::app::other_answer());
    };
    let ready = status.ready(app.ready_blocks);
    ready.map_err(|why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", why))?;
    Ok(Json(Health { status: "ok" }))
}
