//! The rules by which a node accepts a payment transaction (protocol page §7).

use super::{PaymentTransaction, first_duplicate, share};
use crate::group::{Encoded, EncodingError, Point, Scalar};
use crate::hash::Hash;
use crate::keys::PublicKey;
use crate::output::{Commitment, CommitmentError, Output, OutputError, Unspent};
use rand_core::OsRng;
use rayon::prelude::*;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use thiserror::Error;

/// A transaction that the network would refuse. The texts are the deployed node's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransactionError {
    /// It spends nothing.
    #[error("Transaction error=No inputs: tx={}", tx.short())]
    NoInputs {
        /// The transaction's id.
        tx: Hash,
    },
    /// Its fee is below zero.
    #[error("Transaction error=Negative fee: tx={}", tx.short())]
    NegativeFee {
        /// The transaction's id.
        tx: Hash,
    },
    /// It spends an output twice.
    #[error("Transaction error=Duplicate input: tx={}, utxo={}", tx.short(), utxo.short())]
    DuplicateInput {
        /// The transaction's id.
        tx: Hash,
        /// The output's id.
        utxo: Hash,
    },
    /// It makes the same output twice.
    #[error("Transaction error=Duplicate output: tx={}, utxo={}", tx.short(), utxo.short())]
    DuplicateOutput {
        /// The transaction's id.
        tx: Hash,
        /// The output's id.
        utxo: Hash,
    },
    /// An input was not given to the verifier.
    #[error("Missing transaction input: tx={}, utxo={}", tx.short(), utxo.short())]
    MissingInput {
        /// The transaction's id.
        tx: Hash,
        /// The input's id.
        utxo: Hash,
    },
    /// An input or output without a commitment.
    #[error("Output error={reason}: tx={}, utxo={}", tx.short(), utxo.short())]
    Commitment {
        /// The transaction's id.
        tx: Hash,
        /// The id of the input or output.
        utxo: Hash,
        /// What is wrong with it.
        reason: CommitmentError,
    },
    /// Inputs are not outputs plus fee.
    #[error("Transaction error=Invalid monetary balance: tx={}", tx.short())]
    Balance {
        /// The transaction's id.
        tx: Hash,
    },
    /// An input belongs to no key.
    #[error("Output error=Invalid recipient: tx={}, utxo={}: {reason}", tx.short(), utxo.short())]
    Recipient {
        /// The transaction's id.
        tx: Hash,
        /// The input's id.
        utxo: Hash,
        /// What is wrong with the key.
        reason: EncodingError,
    },
    /// Not signed by the owners of all inputs.
    #[error("Transaction error=Invalid signature: tx={}", tx.short())]
    Signature {
        /// The transaction's id.
        tx: Hash,
    },
    /// One of its outputs is invalid.
    #[error("Output error={0}")]
    Output(#[from] OutputError),
}

impl PaymentTransaction {
    /// Verifies everything that a node verifies about a transaction and its inputs, and that every output
    /// is one somebody can spend. Whether `inputs` are on the chain and unspent is for others to know.
    ///
    /// `inputs` may come in any order and may hold more than the transaction spends.
    ///
    /// # Errors
    /// [`TransactionError`] says which rule is broken.
    pub fn verify<'a>(&self, inputs: impl IntoIterator<Item = &'a Unspent>) -> Result<(), TransactionError> {
        let inputs = inputs.into_iter().map(|input| (input.id(), input.output())).collect();
        let tx = self.id();
        let outputs: Vec<Hash> = self.txouts.iter().map(Output::id).collect();
        self.check_shape(tx, &outputs)?;
        let inputs = self.resolve(tx, &inputs)?;
        self.check_balance(tx, &inputs, &outputs)?;
        self.check_signature(tx, &inputs)?;
        let any_private = self.txouts.iter().any(|output| matches!(output, Output::Payment(_)));
        let txouts = self.txouts.par_iter().with_min_len(share(self.txouts.len(), any_private));
        Ok(txouts.try_for_each(|output| output.validate(&mut OsRng))?)
    }

    fn check_shape(&self, tx: Hash, outputs: &[Hash]) -> Result<(), TransactionError> {
        if self.txins.is_empty() {
            return Err(TransactionError::NoInputs { tx });
        }
        if self.fee < 0 {
            return Err(TransactionError::NegativeFee { tx });
        }
        if let Some(utxo) = first_duplicate(self.txins.iter().copied()) {
            return Err(TransactionError::DuplicateInput { tx, utxo });
        }
        if let Some(utxo) = first_duplicate(outputs.iter().copied()) {
            return Err(TransactionError::DuplicateOutput { tx, utxo });
        }
        Ok(())
    }

    fn resolve<'a>(
        &self,
        tx: Hash,
        inputs: &HashMap<Hash, &'a Output>,
    ) -> Result<Vec<&'a Output>, TransactionError> {
        let find = |utxo: &Hash| inputs.get(utxo).copied();
        self.txins
            .iter()
            .map(|utxo| find(utxo).ok_or(TransactionError::MissingInput { tx, utxo: *utxo }))
            .collect()
    }

    /// Σ C_in == Σ C_out + fee·A + gamma·G. Open amounts are added as integers, hidden ones as points.
    fn check_balance(&self, tx: Hash, inputs: &[&Output], outputs: &[Hash]) -> Result<(), TransactionError> {
        let mut open = -i128::from(self.fee);
        let mut hidden = Point::identity();
        let commitment = |utxo: &Hash, output: &Output| {
            output.commitment().map_err(|reason| TransactionError::Commitment { tx, utxo: *utxo, reason })
        };
        for (utxo, input) in self.txins.iter().zip(inputs) {
            match commitment(utxo, input)? {
                Commitment::Open(amount) => open += i128::from(amount.micro()),
                Commitment::Hidden(point) => hidden = hidden + point,
            }
        }
        for (utxo, output) in outputs.iter().zip(&self.txouts) {
            match commitment(utxo, output)? {
                Commitment::Open(amount) => open -= i128::from(amount.micro()),
                Commitment::Hidden(point) => hidden = hidden - point,
            }
        }
        let all_open = open == 0 && self.gamma.is_zero() && hidden.is_identity();
        if all_open || hidden + Point::mul_a(&signed(open)) == Point::mul_g(&self.gamma) {
            Ok(())
        } else {
            Err(TransactionError::Balance { tx })
        }
    }

    /// The verifier's key is Σ P'_in + Σ C_in − Σ C_out − (fee·A + gamma·G); as the balance holds, all but the
    /// first sum is zero.
    fn check_signature(&self, tx: Hash, inputs: &[&Output]) -> Result<(), TransactionError> {
        let mut decoded: HashMap<Encoded, PublicKey> = HashMap::new();
        let mut keys = Vec::with_capacity(inputs.len());
        for (utxo, input) in self.txins.iter().zip(inputs) {
            let key = match decoded.entry(input.recipient()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let key = PublicKey::from_bytes(unknown.key().as_bytes());
                    let invalid = |reason| TransactionError::Recipient { tx, utxo: *utxo, reason };
                    *unknown.insert(key.map_err(invalid)?)
                }
            };
            keys.push(key);
        }
        if self.signature.verify(&tx, &keys.into_iter().sum()) {
            Ok(())
        } else {
            Err(TransactionError::Signature { tx })
        }
    }
}

/// The scalar of a sum of amounts, which may be negative. At most 2^64 amounts below 2^63 were added, so that
/// the sum fits.
fn signed(sum: i128) -> Scalar {
    let magnitude = Scalar(curve25519_dalek::Scalar::from(sum.unsigned_abs()));
    if sum < 0 { Scalar::ZERO - magnitude } else { magnitude }
}
