//! Outputs, and what happened to them.

use super::Money;
use super::text::{AddressText, HashText, TimeText};
use crate::control::{self, BlockRow, Event, KindName};
use crate::ledger::record::What;
use serde::Serialize;
use stegos_common::address::EncodedAddress;
use stegos_common::api::encoding::{HexBytes, Timestamp};
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Output {
    /// Its id.
    #[schema(value_type = HashText)]
    pub output_hash: Hash,
    /// What kind it is.
    pub kind: KindName,
    /// Who owns a public one.
    #[schema(value_type = Option<AddressText>)]
    pub recipient: Option<EncodedAddress>,
    /// How much a public one is worth.
    pub amount: Option<Money>,
    /// What made it.
    pub created: Event,
    /// What spent it.
    pub spent: Option<Event>,
}

impl From<control::OutputRow> for Output {
    fn from(row: control::OutputRow) -> Self {
        let control::OutputRow { output_hash, kind, recipient, amount, created, spent } = row;
        Self { output_hash, kind, recipient, amount: amount.map(Money::from), created, spent }
    }
}

/// Everything about an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutputDetail {
    /// The output.
    #[serde(flatten)]
    pub output: Output,
    /// The user whose address it was sent to.
    pub account: Option<String>,
    /// The block that made it, or the macro block of its epoch once that is known.
    pub created_block: Option<BlockRow>,
    /// The block that spent it, likewise.
    pub spent_block: Option<BlockRow>,
    /// The protobuf bytes of a public one in hex, while they are kept.
    #[schema(value_type = Option<String>)]
    pub blob: Option<HexBytes>,
}

impl From<control::OutputAnswer> for OutputDetail {
    fn from(answer: control::OutputAnswer) -> Self {
        let control::OutputAnswer { output, account, created_block, spent_block, blob } = answer;
        Self { output: output.into(), account, created_block, spent_block, blob }
    }
}

/// Outputs that were asked for by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outputs {
    /// Those that there are, in the order of the request.
    pub outputs: Vec<OutputDetail>,
    /// The ids of the others: no block has them.
    #[schema(value_type = Vec<HashText>)]
    pub unknown: Vec<Hash>,
}

/// Something that happened to a public output of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Happening {
    /// What.
    pub what: What,
    /// Where and by which transaction.
    #[serde(flatten)]
    pub cause: Event,
    /// When its block was made: the micro block while it is prepared, then the macro block.
    #[schema(value_type = Option<TimeText>)]
    pub time: Option<Timestamp>,
    /// The output.
    #[schema(value_type = HashText)]
    pub output_hash: Hash,
    /// Who owns or owned it.
    #[schema(value_type = Option<AddressText>)]
    pub recipient: Option<EncodedAddress>,
    /// How much it is worth.
    pub amount: Option<Money>,
}

impl From<control::HistoryRow> for Happening {
    fn from(row: control::HistoryRow) -> Self {
        let control::HistoryRow { what, event, time, output_hash, recipient, amount } = row;
        Self { what, cause: event, time, output_hash, recipient, amount: amount.map(Money::from) }
    }
}
