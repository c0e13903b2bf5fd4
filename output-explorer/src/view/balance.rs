//! What somebody has.

use super::Money;
use super::text::AddressText;
use crate::control;
use crate::ledger::record;
use serde::Serialize;
use stegos_common::address::EncodedAddress;
use utoipa::ToSchema;

/// Unspent outputs together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sum {
    /// What they are worth.
    pub amount: Money,
    /// How many there are.
    pub outputs: u64,
}

impl From<record::Sum> for Sum {
    fn from(sum: record::Sum) -> Self {
        Self { amount: sum.amount.into(), outputs: sum.outputs }
    }
}

/// Unspent outputs after the last macro block, and after the last block of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balance {
    /// What cannot be taken back any more.
    #[serde(rename = "final")]
    pub settled: Sum,
    /// With what may still be taken back.
    pub prepared: Sum,
}

impl From<record::Balance> for Balance {
    fn from(balance: record::Balance) -> Self {
        Self { settled: balance.settled.into(), prepared: balance.prepared.into() }
    }
}

/// What a user has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserBalance {
    /// The account id.
    pub account: String,
    /// All addresses together, public outputs only.
    #[serde(flatten)]
    pub balance: Balance,
    /// Private outputs that are known from our own transactions.
    pub own_private: Balance,
    /// Each address.
    pub addresses: Vec<AddressBalance>,
}

/// What an address has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddressBalance {
    /// The address.
    #[schema(value_type = AddressText)]
    pub address: EncodedAddress,
    /// What it has.
    #[serde(flatten)]
    pub balance: Balance,
}

impl From<control::AddressBalance> for AddressBalance {
    fn from(row: control::AddressBalance) -> Self {
        Self { address: row.address, balance: row.balance.into() }
    }
}

impl From<control::BalanceAnswer> for UserBalance {
    fn from(answer: control::BalanceAnswer) -> Self {
        Self {
            account: answer.account,
            balance: answer.balance.into(),
            own_private: answer.own_private.into(),
            addresses: answer.addresses.into_iter().map(AddressBalance::from).collect(),
        }
    }
}

/// What a user had in public outputs at the end of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserBalanceAt {
    /// The account id.
    pub account: String,
    /// The epoch.
    pub epoch: u64,
    /// All addresses together.
    #[serde(rename = "final")]
    pub sum: Sum,
    /// Each address.
    pub addresses: Vec<AddressSum>,
}

/// What an address had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddressSum {
    /// The address.
    #[schema(value_type = AddressText)]
    pub address: EncodedAddress,
    /// What it had.
    #[serde(rename = "final")]
    pub sum: Sum,
}

impl From<control::BalanceAtAnswer> for UserBalanceAt {
    fn from(answer: control::BalanceAtAnswer) -> Self {
        let row = |row: control::AddressSum| AddressSum { address: row.address, sum: row.sum.into() };
        Self {
            account: answer.account,
            epoch: answer.epoch,
            sum: answer.sum.into(),
            addresses: answer.addresses.into_iter().map(row).collect(),
        }
    }
}
