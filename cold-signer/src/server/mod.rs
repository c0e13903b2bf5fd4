//! The daemon's door: a private Unix socket and, only if asked, a loopback TCP port, both speaking the
//! node's websocket protocol (protocol page §8). It knows who may ask and how much; what an answer is, it
//! learns from a function. Nothing that comes in is ever logged or quoted.
//!
//! A peer that breaks a rule gets no explanation: its connection is closed, as the node does. Peers of the Unix
//! socket are known by their user. Over TCP there is only the API token, against which a local process could try
//! frame after frame; so that door closes for good after [`Config::bad_frames`].

mod listen;
mod passed;
mod workers;

pub use listen::ServerError;
pub use passed::PassedSocket;
pub use stegos_common::socket::Limits;
pub use workers::Workers;

use listen::UnixSocket;
use rand_core::OsRng;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use stegos_common::frame::{self, ApiToken};
use stegos_common::socket::{Connection, Stream};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::{join, select};
use zeroize::Zeroizing;

/// Said once, when TCP is closed because of frames that do not open.
const TCP_CLOSED: &str = "WARNING: TCP is closed: too many frames over it do not open under the API token, as if \
    somebody were guessing. The Unix socket goes on. Find out which process of this host it was, then restart to \
    open TCP again.";

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

/// Default of [`Config::bad_frames`]. Frames are not authenticated (see [`frame`]): whoever may try often enough
/// forges them. To be let in once takes 2^16 attempts on average, a whole request many more; a client with a
/// wrong token by mistake makes a handful.
pub const BAD_FRAMES: usize = 32;

/// Which Unix socket clients come to.
#[derive(Debug)]
pub enum Place {
    /// One of our own, at this path. Its directory belongs to this process alone, and is made if missing.
    Path(PathBuf),
    /// One that systemd opened.
    Passed(PassedSocket),
}

impl Place {
    /// Where clients find it.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Passed(socket) => socket.path(),
        }
    }
}

/// Where the server listens and whom it serves.
#[derive(Debug)]
pub struct Config {
    /// The Unix socket.
    pub socket: Place,
    /// A loopback address to listen on as well. Default: none.
    pub tcp: Option<SocketAddr>,
    /// The users whose processes may use the Unix socket. Default: the user of this process.
    pub clients: Vec<u32>,
    /// Connections at one time over each of the sockets, so that one cannot use up the other's; one more is
    /// closed at once. Default: 16.
    pub connections: usize,
    /// So many frames over TCP, at least one, may fail to open under the token before TCP is closed for good.
    /// They are counted over all connections since the start. Default: [`BAD_FRAMES`].
    pub bad_frames: usize,
    /// What each connection tolerates from its peer.
    pub limits: Limits,
}

impl Config {
    /// The defaults for a socket path.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self {
            socket: Place::Path(socket),
            tcp: None,
            clients: vec![rustix::process::geteuid().as_raw()],
            connections: 16,
            bad_frames: BAD_FRAMES,
            limits: Limits::default(),
        }
    }
}

/// A server that listens already; [`Server::run`] makes it answer. Dropping it removes the file of its own socket.
pub struct Server {
    unix: UnixSocket,
    tcp: Option<TcpListener>,
    clients: Vec<u32>,
    connections: usize,
    bad_frames: usize,
    desk: Arc<Desk>,
}

impl Server {
    /// Starts to listen. `handler` answers the requests; it may take its time, and runs on several threads at once. If it panics, its connection is closed.
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
        let unix = match config.socket {
            Place::Path(path) => UnixSocket::bind(&path, rustix::process::geteuid().as_raw()).await?,
            Place::Passed(socket) => UnixSocket::passed(socket)?,
        };
        let desk = Desk { token, handler: Box::new(handler), limits: config.limits, workers: Workers::new() };
        let Config { clients, connections, bad_frames, .. } = config;
        Ok(Self { unix, tcp, clients, connections, bad_frames, desk: Arc::new(desk) })
    }

    /// The TCP address in use, which tells the port where port 0 was asked for.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Those who answer: whoever gets something done by them knows that requests do, too.
    #[must_use]
    pub fn workers(&self) -> Arc<Workers> {
        Arc::clone(&self.desk.workers)
    }

    /// Serves until `shutdown` is ready. Then requests in hand are still answered, everything else is closed.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { unix, tcp, clients, connections, bad_frames, desk } = self;
        let (unix_door, tcp_door) = (Door::new(None), Door::new(Some(bad_frames)));
        let over_unix = unix_door.attend(&desk, connections, Listener::Unix(unix, clients));
        let over_tcp = async {
            if let Some(listener) = tcp {
                tcp_door.attend(&desk, connections, Listener::Tcp(listener)).await;
            }
        };
        let stop = async {
            shutdown.await;
            unix_door.close();
            tcp_door.close();
        };
        join!(over_unix, over_tcp, stop);
    }
}

/// Where connections come from.
enum Listener {
    /// With the users whose processes may come.
    Unix(UnixSocket, Vec<u32>),
    Tcp(TcpListener),
}

impl Listener {
    /// The next connection, or `None` for a peer that has no business here.
    async fn accept(&self) -> io::Result<Option<Box<dyn Stream>>> {
        match self {
            Self::Unix(socket, clients) => {
                let (stream, _) = socket.listener().accept().await?;
                let allowed = clients.contains(&stream.peer_cred()?.uid());
                Ok(allowed.then(|| Box::new(stream) as _))
            }
            Self::Tcp(listener) => Ok(Some(Box::new(listener.accept().await?.0))),
        }
    }
}

/// One of the ways in. Each has its own connections, and is closed for itself.
struct Door {
    /// Told once, when this door closes.
    closing: watch::Sender<()>,
    /// How many more frames that do not open close this door; `None` where peers are known by their user.
    patience: Option<AtomicUsize>,
}

impl Door {
    fn new(bad_frames: Option<usize>) -> Arc<Self> {
        let patience = bad_frames.map(|limit| AtomicUsize::new(limit.max(1)));
        Arc::new(Self { closing: watch::channel(()).0, patience })
    }

    /// Serves those who come to `listener`, until this door closes and the requests in hand are answered.
    async fn attend(self: &Arc<Self>, desk: &Arc<Desk>, connections: usize, listener: Listener) {
        let mut closed = self.closing.subscribe();
        let mut serving = JoinSet::new();
        loop {
            let accepted = select! {
                biased;
                _ = closed.changed() => break,
                accepted = listener.accept() => accepted,
            };
            while serving.try_join_next().is_some() {}
            match accepted {
                Ok(Some(stream)) if serving.len() < connections => {
                    serving.spawn(Arc::clone(desk).serve(stream, Arc::clone(self), closed.clone()));
                }
                Ok(_) => {}
                // A peer that left again, or no file descriptor free: both pass.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        // Nobody waits at a closed door.
        drop(listener);
        while serving.join_next().await.is_some() {}
    }

    fn close(&self) {
        self.closing.send_replace(());
    }

    /// Whether so many frames did not open that no other is looked at.
    fn is_exhausted(&self) -> bool {
        self.patience.as_ref().is_some_and(|patience| patience.load(SeqCst) == 0)
    }

    /// Notes a frame that does not open. The last that is tolerated closes this door.
    fn note_bad_frame(&self) {
        let Some(patience) = &self.patience else { return };
        if patience.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) == Ok(1) {
            self.close();
            // With standard error closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "{TCP_CLOSED}");
        }
    }
}

/// What all connections share.
struct Desk {
    token: ApiToken,
    handler: Box<Handler>,
    limits: Limits,
    workers: Arc<Workers>,
}

impl Desk {
    /// Serves one connection, one request after the other, until a rule is broken, the peer leaves, or the
    /// door it came through is `closed`. Nobody wants to know which.
    async fn serve(
        self: Arc<Self>,
        stream: Box<dyn Stream>,
        door: Arc<Door>,
        mut closed: watch::Receiver<()>,
    ) -> Option<()> {
        let Limits { idle, message, .. } = self.limits;
        // Who has not shown the token yet may be silent for a short time only.
        let unproven = Limits { idle: idle.min(message), ..self.limits };
        let mut connection = select! {
            _ = closed.changed() => return None,
            accepted = Connection::accept(stream, unproven) => accepted.ok()?,
        };
        loop {
            let frame = select! {
                biased;
                _ = closed.changed() => return None,
                received = connection.receive() => received.ok()?,
            };
            let (desk, at) = (Arc::clone(&self), Arc::clone(&door));
            let answer = self.workers.run(move || desk.answer(&frame, &at)).await??;
            connection.set_idle(idle);
            connection.send(answer).await.ok()?;
        }
    }

    /// The frame that answers a frame, or `None` to close the connection.
    fn answer(&self, frame: &str, door: &Door) -> Option<String> {
        // Frames that wait while others close the door must not become further attempts.
        if door.is_exhausted() {
            return None;
        }
        let request = frame::open(&self.token, frame).inspect_err(|_| door.note_bad_frame()).ok()?;
        match (self.handler)(request) {
            Answer::Reply(json) => Some(frame::seal(&self.token, &json, &mut OsRng)),
            Answer::Close => None,
        }
    }
}
