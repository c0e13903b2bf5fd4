//! Signed transactions: hand them in, and see what becomes of them.

use super::app::{App, other_answer, require};
use super::extract::{InPath, Params, a_number, limit};
use super::handoffs::MAX_HANDOFFS;
use super::problem::Problem;
use crate::access::{Caller, Right};
use crate::control::{HandoffAnswer, HandoffRequest};
use crate::handoff::record;
use crate::ledger::handoffs::Which;
use crate::view::text::HashText;
use crate::view::{Page, SignedTransaction};
use axum::extract::State as Of;
use axum::extract::rejection::StringRejection;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use std::sync::Arc;
use stegos_common::hash::Hash;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, submit)).routes(routes!(get))
}

/// Which transactions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Go on before the handoff of this number: the `next` of the page before.
    #[serde(default, deserialize_with = "a_number")]
    before: Option<u64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 99, default = 20)]
    limit: Option<u32>,
}

/// List transactions
///
/// Those that the signer signed and that were handed in here, the youngest handoff first.
#[utoipa::path(get, path = "/v1/transactions", tag = "transactions", operation_id = "list_transactions", params(List),
    responses((status = 200, body = Page<SignedTransaction>)))]
async fn list(
    Of(app): Of<Arc<App>>,
    Params(list): Params<List>,
) -> Result<Json<Page<SignedTransaction>>, Problem> {
    let most = limit(list.limit, 20, MAX_HANDOFFS)?;
    let request = HandoffRequest::List { before: list.before, which: Which::Signed, limit: most + 1 };
    let HandoffAnswer::List { handoffs } = app.about_handoffs(request).await? else {
        return Err(other_answer());
    };
    let transactions = handoffs.iter().filter_map(SignedTransaction::of).collect();
    Ok(Json(Page::cut(transactions, most, |transaction: &SignedTransaction| transaction.handoff.to_string())))
}

fn signed(handoff: &record::Handoff) -> Result<SignedTransaction, Problem> {
    SignedTransaction::of(handoff).ok_or_else(other_answer)
}

/// One transaction, with all that happened to it
#[utoipa::path(get, path = "/v1/transactions/{transaction_hash}", tag = "transactions", operation_id = "get_transaction",
    params(("transaction_hash" = HashText, Path, description = "the transaction's id")),
    responses((status = 200, body = SignedTransaction)))]
async fn get(Of(app): Of<Arc<App>>, InPath(id): InPath<Hash>) -> Result<Json<SignedTransaction>, Problem> {
    match app.about_handoffs(HandoffRequest::Transaction { id }).await? {
        HandoffAnswer::One { handoff } => Ok(Json(signed(&handoff)?)),
        _ => Err(other_answer()),
    }
}

/// How a transaction is handed in.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Submit {
    /// Try one that the node rejected once more: only where it was not paid otherwise.
    #[serde(default)]
    again: bool,
}

/// Hand in what the signer answered
///
/// The body is the signer's response, as it is. It is checked against the handoff and stored before this answers; then it
/// is sent to the node, and again after every restart, until it is in a block. The same again changes nothing.
#[utoipa::path(post, path = "/v1/transactions", tag = "transactions", operation_id = "submit_transaction", params(Submit),
    request_body(content = Object, description = "the signer's response to `create_raw_transaction`"),
    responses((status = 202, description = "stored, and on its way", body = SignedTransaction,
        headers(("location" = String, description = "the transaction")))))]
async fn submit(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Params(Submit { again }): Params<Submit>,
    body: Result<String, StringRejection>,
) -> Result<Response, Problem> {
    require(&caller, if again { Right::Manage } else { Right::Submit })?;
    let answer = body.map_err(|error| {
        let code = match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_long",
            _ => "malformed_json",
        };
        Problem::new(error.status(), code, error.body_text())
    })?;
    match app.about_handoffs(HandoffRequest::Broadcast { answer, again }).await? {
        HandoffAnswer::One { handoff } => {
            let transaction = signed(&handoff)?;
            let location = [(LOCATION, format!("/v1/transactions/{}", transaction.transaction_hash))];
            Ok((StatusCode::ACCEPTED, location, Json(transaction)).into_response())
        }
        _ => Err(other_answer()),
    }
}
