//! One request to a node, or to anything else that speaks its protocol.

use rand_core::OsRng;
use std::path::Path;
use std::time::Duration;
use stegos_common::socket::token_file::{self, TokenFileError};
use stegos_common::socket::{Client, Endpoint, Limits, SocketError};
use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// The token file cannot be used.
    #[error(transparent)]
    TokenFile(#[from] TokenFileError),
    /// Nobody listens, or the connection ended.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// Sends a request over a connection of its own and waits for the answer.
///
/// # Errors
/// [`AskError`], see its variants.
pub async fn ask(endpoint: &Endpoint, token_file: &Path, request: &str) -> Result<String, AskError> {
    let token = token_file::load(token_file)?;
    // Blocks are large, and a node may take its time.
    let patience = Duration::from_secs(60);
    let limits = Limits { json: 256 << 20, idle: patience, message: patience, ..Limits::default() };
    let mut client = Client::connect(endpoint, token, limits).await?;
    Ok(client.request(request, &mut OsRng).await?.to_string())
}
