//! Blocks as JSON (protocol page §8).

use super::encoding::{BitMap, BlsPublicKey, BlsSignature, HexBytes, ScalarJson, Timestamp};
use super::output::OutputJson;
use super::transaction::TransactionJson;
use crate::address::EncodedAddress;
use crate::amount::Amount;
use crate::hash::Hash;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A micro block: reversible until the macro block of its epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicroBlock {
    /// The block's id.
    pub block_hash: Hash,
    /// The version of the block format.
    pub version: u64,
    /// The id of the block before it: a micro block, or the last epoch's macro block at offset 0.
    pub previous: Hash,
    /// The block's epoch.
    pub epoch: u64,
    /// The block's place in the epoch, from 0.
    pub offset: u32,
    /// How many leaders failed to make this block.
    pub view_change: u32,
    /// The proof that they failed, as it is.
    pub view_change_proof: Option<Value>,
    /// The leader's key.
    pub pkey: BlsPublicKey,
    /// The leader's random value.
    pub random: Random,
    /// The solution of the delay function.
    pub solution: HexBytes,
    /// When it was made.
    pub timestamp: Timestamp,
    /// How many transactions it has.
    pub transactions_len: u32,
    /// The Merkle root of the transactions.
    pub transactions_range_hash: Hash,
    /// How many outputs it spends.
    pub inputs_len: u32,
    /// The Merkle root of their ids.
    pub inputs_range_hash: Hash,
    /// How many outputs it makes.
    pub outputs_len: u32,
    /// The Merkle root of the outputs.
    pub outputs_range_hash: Hash,
    /// The Merkle root of the outputs' recipients' marks.
    pub canaries_range_hash: Hash,
    /// The leader's signature.
    pub sig: BlsSignature,
    /// The transactions.
    pub transactions: Vec<TransactionJson>,
}

/// A macro block: it closes an epoch and makes all of it final.
///
/// Outputs that were made and spent inside the epoch are in both lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacroBlock {
    /// The block's id.
    pub block_hash: Hash,
    /// The version of the block format.
    pub version: u64,
    /// The id of the previous macro block.
    pub previous: Hash,
    /// The epoch it closes.
    pub epoch: u64,
    /// How many rounds the consensus took.
    pub view_change: u32,
    /// The leader's key.
    pub pkey: BlsPublicKey,
    /// The leader's random value.
    pub random: Random,
    /// The difficulty of the delay function.
    pub difficulty: u64,
    /// When it was made.
    pub timestamp: Timestamp,
    /// New money of the epoch.
    pub block_reward: Amount,
    /// The sum of all blindings' differences.
    pub gamma: ScalarJson,
    /// Which validators were active.
    pub activity_map: BitMap,
    /// How many validators the next epoch has.
    pub validators_len: u32,
    /// The Merkle root of the validators.
    pub validators_range_hash: Hash,
    /// How many outputs it spends.
    pub inputs_len: u32,
    /// The Merkle root of their ids.
    pub inputs_range_hash: Hash,
    /// How many outputs it makes.
    pub outputs_len: u32,
    /// The Merkle root of the outputs.
    pub outputs_range_hash: Hash,
    /// The Merkle root of the outputs' recipients' marks.
    pub canaries_range_hash: Hash,
    /// The validators' joint signature.
    pub multisig: BlsSignature,
    /// Which validators signed.
    pub multisigmap: BitMap,
    /// Ids of everything spent in the epoch, sorted.
    pub inputs: Vec<Hash>,
    /// Everything made in the epoch, sorted by id.
    pub outputs: Vec<OutputJson>,
    /// The epoch that begins.
    #[serde(flatten)]
    pub epoch_info: EpochInfo,
    /// The epoch that ended; none at genesis.
    pub old_epoch_info: Option<EpochInfo>,
}

/// A random value that its maker could not choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Random {
    /// The value.
    pub rand: Hash,
    /// The proof that it was not chosen.
    pub proof: BlsSignature,
}

/// Who runs an epoch, and what they may win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochInfo {
    /// The validators.
    pub validators: Vec<Validator>,
    /// The validator that leads the making of the macro block.
    pub facilitator: BlsPublicKey,
    /// The service award.
    pub awards: Awards,
}

/// A validator of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// Its key on the network.
    pub network_pkey: BlsPublicKey,
    /// The key that owns its stake.
    pub account_pkey: EncodedAddress,
    /// Its weight.
    pub slots: i64,
}

/// The service award: a budget that grows until a lucky validator wins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awards {
    /// What can be won.
    pub budget: Amount,
    /// How unlikely it is, in zero bits.
    pub difficulty: u64,
    /// Who takes part.
    pub validators_activity: BTreeMap<EncodedAddress, Activity>,
    /// Who won, if anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Payout>,
}

/// Whether a validator did its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Activity {
    /// It did.
    Active,
    /// It failed to make a block. Not recorded; the fields are those of the node's source.
    Failed {
        /// The block's epoch.
        epoch: u64,
        /// The block's offset.
        offset: u32,
    },
}

/// A service award that was won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// The winner.
    pub recipient: EncodedAddress,
    /// What it won.
    pub amount: Amount,
}
