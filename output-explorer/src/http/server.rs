//! Listens, with or without TLS, to so many at a time, and ends in order.

use super::app::App;
use super::feed::Feed;
use super::router;
use super::web::{Sessions, Tally};
use crate::access::{Access, AccessConfigError, AllowList, Limits, TlsError, server_config};
use crate::control::LinkStatus;
use crate::handoff::plan::Terms;
use crate::ledger::Ledger;
use crate::metrics::{Metrics, State};
use crate::settings::HttpConfig;
use crate::webhook::Webhooks;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// So many connections at a time, where the system allows as many open files; more are closed at once.
const CONNECTIONS: usize = 4096;

/// So many exports at a time: each has a thread of its own, and reads much.
const EXPORTS: usize = 4;

/// So many pictures are looked through at a time: each is a process, and one that is made for it takes seconds.
const PICTURES: usize = 2;

/// Open files that are kept for everything else: the database, the node, webhooks, the socket of the commands.
const OTHER_FILES: u64 = 300;

/// So long may a client take to say what it wants, the first time and between two requests, or to agree on TLS.
const REQUEST: Duration = Duration::from_secs(30);

/// A client that takes nothing of its answer for so long is gone.
const TAKING: Duration = Duration::from_secs(30);

/// What is under way when the server ends gets so long.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why HTTP is not answered.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    /// The address cannot be listened at.
    #[error("cannot listen for HTTP at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nor can the keys of issuers.
    #[error(transparent)]
    Access(#[from] AccessConfigError),
    /// It stopped.
    #[error("HTTP is not answered any more: {0}")]
    Ended(io::Error),
}

/// What the server answers from.
pub(crate) struct Ingredients {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) node: Arc<Mutex<LinkStatus>>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) terms: Option<Terms>,
}

/// A server that listens.
pub(crate) struct Server {
    listener: TcpListener,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    tls: Option<TlsAcceptor>,
    connections: usize,
    app: Arc<App>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Listens. Nothing is answered before [`Self::run`].
    ///
    /// # Errors
    /// [`HttpError`].
    pub(crate) fn new(config: &HttpConfig, ingredients: Ingredients) -> Result<Self, HttpError> {
        let Ingredients { ledger, node, webhooks, terms } = ingredients;
        let address = config.listen;
        let bind = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let tls = server_config(config)?.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let access = Access::new(config, Arc::clone(&ledger))?;
        let (address, listener) = bind().map_err(|source| HttpError::Listen { address, source })?;
        let connections = connections();
        let (stop, stopping) = watch::channel(false);
        let feed = Arc::new(Feed::new(Arc::clone(&ledger)));
        let ready_blocks = config.ready_blocks;
        let state = State { ledger: Arc::clone(&ledger), node: Arc::clone(&node), ready_blocks };
        let metrics = Metrics::new(state, &webhooks.metrics);
        let app = App {
            ledger,
            node,
            access,
            allow: AllowList::new(&config.allow),
            limits: Limits::new(config),
            webhooks,
            terms,
            ready_blocks,
            metrics,
            feed,
            exports: Arc::new(Semaphore::new(EXPORTS)),
            streams: Arc::new(Semaphore::new(connections / 4 * 3)),
            pictures: Arc::new(Semaphore::new(PICTURES)),
            is_encrypted: tls.is_some(),
            sessions: Sessions::default(),
            tally: Tally::default(),
            stopping,
        };
        Ok(Self { listener, address, tls, connections, app: Arc::new(app), stop })
    }

    /// Whether it speaks TLS.
    pub(crate) const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Answers until `end`, and what is under way then.
    ///
    /// # Errors
    /// [`HttpError::Ended`].
    pub(crate) async fn run(self, end: impl Future<Output = ()>) -> Result<(), HttpError> {
        let Self { listener, tls, connections, app, stop, .. } = self;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(HttpError::Ended)?;
        let mut feed = JoinSet::new();
        feed.spawn(Arc::clone(&app.feed).run());
        let router = router(Arc::clone(&app));
        let places = Arc::new(Semaphore::new(connections));
        let mut under_way = JoinSet::new();
        let mut end = std::pin::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ended = under_way.join_next(), if !under_way.is_empty() => continue,
                () = &mut end => break,
            };
            let Ok((stream, peer)) = accepted else {
                // Too many open files, perhaps: some may be closed soon.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let connection = Connection { peer, router: router.clone(), stopping: stop.subscribe() };
            let tls = tls.clone();
            under_way.spawn(async move {
                connection.begin(stream, tls).await;
                drop(place);
            });
        }
        drop(listener);
        stop.send_replace(true);
        let _ = timeout(LAST_ANSWERS, async { while under_way.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

/// So many connections as the system allows: each is an open file.
fn connections() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Whatever may be had is taken; where it may not, what there is has to do.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = getrlimit(Resource::Nofile).current.or(current).unwrap_or(u64::MAX);
    let files = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    files.clamp(16, CONNECTIONS)
}

/// Somebody who connected.
struct Connection {
    peer: SocketAddr,
    router: Router,
    stopping: watch::Receiver<bool>,
}

impl Connection {
    /// Serves it to its end. Whoever goes away, or speaks nonsense, is not worth a word.
    async fn begin(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(TAKING));
        let stream = Box::pin(stream);
        match tls {
            None => self.serve(stream).await,
            Some(tls) => {
                if let Ok(Ok(stream)) = timeout(REQUEST, tls.accept(stream)).await {
                    self.serve(stream).await;
                }
            }
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { peer, router, mut stopping } = self;
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request.map(Body::new))
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(REQUEST);
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ended = connection.as_mut() => return,
            _ = stopping.wait_for(|stop| *stop) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
