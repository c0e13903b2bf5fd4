//! Events: what happened, in the order in which it did, for whoever must not miss anything.
//!
//! Each is stored in the batch of the change that it tells of ([`crate::ledger::events`]): neither is there without the
//! other.

mod filter;

pub use filter::{Filter, UnknownType};

use crate::block::Position;
use crate::handoff::journal::Alarm;
use crate::handoff::record::{Handoff, Purpose, State};
use serde::{Deserialize, Serialize};
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// Something that happened, as it is stored: `{"type": …, "data": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A micro block pays a user.
    #[serde(rename = "deposit.prepared")]
    DepositPrepared(Movement),
    /// A payment to a user cannot be taken back any more.
    #[serde(rename = "deposit.final")]
    DepositFinal(Movement),
    /// The micro block that paid a user was taken back.
    #[serde(rename = "deposit.reverted")]
    DepositReverted(Movement),
    /// A micro block spends a user's output.
    #[serde(rename = "spend.prepared")]
    SpendPrepared(Movement),
    /// The spend of a user's output cannot be taken back any more.
    #[serde(rename = "spend.final")]
    SpendFinal(Movement),
    /// The micro block that spent a user's output was taken back: the output is unspent again.
    #[serde(rename = "spend.reverted")]
    SpendReverted(Movement),
    /// A handoff was made, and its inputs are reserved.
    #[serde(rename = "handoff.created")]
    HandoffCreated(HandoffFacts),
    /// Somebody did not want a handoff any more before it was signed.
    #[serde(rename = "handoff.cancelled")]
    HandoffCancelled(HandoffFacts),
    /// No signed transaction came back in time.
    #[serde(rename = "handoff.expired")]
    HandoffExpired(HandoffFacts),
    /// The inputs of a handoff that had expired are reserved again.
    #[serde(rename = "handoff.renewed")]
    HandoffRenewed(HandoffFacts),
    /// A signed transaction has another state.
    #[serde(rename = "transaction.changed")]
    TransactionChanged(TransactionChange),
    /// There is a new user, or an archived one is back.
    #[serde(rename = "user.added")]
    UserAdded(UserFacts),
    /// A user has new addresses, or another one is the current one.
    #[serde(rename = "user.changed")]
    UserChanged(UserFacts),
    /// A user was archived.
    #[serde(rename = "user.archived")]
    UserArchived(UserFacts),
    /// There is a connection to the node.
    #[serde(rename = "node.connected")]
    NodeConnected {
        /// The node's address.
        address: String,
    },
    /// The connection to the node was lost.
    #[serde(rename = "node.lost")]
    NodeLost {
        /// The node's address.
        address: String,
        /// Why.
        reason: String,
    },
    /// The last micro block was taken back. What it did for users follows.
    #[serde(rename = "chain.reverted")]
    ChainReverted {
        /// Its epoch.
        epoch: u64,
        /// Its offset.
        offset: u32,
        /// Its id.
        block_hash: Hash,
    },
    /// The signer seems to have forgotten what it signed.
    #[serde(rename = "alarm.raised")]
    AlarmRaised(Alarm),
    /// Somebody looked at that alarm and took the signer's journal as it is.
    #[serde(rename = "alarm.ended")]
    AlarmEnded(Alarm),
}

/// The names of all types, in the order in which they are documented.
pub const TYPES: [&str; 19] = [
    "deposit.prepared",
    "deposit.final",
    "deposit.reverted",
    "spend.prepared",
    "spend.final",
    "spend.reverted",
    "handoff.created",
    "handoff.cancelled",
    "handoff.expired",
    "handoff.renewed",
    "transaction.changed",
    "user.added",
    "user.changed",
    "user.archived",
    "node.connected",
    "node.lost",
    "chain.reverted",
    "alarm.raised",
    "alarm.ended",
];

impl Event {
    /// The name of its type: one of [`TYPES`].
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DepositPrepared(_) => "deposit.prepared",
            Self::DepositFinal(_) => "deposit.final",
            Self::DepositReverted(_) => "deposit.reverted",
            Self::SpendPrepared(_) => "spend.prepared",
            Self::SpendFinal(_) => "spend.final",
            Self::SpendReverted(_) => "spend.reverted",
            Self::HandoffCreated(_) => "handoff.created",
            Self::HandoffCancelled(_) => "handoff.cancelled",
            Self::HandoffExpired(_) => "handoff.expired",
            Self::HandoffRenewed(_) => "handoff.renewed",
            Self::TransactionChanged(_) => "transaction.changed",
            Self::UserAdded(_) => "user.added",
            Self::UserChanged(_) => "user.changed",
            Self::UserArchived(_) => "user.archived",
            Self::NodeConnected { .. } => "node.connected",
            Self::NodeLost { .. } => "node.lost",
            Self::ChainReverted { .. } => "chain.reverted",
            Self::AlarmRaised(_) => "alarm.raised",
            Self::AlarmEnded(_) => "alarm.ended",
        }
    }
}

/// An event with its number and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Counts the events of this ledger, from 1 and without a gap.
    pub id: u64,
    /// When it was stored.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// An output of a user that is made or spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The user.
    pub account: String,
    /// The key of the address that the output was paid to.
    pub recipient: Encoded,
    /// The output.
    pub output_hash: Hash,
    /// How much it is worth.
    pub amount: Amount,
    /// The epoch in which it was made or spent.
    pub epoch: u64,
    /// The micro block, where it was seen in one.
    pub offset: Option<u32>,
    /// The transaction, where it was seen in a micro block.
    pub transaction: Option<Hash>,
}

impl Movement {
    /// The block that made or spent it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.offset.map_or(Position::macro_block(self.epoch), |offset| Position::micro(self.epoch, offset))
    }
}

/// A handoff in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffFacts {
    /// Its number.
    pub number: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// How many outputs it spends.
    pub inputs: u64,
    /// What they are worth: all that it pays, its change and its fee.
    pub amount: Amount,
    /// What the network gets of that.
    pub fee: Amount,
    /// When its inputs are free again, unless a signed transaction is there.
    pub expires: Timestamp,
    /// The ids of the withdrawals that it pays, where their caller gave some.
    pub withdrawals: Vec<String>,
}

impl From<&Handoff> for HandoffFacts {
    fn from(handoff: &Handoff) -> Self {
        Self {
            number: handoff.number,
            purpose: handoff.purpose,
            inputs: handoff.inputs.len() as u64,
            // No plan spends more than can be added.
            amount: Amount::checked_sum(handoff.inputs.iter().map(|input| input.amount))
                .unwrap_or(Amount::MAX),
            fee: handoff.fee,
            expires: handoff.expires,
            withdrawals: handoff.outputs.iter().filter_map(|output| output.withdrawal.clone()).collect(),
        }
    }
}

/// A signed transaction that has another state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionChange {
    /// Its handoff.
    pub handoff: u64,
    /// Its id.
    pub transaction: Hash,
    /// What is so now.
    pub state: State,
}

/// A user in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// The account id.
    pub account: String,
    /// The key of its current address, then those of the addresses that are new.
    pub keys: Vec<Encoded>,
}
