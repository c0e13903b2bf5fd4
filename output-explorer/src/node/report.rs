//! What is said about the node: line by line, and in `status`.

use super::error::NodeFault;
use super::link::LinkError;
use crate::block::Position;
use crate::control::LinkStatus;
use crate::follower::{Chain, Change};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;
use stegos_common::socket::Endpoint;

/// A node this many epochs ahead has too much to say one line about each block.
const FAR: u64 = 3;

/// See the module.
pub(super) struct Report {
    pub(super) log: fn(&str),
    pub(super) status: Arc<Mutex<LinkStatus>>,
}

impl Report {
    pub(super) fn connected(&self, endpoint: &Endpoint, chain: &Chain) {
        (self.log)(&format!("connected to {endpoint}, stored up to {}", end(chain)));
        self.show(|status| status.connected = true);
    }

    pub(super) fn lost(&self, error: &LinkError, pause: Duration) {
        (self.log)(&format!("connection lost: {error}. Next attempt in {:.1} s", pause.as_secs_f32()));
        self.show(|status| {
            (status.connected, status.subscribed) = (false, false);
            status.last_error = Some(error.to_string());
        });
    }

    pub(super) fn subscribed(&self, subscribed: bool) {
        self.show(|status| status.subscribed = subscribed);
    }

    pub(super) fn refused(&self, position: Position, id: Hash, fault: &NodeFault) {
        self.fault(&format!("block {position} ({id})"), &fault.to_string());
    }

    pub(super) fn fault(&self, what: &str, why: &str) {
        (self.log)(&format!("NODE FAULT: {what}: {why}. Refused; it is read again"));
        self.show(|status| {
            status.faults += 1;
            status.last_fault = Some(format!("{what}: {why}"));
        });
    }

    /// One line for each block, unless there are thousands to come. The chain is the one after the change.
    pub(super) fn changed(&self, change: &Change, chain: &Chain, node: Option<&Status>) {
        if is_far(chain, node) {
            return;
        }
        (self.log)(&match change {
            Change::Connect(block) => {
                let inputs: usize =
                    block.transactions.iter().map(|transaction| transaction.inputs.len()).sum();
                let outputs: usize =
                    block.transactions.iter().map(|transaction| transaction.outputs.len()).sum();
                format!(
                    "micro block {}/{} {}: {inputs} inputs, {outputs} outputs",
                    block.epoch,
                    block.offset,
                    block.id.short()
                )
            }
            Change::Disconnect => format!("taken back, now at {}", end(chain)),
            Change::Close(block) => format!(
                "macro block {} {}: {} inputs, {} outputs, final",
                block.epoch,
                block.id.short(),
                block.inputs.len(),
                block.outputs.len()
            ),
        });
    }

    /// Where the node is, and one line when it begins to be behind.
    pub(super) fn answered(&self, status: &Status, before: Option<&Status>, chain: &Chain) {
        let is_behind = |status: &Status| status.epoch < chain.epoch();
        if is_behind(status) && !before.is_some_and(is_behind) {
            (self.log)(&format!(
                "the node is at epoch {} only, behind {}: what is final stays, and the node is waited for",
                status.epoch,
                end(chain)
            ));
        }
        self.show(|shown| shown.set_node(status));
    }

    /// Instead of a line for each block.
    pub(super) fn progress(&self, chain: &Chain, node: Option<&Status>) {
        if let Some(node) = node.filter(|_| is_far(chain, node)) {
            (self.log)(&format!("reading epoch {} of {}", chain.epoch(), node.epoch));
        }
    }

    fn show(&self, change: impl FnOnce(&mut LinkStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn is_far(chain: &Chain, node: Option<&Status>) -> bool {
    node.is_some_and(|node| node.epoch > chain.epoch().saturating_add(FAR))
}

/// Where the ledger ends.
fn end(chain: &Chain) -> String {
    format!("epoch {} offset {}", chain.epoch(), chain.offset())
}
