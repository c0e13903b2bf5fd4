//! Where ledger and node are.

use super::Balance;
use super::text::{HashText, TimeText};
use crate::control::{Lag, LinkStatus, StatusAnswer};
use serde::Serialize;
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// Where ledger and node are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// The network.
    #[schema(value_type = String)]
    pub network: Network,
    /// The ledger's epoch.
    pub epoch: u64,
    /// The offset of its next micro block.
    pub offset: u32,
    /// The last block.
    #[schema(value_type = Option<HashText>)]
    pub last_block_hash: Option<Hash>,
    /// The last macro block.
    #[schema(value_type = Option<HashText>)]
    pub last_macro_block_hash: Option<Hash>,
    /// When the last block was made.
    #[schema(value_type = Option<TimeText>)]
    pub last_block_time: Option<Timestamp>,
    /// All unspent public outputs of the chain.
    #[serde(flatten)]
    pub public: Balance,
    /// Private outputs of the chain that are not spent.
    pub private_outputs: u64,
    /// Stakes that are not spent.
    pub stakes: u64,
    /// The node that is followed.
    pub node: Option<LinkStatus>,
    /// How far the ledger is behind it.
    pub lag: Option<Lag>,
    /// Why the signer seems to have forgotten something, if it does.
    pub signer_alarm: Option<String>,
}

impl From<StatusAnswer> for Status {
    fn from(status: StatusAnswer) -> Self {
        Self {
            network: status.network,
            epoch: status.epoch,
            offset: status.offset,
            last_block_hash: status.last_block_hash,
            last_macro_block_hash: status.last_macro_block_hash,
            last_block_time: status.last_block_time,
            public: status.public.into(),
            private_outputs: status.private_outputs,
            stakes: status.stakes,
            node: status.node,
            lag: status.lag,
            signer_alarm: status.signer_journal.alarm.map(|alarm| alarm.to_string()),
        }
    }
}
