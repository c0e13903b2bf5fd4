//! Blocks as the ledger understands them: checked, and without what it does not need.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use stegos_common::address::Network;
use stegos_common::amount::{Amount, AmountError};
use stegos_common::api::block as json;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::output::OutputJson;
use stegos_common::api::transaction::TransactionJson;
use stegos_common::api::verify::BlockError;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use thiserror::Error;

/// Where in the chain something is: in a micro block, or in the macro block of an epoch. In the order of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The epoch.
    pub epoch: u64,
    /// The offset of a micro block; [`Position::MACRO`] is behind all of them.
    offset: u32,
}

impl Position {
    /// No micro block has this offset.
    const MACRO: u32 = u32::MAX;

    /// That of a micro block.
    #[must_use]
    pub const fn micro(epoch: u64, offset: u32) -> Self {
        Self { epoch, offset }
    }

    /// That of a macro block: somewhere in the epoch, in no micro block that was seen.
    #[must_use]
    pub const fn macro_block(epoch: u64) -> Self {
        Self { epoch, offset: Self::MACRO }
    }

    /// The offset of the micro block.
    #[must_use]
    pub const fn offset(self) -> Option<u32> {
        if self.offset == Self::MACRO { None } else { Some(self.offset) }
    }
}

impl fmt::Display for Position {
    /// `7/3` in a micro block, `7` in a macro block.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset() {
            Some(offset) => write!(f, "{}/{offset}", self.epoch),
            None => write!(f, "{}", self.epoch),
        }
    }
}

/// Text that is no position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a position in the chain: write EPOCH for a macro block, EPOCH/OFFSET for a micro block")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, offset) =
            text.split_once('/').map_or((text, None), |(epoch, offset)| (epoch, Some(offset)));
        let epoch = epoch.parse().map_err(|_| PositionError)?;
        match offset.map(str::parse) {
            None => Ok(Self::macro_block(epoch)),
            Some(Ok(offset)) if offset != Self::MACRO => Ok(Self::micro(epoch, offset)),
            Some(_) => Err(PositionError),
        }
    }
}

/// A place within a block, by which everything that happened has one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The block.
    pub position: Position,
    /// Counts what the block spends and makes, from 0.
    pub index: u32,
}

/// Text that is no place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a place in the chain: take the value of `next` of the page before")]
pub struct PlaceError;

impl fmt::Display for Place {
    /// Three numbers with dots between them; no offset is written `-`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position.offset() {
            Some(offset) => write!(f, "{}.{offset}.{}", self.position.epoch, self.index),
            None => write!(f, "{}.-.{}", self.position.epoch, self.index),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [epoch, offset, index] = parts.as_slice() else { return Err(PlaceError) };
        let epoch = epoch.parse().map_err(|_| PlaceError)?;
        let position = match *offset {
            "-" => Position::macro_block(epoch),
            offset => Position::micro(epoch, offset.parse().map_err(|_| PlaceError)?),
        };
        Ok(Self { position, index: index.parse().map_err(|_| PlaceError)? })
    }
}

/// An output that a block makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutput {
    /// Its id.
    pub id: Hash,
    /// What can be known about it.
    pub content: Content,
}

/// What can be known about an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Everything.
    Public {
        /// The key that owns it, not known to be a point.
        recipient: Encoded,
        /// How much it is worth.
        amount: Amount,
        /// The protobuf bytes.
        blob: Vec<u8>,
    },
    /// That it exists: no key is here.
    Private,
    /// That it is staked, which is no payment.
    Stake,
}

/// A transaction of a micro block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its id.
    pub id: Hash,
    /// Ids of the outputs that it spends.
    pub inputs: Vec<Hash>,
    /// The outputs that it makes.
    pub outputs: Vec<NewOutput>,
}

/// A micro block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicroBlock {
    /// Its id.
    pub id: Hash,
    /// The id of the block before it, micro or macro.
    pub previous: Hash,
    /// Its epoch.
    pub epoch: u64,
    /// Its place in the epoch, from 0.
    pub offset: u32,
    /// When it was made.
    pub time: Timestamp,
    /// Its transactions.
    pub transactions: Vec<Transaction>,
}

/// A macro block: all that was spent and made in an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroBlock {
    /// Its id.
    pub id: Hash,
    /// The id of the macro block before it.
    pub previous: Hash,
    /// The epoch that it closes.
    pub epoch: u64,
    /// When it was made.
    pub time: Timestamp,
    /// Ids of the outputs that were spent.
    pub inputs: Vec<Hash>,
    /// The outputs that were made.
    pub outputs: Vec<NewOutput>,
}

/// A block of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A micro block.
    Micro(MicroBlock),
    /// A macro block.
    Macro(MacroBlock),
}

impl Block {
    /// Where it is.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Micro(block) => Position::micro(block.epoch, block.offset),
            Self::Macro(block) => Position::macro_block(block.epoch),
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Hash {
        match self {
            Self::Micro(block) => block.id,
            Self::Macro(block) => block.id,
        }
    }
}

/// A block that no honest node sends.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidBlock {
    /// Its parts disagree.
    #[error(transparent)]
    Parts(#[from] BlockError),
    /// A public output is worth less than nothing.
    #[error("output {output}: {reason}")]
    Amount {
        /// The output.
        output: Hash,
        /// Why its amount is none.
        reason: AmountError,
    },
}

impl MicroBlock {
    /// Checks a micro block of `network`.
    ///
    /// # Errors
    /// [`InvalidBlock`] where an output is not what its id says, or parts of the block disagree.
    pub fn new(block: &json::MicroBlock, network: Network) -> Result<Self, InvalidBlock> {
        block.verify(network)?;
        let transactions = block.transactions.iter().map(transaction);
        Ok(Self {
            id: block.block_hash,
            previous: block.previous,
            epoch: block.epoch,
            offset: block.offset,
            time: block.timestamp,
            transactions: transactions.collect::<Result<_, _>>()?,
        })
    }
}

impl MacroBlock {
    /// Checks a macro block of `network`.
    ///
    /// # Errors
    /// As [`MicroBlock::new`].
    pub fn new(block: &json::MacroBlock, network: Network) -> Result<Self, InvalidBlock> {
        block.verify(network)?;
        Ok(Self {
            id: block.block_hash,
            previous: block.previous,
            epoch: block.epoch,
            time: block.timestamp,
            inputs: block.inputs.clone(),
            outputs: block.outputs.iter().map(output).collect::<Result<_, _>>()?,
        })
    }
}

fn transaction(transaction: &TransactionJson) -> Result<Transaction, InvalidBlock> {
    Ok(Transaction {
        id: transaction.tx_hash,
        inputs: transaction.inputs().to_vec(),
        outputs: transaction.outputs().iter().map(output).collect::<Result<_, _>>()?,
    })
}

fn output(output: &OutputJson) -> Result<NewOutput, InvalidBlock> {
    let id = output.output_hash;
    let contents = output.contents();
    let content = match &contents {
        Output::Payment(_) => Content::Private,
        Output::Stake(_) => Content::Stake,
        Output::PublicPayment(public) => Content::Public {
            recipient: public.recipient,
            amount: Amount::from_micro(public.amount)
                .map_err(|reason| InvalidBlock::Amount { output: id, reason })?,
            blob: contents.to_bytes(),
        },
    };
    Ok(NewOutput { id, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_order_of_the_chain_and_one_text() {
        let place = |position, index| Place { position, index };
        let in_order = [
            place(Position::macro_block(0), 7),
            place(Position::micro(1, 0), 0),
            place(Position::micro(1, 0), 1),
            place(Position::micro(1, 59), 0),
            place(Position::macro_block(1), 0),
            place(Position::micro(2, 0), 0),
        ];
        assert!(in_order.is_sorted());
        for place in in_order {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "1", "1.2", "1.2.3.4", "-.1.1", "1.x.1", "1.4294967296.1"] {
            assert_eq!(text.parse::<Place>(), Err(PlaceError), "{text}");
        }
    }
}
