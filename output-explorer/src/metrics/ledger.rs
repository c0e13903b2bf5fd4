//! What happens to the ledger.

use super::{Labelled, durations, seconds};
use crate::event::TYPES;
use crate::handoff::record::Handoff;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::time::Instant;
use stegos_common::api::encoding::Timestamp;

/// What a live handoff can be ([`Handoff::status`]).
const LIVE: [&str; 8] =
    ["open", "submitted", "accepted", "prepared", "rolled back", "conflicted", "cancelled", "rejected"];

/// What a change of the chain did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Done {
    pub(crate) micro_blocks: u64,
    pub(crate) macro_blocks: u64,
    pub(crate) reverted: u64,
    pub(crate) created: u64,
    pub(crate) spent: u64,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct LedgerMetrics {
    pub(super) blocks: Labelled<Counter, 1>,
    pub(super) blocks_reverted: Counter,
    pub(super) outputs_created: Counter,
    pub(super) outputs_spent: Counter,
    pub(super) events: Labelled<Counter, 1>,
    pub(super) batches: Histogram,
    pub(super) batch_failures: Counter,
    pub(super) live: Labelled<Gauge<u64, AtomicU64>, 1>,
    pub(super) oldest: Gauge<f64, AtomicU64>,
}

impl Default for LedgerMetrics {
    fn default() -> Self {
        let metrics = Self {
            blocks: Labelled::default(),
            blocks_reverted: Counter::default(),
            outputs_created: Counter::default(),
            outputs_spent: Counter::default(),
            events: Labelled::default(),
            batches: durations(),
            batch_failures: Counter::default(),
            live: Labelled::default(),
            oldest: Gauge::default(),
        };
        // What is never seen is 0, and not unknown.
        metrics.changed(Done::default());
        for kind in TYPES {
            metrics.events.get_or_create(&[("type", kind.to_owned())]).inc_by(0);
        }
        metrics.show_live(&Live::default());
        metrics
    }
}

impl LedgerMetrics {
    /// Writes a batch.
    pub(crate) fn batch<E>(&self, write: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let begin = Instant::now();
        let written = write();
        self.batches.observe(begin.elapsed().as_secs_f64());
        self.batch_failures.inc_by(written.is_err().into());
        written
    }

    /// Counts a change of the chain that is on disk.
    pub(crate) fn changed(&self, done: Done) {
        let kind = |kind: &str| [("kind", kind.to_owned())];
        self.blocks.get_or_create(&kind("micro")).inc_by(done.micro_blocks);
        self.blocks.get_or_create(&kind("macro")).inc_by(done.macro_blocks);
        self.blocks_reverted.inc_by(done.reverted);
        self.outputs_created.inc_by(done.created);
        self.outputs_spent.inc_by(done.spent);
    }

    /// Counts events that are on disk, by their types.
    pub(crate) fn happened(&self, kinds: &[&'static str]) {
        for kind in kinds {
            self.events.get_or_create(&[("type", (*kind).to_owned())]).inc();
        }
    }

    /// Shows the live handoffs as they are now.
    pub(crate) fn show_live(&self, live: &Live) {
        for state in LIVE {
            let handoffs = live.states.get(state).copied().unwrap_or_default();
            self.live.get_or_create(&[("state", state.replace(' ', "_"))]).set(handoffs);
        }
        self.oldest.set(live.oldest.map_or(0.0, seconds));
    }
}

/// The live handoffs, as whoever looks through them sees them.
#[derive(Debug, Default)]
pub(crate) struct Live {
    states: HashMap<&'static str, u64>,
    oldest: Option<Timestamp>,
}

impl Live {
    /// Takes note of one.
    pub(crate) fn see(&mut self, handoff: &Handoff) {
        *self.states.entry(handoff.status()).or_default() += 1;
        let waiting = handoff.transaction.as_ref().filter(|transaction| !transaction.state().is_failure());
        let signed = waiting.and_then(|transaction| transaction.history.first()).map(|step| step.time);
        self.oldest = self.oldest.into_iter().chain(signed).min();
    }
}
