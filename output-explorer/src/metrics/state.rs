//! What is so when somebody asks: what `status` answers, and what is waiting.

use super::{LedgerMetrics, seconds};
use crate::control::{Answer, LinkStatus, Request, answer};
use crate::ledger::{Kept, Ledger};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
pub(crate) struct State {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) node: Arc<Mutex<LinkStatus>>,
    /// So many micro blocks behind the node is still ready.
    pub(crate) ready_blocks: u32,
}

impl State {
    /// The name of the network.
    pub(super) fn network(&self) -> &'static str {
        self.ledger.network().name()
    }

    /// What is counted in the ledger.
    pub(super) fn ledger_metrics(&self) -> &LedgerMetrics {
        self.ledger.metrics()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let node = self.node.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A ledger that fails ends the program, which says why.
        let Ok(Answer::Status(status)) = answer(&self.ledger, Some(node.clone()), Request::Status) else {
            return Err(fmt::Error);
        };
        let Kept { first, last } = self.ledger.kept_events().map_err(|_| fmt::Error)?;
        let endpoints = self.ledger.endpoints(None).map_err(|_| fmt::Error)?;
        let pending = endpoints.iter().filter(|endpoint| endpoint.enabled).map(|endpoint| endpoint.pending);

        let to = &mut encoder;
        let ready = status.ready(self.ready_blocks).is_ok();
        gauge(to, "ready", "1 where /readyz answers 200", Some(u64::from(ready)))?;
        let flag = |is: bool| Some(u64::from(is));
        gauge(to, "node_connected", "1 where there is a connection to the node", flag(node.connected))?;
        let help = "1 where the node has promised to send new blocks";
        gauge(to, "node_subscribed", help, flag(node.subscribed))?;
        let help = "1 where the node has caught up with the network";
        gauge(to, "node_synchronized", help, flag(node.is_synchronized == Some(true)))?;
        let help = "Connections to the node that were lost";
        counter(to, "node_connections_lost", help, Some(node.connections_lost))?;
        counter(to, "node_faults", "Blocks and answers of the node that were refused", Some(node.faults))?;
        gauge(to, "node_epoch", "The node's epoch when it was last asked", node.epoch)?;
        gauge(to, "node_offset", "The offset of the node's next micro block", node.offset)?;
        gauge(to, "ledger_epoch", "The ledger's epoch", Some(status.epoch))?;
        gauge(to, "ledger_offset", "The offset of the ledger's next micro block", Some(status.offset))?;
        let help = "When the ledger's last block was made";
        gauge(to, "ledger_last_block_timestamp_seconds", help, status.last_block_time.map(seconds))?;
        let help = "Epochs that the ledger is behind the node";
        gauge(to, "lag_epochs", help, status.lag.map(|lag| lag.epochs))?;
        let help = "Micro blocks of the node's epoch that the ledger does not have";
        gauge(to, "lag_micro_blocks", help, status.lag.map(|lag| lag.micro_blocks))?;

        let via = node.via.as_ref();
        let help = "1 where the explorer that a replica copies answers";
        gauge(to, "replica_connected", help, via.and_then(|via| flag(via.connected)))?;
        let help = "Changes of that explorer that the replica does not have";
        let lag = via.and_then(|via| Some(via.newest?.saturating_sub(via.change)));
        gauge(to, "replica_lag_changes", help, lag)?;
        let help = "When that explorer answered last";
        let heard = via.and_then(|via| via.heard).map(seconds);
        gauge(to, "replica_last_answer_timestamp_seconds", help, heard)?;

        let sums = [("final", status.public.settled), ("prepared", status.public.prepared)];
        let outputs = sums.map(|(finality, sum)| (finality, sum.outputs));
        by_finality(to, "public_outputs", "Unspent public outputs of the whole chain", &outputs)?;
        let amounts = sums.map(|(finality, sum)| (finality, sum.amount.micro()));
        let help = "What the unspent public outputs of the whole chain are worth, in micro-STG";
        by_finality(to, "public_micro_stg", help, &amounts)?;
        let help = "Unspent private outputs of the whole chain";
        gauge(to, "private_outputs", help, Some(status.private_outputs))?;
        gauge(to, "stakes", "Stakes of the whole chain that are not spent", Some(status.stakes))?;

        gauge(to, "events_oldest_id", "The oldest event that is kept", Some(first))?;
        gauge(to, "events_newest_id", "The newest event", Some(last))?;
        let help = "1 where the signer seems to have forgotten what it signed";
        gauge(to, "signer_alarm", help, flag(status.signer_journal.alarm.is_some()))?;
        let help = "Deliveries to enabled endpoints that are on their way";
        gauge(to, "webhook_deliveries_pending", help, Some(pending.fold(0, u64::saturating_add)))
    }
}

/// Writes a gauge; one whose value is not known has none.
pub(super) fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: Option<impl EncodeGaugeValue>,
) -> fmt::Result {
    let metric = to.encode_descriptor(name, &sentence(help), None, MetricType::Gauge)?;
    value.map_or(Ok(()), |value| ConstGauge::new(value).encode(metric))
}

/// Writes a counter, whose name gets `_total`.
pub(super) fn counter(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: Option<impl EncodeCounterValue>,
) -> fmt::Result {
    let metric = to.encode_descriptor(name, &sentence(help), None, MetricType::Counter)?;
    value.map_or(Ok(()), |value| ConstCounter::new(value).encode(metric))
}

/// Writes what is final and what is not yet.
fn by_finality(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(&'static str, impl EncodeGaugeValue + Copy)],
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, &sentence(help), None, MetricType::Gauge)?;
    values.iter().try_for_each(|(finality, value)| {
        ConstGauge::new(*value).encode(metric.encode_family(&[("finality", *finality)])?)
    })
}

/// As a registry writes it.
fn sentence(help: &str) -> String {
    format!("{help}.")
}
