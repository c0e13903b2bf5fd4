//! Many users at once, line by line as they come: no list is too long.

use super::app::{App, other_answer, require};
use super::problem::Problem;
use super::users::NewUser;
use crate::access::{Caller, Right};
use crate::control::{AccountAddress, Answer, Request};
use axum::body::Body;
use axum::extract::State as Of;
use axum::http::StatusCode;
use axum::{Extension, Json};
use futures_util::StreamExt;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// So many lines are added in one step.
const STEP: usize = 10_000;

/// No line is longer, in bytes.
const MAX_LINE: usize = 4096;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(import_users))
}

/// What an import did.
#[derive(Default, Serialize, ToSchema)]
struct Imported {
    /// Lines that were read.
    lines: u64,
    /// Users that are new or no longer archived.
    users: u64,
    /// Addresses that are new.
    addresses: u64,
    /// Users that were there and have another current address now.
    moved: u64,
    /// Users of whom a later current address is known.
    outdated: u64,
}

/// Add many users
///
/// One JSON document a line (`application/x-ndjson`), each as the body of `add_user`; empty lines are skipped. Lines are
/// added in steps of 10000: where one is refused, none of its step is added, the steps before are, and the answer names the
/// line. The same import again does no harm.
#[utoipa::path(post, path = "/v1/imports/users", tag = "users",
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = Imported)))]
async fn import_users(
    Of(app): Of<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Json<Imported>, Problem> {
    require(&caller, Right::AddUsers)?;
    let mut stream = body.into_data_stream();
    let mut import = Import { app, imported: Imported::default(), rest: Vec::new(), step: Vec::new() };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "broken_off", error))?;
        import.take(&chunk).await?;
    }
    import.end().await.map(Json)
}

struct Import {
    app: Arc<App>,
    imported: Imported,
    /// The beginning of a line.
    rest: Vec<u8>,
    step: Vec<AccountAddress>,
}

impl Import {
    async fn take(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let mut lines = chunk.split(|byte| *byte == b'\n');
        // There is always one; what is behind the last line break has not ended yet.
        let mut part = lines.next().unwrap_or_default();
        for next in lines {
            self.rest.extend_from_slice(part);
            let line = std::mem::take(&mut self.rest);
            self.line(&line).await?;
            part = next;
        }
        if self.rest.len().saturating_add(part.len()) > MAX_LINE {
            return Err(self.refused(self.imported.lines + 1, &format!("longer than {MAX_LINE} bytes")));
        }
        self.rest.extend_from_slice(part);
        Ok(())
    }

    async fn line(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.imported.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let new: NewUser = serde_json::from_slice(line)
            .map_err(|error| self.refused(self.imported.lines, &error.to_string()))?;
        self.step.push(new.into());
        if self.step.len() == STEP { self.add().await } else { Ok(()) }
    }

    async fn add(&mut self) -> Result<(), Problem> {
        let addresses = std::mem::take(&mut self.step);
        let (first, last) = (self.imported.lines - addresses.len() as u64 + 1, self.imported.lines);
        match self.app.ask(Request::AddUsers { addresses }).await {
            Ok(Answer::Added { users, addresses, moved, outdated }) => {
                self.imported.users += users as u64;
                self.imported.addresses += addresses as u64;
                self.imported.moved += moved as u64;
                self.imported.outdated += outdated as u64;
                Ok(())
            }
            Ok(_) => Err(other_answer()),
            Err(problem) => Err(problem.about(&format!("lines {first} to {last}, none of which was added"))),
        }
    }

    async fn end(mut self) -> Result<Imported, Problem> {
        let line = std::mem::take(&mut self.rest);
        if !line.is_empty() {
            self.line(&line).await?;
        }
        if !self.step.is_empty() {
            self.add().await?;
        }
        Ok(self.imported)
    }

    fn refused(&self, line: u64, reason: &str) -> Problem {
        Problem::body(format!(
            "line {line}: {reason}; {} addresses of the steps before were added",
            self.imported.addresses
        ))
    }
}
