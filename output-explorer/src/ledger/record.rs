//! What the ledger keeps, in postcard's binary form.

use crate::block::{Place, Position};
use serde::{Deserialize, Deserializer, Serialize};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// The form of the records below, and of what is beside them. [`super::forms`] tells of those before.
pub(crate) const FORMAT: u32 = 4;

/// The forms that can be made the one of today. Others are not understood.
pub(super) const FORMATS: RangeInclusive<u32> = 1..=FORMAT;

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
    /// What the recipient had then.
    pub(super) after: Sum,
}

/// The two things that can happen to an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// The current one first, then the others in the order in which they were added.
    pub(super) addresses: Vec<Encoded>,
    pub(super) archived: bool,
    /// Which of the account's keys the current address is of, if the signer told. Records of before end without it.
    #[serde(deserialize_with = "or_none")]
    pub(super) generation: Option<NonZeroU32>,
}

impl UserRecord {
    /// Makes one of the addresses the current one, unless that is known to be of a later generation. Answers whether it is.
    pub(super) fn make_current(&mut self, key: &Encoded, generation: NonZeroU32) -> bool {
        let place = self.addresses.iter().position(|address| address == key);
        let up_to = place.and_then(|place| self.addresses.get_mut(..=place));
        match up_to.filter(|_| self.generation <= Some(generation)) {
            Some(up_to) => up_to.rotate_right(1),
            None => return false,
        }
        self.generation = Some(generation);
        true
    }
}

/// The last field of a record that may end before it.
fn or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    Ok(Option::deserialize(deserializer).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_user_of_before_keys_were_rotated_is_read() {
        let key = |byte| Encoded::from_bytes([byte; 32]);
        let before = postcard::to_allocvec(&(vec![key(1), key(2)], true)).unwrap();
        let read: UserRecord = postcard::from_bytes(&before).unwrap();
        let expected = UserRecord { addresses: vec![key(1), key(2)], archived: true, generation: None };
        assert_eq!(read, expected);
        let now = UserRecord { generation: Some(generation(2)), ..expected };
        let bytes = postcard::to_allocvec(&now).unwrap();
        assert_eq!(postcard::from_bytes::<UserRecord>(&bytes).unwrap(), now);
        // Nor does a program of before stumble over it.
        let (addresses, archived): (Vec<Encoded>, bool) = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((addresses, archived), (now.addresses, now.archived));
    }

    #[test]
    fn the_current_address_is_of_the_latest_generation_that_was_told() {
        let [a, b, c] = [1, 2, 3].map(|byte| Encoded::from_bytes([byte; 32]));
        let mut user = UserRecord { addresses: vec![a, b, c], ..UserRecord::default() };
        for (key, number, is_current, order) in [
            (a, 1, true, [a, b, c]),
            (c, 3, true, [c, a, b]),
            (b, 2, false, [c, a, b]),
            // The same generation of another store.
            (b, 3, true, [b, c, a]),
            (Encoded::from_bytes([4; 32]), 9, false, [b, c, a]),
        ] {
            assert_eq!(
                (user.make_current(&key, generation(number)), &user.addresses[..]),
                (is_current, &order[..])
            );
        }
        assert_eq!(user.generation, Some(generation(3)));
    }
}
