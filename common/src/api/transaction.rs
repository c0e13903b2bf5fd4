//! Transactions as JSON, and what becomes of them (protocol page §8).

use super::encoding::{BlsSignature, ScalarJson};
use super::output::{ContentError, OutputJson, check_hash};
use crate::address::Network;
use crate::amount::Amount;
use crate::group::Encoded;
use crate::hash::Hash;
use crate::schnorr::Signature;
use crate::transaction::PaymentTransaction;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A transaction as a node shows it. Nothing in it is checked against anything else yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionJson {
    /// The transaction's id.
    pub tx_hash: Hash,
    /// What the transaction consists of.
    #[serde(flatten)]
    pub fields: TransactionFields,
}

/// The five kinds of transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TransactionFields {
    /// The leader's reward for a micro block.
    CoinbaseTransaction {
        /// New money.
        block_reward: Amount,
        /// The fees of the block's payments.
        block_fee: Amount,
        /// The sum of the outputs' blindings, negated.
        gamma: ScalarJson,
        /// The outputs made.
        txouts: Vec<OutputJson>,
    },
    /// A payment, the kind that this product makes.
    PaymentTransaction {
        /// Ids of the outputs spent.
        txins: Vec<Hash>,
        /// The outputs made.
        txouts: Vec<OutputJson>,
        /// Blindings of the private inputs minus those of the private outputs.
        gamma: ScalarJson,
        /// The fee in micro-STG as stated; zero or above in a valid transaction.
        fee: i64,
        /// The signature of all inputs' owners.
        sig: SignatureJson,
    },
    /// A validator renews its stake.
    RestakeTransaction {
        /// Ids of the stakes spent.
        txins: Vec<Hash>,
        /// The stakes made.
        txouts: Vec<OutputJson>,
        /// The validator's signature.
        sig: BlsSignature,
    },
    /// A cheating validator loses its stake. Not recorded; the fields are those of the node's source.
    SlashingTransaction {
        /// Two contradicting blocks, as they are.
        proof: Value,
        /// Ids of the stakes spent.
        txins: Vec<Hash>,
        /// The outputs made.
        txouts: Vec<OutputJson>,
    },
    /// The service award of an epoch. Not recorded; the fields are those of the node's source.
    ServiceAwardTransaction {
        /// The outputs made.
        winner_reward: Vec<OutputJson>,
    },
}

impl TransactionJson {
    /// Shows a payment as a node of `network` does.
    #[must_use]
    pub fn new(payment: &PaymentTransaction, network: Network) -> Self {
        let fields = TransactionFields::PaymentTransaction {
            txins: payment.txins.clone(),
            txouts: payment.txouts.iter().map(|output| OutputJson::new(output, network)).collect(),
            gamma: ScalarJson(payment.gamma),
            fee: payment.fee,
            sig: SignatureJson { u: ScalarJson(payment.signature.u), k: payment.signature.k },
        };
        Self { tx_hash: payment.id(), fields }
    }

    /// The payment itself, if it is one of `network` and hashes to its id, and so do its outputs.
    ///
    /// # Errors
    /// [`ContentError`] if it is not. Whether the payment is *valid* is not checked: see
    /// [`PaymentTransaction::verify`].
    pub fn into_payment(self, network: Network) -> Result<PaymentTransaction, ContentError> {
        let TransactionFields::PaymentTransaction { txins, txouts, gamma, fee, sig } = self.fields else {
            return Err(ContentError::NotAPayment(self.tx_hash));
        };
        let txouts = txouts.into_iter().map(|output| output.into_output(network));
        let payment = PaymentTransaction {
            txins,
            txouts: txouts.collect::<Result<_, _>>()?,
            gamma: gamma.0,
            fee,
            signature: Signature { u: sig.u.0, k: sig.k },
        };
        check_hash(self.tx_hash, payment.id())?;
        Ok(payment)
    }

    /// Ids of the outputs spent.
    #[must_use]
    pub fn inputs(&self) -> &[Hash] {
        match &self.fields {
            TransactionFields::PaymentTransaction { txins, .. }
            | TransactionFields::RestakeTransaction { txins, .. }
            | TransactionFields::SlashingTransaction { txins, .. } => txins,
            TransactionFields::CoinbaseTransaction { .. }
            | TransactionFields::ServiceAwardTransaction { .. } => &[],
        }
    }

    /// The outputs made.
    #[must_use]
    pub fn outputs(&self) -> &[OutputJson] {
        match &self.fields {
            TransactionFields::CoinbaseTransaction { txouts, .. }
            | TransactionFields::PaymentTransaction { txouts, .. }
            | TransactionFields::RestakeTransaction { txouts, .. }
            | TransactionFields::SlashingTransaction { txouts, .. }
            | TransactionFields::ServiceAwardTransaction { winner_reward: txouts } => txouts,
        }
    }
}

/// A Schnorr signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureJson {
    /// The response u.
    pub u: ScalarJson,
    /// The nonce point K.
    #[serde(rename = "K")]
    pub k: Encoded,
}

/// What became of a transaction. A node without a wallet sends only the second and third.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum TransactionStatus {
    /// Made, not sent.
    Created,
    /// In the mempool. Nothing is reported after this: watch the blocks.
    Accepted,
    /// Refused, for this reason. An input that is spent reads the same whoever spent it.
    Rejected {
        /// The node's words; hashes are cut to 12 hex digits.
        error: String,
    },
    /// In a micro block.
    Prepared {
        /// The block's epoch.
        epoch: u64,
        /// The block's offset.
        offset: u32,
    },
    /// Its micro block was taken back.
    Rollback {
        /// The block's epoch.
        epoch: u64,
        /// The block's offset.
        offset: u32,
    },
    /// In a macro block: final.
    Committed {
        /// The block's epoch.
        epoch: u64,
    },
    /// An input was spent by another transaction.
    Conflicted {
        /// The epoch of that other transaction.
        epoch: u64,
        /// Its offset, if it is in a micro block.
        offset: Option<u32>,
    },
}
