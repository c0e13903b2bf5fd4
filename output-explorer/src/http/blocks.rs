//! Blocks, addresses, and where the ledger is.

use super::app::{App, other_answer};
use super::extract::{InPath, MAX_ROWS, Params, limit};
use super::problem::Problem;
use crate::block::Position;
use crate::control::{AddressAnswer, Answer, AsText, BlockAnswer, Request};
use crate::view::{Page, Status};
use axum::Json;
use axum::extract::State as Of;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(macro_block))
        .routes(routes!(micro_block))
        .routes(routes!(check))
        .routes(routes!(status))
}

/// Which blocks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Go on before this one, `EPOCH` or `EPOCH/OFFSET`: the `next` of the page before.
    before: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// List blocks
///
/// The youngest first: the micro blocks of the current epoch, which may still be taken back, and all macro blocks before.
#[utoipa::path(get, path = "/v1/blocks", tag = "chain", operation_id = "list_blocks", params(List),
    responses((status = 200, body = Page<BlockAnswer>)))]
async fn list(Of(app): Of<Arc<App>>, Params(list): Params<List>) -> Result<Json<Page<BlockAnswer>>, Problem> {
    let most = limit(list.limit, 100, MAX_ROWS)?;
    let before = list.before.map(|before| before.parse()).transpose().map_err(Problem::parameter)?;
    match app.ask(Request::Blocks { before, limit: most + 1 }).await? {
        Answer::Blocks { blocks } => Ok(Json(Page::cut(blocks, most, |block| match block.offset {
            Some(offset) => Position::micro(block.epoch, offset).to_string(),
            None => Position::macro_block(block.epoch).to_string(),
        }))),
        _ => Err(other_answer()),
    }
}

/// The macro block that closes an epoch
#[utoipa::path(get, path = "/v1/blocks/{epoch}", tag = "chain", operation_id = "get_macro_block",
    params(("epoch" = u64, Path, description = "the epoch")),
    responses((status = 200, body = BlockAnswer)))]
async fn macro_block(
    Of(app): Of<Arc<App>>,
    InPath(epoch): InPath<u64>,
) -> Result<Json<BlockAnswer>, Problem> {
    block(&app, Position::macro_block(epoch)).await
}

/// A micro block of the current epoch
#[utoipa::path(get, path = "/v1/blocks/{epoch}/{offset}", tag = "chain", operation_id = "get_micro_block",
    params(("epoch" = u64, Path, description = "the epoch"), ("offset" = u32, Path, description = "its place in it, from 0")),
    responses((status = 200, body = BlockAnswer)))]
async fn micro_block(
    Of(app): Of<Arc<App>>,
    InPath((epoch, offset)): InPath<(u64, u32)>,
) -> Result<Json<BlockAnswer>, Problem> {
    block(&app, Position::micro(epoch, offset)).await
}

async fn block(app: &Arc<App>, position: Position) -> Result<Json<BlockAnswer>, Problem> {
    match app.ask(Request::Block { position: AsText(position) }).await? {
        Answer::Block(block) => Ok(Json(block)),
        _ => Err(other_answer()),
    }
}

/// Check an address
///
/// Before it is shown to somebody, or paid to: whether it is one of this network, and whose it is.
#[utoipa::path(get, path = "/v1/addresses/{address}", tag = "chain", operation_id = "check_address",
    params(("address" = String, Path, description = "any text")),
    responses((status = 200, body = AddressAnswer)))]
async fn check(
    Of(app): Of<Arc<App>>,
    InPath(address): InPath<String>,
) -> Result<Json<AddressAnswer>, Problem> {
    match app.ask(Request::CheckAddress { address }).await? {
        Answer::Address(answer) => Ok(Json(*answer)),
        _ => Err(other_answer()),
    }
}

/// Where ledger and node are
#[utoipa::path(get, path = "/v1/status", tag = "chain", operation_id = "get_status",
    responses((status = 200, body = Status)))]
async fn status(Of(app): Of<Arc<App>>) -> Result<Json<Status>, Problem> {
    match app.ask(Request::Status).await? {
        Answer::Status(status) => Ok(Json((*status).into())),
        _ => Err(other_answer()),
    }
}
