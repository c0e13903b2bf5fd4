//! Exports, written as they are read: no list is too long.

use super::app::App;
use super::extract::{InPath, Params, a_number};
use super::problem::Problem;
use super::users::user;
use crate::control::{Asker, QueryError};
use crate::export::{Export, ExportError, Format, What, epoch};
use crate::log::{Line, tell};
use axum::body::{Body, Bytes};
use axum::extract::State as Of;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, channel};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// So many bytes are sent at once,
const CHUNK: usize = 64 << 10;

/// and so many such parts wait for a reader that is slow.
const WAITING: usize = 4;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(export))
}

/// Which export.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Of this user alone; of transactions those that spend something of it, or pay to it.
    account: Option<String>,
    /// At the end of this epoch; otherwise of the last one that is final.
    #[serde(default, deserialize_with = "a_number")]
    at_epoch: Option<u64>,
    /// How it is written: as CSV, unless something else is said.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Export for auditors and books
///
/// All that is final at the end of an epoch, row by row. docs/exports.md describes every column. The last row is a total; an
/// answer without one broke off. `reconciles` in it says whether what came from outside, less withdrawals and fees, is what
/// is there; of one user, whether its row does. `404` says that there is no such user, `409` that the epoch is not final,
/// `503` that too many exports are under way.
#[utoipa::path(get, path = "/v1/exports/{what}", tag = "exports", operation_id = "export",
    params(("what" = inline(What), Path, description = "of what"), Wanted),
    responses((status = 200, description = "the rows", content((String = "text/csv"), (String = "application/x-ndjson")))))]
async fn export(
    Of(app): Of<Arc<App>>,
    InPath(what): InPath<What>,
    Params(Wanted { account, at_epoch, format }): Params<Wanted>,
) -> Result<Response, Problem> {
    let full = "too many exports are under way: try again when one is done";
    let place = Arc::clone(&app.exports).try_acquire_owned();
    let place = place.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_exports", full))?;
    let epoch = app
        .blocking(move |app| Ok(epoch(at_epoch, app.ledger.end()?.epoch).map_err(QueryError::from)?))
        .await?;
    let name = match &account {
        // An answer that has begun cannot say any more that there is none.
        Some(account) => format!("{}-{}", what.name(), plain(&user(&app, account.clone()).await?.account)),
        None => what.name().to_owned(),
    };
    let name = format!("attachment; filename=\"{name}-{epoch}.{}\"", format.extension());
    let export = Export { what, account, epoch, format };
    let (sender, mut receiver) = channel(WAITING);
    let ledger = Arc::clone(&app.ledger);
    tokio::task::spawn_blocking(move || {
        let gone = || sender.is_closed();
        let out = BufWriter::with_capacity(CHUNK, Parts(&sender));
        match export.write(&mut Asker::Shared(ledger), out, &gone) {
            Err(error) if !gone() => break_off(&sender, &error),
            // Whoever went away is told nothing.
            _ => {}
        }
        drop(place);
    });
    // Compression asks once more behind the end: an unfolded stream would panic then.
    let parts = stream::poll_fn(move |context| receiver.poll_recv(context));
    let headers = [(CONTENT_TYPE, format.media_type()), (CONTENT_DISPOSITION, &name)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// An account id as a part of a file's name: it may be any printable text.
fn plain(account: &str) -> String {
    account.replace(|other: char| !other.is_ascii_alphanumeric(), "_")
}

/// Whoever reads sees that the answer has no end.
fn break_off(sender: &Sender<io::Result<Bytes>>, error: &ExportError) {
    tell(Line::error(format!("http: an export broke off: {error}")));
    let _ = sender.blocking_send(Err(io::Error::other("the export broke off")));
}

/// Where a thread writes what the reader takes.
struct Parts<'a>(&'a Sender<io::Result<Bytes>>);

impl Write for Parts<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(part)));
        sent.map(|()| part.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
