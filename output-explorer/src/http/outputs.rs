//! Outputs by their ids.

use super::app::{App, other_answer};
use super::extract::{Body, InPath};
use super::problem::Problem;
use crate::control::{Answer, Request};
use crate::view::text::HashText;
use crate::view::{OutputDetail, Outputs};
use axum::Json;
use axum::extract::State as Of;
use serde::Deserialize;
use std::sync::Arc;
use stegos_common::hash::Hash;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// No more ids are looked up at once.
const MAX_IDS: usize = 1000;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(lookup))
}

/// One output, with its blob
#[utoipa::path(get, path = "/v1/outputs/{output_hash}", tag = "outputs", operation_id = "get_output",
    params(("output_hash" = HashText, Path, description = "the output's id")),
    responses((status = 200, body = OutputDetail)))]
async fn get(
    Of(app): Of<Arc<App>>,
    InPath(output_hash): InPath<Hash>,
) -> Result<Json<OutputDetail>, Problem> {
    match app.ask(Request::Output { output_hash }).await? {
        Answer::Output(output) => Ok(Json((*output).into())),
        _ => Err(other_answer()),
    }
}

/// The ids of outputs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Lookup {
    /// At most 1000.
    #[schema(value_type = Vec<HashText>, max_items = 1000)]
    output_hashes: Vec<Hash>,
}

/// Many outputs at once
///
/// Whichever there are; the answer names those that are unknown.
#[utoipa::path(post, path = "/v1/outputs/lookup", tag = "outputs", operation_id = "lookup_outputs",
    request_body = Lookup, responses((status = 200, body = Outputs)))]
async fn lookup(Of(app): Of<Arc<App>>, Body(lookup): Body<Lookup>) -> Result<Json<Outputs>, Problem> {
    let Lookup { output_hashes } = lookup;
    if output_hashes.len() > MAX_IDS {
        return Err(Problem::body(format!("{} ids are more than {MAX_IDS}", output_hashes.len())));
    }
    match app.ask(Request::Lookup { output_hashes }).await? {
        Answer::Lookup { outputs, unknown } => {
            Ok(Json(Outputs { outputs: outputs.into_iter().map(OutputDetail::from).collect(), unknown }))
        }
        _ => Err(other_answer()),
    }
}
