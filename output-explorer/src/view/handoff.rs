//! Handoffs and the transactions that do them.

use super::Money;
use super::text::{AddressText, HashText, TimeText};
use crate::handoff::desk;
use crate::handoff::plan;
use crate::handoff::record::{self, Private, Purpose, State, Step};
use serde::Serialize;
use stegos_common::address::Address;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::request::CertificateClaim;
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// One request to the signer, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Handoff {
    /// Counts the handoffs of this ledger, from 1. It is the `id` of the request.
    pub number: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// `open` until the signer's answer is here, `cancelled`, `expired`, or the state of its transaction.
    pub status: &'static str,
    /// When it was made.
    #[schema(value_type = TimeText)]
    pub created: Timestamp,
    /// When its inputs are free again, unless a signed transaction is there.
    #[schema(value_type = TimeText)]
    pub expires: Timestamp,
    /// What is spent.
    pub inputs: Vec<Input>,
    /// What is made.
    pub outputs: Vec<Payment>,
    /// What the network gets.
    pub fee: Money,
    /// The signed transaction.
    pub transaction: Option<SignedTransaction>,
}

/// An output that is spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Input {
    /// Its id.
    #[schema(value_type = HashText)]
    pub output_hash: Hash,
    /// How much it is worth.
    pub amount: Money,
    /// The account whose it is.
    pub account: String,
    /// Whether it is private: one of ours, known from an earlier handoff.
    pub private: bool,
}

/// An output that is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Payment {
    /// Who gets it.
    #[schema(value_type = AddressText)]
    pub recipient: Address,
    /// How much.
    pub amount: Money,
    /// The user of this ledger who gets it: change, or what was swept.
    pub account: Option<String>,
    /// Whether recipient and amount are hidden on the chain.
    pub private: Option<Private>,
    /// The id that the caller gave this withdrawal.
    pub withdrawal: Option<String>,
}

/// A signed transaction on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignedTransaction {
    /// Its id.
    #[schema(value_type = HashText)]
    pub transaction_hash: Hash,
    /// The handoff that it does.
    pub handoff: u64,
    /// The ids of its outputs.
    #[schema(value_type = Vec<HashText>)]
    pub output_hashes: Vec<Hash>,
    /// What proves its private payments.
    #[schema(value_type = Vec<Object>)]
    pub certificates: Vec<CertificateClaim>,
    /// What is so now.
    pub state: State,
    /// What happened, the oldest first.
    pub history: Vec<Step>,
}

impl SignedTransaction {
    /// That of a handoff, if it is signed.
    #[must_use]
    pub fn of(handoff: &record::Handoff) -> Option<Self> {
        let transaction = handoff.transaction.clone()?;
        Some(Self {
            transaction_hash: transaction.id,
            handoff: handoff.number,
            state: transaction.state().clone(),
            output_hashes: transaction.outputs,
            certificates: transaction.certificates,
            history: transaction.history,
        })
    }
}

impl From<record::Handoff> for Handoff {
    fn from(handoff: record::Handoff) -> Self {
        let (status, transaction) = (handoff.status(), SignedTransaction::of(&handoff));
        let input = |input: record::Input| Input {
            output_hash: input.id,
            amount: input.amount.into(),
            account: input.account,
            private: input.private,
        };
        let output = |output: record::Output| Payment {
            recipient: output.recipient,
            amount: output.amount.into(),
            account: output.account,
            private: output.private,
            withdrawal: output.withdrawal,
        };
        Self {
            number: handoff.number,
            purpose: handoff.purpose,
            status,
            created: handoff.created,
            expires: handoff.expires,
            inputs: handoff.inputs.into_iter().map(input).collect(),
            outputs: handoff.outputs.into_iter().map(output).collect(),
            fee: handoff.fee.into(),
            transaction,
        }
    }
}

/// Handoffs that do what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Made {
    /// New ones, and those that did it before.
    pub handoffs: Vec<Handoff>,
    /// Outputs that were left where they are.
    pub left_out: LeftOut,
}

impl From<desk::Made> for Made {
    fn from(made: desk::Made) -> Self {
        Self {
            handoffs: made.handoffs.into_iter().map(Handoff::from).collect(),
            left_out: made.left_out.into(),
        }
    }
}

/// Outputs that are left where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOut {
    /// Below the least amount.
    pub dust: Left,
    /// Reserved for another handoff.
    pub reserved: Left,
    /// Not final.
    pub prepared: Left,
    /// Given up by an earlier handoff, for which the signer may have signed them away.
    pub released: Left,
    /// Without their blob in the ledger, or more than one sweep takes.
    pub other: Left,
}

/// How many outputs, and what they are worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Left {
    /// The number of outputs.
    pub outputs: u64,
    /// What they are worth, or the most that can be counted.
    pub amount: Money,
}

impl From<plan::LeftOut> for LeftOut {
    fn from(left: plan::LeftOut) -> Self {
        let one = |left: plan::Left| Left { outputs: left.outputs, amount: left.amount.into() };
        Self {
            dust: one(left.dust),
            reserved: one(left.reserved),
            prepared: one(left.prepared),
            released: one(left.released),
            other: one(left.other),
        }
    }
}
