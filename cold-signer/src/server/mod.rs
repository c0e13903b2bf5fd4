//! The daemon's door: a private Unix socket and, only if asked, a loopback TCP port, both speaking the
//! node's websocket protocol (protocol page §8). It knows who may ask and how much; what an answer is, it
//! learns from a function. Nothing that comes in is ever logged or quoted.
//!
//! A peer that breaks a rule gets no explanation: its connection is closed, as the node does.

mod listen;

pub use listen::ServerError;
pub use stegos_common::socket::Limits;

use listen::UnixSocket;
use rand_core::OsRng;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use stegos_common::frame::{self, ApiToken};
use stegos_common::socket::{Connection, Stream};
use tokio::net::TcpListener;
use tokio::select;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, spawn_blocking};
use zeroize::Zeroizing;

/// What follows a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This JSON text is sent back.
    Reply(String),
    /// The connection is closed without a word, as for an `id` that is no unsigned integer.
    Close,
}

/// Answers one request: a text from `{` to `}`, at most [`Limits::json`] long, nothing else is certain.
type Handler = dyn Fn(Zeroizing<String>) -> Answer + Send + Sync;

/// Where the server listens and whom it serves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Path of the Unix socket. Its directory belongs to this process alone, and is made if missing.
    pub socket: PathBuf,
    /// A loopback address to listen on as well. Default: none.
    pub tcp: Option<SocketAddr>,
    /// The user whose processes may use the Unix socket. Default: the user of this process.
    pub peer_uid: u32,
    /// Connections at one time, over both sockets; one more is closed at once. Default: 16.
    pub connections: usize,
    /// What each connection tolerates from its peer.
    pub limits: Limits,
}

impl Config {
    /// The defaults for a socket path.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        let peer_uid = rustix::process::geteuid().as_raw();
        Self { socket, tcp: None, peer_uid, connections: 16, limits: Limits::default() }
    }
}

/// A server that listens already; [`Server::run`] makes it answer. Dropping it removes the socket's file.
pub struct Server {
    unix: UnixSocket,
    tcp: Option<TcpListener>,
    peer_uid: u32,
    connections: usize,
    desk: Arc<Desk>,
}

impl Server {
    /// Starts to listen. `handler` answers the requests; it may take its time, and runs on as many threads at
    /// once as there are processors. If it panics, its connection is closed.
    ///
    /// # Errors
    /// [`ServerError`] where the socket's directory is not private, another server is alive there, the TCP
    /// address is not a loopback address, or the system refuses.
    pub async fn bind(
        config: Config,
        token: ApiToken,
        handler: impl Fn(Zeroizing<String>) -> Answer + Send + Sync + 'static,
    ) -> Result<Self, ServerError> {
        // TCP first: a refusal then leaves no trace in the file system.
        let tcp = match config.tcp {
            Some(address) => Some(listen::bind_tcp(address).await?),
            None => None,
        };
        let unix = UnixSocket::bind(&config.socket, rustix::process::geteuid().as_raw()).await?;
        let processors = available_parallelism().map_or(1, NonZero::get);
        let desk = Desk {
            token,
            handler: Box::new(handler),
            limits: config.limits,
            workers: Semaphore::new(processors),
        };
        let Config { peer_uid, connections, .. } = config;
        Ok(Self { unix, tcp, peer_uid, connections, desk: Arc::new(desk) })
    }

    /// The TCP address in use, which tells the port where port 0 was asked for.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `shutdown` is ready. Then requests in hand are still answered, everything else is closed.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let (running, stopped) = watch::channel(());
        let mut serving = JoinSet::new();
        loop {
            let accepted = select! {
                () = &mut shutdown => break,
                accepted = self.accept() => accepted,
            };
            while serving.try_join_next().is_some() {}
            match accepted {
                Ok(Some(stream)) if serving.len() < self.connections => {
                    serving.spawn(Arc::clone(&self.desk).serve(stream, stopped.clone()));
                }
                Ok(_) => {}
                // A peer that left again, or no file descriptor free: both pass.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        drop(running);
        while serving.join_next().await.is_some() {}
    }

    /// The next connection, or `None` for a peer that has no business here.
    async fn accept(&self) -> io::Result<Option<Box<dyn Stream>>> {
        let tcp = async {
            match &self.tcp {
                Some(listener) => listener.accept().await,
                None => pending().await,
            }
        };
        select! {
            accepted = self.unix.listener().accept() => {
                let (stream, _) = accepted?;
                let allowed = stream.peer_cred()?.uid() == self.peer_uid;
                Ok(allowed.then(|| Box::new(stream) as _))
            }
            accepted = tcp => Ok(Some(Box::new(accepted?.0))),
        }
    }
}

/// What all connections share.
struct Desk {
    token: ApiToken,
    handler: Box<Handler>,
    limits: Limits,
    /// As many permits as processors: answering is all computation.
    workers: Semaphore,
}

impl Desk {
    /// Serves one connection, one request after the other, until a rule is broken, the peer leaves, or the
    /// sender of `stopped` is gone. Nobody wants to know which.
    async fn serve(self: Arc<Self>, stream: Box<dyn Stream>, mut stopped: watch::Receiver<()>) -> Option<()> {
        let mut connection = select! {
            _ = stopped.changed() => return None,
            accepted = Connection::accept(stream, self.limits) => accepted.ok()?,
        };
        loop {
            let frame = select! {
                biased;
                _ = stopped.changed() => return None,
                received = connection.receive() => received.ok()?,
            };
            let worker = self.workers.acquire().await.ok()?;
            let desk = Arc::clone(&self);
            let answer = spawn_blocking(move || desk.answer(&frame)).await.ok()??;
            drop(worker);
            connection.send(answer).await.ok()?;
        }
    }

    /// The frame that answers a frame, or `None` to close the connection.
    fn answer(&self, frame: &str) -> Option<String> {
        let request = frame::open(&self.token, frame).ok()?;
        match (self.handler)(request) {
            Answer::Reply(json) => Some(frame::seal(&self.token, &json, &mut OsRng)),
            Answer::Close => None,
        }
    }
}
