//! What replicas ask for: records, then changes. It is for explorers of one version among themselves, so it is not in the
//! document of the API.

use super::app::{App, require};
use super::extract::Params;
use super::problem::Problem;
use crate::access::{Caller, Right};
use crate::ledger::changes::ChangeId;
use crate::replica::message::{CHANGES, Changes, RECORDS, encode};
use axum::extract::State as Of;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// An answer has about so many bytes; one change may have more.
const PAGE: usize = 4 << 20;

/// The longest that a request may wait for a change, in seconds.
const LONGEST_WAIT: u64 = 30;

/// The routes of this file.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route(CHANGES, get(changes)).route(RECORDS, get(records))
}

/// Which changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Behind {
    /// Behind the one with this number,
    after: u64,
    /// which has this nonce.
    nonce: u64,
    /// Where there is none yet, wait for so many seconds.
    wait: u64,
}

/// Which records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    /// Behind this key.
    #[serde(with = "hex")]
    after: Vec<u8>,
    /// The newest change when the page before was read: its number,
    number: Option<u64>,
    /// and its nonce.
    nonce: Option<u64>,
}

async fn changes(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Params(Behind { after, nonce, wait }): Params<Behind>,
) -> Result<Response, Problem> {
    require(&caller, Right::Copy)?;
    let after = ChangeId { number: after, nonce };
    // Before it is looked, so that nothing comes unnoticed.
    let mut news = app.ledger.watch_changes();
    let mut stopping = app.stopping.clone();
    let read = move |app: &App| Ok(app.ledger.changes(after, PAGE)?);
    let mut page = app.blocking(read).await?;
    if page.changes.is_empty() {
        let waiting = async {
            tokio::select! {
                _ = news.changed() => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        };
        // Whether or not there are some, it is told what there is.
        let _ = timeout(Duration::from_secs(wait.min(LONGEST_WAIT)), waiting).await;
        page = app.blocking(read).await?;
    }
    let node = app.node.lock().unwrap_or_else(PoisonError::into_inner).clone();
    app.blocking(move |app| Ok(message(encode(app.ledger.network(), &Changes { node, page })))).await
}

async fn records(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Params(After { after, number, nonce }): Params<After>,
) -> Result<Response, Problem> {
    require(&caller, Right::Copy)?;
    let newest = number.zip(nonce).map(|(number, nonce)| ChangeId { number, nonce });
    app.blocking(move |app| {
        let page = app.ledger.records(&after, newest, PAGE)?;
        Ok(message(encode(app.ledger.network(), &page)))
    })
    .await
}

fn message(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}
