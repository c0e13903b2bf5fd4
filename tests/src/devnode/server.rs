//! A node that listens: its API on a TCP socket, its blocks on a timer.

use super::chain::Params;
use super::clock::Clock;
use super::faults::Line;
use super::node::{Log, Node, NodeError};
use super::subscribers;
use rand_core::OsRng;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use stegos_common::frame::{self, ApiToken};
use stegos_common::socket::token_file::{self, TokenFileError};
use stegos_common::socket::{Connection, Limits, SocketError};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The deployed node has no limits at all. These keep a mistake from filling the memory, and nothing else.
const LIMITS: Limits = Limits {
    json: 16 << 20,
    idle: Duration::MAX,
    message: Duration::from_secs(3600),
    write: Duration::from_secs(3600),
};

/// How a node is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The chain.
    pub params: Params,
    /// The clock.
    pub clock: Clock,
    /// The address of the API; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The address of the control port, if there shall be one; it must be a loopback address.
    pub control: Option<SocketAddr>,
    /// The file of the API token, made where there is none.
    pub token_file: PathBuf,
    /// The directory that keeps the chain. Without it, the chain ends with the node.
    pub data_dir: Option<PathBuf>,
    /// The time from block to block. Without it, blocks are made on demand only.
    pub block_interval: Option<Duration>,
    /// What hears of everything that happens.
    pub log: Log,
}

/// Why a node does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken, or not one of this computer.
    #[error("cannot listen on {0}: {1}; choose another address")]
    Listen(SocketAddr, io::Error),
    /// Everybody on the network could control the node.
    #[error("the control port must be on a loopback address, not on {0}; use 127.0.0.1")]
    OpenControl(SocketAddr),
    /// The token file cannot be used.
    #[error(transparent)]
    TokenFile(#[from] TokenFileError),
    /// The chain on disk cannot be used.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The operating system has no thread left.
    #[error("cannot start a thread: {0}; stop something else first")]
    Thread(io::Error),
}

/// A running node. It stops when this is dropped.
pub struct Server {
    node: Arc<Mutex<Node>>,
    address: SocketAddr,
    control: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a node. It accepts connections from now on.
    ///
    /// # Errors
    /// [`StartError`], see its variants.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let token = token_file::load_or_create(&settings.token_file, &mut OsRng)?;
        let node = Node::new(settings.params, settings.clock, settings.data_dir.as_deref(), settings.log)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let bind = |address| {
            let bound = runtime.block_on(TcpListener::bind(address));
            let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
            bound.map_err(|error| StartError::Listen(address, error))
        };
        if let Some(open) = settings.control.filter(|address| !address.ip().is_loopback()) {
            return Err(StartError::OpenControl(open));
        }
        let (address, api) = bind(settings.listen)?;
        let (control, commands) = settings.control.map(bind).transpose()?.unzip();
        let node = Arc::new(Mutex::new(node));
        let (stop, stopped) = oneshot::channel();
        let shared = Shared { node: Arc::clone(&node), token };
        let run = move || {
            runtime.block_on(async move {
                if let Some(interval) = settings.block_interval {
                    tokio::spawn(mine(Arc::clone(&shared.node), interval));
                }
                if let Some(commands) = commands {
                    tokio::spawn(accept(commands, shared.clone(), obey));
                }
                tokio::spawn(accept(api, shared, converse));
                // An error is the end as well: nobody is left to stop it.
                let _ = stopped.await;
            });
        };
        let thread = thread::Builder::new().name("devnode".into()).spawn(run).map_err(StartError::Thread)?;
        Ok(Self { node, address, control, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of the API.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the control port.
    #[must_use]
    pub const fn control(&self) -> Option<SocketAddr> {
        self.control
    }

    /// The node itself. Nobody is answered while this is held.
    pub fn node(&self) -> MutexGuard<'_, Node> {
        lock(&self.node)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either fails only where the thread has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A panic while the lock was held ends a test anyway; it need not end the others.
fn lock(node: &Mutex<Node>) -> MutexGuard<'_, Node> {
    node.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all connections need.
#[derive(Clone)]
struct Shared {
    node: Arc<Mutex<Node>>,
    token: ApiToken,
}

async fn mine(node: Arc<Mutex<Node>>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let mut node = lock(&node);
        if let Err(error) = node.mine() {
            (node.log)(&format!("no block: {error}"));
        }
    }
}

/// Accepts connections, and leaves each to `serve`.
async fn accept<F>(listener: TcpListener, shared: Shared, serve: fn(TcpStream, Shared) -> F)
where
    F: Future<Output = Result<(), SocketError>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let node = Arc::clone(&shared.node);
                let served = serve(stream, shared.clone());
                tokio::spawn(async move {
                    let end = match served.await {
                        Ok(()) => "closed by the node".to_owned(),
                        Err(SocketError::Closed) => "closed by the client".to_owned(),
                        Err(error) => format!("closed: {error}"),
                    };
                    (lock(&node).log)(&format!("connection of {peer} {end}"));
                });
            }
            // Too many open files, perhaps: some may be closed soon.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Obeys one connection of the control port.
async fn obey(stream: TcpStream, shared: Shared) -> Result<(), SocketError> {
    let mut connection = Connection::accept(Box::new(stream), LIMITS).await?;
    loop {
        let json = frame::open(&shared.token, &connection.receive().await?)?;
        let Some(answer) = lock(&shared.node).control(&json) else { return Ok(()) };
        connection.send(frame::seal(&shared.token, &answer, &mut OsRng)).await?;
    }
}

/// Answers one connection of the API until it is closed: by the node where it does not understand a frame.
async fn converse(stream: TcpStream, shared: Shared) -> Result<(), SocketError> {
    let (number, closed) = lock(&shared.node).connections.open();
    let end = tokio::select! {
        end = converse_as(number, stream, &shared) => end,
        _ = closed => Ok(()),
    };
    lock(&shared.node).connections.forget(number);
    end
}

async fn converse_as(number: u64, stream: TcpStream, shared: &Shared) -> Result<(), SocketError> {
    let Shared { node, token } = shared;
    let faulty = Arc::clone(node);
    let line = Line::new(stream, move || lock(&faulty).faults.split);
    let mut connection = Connection::accept(Box::new(line), LIMITS).await?;
    let (outbox, mut inbox) = subscribers::queue(number);
    loop {
        let (text, is_answer) = tokio::select! {
            frame = connection.receive() => {
                let json = frame::open(token, &frame?)?;
                let Some(answer) = lock(node).answer(&json, &outbox) else { return Ok(()) };
                (answer, true)
            }
            Some(notification) = inbox.next() => (notification, false),
        };
        let faults = lock(node).faults;
        tokio::time::sleep(faults.delay(is_answer)).await;
        let frame = frame::seal(token, &faults.pad(text), &mut OsRng);
        connection.send(faults.frame.spoil(frame)).await?;
    }
}
