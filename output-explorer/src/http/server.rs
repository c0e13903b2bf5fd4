//! Listens, with or without TLS, to so many at a time, and ends in order.

use super::app::App;
use super::feed::Feed;
use super::router;
use crate::access::{Access, AccessConfigError, AllowList, Limits, TlsError, server_config};
use crate::control::LinkStatus;
use crate::handoff::plan::Terms;
use crate::ledger::Ledger;
use crate::settings::HttpConfig;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use std::future::{Ready, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service;

/// So many connections at a time; more are closed at once.
const CONNECTIONS: usize = 4096;

/// So many of them may be streams of events.
const STREAMS: usize = 3000;

/// So long may a client take to say what it wants first.
const FIRST_REQUEST: Duration = Duration::from_secs(10);

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
    pub(crate) terms: Option<Terms>,
}

/// A server that listens.
pub(crate) struct Server {
    listener: TcpListener,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    tls: Option<RustlsConfig>,
    app: Arc<App>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Listens. Nothing is answered before [`Self::run`].
    ///
    /// # Errors
    /// [`HttpError`].
    pub(crate) fn new(config: &HttpConfig, ingredients: Ingredients) -> Result<Self, HttpError> {
        let Ingredients { ledger, node, terms } = ingredients;
        let address = config.listen;
        let bind = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let tls = server_config(config)?.map(|tls| RustlsConfig::from_config(Arc::new(tls)));
        let access = Access::new(config, Arc::clone(&ledger))?;
        let (address, listener) = bind().map_err(|source| HttpError::Listen { address, source })?;
        let (stop, stopping) = watch::channel(false);
        let feed = Arc::new(Feed::new(Arc::clone(&ledger)));
        let app = App {
            ledger,
            node,
            access,
            allow: AllowList::new(&config.allow),
            limits: Limits::new(config),
            terms,
            ready_blocks: config.ready_blocks,
            feed,
            streams: Arc::new(Semaphore::new(STREAMS)),
            stopping,
        };
        Ok(Self { listener, address, tls, app: Arc::new(app), stop })
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
        let Self { listener, tls, app, stop, .. } = self;
        let feed = tokio::spawn(Arc::clone(&app.feed).run());
        let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
        let handle = Handle::new();
        let server = axum_server::from_tcp(listener).map_err(HttpError::Ended)?;
        let server = server.http1_only().first_request_timeout(FIRST_REQUEST).handle(handle.clone());
        let limited = Limited(Arc::new(Semaphore::new(CONNECTIONS)));
        let serve = async {
            match tls {
                Some(tls) => server.acceptor(RustlsAcceptor::new(tls).acceptor(limited)).serve(service).await,
                None => server.acceptor(limited).serve(service).await,
            }
        };
        let stop = async {
            end.await;
            stop.send_replace(true);
            handle.graceful_shutdown(Some(LAST_ANSWERS));
            std::future::pending().await
        };
        let served = tokio::select! {
            served = serve => served,
            never = stop => never,
        };
        feed.abort();
        served.map_err(HttpError::Ended)
    }
}

/// Takes so many connections at a time.
#[derive(Clone)]
struct Limited(Arc<Semaphore>);

impl<S> Accept<TcpStream, S> for Limited {
    type Stream = TcpStream;
    type Service = Held<S>;
    type Future = Ready<io::Result<(TcpStream, Held<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(io::Error::other);
        ready(place.and_then(|place| {
            stream.set_nodelay(true)?;
            Ok((stream, Held { service, _place: Arc::new(place) }))
        }))
    }
}

/// The service of a connection, which holds its place.
#[derive(Clone)]
struct Held<S> {
    service: S,
    _place: Arc<OwnedSemaphorePermit>,
}

impl<R, S: Service<R>> Service<R> for Held<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.service.call(request)
    }
}
