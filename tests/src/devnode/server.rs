//! A node that listens: its API on a TCP socket, its blocks on a timer.

use super::chain::{ChainError, Params};
use super::clock::Clock;
use super::node::{Log, Node};
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
use tokio::runtime::{Builder, Runtime};
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
    /// The file of the API token, made where there is none.
    pub token_file: PathBuf,
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
    /// The token file cannot be used.
    #[error(transparent)]
    TokenFile(#[from] TokenFileError),
    /// The chain has no first block. Never happens.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The operating system has no thread left.
    #[error("cannot start a thread: {0}; stop something else first")]
    Thread(io::Error),
}

/// A running node. It stops when this is dropped.
pub struct Server {
    node: Arc<Mutex<Node>>,
    address: SocketAddr,
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
        let node = Node::new(settings.params, settings.clock, settings.log)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let listen = |error| StartError::Listen(settings.listen, error);
        let listener = runtime.block_on(TcpListener::bind(settings.listen)).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let node = Arc::new(Mutex::new(node));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&node);
        let run = move || run(&runtime, listener, token, shared, settings.block_interval, stopped);
        let thread = thread::Builder::new().name("devnode".into()).spawn(run).map_err(StartError::Thread)?;
        Ok(Self { node, address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of the API.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
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

fn run(
    runtime: &Runtime,
    listener: TcpListener,
    token: ApiToken,
    node: Arc<Mutex<Node>>,
    block_interval: Option<Duration>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async move {
        if let Some(interval) = block_interval {
            tokio::spawn(mine(Arc::clone(&node), interval));
        }
        tokio::select! {
            () = accept(listener, token, node) => {}
            _ = stopped => {}
        }
    });
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

async fn accept(listener: TcpListener, token: ApiToken, node: Arc<Mutex<Node>>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (token, node) = (token.clone(), Arc::clone(&node));
                tokio::spawn(async move {
                    let end = converse(stream, &token, &node).await;
                    let reason = end.err().map(|error| format!(": {error}")).unwrap_or_default();
                    (lock(&node).log)(&format!("connection of {peer} closed{reason}"));
                });
            }
            // Too many open files, perhaps: some may be closed soon.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Answers one connection until one side closes it: the node does where it does not understand a frame.
async fn converse(stream: TcpStream, token: &ApiToken, node: &Mutex<Node>) -> Result<(), SocketError> {
    let mut connection = Connection::accept(Box::new(stream), LIMITS).await?;
    let (outbox, mut inbox) = subscribers::queue();
    loop {
        let text = tokio::select! {
            frame = connection.receive() => {
                let json = frame::open(token, &frame?)?;
                let Some(answer) = lock(node).answer(&json, &outbox) else { return Ok(()) };
                answer
            }
            Some(notification) = inbox.next() => notification,
        };
        connection.send(frame::seal(token, &text, &mut OsRng)).await?;
    }
}
