//! Which payments a node lets into its mempool, and its words for those that it does not.

use super::Chain;
use rand_core::OsRng;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::transaction::{
    MAX_INPUTS, MAX_OUTPUTS, MIN_FEE_PER_OUTPUT, PaymentTransaction, TransactionError,
};
use stegos_common::wire::DecodeError;
use thiserror::Error;

/// Why a payment is refused. The texts are the deployed node's where one was recorded, which is said where not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// More inputs than a node takes. Not recorded.
    #[error("Too many inputs: tx={}, max={MAX_INPUTS}, got={got}", tx.short())]
    TooManyInputs {
        /// The transaction's id.
        tx: Hash,
        /// The number of its inputs.
        got: usize,
    },
    /// More outputs than a node takes. Not recorded.
    #[error("Too many outputs: tx={}, max={MAX_OUTPUTS}, got={got}", tx.short())]
    TooManyOutputs {
        /// The transaction's id.
        tx: Hash,
        /// The number of its outputs.
        got: usize,
    },
    /// Less than the fee for its outputs.
    #[error("Transaction fee is too low: tx={}, min={min}, got={got}", tx.short())]
    FeeTooLow {
        /// The transaction's id.
        tx: Hash,
        /// The fee for its outputs.
        min: i64,
        /// Its fee.
        got: i64,
    },
    /// It spends a stake. Not recorded: a dev chain's only stake is in use.
    #[error("Stake is locked: tx={}, utxo={}", tx.short(), utxo.short())]
    StakeLocked {
        /// The transaction's id.
        tx: Hash,
        /// The stake's id.
        utxo: Hash,
    },
    /// It makes an output that exists already. Not recorded.
    #[error("Output hash collision: tx={}, utxo={}", tx.short(), utxo.short())]
    OutputExists {
        /// The transaction's id.
        tx: Hash,
        /// The output's id.
        utxo: Hash,
    },
    /// It breaks a rule of the network; so does one whose input is unknown, spent, or claimed by another.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// An input of the chain cannot be read. Never happens.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Chain {
    /// Takes a payment into the mempool. One that is there already is taken again.
    ///
    /// # Errors
    /// [`Rejection`] says which rule it breaks. Of several, the deployed node names the one that is checked first
    /// here, as far as that was recorded.
    pub fn admit(&mut self, payment: PaymentTransaction) -> Result<(), Rejection> {
        let tx = payment.id();
        if self.mempool.contains(&tx) {
            return Ok(());
        }
        self.check_limits(tx, &payment)?;
        let mut inputs = Vec::with_capacity(payment.txins.len());
        for utxo in &payment.txins {
            let entry = self.ledger.get(utxo).filter(|_| !self.mempool.spends(utxo));
            let entry = entry.ok_or(TransactionError::MissingInput { tx, utxo: *utxo })?;
            let input = entry.unspent()?;
            if let Output::Stake(_) = input.output() {
                return Err(Rejection::StakeLocked { tx, utxo: *utxo });
            }
            inputs.push(input);
        }
        for utxo in payment.txouts.iter().map(Output::id) {
            if self.ledger.get(&utxo).is_some() || self.mempool.makes(&utxo) {
                return Err(Rejection::OutputExists { tx, utxo });
            }
        }
        // The node looks at outputs by themselves first: a negative amount is not called a wrong balance.
        for output in &payment.txouts {
            output.validate(&mut OsRng).map_err(TransactionError::Output)?;
        }
        payment.verify(&inputs)?;
        self.mempool.add(payment);
        Ok(())
    }

    fn check_limits(&self, tx: Hash, payment: &PaymentTransaction) -> Result<(), Rejection> {
        let (inputs, outputs) = (payment.txins.len(), payment.txouts.len());
        if inputs > MAX_INPUTS {
            return Err(Rejection::TooManyInputs { tx, got: inputs });
        }
        if outputs > MAX_OUTPUTS {
            return Err(Rejection::TooManyOutputs { tx, got: outputs });
        }
        let min = i64::try_from(outputs).unwrap_or(i64::MAX).saturating_mul(MIN_FEE_PER_OUTPUT);
        if payment.fee < min {
            return Err(Rejection::FeeTooLow { tx, min, got: payment.fee });
        }
        Ok(())
    }

    /// Lets go of what can no longer be mined after a block was taken back: a payment that spends an output of
    /// that block has nothing to spend.
    pub(super) fn clean_mempool(&mut self) {
        for payment in self.mempool.take() {
            if payment
                .txins
                .iter()
                .all(|utxo| self.ledger.get(utxo).is_some_and(|_| !self.mempool.spends(utxo)))
            {
                self.mempool.add(payment);
            }
        }
    }
}
