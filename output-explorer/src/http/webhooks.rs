//! Webhooks: endpoints of the caller's, and what was delivered to them.

use super::app::{App, require};
use super::extract::{Body, InPath, Params, a_number, limit};
use super::problem::Problem;
use crate::access::{Caller, Right, Role};
use crate::ledger::LedgerError;
use crate::view::Page;
use crate::view::webhook::{
    AttemptView, DeliveryView, EndpointChange, EndpointSecretView, EndpointView, NewEndpoint, SecretRotation,
};
use axum::extract::State as Of;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest page of deliveries.
const MAX_DELIVERIES: u32 = 100;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(rotate))
        .routes(routes!(ping))
        .routes(routes!(deliveries))
        .routes(routes!(redeliver))
}

/// Whose endpoints a caller sees: a service its own, the others everybody's.
pub(super) fn whose(caller: &Caller) -> Option<String> {
    match caller.role {
        Role::Service => Some(caller.id.clone()),
        Role::Auditor | Role::Replica | Role::Operator => None,
    }
}

/// List webhook endpoints
///
/// A service sees its own, others see all.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    responses((status = 200, body = Vec<EndpointView>)))]
async fn list(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<EndpointView>>, Problem> {
    let whose = whose(&caller);
    app.blocking(move |app| {
        if app.ledger.copied()?.is_some() {
            // There may be some, where it is known.
            return Err(LedgerError::ReadOnly.into());
        }
        let endpoints = app.webhooks.endpoints(whose.as_deref())?;
        Ok(Json(endpoints.into_iter().map(EndpointView::from).collect()))
    })
    .await
}

/// Make a webhook endpoint
///
/// At most three per token. The answer has the secret that every request to it is signed with: it is not shown again.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", operation_id = "create_webhook",
    request_body = NewEndpoint,
    responses((status = 201, body = EndpointSecretView, headers(("location" = String, description = "the endpoint")))))]
async fn create(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewEndpoint>,
) -> Result<Response, Problem> {
    require(&caller, Right::Webhooks)?;
    app.blocking(move |app| {
        let made = EndpointSecretView::from(app.webhooks.create(&caller.id, new)?);
        let location = [(LOCATION, format!("/v1/webhooks/{}", made.endpoint.id))];
        Ok((StatusCode::CREATED, location, Json(made)).into_response())
    })
    .await
}

/// One webhook endpoint
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    params(("id" = u64, Path, description = "the endpoint's id")),
    responses((status = 200, body = EndpointView)))]
async fn get(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<u64>,
) -> Result<Json<EndpointView>, Problem> {
    let whose = whose(&caller);
    app.blocking(move |app| Ok(Json(app.webhooks.endpoint(whose.as_deref(), id)?.into()))).await
}

/// Change a webhook endpoint
///
/// What is left out stays as it is.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "update_webhook",
    params(("id" = u64, Path, description = "the endpoint's id")),
    request_body = EndpointChange, responses((status = 200, body = EndpointView)))]
async fn update(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<u64>,
    Body(change): Body<EndpointChange>,
) -> Result<Json<EndpointView>, Problem> {
    require(&caller, Right::Webhooks)?;
    let whose = whose(&caller);
    app.blocking(move |app| Ok(Json(app.webhooks.update(whose.as_deref(), id, change)?.into()))).await
}

/// Delete a webhook endpoint
///
/// What is on its way to it is given up.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "delete_webhook",
    params(("id" = u64, Path, description = "the endpoint's id")),
    responses((status = 204, description = "it is gone")))]
async fn delete(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<u64>,
) -> Result<StatusCode, Problem> {
    require(&caller, Right::Webhooks)?;
    let whose = whose(&caller);
    app.blocking(move |app| {
        app.webhooks.delete(whose.as_deref(), id)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Replace the secret of a webhook endpoint
///
/// Both sign for a while, so that the receiver can be changed in between. The new one is not shown again.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secret", tag = "webhooks", operation_id = "rotate_webhook_secret",
    params(("id" = u64, Path, description = "the endpoint's id")),
    request_body = SecretRotation, responses((status = 200, body = EndpointSecretView)))]
async fn rotate(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<u64>,
    Body(SecretRotation { grace_seconds }): Body<SecretRotation>,
) -> Result<Json<EndpointSecretView>, Problem> {
    require(&caller, Right::Webhooks)?;
    let (whose, grace) = (whose(&caller), grace_seconds.map(|seconds| Duration::from_secs(seconds.into())));
    app.blocking(move |app| Ok(Json(app.webhooks.rotate(whose.as_deref(), id, grace)?.into()))).await
}

/// Send a test to a webhook endpoint
///
/// Once, and at once; the answer tells what came of it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/ping", tag = "webhooks", operation_id = "ping_webhook",
    params(("id" = u64, Path, description = "the endpoint's id")),
    responses((status = 200, body = AttemptView)))]
async fn ping(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<u64>,
) -> Result<Json<AttemptView>, Problem> {
    require(&caller, Right::Webhooks)?;
    Ok(Json(app.webhooks.ping(whose(&caller).as_deref(), id).await?.into()))
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Go on before this event: the `next` of the page before.
    #[serde(default, deserialize_with = "a_number")]
    before: Option<u64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// List what was and is delivered to an endpoint
///
/// The youngest first; of what is over, the newest ten thousand are kept.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "list_deliveries",
    params(("id" = u64, Path, description = "the endpoint's id"), List),
    responses((status = 200, body = Page<DeliveryView>)))]
async fn deliveries(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<u64>,
    Params(list): Params<List>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    let most = limit(list.limit, 20, MAX_DELIVERIES)?;
    let whose = whose(&caller);
    app.blocking(move |app| {
        let deliveries = app.webhooks.deliveries(whose.as_deref(), id, list.before, most + 1)?;
        Ok(Json(Page::cut(deliveries, most, |delivery| delivery.event.to_string())))
    })
    .await
}

/// Deliver an event once more
///
/// Whatever became of it before.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{event}/redeliver", tag = "webhooks",
    operation_id = "redeliver",
    params(("id" = u64, Path, description = "the endpoint's id"), ("event" = u64, Path, description = "the event's id")),
    responses((status = 202, description = "it is due now", body = DeliveryView)))]
async fn redeliver(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath((id, event)): InPath<(u64, u64)>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    require(&caller, Right::Webhooks)?;
    let whose = whose(&caller);
    app.blocking(move |app| {
        Ok((StatusCode::ACCEPTED, Json(app.webhooks.redeliver(whose.as_deref(), id, event)?.into())))
    })
    .await
}
