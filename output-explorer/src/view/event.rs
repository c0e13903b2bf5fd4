//! What the world is shown of events: by the HTTP API, in webhooks and on the command line.

use super::Money;
use super::text::{AddressText, HashText, TimeText};
use crate::event::{self, EventRecord, HandoffFacts, TransactionChange, UserFacts};
use crate::handoff::journal::{Alarm, Sign};
use crate::handoff::record::{Purpose, State};
use serde::Serialize;
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::api::encoding::Timestamp;
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Event {
    /// Counts the events of this explorer, from 1 and without a gap.
    #[schema(minimum = 1)]
    pub id: u64,
    /// When it was stored.
    #[schema(value_type = TimeText)]
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: EventData,
}

/// What happened, by its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", content = "data")]
pub enum EventData {
    /// A micro block pays a user. It may still be taken back.
    #[serde(rename = "deposit.prepared")]
    DepositPrepared(Movement),
    /// A payment to a user cannot be taken back any more.
    #[serde(rename = "deposit.final")]
    DepositFinal(Movement),
    /// The micro block that paid a user was taken back: there is no such output any more.
    #[serde(rename = "deposit.reverted")]
    DepositReverted(Movement),
    /// A micro block spends a user's output. It may still be taken back.
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
    HandoffCreated(HandoffEvent),
    /// A handoff was cancelled before it was signed.
    #[serde(rename = "handoff.cancelled")]
    HandoffCancelled(HandoffEvent),
    /// No signed transaction came back in time. One may still come.
    #[serde(rename = "handoff.expired")]
    HandoffExpired(HandoffEvent),
    /// The inputs of a handoff that had expired are reserved again.
    #[serde(rename = "handoff.renewed")]
    HandoffRenewed(HandoffEvent),
    /// A signed transaction has another state.
    #[serde(rename = "transaction.changed")]
    TransactionChanged(TransactionEvent),
    /// There is a new user, or an archived one is back.
    #[serde(rename = "user.added")]
    UserAdded(UserEvent),
    /// A user has new addresses, or another one is the current one.
    #[serde(rename = "user.changed")]
    UserChanged(UserEvent),
    /// A user was archived.
    #[serde(rename = "user.archived")]
    UserArchived(UserEvent),
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
    /// The last micro block was taken back. What it did for users follows, each as an event of its own.
    #[serde(rename = "chain.reverted")]
    ChainReverted {
        /// Its epoch.
        epoch: u64,
        /// Its offset.
        offset: u32,
        /// Its id.
        #[schema(value_type = HashText)]
        block_hash: Hash,
    },
    /// The signer seems to have forgotten what it signed.
    #[serde(rename = "alarm.raised")]
    AlarmRaised(AlarmEvent),
    /// Somebody looked at that alarm and took the signer's journal as it is.
    #[serde(rename = "alarm.ended")]
    AlarmEnded(AlarmEvent),
}

/// An output of a user that is made or spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Movement {
    /// The account id of the user.
    pub account: String,
    /// The address that the output was paid to.
    #[schema(value_type = AddressText)]
    pub recipient: EncodedAddress,
    /// The id of the output.
    #[schema(value_type = HashText)]
    pub output_hash: Hash,
    /// How much it is worth.
    pub amount: Money,
    /// The epoch in which it was made or spent.
    pub epoch: u64,
    /// The micro block, where it was seen in one.
    pub offset: Option<u32>,
    /// The transaction, where it was seen in a micro block.
    #[schema(value_type = Option<HashText>)]
    pub transaction: Option<Hash>,
}

/// A handoff in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandoffEvent {
    /// Its number.
    pub number: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// How many outputs it spends.
    pub inputs: u64,
    /// What they are worth: all that it pays, its change and its fee.
    pub amount: Money,
    /// What the network gets of that.
    pub fee: Money,
    /// When its inputs are free again, unless a signed transaction is there.
    #[schema(value_type = TimeText)]
    pub expires: Timestamp,
    /// The ids of the withdrawals that it pays, where their caller gave some.
    pub withdrawals: Vec<String>,
}

/// A signed transaction that has another state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TransactionEvent {
    /// The number of its handoff.
    pub handoff: u64,
    /// Its id.
    #[schema(value_type = HashText)]
    pub transaction: Hash,
    /// What is so now.
    pub state: State,
}

/// A user in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserEvent {
    /// The account id.
    pub account: String,
    /// Its current address, then those that are new.
    #[schema(value_type = Vec<AddressText>)]
    pub addresses: Vec<EncodedAddress>,
}

/// A sign that the signer forgot something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlarmEvent {
    /// The number of the handoff whose answer told.
    pub handoff: u64,
    /// When the answer came.
    #[schema(value_type = TimeText)]
    pub time: Timestamp,
    /// What it told: `went_back`, `signed_twice` or `silent`.
    #[schema(pattern = "^(went_back|signed_twice|silent)$")]
    pub sign: &'static str,
    /// The same in full, for people.
    pub text: String,
}

impl Event {
    /// An event of the ledger of a network.
    #[must_use]
    pub fn new(record: EventRecord, network: Network) -> Self {
        let EventRecord { id, time, event } = record;
        Self { id, time, what: EventData::new(event, network) }
    }
}

impl EventData {
    fn new(event: event::Event, network: Network) -> Self {
        use event::Event::*;
        let movement = |movement| Movement::new(movement, network);
        let user = |facts| UserEvent::new(facts, network);
        match event {
            DepositPrepared(it) => Self::DepositPrepared(movement(it)),
            DepositFinal(it) => Self::DepositFinal(movement(it)),
            DepositReverted(it) => Self::DepositReverted(movement(it)),
            SpendPrepared(it) => Self::SpendPrepared(movement(it)),
            SpendFinal(it) => Self::SpendFinal(movement(it)),
            SpendReverted(it) => Self::SpendReverted(movement(it)),
            HandoffCreated(it) => Self::HandoffCreated(it.into()),
            HandoffCancelled(it) => Self::HandoffCancelled(it.into()),
            HandoffExpired(it) => Self::HandoffExpired(it.into()),
            HandoffRenewed(it) => Self::HandoffRenewed(it.into()),
            TransactionChanged(it) => Self::TransactionChanged(it.into()),
            UserAdded(it) => Self::UserAdded(user(it)),
            UserChanged(it) => Self::UserChanged(user(it)),
            UserArchived(it) => Self::UserArchived(user(it)),
            NodeConnected { address } => Self::NodeConnected { address },
            NodeLost { address, reason } => Self::NodeLost { address, reason },
            ChainReverted { epoch, offset, block_hash } => Self::ChainReverted { epoch, offset, block_hash },
            AlarmRaised(it) => Self::AlarmRaised(it.into()),
            AlarmEnded(it) => Self::AlarmEnded(it.into()),
        }
    }
}

impl Movement {
    fn new(movement: event::Movement, network: Network) -> Self {
        let event::Movement { account, recipient, output_hash, amount, epoch, offset, transaction } =
            movement;
        let recipient = EncodedAddress { network, key: recipient };
        Self { account, recipient, output_hash, amount: amount.into(), epoch, offset, transaction }
    }
}

impl UserEvent {
    fn new(facts: UserFacts, network: Network) -> Self {
        let addresses = facts.keys.into_iter().map(|key| EncodedAddress { network, key });
        Self { account: facts.account, addresses: addresses.collect() }
    }
}

impl From<HandoffFacts> for HandoffEvent {
    fn from(facts: HandoffFacts) -> Self {
        let HandoffFacts { number, purpose, inputs, amount, fee, expires, withdrawals } = facts;
        Self { number, purpose, inputs, amount: amount.into(), fee: fee.into(), expires, withdrawals }
    }
}

impl From<TransactionChange> for TransactionEvent {
    fn from(change: TransactionChange) -> Self {
        let TransactionChange { handoff, transaction, state } = change;
        Self { handoff, transaction, state }
    }
}

impl From<Alarm> for AlarmEvent {
    fn from(alarm: Alarm) -> Self {
        let sign = match alarm.sign {
            Sign::WentBack { .. } => "went_back",
            Sign::SignedTwice { .. } => "signed_twice",
            Sign::Silent { .. } => "silent",
        };
        Self { handoff: alarm.handoff, time: alarm.time, sign, text: alarm.to_string() }
    }
}

#[cfg(test)]
mod tests;
