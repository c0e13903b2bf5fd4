//! Payment transactions (protocol page §7): read, written, built and verified.

mod build;
mod verify;

pub use build::{BuildError, Built, NewOutput, Spendable, UnlockError, build, check};
pub use verify::TransactionError;

use crate::group::Scalar;
use crate::hash::{Hash, Hashable, Hasher};
use crate::output::Output;
use crate::schnorr::Signature;
use crate::wire::{self, DecodeError};
use prost::Message;
use std::collections::HashSet;
use stegos_proto as proto;
use stegos_proto::transaction::Transaction as Kind;

/// The most inputs that a node takes in one transaction.
pub const MAX_INPUTS: usize = 100;
/// The most outputs that a node takes in one transaction.
pub const MAX_OUTPUTS: usize = 100;
/// The longest transaction that is read, in bytes: one with the most inputs and private outputs fits in.
pub const MAX_TRANSACTION_LEN: usize = 256 * 1024;
/// The fee that a node asks for each output, in micro-STG.
pub const MIN_FEE_PER_OUTPUT: i64 = 1000;

/// A transaction that spends outputs and makes new ones.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentTransaction {
    /// The ids of the outputs it spends.
    pub txins: Vec<Hash>,
    /// The outputs it makes.
    pub txouts: Vec<Output>,
    /// The sum of the inputs' blindings less that of the outputs'.
    pub gamma: Scalar,
    /// The fee in micro-STG as found on the wire; valid from zero up.
    pub fee: i64,
    /// The signature by the sum of the inputs' keys.
    pub signature: Signature,
}

impl PaymentTransaction {
    /// Reads the protobuf bytes of a transaction, at most [`MAX_TRANSACTION_LEN`].
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are no transaction, or one that is no payment. What it says is not
    /// checked: see [`PaymentTransaction::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        wire::at_most(MAX_TRANSACTION_LEN, bytes)?;
        let transaction = match wire::required("transaction", proto::Transaction::decode(bytes)?.transaction)?
        {
            Kind::PaymentTransaction(transaction) => transaction,
            Kind::CoinbaseTransaction(_) => return Err(DecodeError::NotAPayment("coinbase transaction")),
            Kind::RestakeTransaction(_) => return Err(DecodeError::NotAPayment("restake transaction")),
            Kind::SlashingTransaction(_) => return Err(DecodeError::NotAPayment("slashing transaction")),
            Kind::ServiceAwardTransaction(_) => {
                return Err(DecodeError::NotAPayment("service award transaction"));
            }
        };
        Ok(Self {
            txins: transaction.txins.iter().map(|id| wire::hash("txins", id)).collect::<Result<_, _>>()?,
            txouts: transaction.txouts.into_iter().map(Output::from_proto).collect::<Result<_, _>>()?,
            gamma: wire::scalar("gamma", transaction.gamma)?,
            fee: transaction.fee,
            signature: wire::signature(transaction.sig)?,
        })
    }

    /// The protobuf bytes, the `data` of the API.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let transaction = proto::PaymentTransaction {
            txins: self.txins.iter().map(|id| proto::Hash { data: id.as_bytes().to_vec() }).collect(),
            txouts: self.txouts.iter().map(Output::to_proto).collect(),
            gamma: wire::to_scalar(&self.gamma),
            fee: self.fee,
            sig: wire::to_signature(&self.signature),
        };
        proto::Transaction { transaction: Some(Kind::PaymentTransaction(transaction)) }.encode_to_vec()
    }

    /// The transaction's id, which is also what its signature signs. The signature is not part of it.
    #[must_use]
    pub fn id(&self) -> Hash {
        Hash::digest(self)
    }
}

impl Hashable for PaymentTransaction {
    fn feed(&self, state: &mut Hasher) {
        length(self.txins.len()).feed(state);
        for txin in &self.txins {
            txin.feed(state);
        }
        length(self.txouts.len()).feed(state);
        for txout in &self.txouts {
            txout.feed(state);
        }
        self.gamma.feed(state);
        // The fee enters as a u64; a negative one is refused by every verifier.
        self.fee.feed(state);
    }
}

fn first_duplicate(ids: impl ExactSizeIterator<Item = Hash>) -> Option<Hash> {
    let mut seen = HashSet::with_capacity(ids.len());
    let mut ids = ids;
    ids.find(|id| !seen.insert(*id))
}

/// The fewest of `outputs` outputs to be worth a thread of their own: only range proofs are worth waking one.
const fn share(outputs: usize, any_private: bool) -> usize {
    if any_private { 1 } else { outputs }
}

/// A length as it enters a digest. A `usize` has at most 64 bits on every platform there is.
pub(crate) fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
