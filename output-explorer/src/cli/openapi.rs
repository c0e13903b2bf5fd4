//! `openapi`: the document of the HTTP API, without a server.

use super::show;
use crate::error::Error;
use crate::http;
use clap::Args;

/// Print the OpenAPI document of the HTTP API
#[derive(Args)]
#[command(after_help = "\
`run --http-listen` serves it at /openapi.json, and pages to read it at /docs.

Example:
  output-explorer openapi > openapi.json")]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Result<(), Error> {
        show::line(&http::document())
    }
}
