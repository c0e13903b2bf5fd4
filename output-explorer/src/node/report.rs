//! What is said about the node: line by line, and in `status`.

use super::error::NodeFault;
use super::link::LinkError;
use crate::block::Position;
use crate::control::LinkStatus;
use crate::follower::{Chain, Change};
use crate::log::{Line, Log};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;
use stegos_common::socket::Endpoint;

/// A node this many epochs ahead has too much to say one line about each block.
const FAR: u64 = 3;

/// See the module.
pub(super) struct Report {
    pub(super) log: Log,
    pub(super) status: Arc<Mutex<LinkStatus>>,
}

impl Report {
    pub(super) fn connected(&self, endpoint: &Endpoint, chain: &Chain) {
        let line = Line::info(format!("connected to {endpoint}, stored up to {}", end(chain)));
        (self.log)(at(line, chain).with("node", endpoint.to_string()));
        self.show(|status| status.connected = true);
    }

    pub(super) fn lost(&self, error: &LinkError, pause: Duration) {
        let text = format!("connection lost: {error}. Next attempt in {:.1} s", pause.as_secs_f32());
        (self.log)(Line::warn(text).with("retry_seconds", pause.as_secs_f64()));
        self.show(|status| {
            (status.connected, status.subscribed) = (false, false);
            status.connections_lost += 1;
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
        let line = Line::error(format!("NODE FAULT: {what}: {why}. Refused; it is read again"));
        (self.log)(line.with("about", what).with("reason", why));
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
        (self.log)(match change {
            Change::Connect(block) => {
                let inputs: usize =
                    block.transactions.iter().map(|transaction| transaction.inputs.len()).sum();
                let outputs: usize =
                    block.transactions.iter().map(|transaction| transaction.outputs.len()).sum();
                let (epoch, offset, id) = (block.epoch, block.offset, block.id);
                let text = format!(
                    "micro block {epoch}/{offset} {}: {inputs} inputs, {outputs} outputs",
                    id.short()
                );
                read(Line::info(text).with("offset", offset), epoch, id, inputs, outputs)
            }
            Change::Disconnect => at(Line::info(format!("taken back, now at {}", end(chain))), chain),
            Change::Close(block) => {
                let (epoch, id) = (block.epoch, block.id);
                let (inputs, outputs) = (block.inputs.len(), block.outputs.len());
                let text =
                    format!("macro block {epoch} {}: {inputs} inputs, {outputs} outputs, final", id.short());
                read(Line::info(text), epoch, id, inputs, outputs)
            }
        });
    }

    /// Where the node is, and one line when it begins to be behind.
    pub(super) fn answered(&self, status: &Status, before: Option<&Status>, chain: &Chain) {
        let is_behind = |status: &Status| status.epoch < chain.epoch();
        if is_behind(status) && !before.is_some_and(is_behind) {
            let line = Line::warn(format!(
                "the node is at epoch {} only, behind {}: what is final stays, and the node is waited for",
                status.epoch,
                end(chain)
            ));
            (self.log)(at(line, chain).with("node_epoch", status.epoch));
        }
        self.show(|shown| shown.set_node(status));
    }

    /// Instead of a line for each block.
    pub(super) fn progress(&self, chain: &Chain, node: Option<&Status>) {
        if let Some(node) = node.filter(|_| is_far(chain, node)) {
            let line = Line::info(format!("reading epoch {} of {}", chain.epoch(), node.epoch));
            (self.log)(at(line, chain).with("node_epoch", node.epoch));
        }
    }

    fn show(&self, change: impl FnOnce(&mut LinkStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn is_far(chain: &Chain, node: Option<&Status>) -> bool {
    node.is_some_and(|node| node.epoch > chain.epoch().saturating_add(FAR))
}

/// The fields of a block that was read.
fn read(line: Line, epoch: u64, id: Hash, inputs: usize, outputs: usize) -> Line {
    let line = line.with("epoch", epoch).with("block_hash", id.to_string());
    line.with("inputs", inputs).with("outputs", outputs)
}

/// The fields that say where the ledger ends.
fn at(line: Line, chain: &Chain) -> Line {
    line.with("epoch", chain.epoch()).with("offset", chain.offset())
}

/// Where the ledger ends.
fn end(chain: &Chain) -> String {
    format!("epoch {} offset {}", chain.epoch(), chain.offset())
}
