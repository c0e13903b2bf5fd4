//! The client's end of the API: JSON texts under the API token.

use super::{Connection, Limits, SocketError, Stream};
use crate::frame::{ApiToken, open, seal};
use rand_core::CryptoRngCore;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::{TcpStream, UnixStream};
use zeroize::Zeroizing;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// The address of a TCP socket. A host name is not an address: nothing here resolves names.
    Tcp(SocketAddr),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

/// A client of a cold signer or a Stegos node.
pub struct Client {
    connection: Connection,
    token: ApiToken,
}

impl Client {
    /// Connects and performs the websocket handshake. A wrong token shows only at the first answer, which
    /// does not come.
    ///
    /// # Errors
    /// [`SocketError`] where nobody listens there or speaks no websocket.
    pub async fn connect(endpoint: &Endpoint, token: ApiToken, limits: Limits) -> Result<Self, SocketError> {
        let stream: Result<Box<dyn Stream>, _> = match endpoint {
            Endpoint::Unix(path) => UnixStream::connect(path).await.map(|stream| Box::new(stream) as _),
            Endpoint::Tcp(address) => TcpStream::connect(address).await.map(|stream| Box::new(stream) as _),
        };
        let stream = stream.map_err(|error| SocketError::Connect(endpoint.clone(), error))?;
        Ok(Self { connection: Connection::start(stream, limits).await?, token })
    }

    /// Sends a request and waits for the next text, which is its answer unless the server also sends
    /// notifications. Whether the answer bears the request's id is for the caller to check.
    ///
    /// # Errors
    /// [`SocketError`], see [`Self::send`] and [`Self::receive`].
    pub async fn request(
        &mut self,
        json: &str,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Zeroizing<String>, SocketError> {
        self.send(json, rng).await?;
        self.receive().await
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`SocketError`] where the server closed or does not read.
    pub async fn send(&mut self, json: &str, rng: &mut impl CryptoRngCore) -> Result<(), SocketError> {
        self.connection.send(seal(&self.token, json, rng)).await
    }

    /// The next answer or notification. Nothing is lost where this future is dropped before it is ready.
    ///
    /// # Errors
    /// [`SocketError`]: the server closed, was silent or slow for too long, or its text does not open with
    /// the token.
    pub async fn receive(&mut self) -> Result<Zeroizing<String>, SocketError> {
        let frame = self.connection.receive().await?;
        Ok(open(&self.token, &frame)?)
    }
}
