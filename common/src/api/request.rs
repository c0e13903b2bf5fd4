//! What a client asks a node (protocol page §8).
//!
//! `create_raw_transaction` is not among them: it carries a secret key, and only the signer takes it.

use super::encoding::{HexBytes, ScalarJson};
use crate::address::Address;
use crate::hash::Hash;
use serde::{Deserialize, Serialize};

/// A request to a node. Unknown fields are ignored, as the deployed node does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Which network is this?
    ChainName,
    /// Which software is this?
    VersionInfo,
    /// Where is the chain?
    StatusInfo,
    /// Tell me when the chain moves. The deployed node stops doing so after an epoch, without a word.
    SubscribeStatus,
    /// Send me the chain from here on.
    SubscribeChain {
        /// The epoch to start with; beyond the chain's own it is answered as not understood.
        epoch: u64,
        /// The offset in that epoch to start with.
        offset: u32,
    },
    /// One macro block.
    MacroBlockInfo {
        /// The epoch it closed.
        epoch: u64,
    },
    /// One micro block of the current epoch; older ones are gone.
    MicroBlockInfo {
        /// The current epoch.
        epoch: u64,
        /// The block's offset in it.
        offset: u32,
    },
    /// The blobs of these unspent outputs: all of them or an error.
    OutputsList {
        /// Ids of outputs; the same one may be asked for twice.
        utxos: Vec<Hash>,
    },
    /// Send a signed transaction to the network.
    BroadcastTransaction {
        /// The protobuf bytes of the transaction.
        data: HexBytes,
    },
    /// Does this prove a payment?
    ValidateCertificate(Box<CertificateClaim>),
    /// Take the last micro block back: a test aid.
    PopMicroBlock,
    /// Who leads now and next?
    ElectionInfo,
    /// Who has staked how much?
    EscrowInfo,
    /// Who are the validators of this epoch?
    ValidatorsInfo,
}

/// A claim to have paid, with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateClaim {
    /// The id of the private output.
    pub output_hash: Hash,
    /// Who claims to have paid.
    pub spender: Address,
    /// Who is said to have been paid.
    pub recipient: Address,
    /// The secret of this one output, which opens its payload.
    pub rvalue: ScalarJson,
}
