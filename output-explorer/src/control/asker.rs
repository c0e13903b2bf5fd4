//! Whoever has a question: with the ledger itself, or with a connection to the process that has it.

use super::answer::{QueryError, answer};
use super::message::{Answer, Request};
use super::{MAX_MESSAGE, socket, token_file};
use crate::ledger::{Ledger, LedgerError, Settings};
use rand_core::OsRng;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use stegos_common::socket::token_file::{self as file, TokenFileError};
use stegos_common::socket::{Client, Endpoint, Limits, SocketError};
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger is in use, and whoever has it does not listen.
    #[error("{0} It does not answer on its socket: {1}")]
    NotAnswering(LedgerError, SocketError),
    /// Nobody has the ledger.
    #[error("`run` is not running, or does not answer: {0}")]
    NotRunning(SocketError),
    /// The token of that process cannot be read.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// The connection to it broke.
    #[error("the process that has the ledger did not answer: {0}")]
    Socket(#[from] SocketError),
    /// The answer is no answer: the other process is another version.
    #[error("the process that has the ledger answers what this program does not understand: {0}")]
    Version(serde_json::Error),
    /// No runtime.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// What was asked about does not exist, or is not as the request needs it.
    #[error("{0}")]
    Refused(String),
    /// The other process could not answer.
    #[error("{0}")]
    Failed(String),
    /// This one could not.
    #[error(transparent)]
    Query(QueryError),
}

/// See the module.
pub enum Asker {
    /// This process has the ledger.
    Shared(Arc<Ledger>),
    /// Somebody else has it.
    Other(Box<Other>),
}

/// A connection to the process that has the ledger.
pub struct Other {
    runtime: Runtime,
    client: Client,
}

impl Asker {
    /// Opens the ledger, of which so many MiB are held in memory, or connects to the process that has it.
    ///
    /// # Errors
    /// [`AskError`] where neither is possible.
    pub fn new(data_dir: &Path, settings: Settings, cache: u32) -> Result<Self, AskError> {
        let in_use = match Ledger::open(data_dir, settings, cache) {
            Ok(ledger) => return Ok(Self::Shared(Arc::new(ledger))),
            Err(error @ LedgerError::InUse { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        Self::connect(data_dir).map_err(|error| match error {
            AskError::NotRunning(error) => AskError::NotAnswering(in_use, error),
            error => error,
        })
    }

    /// Connects to the process that has the ledger; never opens it.
    ///
    /// # Errors
    /// [`AskError::NotRunning`], and what else keeps it from asking.
    pub fn connect(data_dir: &Path) -> Result<Self, AskError> {
        let token = file::load(&token_file(data_dir))?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(AskError::Runtime)?;
        let patience = Duration::from_secs(600);
        let limits = Limits { json: MAX_MESSAGE, idle: patience, message: patience, write: patience };
        let endpoint = Endpoint::Unix(socket(data_dir));
        match runtime.block_on(Client::connect(&endpoint, token, limits)) {
            Ok(client) => Ok(Self::Other(Box::new(Other { runtime, client }))),
            Err(error) => Err(AskError::NotRunning(error)),
        }
    }

    /// Whether this process has the ledger: then nobody follows the node.
    #[must_use]
    pub const fn has_ledger(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Asks.
    ///
    /// # Errors
    /// [`AskError`], also where the answer is an error.
    pub fn ask(&mut self, request: Request) -> Result<Answer, AskError> {
        match self {
            Self::Shared(ledger) => answer(ledger, None, request).map_err(|error| {
                if error.is_refusal() { AskError::Refused(error.to_string()) } else { AskError::Query(error) }
            }),
            Self::Other(other) => other.ask(&request),
        }
    }
}

impl Other {
    fn ask(&mut self, request: &Request) -> Result<Answer, AskError> {
        let json = serde_json::to_string(request).map_err(AskError::Version)?;
        let text = self.runtime.block_on(self.client.request(&json, &mut OsRng))?;
        match serde_json::from_str(&text).map_err(AskError::Version)? {
            Answer::Error { error, refused: true } => Err(AskError::Refused(error)),
            Answer::Error { error, refused: false } => Err(AskError::Failed(error)),
            answer => Ok(answer),
        }
    }
}
