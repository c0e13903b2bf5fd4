//! Websocket connections over Unix and TCP sockets, with every limit explicit. The only module of this crate
//! that does input and output.
//!
//! [`Connection`] is one end of a websocket that carries texts; a server makes it with [`Connection::accept`].
//! [`Client`] adds the API token. There is no TLS and no DNS: sockets are local, or known by their address.

mod client;
#[cfg(test)]
mod tests;
pub mod token_file;

pub use client::{Client, Endpoint};

use crate::frame::{FrameError, frame_length};
use futures_util::{SinkExt, Stream as _, StreamExt};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

/// What a connection tolerates from its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Length of a received JSON text in bytes. It is enforced on the frame, which is 4/3 as long and grows in
    /// steps, so up to two bytes more may pass. Default: 1 MiB.
    pub json: usize,
    /// How long to wait for the first byte of the next text. Pings are answered but do not extend it.
    /// Default: 60 s.
    pub idle: Duration,
    /// How long the rest of a text may take after its first byte, and the whole websocket handshake.
    /// Default: 10 s.
    pub message: Duration,
    /// How long the peer may take to read what is sent to it. Default: 10 s.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json: 1 << 20,
            idle: Duration::from_secs(60),
            message: Duration::from_secs(10),
            write: Duration::from_secs(10),
        }
    }
}

/// Why a connection cannot go on. After any of them it is to be dropped.
#[derive(Debug, Error)]
pub enum SocketError {
    /// The endpoint does not accept connections.
    #[error("cannot connect to {0}: {1}; check that the server is running there")]
    Connect(Endpoint, io::Error),
    /// The websocket handshake took longer than [`Limits::message`].
    #[error("no websocket handshake within {0:?}; check that the peer speaks the websocket protocol")]
    HandshakeTimeout(Duration),
    /// No text began within [`Limits::idle`].
    #[error("no message within {0:?}; connect again when there is something to say")]
    Idle(Duration),
    /// A text took longer than [`Limits::message`] to arrive.
    #[error("a message took longer than {0:?} to arrive; connect again and send it in one go")]
    Slow(Duration),
    /// The peer did not read within [`Limits::write`].
    #[error("the peer did not read within {0:?}; connect again and read the answers")]
    WriteTimeout(Duration),
    /// A binary message.
    #[error("a binary message where only text is spoken; send the frame as text")]
    Binary,
    /// The peer closed the connection, which is how servers answer a wrong token or a bad frame.
    #[error("the peer closed the connection; check the API token and the request's id")]
    Closed,
    /// The frame of a text does not open.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The socket failed, the peer broke the websocket protocol, or its message is longer than
    /// [`Limits::json`] allows.
    #[error("the connection failed: {0}; connect again")]
    Websocket(Box<tungstenite::Error>),
}

impl From<tungstenite::Error> for SocketError {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::Error::{AlreadyClosed, ConnectionClosed, Io, Protocol};
        match error {
            ConnectionClosed | AlreadyClosed | Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Closed
            }
            Io(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) =>
            {
                Self::Closed
            }
            other => Self::Websocket(Box::new(other)),
        }
    }
}

/// A connected stream socket of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A message, an error, or `None` at the end of the stream.
type Next = Option<Result<Message, tungstenite::Error>>;

/// One end of a websocket that carries texts. Dropping it closes the socket without a word.
pub struct Connection {
    websocket: WebSocketStream<Watched>,
    limits: Limits,
}

impl Connection {
    /// Performs the server's half of the websocket handshake on an accepted stream. Any path is accepted.
    ///
    /// # Errors
    /// [`SocketError`] where the peer is too slow, closes, or speaks no websocket.
    pub async fn accept(stream: Box<dyn Stream>, limits: Limits) -> Result<Self, SocketError> {
        let handshake = accept_async_with_config(Watched::new(stream), Some(configuration(limits)));
        let websocket = timeout(limits.message, handshake)
            .await
            .map_err(|_elapsed| SocketError::HandshakeTimeout(limits.message))??;
        Ok(Self { websocket, limits })
    }

    /// Performs the client's half of the websocket handshake on a connected stream.
    async fn start(stream: Box<dyn Stream>, limits: Limits) -> Result<Self, SocketError> {
        // The handshake names a host and a path; servers of this protocol look at neither.
        let handshake =
            client_async_with_config("ws://localhost/", Watched::new(stream), Some(configuration(limits)));
        let (websocket, _response) = timeout(limits.message, handshake)
            .await
            .map_err(|_elapsed| SocketError::HandshakeTimeout(limits.message))??;
        Ok(Self { websocket, limits })
    }

    /// Changes [`Limits::idle`] from the next text on, as for a peer that has proved who it is.
    pub const fn set_idle(&mut self, idle: Duration) {
        self.limits.idle = idle;
    }

    /// The next text. Pings are answered on the way. Nothing is lost where this future is dropped before it
    /// is ready.
    ///
    /// # Errors
    /// [`SocketError`]: the peer closed, was silent or slow for too long, sent a binary or too long message,
    /// or broke the websocket protocol.
    pub async fn receive(&mut self) -> Result<String, SocketError> {
        let Limits { idle, message, .. } = self.limits;
        let begin = Instant::now();
        // The clock is looked at after each ping too: a peer that only pings is idle. The time that is left, unlike
        // the moment when it ends, exists for every `idle`.
        while let Some(left) = idle.checked_sub(begin.elapsed()) {
            self.websocket.get_mut().received = false;
            let begun = timeout(left, poll_fn(|context| self.poll_begun(context)));
            let next = match begun.await.map_err(|_elapsed| SocketError::Idle(idle))? {
                Some(next) => next,
                None => timeout(message, self.websocket.next())
                    .await
                    .map_err(|_elapsed| SocketError::Slow(message))?,
            };
            match next.ok_or(SocketError::Closed)?? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                // The library answers pings and closing by itself, during the next read.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
                Message::Binary(_) | Message::Frame(_) => return Err(SocketError::Binary),
            }
        }
        Err(SocketError::Idle(idle))
    }

    /// Ready with the next message or the end of the stream, or with `None` where only a part of a message
    /// has arrived.
    fn poll_begun(&mut self, context: &mut Context<'_>) -> Poll<Option<Next>> {
        match Pin::new(&mut self.websocket).poll_next(context) {
            Poll::Ready(next) => Poll::Ready(Some(next)),
            Poll::Pending if self.websocket.get_ref().received => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Sends a text and waits until the socket has taken it.
    ///
    /// # Errors
    /// [`SocketError`] where the peer closed or does not read.
    pub async fn send(&mut self, text: String) -> Result<(), SocketError> {
        timeout(self.limits.write, self.websocket.send(Message::text(text)))
            .await
            .map_err(|_elapsed| SocketError::WriteTimeout(self.limits.write))??;
        Ok(())
    }
}

/// The library's own limits, so that a message that is too long is refused at its header, not after it has
/// filled the memory.
fn configuration(limits: Limits) -> WebSocketConfig {
    let frame = frame_length(limits.json);
    WebSocketConfig::default().max_message_size(Some(frame)).max_frame_size(Some(frame))
}

/// A stream that notes whether anything has been received, so that a silent peer can be told from a slow one.
struct Watched {
    stream: Box<dyn Stream>,
    received: bool,
}

impl Watched {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, received: false }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.received |= buffer.filled().len() > before;
        poll
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
