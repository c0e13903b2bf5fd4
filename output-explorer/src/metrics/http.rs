//! What is asked over HTTP.

use super::{Durations, Labelled, durations};
use axum::http::Method;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use std::time::{Duration, Instant};

/// Why requests are not let in: codes of problems.
const REFUSALS: [&str; 4] =
    ["address_not_allowed", "credentials_invalid", "no_credentials", "too_many_requests"];

/// How events are read as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// A request that waits.
    LongPoll,
    /// Server-Sent Events.
    Sse,
    Websocket,
}

impl Stream {
    const fn name(self) -> &'static str {
        match self {
            Self::LongPoll => "long_poll",
            Self::Sse => "sse",
            Self::Websocket => "websocket",
        }
    }
}

/// See the module.
pub(crate) struct HttpMetrics {
    pub(super) requests: Labelled<Counter, 3>,
    pub(super) durations: Durations<2>,
    pub(super) in_flight: Gauge,
    pub(super) refusals: Labelled<Counter, 1>,
    pub(super) streams: Labelled<Gauge, 1>,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        let metrics = Self {
            requests: Labelled::default(),
            durations: Durations::new_with_constructor(durations),
            in_flight: Gauge::default(),
            refusals: Labelled::default(),
            streams: Labelled::default(),
        };
        // What is never seen is 0, and not unknown.
        for reason in REFUSALS {
            metrics.refusals.get_or_create(&[("reason", reason.to_owned())]).inc_by(0);
        }
        for kind in [Stream::LongPoll, Stream::Sse, Stream::Websocket] {
            drop(metrics.open(kind));
        }
        metrics
    }
}

impl HttpMetrics {
    /// A request has come.
    pub(crate) fn begin(&self) -> InFlight {
        InFlight { _open: Open::new(self.in_flight.clone()), begin: Instant::now() }
    }

    /// Counts an answer. Answers how long it took.
    pub(crate) fn end(&self, request: InFlight, method: &Method, route: &str, status: u16) -> Duration {
        let took = request.begin.elapsed();
        let method = ("method", method_name(method).to_owned());
        let route = ("route", route.to_owned());
        let class = ("status", format!("{}xx", status / 100));
        self.durations.get_or_create(&[method.clone(), route.clone()]).observe(took.as_secs_f64());
        self.requests.get_or_create(&[method, route, class]).inc();
        took
    }

    /// Counts a request that was not let in, by the code of its problem.
    pub(crate) fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&[("reason", code.to_owned())]).inc();
    }

    /// Somebody begins to read events.
    pub(crate) fn open(&self, kind: Stream) -> Open {
        Open::new(self.streams.get_or_create_owned(&[("kind", kind.name().to_owned())]))
    }
}

/// A caller may invent methods.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
            method.as_str()
        }
        _ => "other",
    }
}

/// A request that is being answered.
pub(crate) struct InFlight {
    _open: Open,
    begin: Instant,
}

/// Something that counts as long as it lasts.
pub(crate) struct Open(Gauge);

impl Open {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
