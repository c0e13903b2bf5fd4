//! Outputs as JSON (protocol page §8).

use super::encoding::{Bls, BlsPublicKey, BlsSignature, HexBytes};
use crate::address::{AddressError, EncodedAddress, Network};
use crate::group::Encoded;
use crate::hash::Hash;
use crate::output::{Output, PaymentOutput, PublicPaymentOutput, StakeOutput};
use crate::range_proof::RangeProof;
use crate::sealed::Sealed;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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

/// An output or transaction in JSON that is not what it says it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    /// It does not hash to its id.
    #[error("the node calls it {stated}, but it hashes to {actual}: do not trust this node")]
    Hash {
        /// The id in the JSON.
        stated: Hash,
        /// The id of what the JSON holds.
        actual: Hash,
    },
    /// A recipient of another network.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A kind of transaction that moves no user's money.
    #[error("{0} is not a payment transaction")]
    NotAPayment(Hash),
}

/// Whether the id that the JSON states is that of its contents.
pub(super) fn check_hash(stated: Hash, actual: Hash) -> Result<(), ContentError> {
    if stated == actual { Ok(()) } else { Err(ContentError::Hash { stated, actual }) }
}

impl OutputJson {
    /// Shows `output` as a node of `network` does.
    #[must_use]
    pub fn new(output: &Output, network: Network) -> Self {
        let recipient = EncodedAddress { network, key: output.recipient() };
        let fields = match output {
            Output::Payment(PaymentOutput { proof, payload, .. }) => OutputFields::PaymentOutput {
                recipient,
                proof: ProofJson { vcmt: proof.commitment, proof: HexBytes(proof.proof.clone()) },
                ag: payload.hint,
                payload: HexBytes(payload.ciphertext.clone()),
            },
            Output::PublicPayment(PublicPaymentOutput { serno, amount, .. }) => {
                OutputFields::PublicPaymentOutput { recipient, serno: *serno, amount: *amount }
            }
            Output::Stake(StakeOutput { validator, amount, serno, signature, .. }) => {
                OutputFields::StakeOutput {
                    recipient,
                    validator: Bls(*validator),
                    amount: *amount,
                    serno: *serno,
                    signature: Bls(*signature),
                }
            }
        };
        Self { output_hash: output.id(), fields }
    }

    /// The output itself, if it is one of `network` and hashes to its id.
    ///
    /// # Errors
    /// [`ContentError`] if it is not. Whether the output is *valid* is not checked: see
    /// [`Output::validate`].
    pub fn into_output(self, network: Network) -> Result<Output, ContentError> {
        self.check(network)
    }

    /// As [`Self::into_output`].
    pub(super) fn check(&self, network: Network) -> Result<Output, ContentError> {
        self.recipient().require(network)?;
        let output = self.contents();
        check_hash(self.output_hash, output.id())?;
        Ok(output)
    }

    const fn recipient(&self) -> EncodedAddress {
        match self.fields {
            OutputFields::PaymentOutput { recipient, .. }
            | OutputFields::PublicPaymentOutput { recipient, .. }
            | OutputFields::StakeOutput { recipient, .. } => recipient,
        }
    }

    /// What the fields say, without any check: whatever id and network stand beside them. It is for outputs
    /// that were checked before, in their block; for all others there is [`Self::into_output`].
    #[must_use]
    pub fn contents(&self) -> Output {
        let recipient = self.recipient().key;
        match &self.fields {
            OutputFields::PaymentOutput { proof, ag, payload, .. } => Output::Payment(PaymentOutput {
                recipient,
                proof: RangeProof { commitment: proof.vcmt, proof: proof.proof.0.clone() },
                payload: Sealed { hint: *ag, ciphertext: payload.0.clone() },
            }),
            OutputFields::PublicPaymentOutput { serno, amount, .. } => {
                Output::PublicPayment(PublicPaymentOutput { recipient, serno: *serno, amount: *amount })
            }
            OutputFields::StakeOutput { validator, amount, serno, signature, .. } => {
                Output::Stake(StakeOutput {
                    recipient,
                    validator: validator.0,
                    amount: *amount,
                    serno: *serno,
                    signature: signature.0,
                })
            }
        }
    }
}
