//! Outputs as JSON (protocol page §8).

use super::encoding::{BlsPublicKey, BlsSignature, HexBytes};
use crate::address::EncodedAddress;
use crate::group::Encoded;
use crate::hash::Hash;
use serde::{Deserialize, Serialize};

/// An output as a node shows it. Nothing in it is checked against anything else yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputJson {
    /// The output's id.
    pub output_hash: Hash,
    /// What the output consists of.
    #[serde(flatten)]
    pub fields: OutputFields,
}

/// The three kinds of outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputFields {
    /// A private output.
    PaymentOutput {
        /// The cloaked key of the recipient.
        recipient: EncodedAddress,
        /// Commitment and range proof.
        proof: ProofJson,
        /// The hint from which the recipient computes the payload's key.
        ag: Encoded,
        /// The encrypted payload.
        payload: HexBytes,
    },
    /// A public output.
    PublicPaymentOutput {
        /// The recipient's key. The deployed node accepts bytes that are no key.
        recipient: EncodedAddress,
        /// A random number that tells equal payments apart.
        serno: i64,
        /// The amount in micro-STG as stated; above zero in a valid output.
        amount: i64,
    },
    /// A validator's stake.
    StakeOutput {
        /// Who may take the stake back.
        recipient: EncodedAddress,
        /// The validator it is for.
        validator: BlsPublicKey,
        /// The amount in micro-STG as stated; above zero in a valid output.
        amount: i64,
        /// A random number that tells equal stakes apart.
        serno: i64,
        /// The validator's signature.
        signature: BlsSignature,
    },
}

/// A commitment with its range proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofJson {
    /// The Pedersen commitment.
    pub vcmt: Encoded,
    /// The serialized Bulletproof.
    pub proof: HexBytes,
}
