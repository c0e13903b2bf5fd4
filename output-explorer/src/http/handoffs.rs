//! Requests to the signer: make them, look at them, fetch them, cancel them.

use super::app::{App, other_answer, require};
use super::extract::{Body, InPath, Params, a_number, limit};
use super::micro::Micro;
use super::problem::Problem;
use crate::access::{Caller, Right};
use crate::control::{HandoffAnswer, HandoffRequest};
use crate::handoff::plan::{self, Terms};
use crate::ledger::LedgerError;
use crate::ledger::handoffs::{IdempotencyKey, Which};
use crate::view::text::AddressText;
use crate::view::{Handoff, Made, Page};
use axum::extract::State as Of;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use stegos_common::address::Address;
use stegos_common::hash::Hash;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A handoff can be long: no page has more.
pub(super) const MAX_HANDOFFS: u32 = 99;

/// No request pays more at once.
const MAX_WITHDRAWALS: usize = 1000;

/// The header by which a caller knows that it asked before.
const KEY: &str = "idempotency-key";

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(request))
        .routes(routes!(cancel))
        .routes(routes!(sweep))
        .routes(routes!(withdraw))
}

/// Which handoffs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Only those to which something may still happen.
    #[serde(default)]
    live: bool,
    /// Go on before this number: the `next` of the page before.
    #[serde(default, deserialize_with = "a_number")]
    before: Option<u64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 99, default = 20)]
    limit: Option<u32>,
}

/// List handoffs
///
/// The youngest first.
#[utoipa::path(get, path = "/v1/handoffs", tag = "handoffs", operation_id = "list_handoffs", params(List),
    responses((status = 200, body = Page<Handoff>)))]
async fn list(Of(app): Of<Arc<App>>, Params(list): Params<List>) -> Result<Json<Page<Handoff>>, Problem> {
    let which = if list.live { Which::Live } else { Which::All };
    let most = limit(list.limit, 20, MAX_HANDOFFS)?;
    match app.about_handoffs(HandoffRequest::List { before: list.before, which, limit: most + 1 }).await? {
        HandoffAnswer::List { handoffs } => {
            Ok(Json(Page::cut(handoffs, most, |handoff| handoff.number.to_string())))
        }
        _ => Err(other_answer()),
    }
}

async fn one(app: &Arc<App>, request: HandoffRequest) -> Result<Json<Handoff>, Problem> {
    match app.about_handoffs(request).await? {
        HandoffAnswer::One { handoff } => Ok(Json(handoff.into())),
        _ => Err(other_answer()),
    }
}

/// One handoff
#[utoipa::path(get, path = "/v1/handoffs/{number}", tag = "handoffs", operation_id = "get_handoff",
    params(("number" = u64, Path, description = "its number")),
    responses((status = 200, body = Handoff)))]
async fn get(Of(app): Of<Arc<App>>, InPath(number): InPath<u64>) -> Result<Json<Handoff>, Problem> {
    one(&app, HandoffRequest::Show { number }).await
}

/// The request to the signer
///
/// The file to carry to the isolated host, of a handoff that is open.
#[utoipa::path(get, path = "/v1/handoffs/{number}/request", tag = "handoffs", operation_id = "download_request",
    params(("number" = u64, Path, description = "the handoff's number")),
    responses((status = 200, description = "the JSON of `create_raw_transaction`", body = Object,
        headers(("content-disposition" = String, description = "the name of the file")))))]
async fn request(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(number): InPath<u64>,
) -> Result<Response, Problem> {
    require(&caller, Right::HandOff)?;
    let answer = app.about_handoffs(HandoffRequest::Request { number }).await?;
    let HandoffAnswer::Request { request } = answer else { return Err(other_answer()) };
    let name = format!("attachment; filename=\"handoff-{number}.request.json\"");
    let headers = [(CONTENT_TYPE, "application/json".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, request).into_response())
}

/// Cancel a handoff
///
/// Its inputs are free again, and its transaction is submitted no more. What the signer has signed stays signed.
#[utoipa::path(post, path = "/v1/handoffs/{number}/cancel", tag = "handoffs", operation_id = "cancel_handoff",
    params(("number" = u64, Path, description = "the handoff's number")),
    responses((status = 200, body = Handoff)))]
async fn cancel(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(number): InPath<u64>,
) -> Result<Json<Handoff>, Problem> {
    require(&caller, Right::HandOff)?;
    one(&app, HandoffRequest::Cancel { number }).await
}

/// Whose outputs are swept, and where to.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Sweep {
    /// These users' only; all users' without it.
    users: Option<Vec<String>>,
    /// To this address instead of the treasury's.
    #[schema(value_type = Option<AddressText>)]
    to: Option<Address>,
    /// Smaller outputs stay where they are: 0.01 STG unless something else is said.
    #[serde(default = "Micro::dust")]
    min_amount: Micro,
}

/// Make a sweep
///
/// Gathers users' outputs, the largest first, 100 in a transaction.
#[utoipa::path(post, path = "/v1/handoffs/sweep", tag = "handoffs", operation_id = "make_sweep",
    params(("idempotency-key" = String, Header, min_length = 1, max_length = 128,
        description = "your own id of this request: the same again is answered, not done again; another body with it is an error")),
    request_body = Sweep,
    responses((status = 201, body = Made, headers(("idempotent-replayed" = String,
        description = "true where the same was asked for before, with this key")))))]
async fn sweep(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<Sweep>,
) -> Result<Response, Problem> {
    require(&caller, Right::HandOff)?;
    let key = Some(key(&caller, &headers, "sweep", &body)?);
    let Sweep { users, to, min_amount } = body;
    let sweep = Box::new(plan::Sweep { users, to, min_amount: min_amount.0 });
    made(&app, HandoffRequest::Sweep { sweep, terms: terms(&app)?, key }).await
}

/// Payments from the treasury.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Withdrawals {
    /// Each; 1 to 1000, all or none.
    #[schema(min_items = 1, max_items = 1000)]
    withdrawals: Vec<Withdrawal>,
}

/// A payment from the treasury.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    /// Your own id of this payment, 1 to 128 characters of printable ASCII: the same id is never paid twice, whatever the
    /// idempotency key.
    #[schema(min_length = 1, max_length = 128)]
    id: String,
    /// The recipient.
    #[schema(value_type = AddressText)]
    to: Address,
    /// How much.
    amount: Micro,
    /// Whether recipient and amount are hidden on the chain.
    #[serde(default)]
    private: bool,
    /// What the recipient of a private payment is told.
    comment: Option<String>,
    /// Whether a private payment is to be provable.
    #[serde(default)]
    with_certificate: bool,
}

impl From<Withdrawal> for plan::Withdrawal {
    fn from(withdrawal: Withdrawal) -> Self {
        let Withdrawal { id, to, amount, private, comment, with_certificate } = withdrawal;
        Self { id: Some(id), to, amount: amount.0, private, comment, with_certificate }
    }
}

/// Make withdrawals
///
/// Pays from the treasury, in as many transactions as are needed: 99 payments fit in one.
#[utoipa::path(post, path = "/v1/handoffs/withdrawal", tag = "handoffs", operation_id = "make_withdrawal",
    params(("idempotency-key" = String, Header, min_length = 1, max_length = 128,
        description = "your own id of this request: the same again is answered, not done again; another body with it is an error")),
    request_body = Withdrawals,
    responses((status = 201, body = Made, headers(("idempotent-replayed" = String,
        description = "true where the same was asked for before, with this key")))))]
async fn withdraw(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<Withdrawals>,
) -> Result<Response, Problem> {
    require(&caller, Right::HandOff)?;
    let number = body.withdrawals.len();
    if !(1..=MAX_WITHDRAWALS).contains(&number) {
        return Err(Problem::body(format!("{number} withdrawals are not 1 to {MAX_WITHDRAWALS}")));
    }
    let key = Some(key(&caller, &headers, "withdrawal", &body)?);
    let withdrawals = body.withdrawals.into_iter().map(plan::Withdrawal::from).collect();
    made(&app, HandoffRequest::Withdraw { withdrawals, terms: terms(&app)?, key }).await
}

async fn made(app: &Arc<App>, request: HandoffRequest) -> Result<Response, Problem> {
    let answer = app.about_handoffs(request).await?;
    let HandoffAnswer::Made(made) = answer else { return Err(other_answer()) };
    let replayed = made.again.then_some(("idempotent-replayed", "true".to_owned()));
    let location = match made.handoffs.as_slice() {
        [one] => Some((LOCATION.as_str(), format!("/v1/handoffs/{}", one.number))),
        _ => None,
    };
    let headers: Vec<_> = replayed.into_iter().chain(location).collect();
    Ok((StatusCode::CREATED, AppendHeaders(headers), Json(Made::from(made))).into_response())
}

pub(super) fn terms(app: &App) -> Result<Terms, Problem> {
    if app.ledger.copied()?.is_some() {
        return Err(LedgerError::ReadOnly.into());
    }
    let detail =
        "no treasury is configured: name it with --treasury, or in the configuration file, when `run` starts";
    app.terms.clone().ok_or_else(|| Problem::new(StatusCode::CONFLICT, "treasury_unknown", detail))
}

/// By what a caller knows this request, and what it is.
fn key(
    caller: &Caller,
    headers: &HeaderMap,
    what: &str,
    body: &impl Serialize,
) -> Result<IdempotencyKey, Problem> {
    let missing = || Problem::parameter(format!("send a header {KEY}: your own id of this request"));
    let key = headers.get(KEY).ok_or_else(missing)?.as_bytes();
    if key.is_empty() || key.len() > 128 || !key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Problem::parameter(format!("{KEY} is 1 to 128 characters of printable ASCII")));
    }
    key_of(caller, key, what, body)
}

/// The same where the key is known.
pub(super) fn key_of(
    caller: &Caller,
    key: &[u8],
    what: &str,
    body: &impl Serialize,
) -> Result<IdempotencyKey, Problem> {
    // As JSON, so that no two pairs look alike.
    let key = serde_json::to_string(&(&caller.id, key)).map_err(Problem::internal)?;
    let body = serde_json::to_string(&(what, body)).map_err(Problem::internal)?;
    Ok(IdempotencyKey { key: Hash::digest(key.as_str()), body: Hash::digest(body.as_str()) })
}
