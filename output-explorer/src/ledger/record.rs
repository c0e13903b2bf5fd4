//! What the ledger keeps, in postcard's binary form.

use crate::block::{Place, Position};
use serde::{Deserialize, Serialize};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// The form of the records below. Another one is not understood.
pub(super) const FORMAT: u32 = 1;

/// What ledger this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Info {
    pub(super) format: u32,
    pub(super) network: Network,
}

/// An amount and the number of outputs that it consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// The amount in micro-STG.
    pub amount: Amount,
    /// The number of outputs.
    pub outputs: u64,
}

impl Sum {
    /// With one output more, or `None` above [`Amount::MAX`].
    #[must_use]
    pub fn with(self, amount: Amount) -> Option<Self> {
        Some(Self { amount: self.amount.checked_add(amount)?, outputs: self.outputs.checked_add(1)? })
    }

    pub(super) fn sub(self, amount: Amount) -> Option<Self> {
        Some(Self { amount: self.amount.checked_sub(amount)?, outputs: self.outputs.checked_sub(1)? })
    }

    /// Both together, or `None` above [`Amount::MAX`].
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let outputs = self.outputs.checked_add(other.outputs)?;
        Some(Self { amount: self.amount.checked_add(other.amount)?, outputs })
    }
}

/// Unspent public outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// After the last macro block.
    #[serde(rename = "final")]
    pub settled: Sum,
    /// After the last block: with what may still be taken back.
    pub prepared: Sum,
}

impl Balance {
    /// Both together, or `None` above [`Amount::MAX`].
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            settled: self.settled.plus(other.settled)?,
            prepared: self.prepared.plus(other.prepared)?,
        })
    }
}

/// How many outputs there are whose amount is hidden or staked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// How many were made.
    pub created: u64,
    /// How many of them were spent.
    pub spent: u64,
}

/// Sums over the whole chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// All unspent public outputs.
    pub public: Balance,
    /// All private outputs.
    pub private: Count,
    /// All stakes.
    pub stakes: Count,
}

/// A macro block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacroRecord {
    /// Its id.
    pub id: Hash,
    /// When it was made.
    pub time: Time,
}

/// A micro block of the current epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicroRecord {
    /// Its id.
    pub id: Hash,
    /// When it was made.
    pub time: Time,
}

/// A time as a record holds it: nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time(u64);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time.unix_nanos())
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self::from_unix_nanos(time.0)
    }
}

/// One thing that a block did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    Spent(Hash),
    Made(Hash),
}

/// What can be known about an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Everything.
    Public {
        /// The key that owns it.
        recipient: Encoded,
        /// How much it is worth.
        amount: Amount,
        /// The protobuf bytes; none where they were not to be kept after the spend was final.
        blob: Option<Vec<u8>>,
    },
    /// That it exists.
    Private,
    /// That it is staked.
    Stake,
}

/// Where and by which transaction something happened to an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The place.
    pub place: Place,
    /// The transaction; macro blocks do not tell.
    pub transaction: Option<Hash>,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// What can be known about it.
    pub kind: Kind,
    /// What made it.
    pub created: Cause,
    /// What spent it.
    pub spent: Option<Cause>,
}

impl OutputRecord {
    /// The position at which it was made.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.created.place.position
    }
}

/// What happened to a public output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HistoryRecord {
    pub(super) output: Hash,
    /// The place where the output was made; it tells outputs of the same id apart.
    pub(super) created: Place,
    pub(super) what: What,
}

/// The two things that can happen to an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was made.
    Deposit,
    /// It was spent.
    Spend,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct UserRecord {
    pub(super) addresses: Vec<Encoded>,
    pub(super) archived: bool,
}
