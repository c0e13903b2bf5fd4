//! Users, their addresses and what they have.

use super::app::{App, other_answer, require};
use super::extract::{Body, InPath, MAX_ROWS, Params, limit, number};
use super::problem::Problem;
use crate::access::{Caller, Right};
use crate::control::{AccountAddress, Answer, Finality, Request, State, UserRow};
use crate::view::text::AddressText;
use crate::view::{Happening, Output, Page, UserBalance, UserBalanceAt};
use axum::extract::State as Of;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::Arc;
use stegos_common::address::EncodedAddress;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(get))
        .routes(routes!(archive))
        .routes(routes!(addresses))
        .routes(routes!(balance))
        .routes(routes!(balance_at))
        .routes(routes!(outputs))
        .routes(routes!(history))
}

/// Which users, and in which order.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Only account ids that begin so.
    #[serde(default)]
    prefix: String,
    /// Also those that were archived.
    #[serde(default)]
    archived: bool,
    /// The order of the account ids.
    #[serde(default)]
    order: Order,
    /// Go on behind this account id: the `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// An order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// From the first to the last.
    #[default]
    Ascending,
    /// From the last to the first.
    Descending,
}

/// List users
///
/// In the order of their account ids.
#[utoipa::path(get, path = "/v1/users", tag = "users", operation_id = "list_users", params(List),
    responses((status = 200, body = Page<UserRow>)))]
async fn list(Of(app): Of<Arc<App>>, Params(list): Params<List>) -> Result<Json<Page<UserRow>>, Problem> {
    let most = limit(list.limit, 100, MAX_ROWS)?;
    let List { prefix, archived, order, after, .. } = list;
    let descending = order == Order::Descending;
    let request = Request::Users { after, prefix, archived, descending, limit: most + 1 };
    let Answer::Users { users } = app.ask(request).await? else { return Err(other_answer()) };
    Ok(Json(Page::cut(users, most, |user| user.account.clone())))
}

/// A user that is to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// The account id: 1 to 128 characters of printable ASCII.
    #[schema(min_length = 1, max_length = 128)]
    account: String,
    /// An address; one that is there already stays.
    #[schema(value_type = AddressText)]
    address: EncodedAddress,
    /// The generation of the address's key, where the signer's export says that it is the account's current one.
    #[schema(value_type = Option<u32>, minimum = 1)]
    current: Option<NonZeroU32>,
}

impl From<NewUser> for AccountAddress {
    fn from(new: NewUser) -> Self {
        Self { account: new.account, address: new.address, current: new.current }
    }
}

/// Add a user, or an address to one
///
/// Deposits of the past are known at once. A user who was archived is brought back. The same again changes nothing.
#[utoipa::path(post, path = "/v1/users", tag = "users", operation_id = "add_user", request_body = NewUser,
    responses((status = 200, description = "the user was there already", body = UserRow),
        (status = 201, description = "the user is new", body = UserRow,
            headers(("location" = String, description = "the user")))))]
async fn add(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewUser>,
) -> Result<Response, Problem> {
    require(&caller, Right::AddUsers)?;
    let account = new.account.clone();
    let request = Request::AddUsers { addresses: vec![new.into()] };
    let Answer::Added { users, .. } = app.ask(request).await? else { return Err(other_answer()) };
    let location = HeaderValue::from_str(&path_of("/v1/users", &account)).map_err(Problem::internal)?;
    let user = Json(user(&app, account).await?);
    Ok(match users {
        0 => user.into_response(),
        _ => (StatusCode::CREATED, [(LOCATION, location)], user).into_response(),
    })
}

/// A path with an account id as its last part: it may be any printable text.
pub(super) fn path_of(above: &str, account: &str) -> String {
    let mut url = url::Url::parse("http://host").ok().and_then(|url| url.join(above).ok());
    if let Some(Ok(mut segments)) = url.as_mut().map(url::Url::path_segments_mut) {
        segments.push(account);
    }
    url.map_or_else(String::new, |url| url.path().to_owned())
}

pub(super) async fn user(app: &Arc<App>, account: String) -> Result<UserRow, Problem> {
    match app.ask(Request::User { account }).await? {
        Answer::User(user) => Ok(user),
        _ => Err(other_answer()),
    }
}

/// One user
#[utoipa::path(get, path = "/v1/users/{account}", tag = "users", operation_id = "get_user",
    params(("account" = String, Path, description = "the account id")),
    responses((status = 200, body = UserRow)))]
async fn get(Of(app): Of<Arc<App>>, InPath(account): InPath<String>) -> Result<Json<UserRow>, Problem> {
    Ok(Json(user(&app, account).await?))
}

/// Archive a user
///
/// It is listed with `archived` only, and keeps its addresses: money may come to them for ever.
#[utoipa::path(post, path = "/v1/users/{account}/archive", tag = "users", operation_id = "archive_user",
    params(("account" = String, Path, description = "the account id")),
    responses((status = 200, body = UserRow)))]
async fn archive(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    InPath(account): InPath<String>,
) -> Result<Json<UserRow>, Problem> {
    require(&caller, Right::Manage)?;
    app.ask(Request::RemoveUser { account: account.clone() }).await?;
    Ok(Json(user(&app, account).await?))
}

/// The addresses of a user.
#[derive(Serialize, ToSchema)]
struct Addresses {
    /// The current one first.
    addresses: Vec<AddressOf>,
}

/// An address of a user.
#[derive(Serialize, ToSchema)]
struct AddressOf {
    /// The address.
    #[schema(value_type = AddressText)]
    address: EncodedAddress,
    /// Whether it is the one to pay to now.
    current: bool,
}

/// The addresses of a user
#[utoipa::path(get, path = "/v1/users/{account}/addresses", tag = "users", operation_id = "list_addresses",
    params(("account" = String, Path, description = "the account id")),
    responses((status = 200, body = Addresses)))]
async fn addresses(
    Of(app): Of<Arc<App>>,
    InPath(account): InPath<String>,
) -> Result<Json<Addresses>, Problem> {
    let UserRow { current, addresses, .. } = user(&app, account).await?;
    let row = |address| AddressOf { address, current: Some(address) == current };
    Ok(Json(Addresses { addresses: addresses.into_iter().map(row).collect() }))
}

/// What a user has now
///
/// `prepared` counts what may still be taken back; credit a deposit when it is `final`.
#[utoipa::path(get, path = "/v1/users/{account}/balance", tag = "users", operation_id = "get_balance",
    params(("account" = String, Path, description = "the account id")),
    responses((status = 200, body = UserBalance)))]
async fn balance(
    Of(app): Of<Arc<App>>,
    InPath(account): InPath<String>,
) -> Result<Json<UserBalance>, Problem> {
    match app.ask(Request::Balance { account, at_epoch: None }).await? {
        Answer::Balance(balance) => Ok(Json(balance.into())),
        _ => Err(other_answer()),
    }
}

/// What a user had at the end of an epoch
#[utoipa::path(get, path = "/v1/users/{account}/balance/{epoch}", tag = "users", operation_id = "get_balance_at",
    params(("account" = String, Path, description = "the account id"),
        ("epoch" = u64, Path, description = "an epoch that is final")),
    responses((status = 200, body = UserBalanceAt)))]
async fn balance_at(
    Of(app): Of<Arc<App>>,
    InPath((account, epoch)): InPath<(String, u64)>,
) -> Result<Json<UserBalanceAt>, Problem> {
    match app.ask(Request::Balance { account, at_epoch: Some(epoch) }).await? {
        Answer::BalanceAt(balance) => Ok(Json(balance.into())),
        _ => Err(other_answer()),
    }
}

/// Which outputs of a user.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichOutputs {
    /// Spent or not.
    #[serde(default = "unspent")]
    #[param(default = "unspent")]
    state: State,
    /// `final`: only those of which nothing can be taken back any more. `prepared`: only those of which something can.
    finality: Option<Finality>,
    /// Only those made in this epoch or later.
    #[serde(default, deserialize_with = "number")]
    since: u64,
    /// Go on behind this place: the `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

const fn unspent() -> State {
    State::Unspent
}

/// The public outputs of a user
///
/// In the order in which they were made. A place in that order stays what it is, so pages neither repeat nor miss an output
/// that is final, whatever happens meanwhile.
#[utoipa::path(get, path = "/v1/users/{account}/outputs", tag = "users", operation_id = "list_outputs",
    params(("account" = String, Path, description = "the account id"), WhichOutputs),
    responses((status = 200, body = Page<Output>)))]
async fn outputs(
    Of(app): Of<Arc<App>>,
    InPath(account): InPath<String>,
    Params(which): Params<WhichOutputs>,
) -> Result<Json<Page<Output>>, Problem> {
    let limit = limit(which.limit, 100, MAX_ROWS)?;
    let WhichOutputs { state, finality, since, after, .. } = which;
    let after = after.map(|after| after.parse()).transpose().map_err(Problem::parameter)?;
    match app.ask(Request::Outputs { account, state, finality, since, after, limit }).await? {
        Answer::Outputs(rows) => Ok(Json(Page::of(rows))),
        _ => Err(other_answer()),
    }
}

/// Which part of a history.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichHistory {
    /// `ascending`: the oldest first.
    #[serde(default)]
    order: Order,
    /// Go on behind this place: the `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// What happened to a user's public outputs
///
/// The oldest first, unless the newest are asked for.
#[utoipa::path(get, path = "/v1/users/{account}/history", tag = "users", operation_id = "list_history",
    params(("account" = String, Path, description = "the account id"), WhichHistory),
    responses((status = 200, body = Page<Happening>)))]
async fn history(
    Of(app): Of<Arc<App>>,
    InPath(account): InPath<String>,
    Params(which): Params<WhichHistory>,
) -> Result<Json<Page<Happening>>, Problem> {
    let limit = limit(which.limit, 100, MAX_ROWS)?;
    let after = which.after.map(|after| after.parse()).transpose().map_err(Problem::parameter)?;
    match app
        .ask(Request::History { account, after, descending: which.order == Order::Descending, limit })
        .await?
    {
        Answer::History(rows) => Ok(Json(Page::of(rows))),
        _ => Err(other_answer()),
    }
}
