//! Outputs: the pieces of money of the chain (protocol page §6).

mod payment;
mod public;
mod stake;

pub use payment::{OpenError, PaymentOutput};
pub use public::PublicPaymentOutput;
pub use stake::StakeOutput;

use crate::amount::{Amount, AmountError};
use crate::group::{Encoded, EncodingError, Point};
use crate::hash::{Hash, Hashable, Hasher};
use crate::keys::feed_public_key;
use crate::payload::{CANARY_LEN, PAYLOAD_LEN};
use crate::wire::{self, DecodeError};
use prost::Message;
use rand_core::CryptoRngCore;
use stegos_proto as proto;
use stegos_proto::output::Output as Kind;
use thiserror::Error;

/// An output of any kind.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Private: recipient and amount are hidden.
    Payment(PaymentOutput),
    /// Public: recipient and amount are open.
    PublicPayment(PublicPaymentOutput),
    /// A validator's stake, which this product reads but never spends.
    Stake(StakeOutput),
}

/// An output that the network would refuse. The texts are the deployed node's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutputError {
    /// The range proof does not fit the commitment.
    #[error("Invalid bulletproof: utxo={}", utxo.short())]
    RangeProof {
        /// The output's id.
        utxo: Hash,
    },
    /// The payload is not 1024 bytes long.
    #[error("Invalid payload length: utxo={}, expected={PAYLOAD_LEN}, got={got}", utxo.short())]
    PayloadLength {
        /// The output's id.
        utxo: Hash,
        /// Its payload's length.
        got: usize,
    },
    /// A public amount that is not above zero.
    #[error("Invalid amount: utxo={}, amount={amount}", utxo.short())]
    Amount {
        /// The output's id.
        utxo: Hash,
        /// The amount in micro-STG.
        amount: i64,
    },
    /// A recipient that is no point: nobody could ever spend it. The deployed node accepts such an output.
    #[error("Invalid recipient: utxo={}: {reason}", utxo.short())]
    Recipient {
        /// The output's id.
        utxo: Hash,
        /// What is wrong with the key.
        reason: EncodingError,
    },
    /// A key hint that is no point: nobody could ever open the payload.
    #[error("Invalid key hint: utxo={}: {reason}", utxo.short())]
    Hint {
        /// The output's id.
        utxo: Hash,
        /// What is wrong with the hint.
        reason: EncodingError,
    },
    /// A stake, whose BLS signature this product cannot check.
    #[error("Stake output cannot be checked here: utxo={}", utxo.short())]
    Stake {
        /// The output's id.
        utxo: Hash,
    },
}

/// The longest blob that is read: a valid one has less than half of it.
pub const MAX_BLOB_LEN: usize = 4096;

impl Output {
    /// Reads the protobuf bytes of an output, at most [`MAX_BLOB_LEN`].
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are no output. What they say is not checked: see [`Output::validate`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        wire::at_most(MAX_BLOB_LEN, bytes)?;
        Self::from_proto(proto::Output::decode(bytes)?)
    }

    /// The protobuf bytes, the *blob* of the API.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }

    pub(crate) fn from_proto(output: proto::Output) -> wire::Result<Self> {
        Ok(match wire::required("output", output.output)? {
            Kind::PaymentOutput(output) => Self::Payment(PaymentOutput::from_proto(output)?),
            Kind::PublicPaymentOutput(output) => {
                Self::PublicPayment(PublicPaymentOutput::from_proto(output)?)
            }
            Kind::StakeOutput(output) => Self::Stake(StakeOutput::from_proto(output)?),
        })
    }

    pub(crate) fn to_proto(&self) -> proto::Output {
        proto::Output {
            output: Some(match self {
                Self::Payment(output) => Kind::PaymentOutput(output.to_proto()),
                Self::PublicPayment(output) => Kind::PublicPaymentOutput(output.to_proto()),
                Self::Stake(output) => Kind::StakeOutput(output.to_proto()),
            }),
        }
    }

    /// The output's id: the hash of its contents.
    #[must_use]
    pub fn id(&self) -> Hash {
        Hash::digest(self)
    }

    /// The digest by which a block covers what a recipient looks at first: the key of an open output, or hint and
    /// canary of a private one (protocol page §12).
    #[must_use]
    pub fn canary(&self) -> Hash {
        let mut state = Hasher::new();
        match self {
            Self::Payment(output) => {
                state.update(b"Payment");
                output.payload.hint.feed(&mut state);
                state.update(output.payload.ciphertext.get(..CANARY_LEN).unwrap_or_default());
            }
            Self::PublicPayment(_) | Self::Stake(_) => {
                state.update(b"PublicPayment");
                feed_public_key(&self.recipient(), &mut state);
            }
        }
        state.finish()
    }

    /// The recipient's key: plain, or cloaked in a private output. Not known to be a point.
    #[must_use]
    pub const fn recipient(&self) -> Encoded {
        match self {
            Self::Payment(output) => output.recipient,
            Self::PublicPayment(output) => output.recipient,
            Self::Stake(output) => output.recipient,
        }
    }

    /// Checks everything about this output that needs no other: the network's rules, and that its keys are
    /// points.
    ///
    /// # Errors
    /// [`OutputError`] says which rule is broken. A stake is always refused: its signature is on a curve that
    /// this product does not know.
    pub fn validate(&self, rng: &mut impl CryptoRngCore) -> Result<(), OutputError> {
        let utxo = || self.id();
        self.recipient().decode().map_err(|reason| OutputError::Recipient { utxo: utxo(), reason })?;
        match self {
            Self::Payment(output) => {
                let got = output.payload.ciphertext.len();
                if got != PAYLOAD_LEN {
                    return Err(OutputError::PayloadLength { utxo: utxo(), got });
                }
                output.payload.hint.decode().map_err(|reason| OutputError::Hint { utxo: utxo(), reason })?;
                output.proof.verify(rng).map_err(|_| OutputError::RangeProof { utxo: utxo() })
            }
            Self::PublicPayment(output) if output.amount > 0 => Ok(()),
            Self::PublicPayment(output) => Err(OutputError::Amount { utxo: utxo(), amount: output.amount }),
            Self::Stake(_) => Err(OutputError::Stake { utxo: utxo() }),
        }
    }

    /// The Pedersen commitment: amount·A where the amount is open.
    ///
    /// # Errors
    /// [`CommitmentError`] for a negative amount or a commitment that is no point.
    pub(crate) fn commitment(&self) -> Result<Commitment, CommitmentError> {
        Ok(match self {
            Self::Payment(output) => Commitment::Hidden(output.proof.commitment.decode()?),
            Self::PublicPayment(output) => Commitment::Open(Amount::from_micro(output.amount)?),
            Self::Stake(output) => Commitment::Open(Amount::from_micro(output.amount)?),
        })
    }
}

/// An output together with its id, computed once: what a transaction spends.
#[derive(Clone, PartialEq, Eq)]
pub struct Unspent {
    id: Hash,
    output: Output,
}

impl Unspent {
    /// Computes the id.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self { id: output.id(), output }
    }

    /// Reads the protobuf bytes of an output.
    ///
    /// # Errors
    /// As [`Output::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        Output::from_bytes(bytes).map(Self::new)
    }

    /// The output's id.
    #[must_use]
    pub const fn id(&self) -> Hash {
        self.id
    }

    /// The output.
    #[must_use]
    pub const fn output(&self) -> &Output {
        &self.output
    }
}

/// What an output adds to the balance of a transaction.
pub(crate) enum Commitment {
    /// An amount without a blinding.
    Open(Amount),
    /// An amount nobody sees.
    Hidden(Point),
}

/// An output without a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitmentError {
    /// Its amount is negative.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Its commitment is no point.
    #[error("commitment: {0}")]
    Encoding(#[from] EncodingError),
}

impl Hashable for Output {
    fn feed(&self, state: &mut Hasher) {
        match self {
            Self::Payment(output) => output.feed(state),
            Self::PublicPayment(output) => output.feed(state),
            Self::Stake(output) => output.feed(state),
        }
    }
}
