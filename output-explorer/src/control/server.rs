//! Answers the other commands while this process has the ledger.

use super::answer::answer;
use super::message::{Answer, LinkStatus, Request};
use super::{MAX_MESSAGE, socket, token_file};
use crate::ledger::Ledger;
use rand_core::OsRng;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stegos_common::frame::{self, ApiToken};
use stegos_common::socket::token_file::{self as file, TokenFileError};
use stegos_common::socket::{Connection, Limits, SocketError};
use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Connections at one time; one more waits.
const CONNECTIONS: usize = 16;

/// Why nobody can ask.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}; check the path and its rights", path.display())]
    Listen {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The API token cannot be made.
    #[error(transparent)]
    Token(#[from] TokenFileError),
}

/// What every connection needs.
#[derive(Clone)]
struct Shared {
    ledger: Arc<Ledger>,
    node: Arc<Mutex<LinkStatus>>,
    token: ApiToken,
}

/// Listens on the socket in the ledger's directory; this process must have the ledger. The future answers until it is
/// dropped.
///
/// # Errors
/// [`ServerError`] where the socket or its token cannot be made.
pub fn serve(
    ledger: Arc<Ledger>,
    node: Arc<Mutex<LinkStatus>>,
    data_dir: &Path,
) -> Result<impl Future<Output = ()> + use<>, ServerError> {
    let token = file::load_or_create(&token_file(data_dir), &mut OsRng)?;
    let path = socket(data_dir);
    let listener = listen(&path).map_err(|source| ServerError::Listen { path, source })?;
    let shared = Shared { ledger, node, token };
    Ok(async move {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    let shared = shared.clone();
                    tokio::spawn(async move {
                        // A client that goes away, or speaks nonsense, is not worth a word.
                        let _ = converse(stream, &shared).await;
                        drop(place);
                    });
                }
                // Too many open files, perhaps: some may be closed soon.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    })
}

/// Makes the socket. One that is there was left by a process that has ended: the ledger is ours.
fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

async fn converse(stream: UnixStream, shared: &Shared) -> Result<(), SocketError> {
    let limits = Limits { json: MAX_MESSAGE, ..Limits::default() };
    let mut connection = Connection::accept(Box::new(stream), limits).await?;
    loop {
        let json = frame::open(&shared.token, &connection.receive().await?)?;
        let asked = shared.clone();
        // It may read a lot from the disk.
        let answered = tokio::task::spawn_blocking(move || respond(&asked, &json)).await;
        let answer = answered.unwrap_or_else(|error| failure(error.to_string(), false));
        let text = serde_json::to_string(&answer).unwrap_or_default();
        connection.send(frame::seal(&shared.token, &text, &mut OsRng)).await?;
    }
}

fn respond(shared: &Shared, json: &str) -> Answer {
    let request: Request = match serde_json::from_str(json) {
        Ok(request) => request,
        Err(error) => return failure(format!("not a request: {error}"), true),
    };
    let node = shared.node.lock().unwrap_or_else(PoisonError::into_inner).clone();
    answer(&shared.ledger, Some(node), request)
        .unwrap_or_else(|error| failure(error.to_string(), error.is_refusal()))
}

const fn failure(error: String, refused: bool) -> Answer {
    Answer::Error { error, refused }
}
