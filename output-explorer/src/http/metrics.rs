//! What Prometheus reads.

use super::app::App;
use super::problem::Problem;
use axum::extract::State as Of;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use prometheus_client::encoding::prometheus_text;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Read the metrics
///
/// In the text format of Prometheus. docs/metrics.md lists them.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "read_metrics",
    responses((status = 200, description = "the metrics", body = String, content_type = "text/plain")))]
async fn metrics(Of(app): Of<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let text = app.blocking(|app| app.metrics.to_text().map_err(Problem::internal)).await?;
    Ok(([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text))
}
