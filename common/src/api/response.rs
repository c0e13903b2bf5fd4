//! What a node answers, and what it sends without being asked (protocol page §8).

use super::block::{MacroBlock, MicroBlock, Validator};
use super::create_raw_transaction::{JournalPosition, RawTransaction};
use super::encoding::{BlsPublicKey, HexBytes, Timestamp};
use super::transaction::TransactionStatus;
use crate::address::{EncodedAddress, Network};
use crate::amount::Amount;
use crate::hash::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", remote = "Self")]
pub enum Response {
    /// The network.
    ChainName {
        /// Its name.
        name: Network,
    },
    /// The software.
    VersionInfo {
        /// Its version.
        version: String,
    },
    /// The chain's state.
    StatusInfo(Status),
    /// The chain's state; [`Notification::StatusChanged`] follows.
    SubscribedStatus(Status),
    /// Blocks follow.
    SubscribedChain {
        /// The chain's epoch.
        current_epoch: u64,
        /// The offset of its next block.
        current_offset: u32,
    },
    /// A macro block.
    MacroBlockInfo(Box<MacroBlock>),
    /// A micro block.
    MicroBlockInfo(Box<MicroBlock>),
    /// Unspent outputs, in the order of the request.
    OutputsList {
        /// Their protobuf bytes.
        utxos: Vec<HexBytes>,
    },
    /// A signed transaction.
    CreateRawTransaction(RawTransaction),
    /// What became of a transaction.
    BroadcastTransaction {
        /// The transaction's id.
        hash: Hash,
        /// Accepted or rejected.
        status: TransactionStatus,
    },
    /// The payment was made.
    CertificateValid {
        /// The epoch of the payment's block.
        epoch: u64,
        /// The block's id.
        block_hash: Hash,
        /// Whether this is a macro block.
        is_final: bool,
        /// When the block was made.
        timestamp: Timestamp,
        /// The amount paid.
        amount: Amount,
    },
    /// The last micro block is gone.
    MicroBlockPopped,
    /// The leaders.
    ElectionInfo {
        /// The chain's epoch.
        epoch: u64,
        /// The offset of its next block.
        offset: u32,
        /// How many leaders failed to make that block.
        view_change: u32,
        /// The sum of all validators' weights.
        slots_count: i64,
        /// Who makes the next block.
        current_leader: BlsPublicKey,
        /// Who makes it if that one fails.
        next_leader: BlsPublicKey,
    },
    /// The stakes.
    EscrowInfo {
        /// By validator.
        validators: Vec<ValidatorStakes>,
    },
    /// The validators.
    ValidatorsInfo {
        /// The chain's epoch.
        epoch: u64,
        /// The offset of its next block.
        offset: u32,
        /// How many leaders failed to make that block.
        view_change: u32,
        /// The validators of this epoch.
        validators: Vec<Validator>,
    },
    /// The request was understood but failed.
    Error {
        /// The node's words; hashes are cut to 12 hex digits.
        error: String,
        /// The stable name of the reason, which only the signer gives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// What people call the request that waits for their approval, which only the signer gives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
        /// Where the signer's journal is, where that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        journal: Option<JournalPosition>,
    },
    /// The request fits none that the node knows. The only answer without a `type`.
    #[serde(skip)]
    NotUnderstood {
        /// The node's words, [`NOT_UNDERSTOOD`].
        error: String,
    },
}

/// What the deployed node says to a request that fits none it knows.
pub const NOT_UNDERSTOOD: &str = "Failed to parse request, no api responsible for this request was found.";

/// [`Response::NotUnderstood`] as it travels.
#[derive(Serialize, Deserialize)]
struct Untyped<T> {
    error: T,
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotUnderstood { error } => Untyped { error }.serialize(serializer),
            // Not this function: the derived one of the same name.
            typed => Self::serialize(typed, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let has_type = fields.contains_key("type");
        let fields = Value::Object(fields);
        if has_type {
            // Not this function: the derived one of the same name.
            Self::deserialize(fields)
        } else {
            Untyped::deserialize(fields).map(|Untyped { error }| Self::NotUnderstood { error })
        }
        .map_err(serde::de::Error::custom)
    }
}

/// What a node sends to its subscribers. It never carries an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notification {
    /// The chain moved.
    StatusChanged(Status),
    /// A micro block was added.
    MicroBlockPrepared(Box<MicroBlock>),
    /// A micro block was taken back. The deployed node never says so.
    MicroBlockReverted(Box<MicroBlock>),
    /// An epoch is final. Not sent to a subscriber that got all its micro blocks.
    MacroBlockCommitted(Box<MacroBlock>),
}

/// Where the chain is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether the node has caught up with the network.
    pub is_synchronized: bool,
    /// The chain's epoch.
    pub epoch: u64,
    /// The offset of the *next* block.
    pub offset: u32,
    /// How many leaders failed to make that block.
    pub view_change: u32,
    /// The id of the last block.
    pub last_block_hash: Hash,
    /// The id of the last macro block.
    pub last_macro_block_hash: Hash,
    /// When the last macro block was made.
    pub last_macro_block_timestamp: Timestamp,
    /// The node's clock.
    pub local_timestamp: Timestamp,
}

/// What is staked for one validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorStakes {
    /// Its key on the network.
    pub network_pkey: BlsPublicKey,
    /// What counts.
    pub active_stake: Amount,
    /// What no longer counts.
    pub expired_stake: Amount,
    /// The stakes, one by one.
    pub stakes: Vec<Stake>,
}

/// One stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stake {
    /// The id of the stake output.
    pub output_hash: Hash,
    /// Who may take it back.
    pub account_pkey: EncodedAddress,
    /// The last epoch in which it counts.
    pub active_until_epoch: u64,
    /// Whether it counts now.
    pub is_active: bool,
    /// The amount.
    pub amount: Amount,
}
