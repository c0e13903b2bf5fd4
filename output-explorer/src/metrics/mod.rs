//! Metrics as Prometheus reads them. `docs/metrics.md` lists them: their names are part of the API.
//!
//! What happens is counted where it happens, in the group of whoever does it ([`LedgerMetrics`], [`WebhookMetrics`],
//! [`HttpMetrics`]). What is so is read when somebody asks: [`state`], [`process`]. No label has a value that a caller
//! chooses, and nothing is scanned for an answer.

mod http;
mod ledger;
mod process;
mod state;
#[cfg(test)]
mod tests;
mod webhook;

pub(crate) use http::{HttpMetrics, Open, Stream};
pub(crate) use ledger::{Done, LedgerMetrics, Live};
pub(crate) use state::State;
pub(crate) use webhook::WebhookMetrics;

use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::Duration;
use stegos_common::api::encoding::Timestamp;

/// The labels of a metric: names and values.
type Labels<const N: usize> = [(&'static str, String); N];

/// A metric with labels.
type Labelled<M, const N: usize> = Family<Labels<N>, M>;

/// Durations with labels.
type Durations<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// The upper ends of the buckets of every duration, in seconds.
const SECONDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];

/// How long something takes.
fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

/// A time as seconds since 1970.
const fn seconds(time: Timestamp) -> f64 {
    Duration::from_nanos(time.unix_nanos()).as_secs_f64()
}

/// Everything that is measured.
pub(crate) struct Metrics {
    pub(crate) http: HttpMetrics,
    registry: Registry,
}

impl Metrics {
    /// Of this ledger and these webhooks. Every metric of the program is registered here; the counters' names get
    /// `_total` when they are written.
    pub(crate) fn new(state: State, webhook: &WebhookMetrics) -> Self {
        let http = HttpMetrics::default();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process));
        let own = registry.sub_registry_with_prefix("output_explorer");
        let build = [("version", env!("CARGO_PKG_VERSION")), ("network", state.network())];
        own.register("build", "The program and its network", Info::new(build));
        let ledger = state.ledger_metrics().clone();
        own.register_collector(Box::new(state));
        own.register("blocks", "Blocks that were added to the ledger", ledger.blocks);
        own.register("blocks_reverted", "Micro blocks that were taken back", ledger.blocks_reverted);
        own.register("outputs_created", "Outputs that blocks made", ledger.outputs_created);
        own.register("outputs_spent", "Outputs that blocks spent", ledger.outputs_spent);
        own.register("events", "Events that were stored", ledger.events);
        let help = "Time to bring one change of the ledger to the disk";
        own.register("ledger_batch_duration_seconds", help, ledger.batches);
        let help = "Changes of the ledger that the database refused; after one it is closed";
        own.register("ledger_batch_failures", help, ledger.batch_failures);
        own.register("handoffs_live", "Handoffs to which something may still happen", ledger.live);
        let help = "When the oldest transaction that is neither final nor given up was signed; 0 where there is none";
        own.register("transaction_oldest_timestamp_seconds", help, ledger.oldest);
        own.register("http_requests", "HTTP requests that were answered", http.requests.clone());
        let help = "Time to the beginning of an HTTP answer; a long poll waits as long as its caller wants";
        own.register("http_request_duration_seconds", help, http.durations.clone());
        own.register(
            "http_requests_in_flight",
            "HTTP requests that are being answered",
            http.in_flight.clone(),
        );
        own.register("http_refusals", "HTTP requests that were not let in", http.refusals.clone());
        own.register("event_streams", "Readers that are being told events", http.streams.clone());
        own.register("webhook_attempts", "Attempts to deliver an event", webhook.attempts.clone());
        let help = "Time that an attempt to deliver took";
        own.register("webhook_attempt_duration_seconds", help, webhook.durations.clone());
        let help = "Deliveries that were given up after their last attempt";
        own.register("webhook_deliveries_given_up", help, webhook.given_up.clone());
        let help = "Events that an endpoint never gets, for they were not kept any more";
        own.register("webhook_events_missed", help, webhook.missed.clone());
        Self { http, registry }
    }

    /// What a scrape gets: the text format of Prometheus, version 0.0.4.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub(crate) fn to_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
