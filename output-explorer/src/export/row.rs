//! The columns. `docs/exports.md` says what each means; a change here is a change of the interface.

use super::Format;
use super::books::Parts;
use crate::control::BlockRow;
use crate::handoff::record::Purpose;
use serde::Serialize;
use stegos_common::address::EncodedAddress;
use stegos_common::api::encoding::Timestamp;
use stegos_common::hash::Hash;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// One of many.
    #[default]
    Row,
    /// The last one.
    Total,
}

/// An address of a user.
#[derive(Debug, Serialize)]
pub(super) struct UserLine {
    pub(super) record: Mark,
    pub(super) row: u64,
    pub(super) account: Option<String>,
    pub(super) archived: Option<bool>,
    pub(super) address: Option<EncodedAddress>,
    pub(super) current: Option<bool>,
}

/// A public output of a user.
#[derive(Debug, Default, Serialize)]
pub(super) struct OutputLine {
    pub(super) record: Mark,
    pub(super) row: u64,
    pub(super) at_epoch: u64,
    pub(super) account: Option<String>,
    pub(super) output: Option<Hash>,
    pub(super) recipient: Option<EncodedAddress>,
    pub(super) state: Option<&'static str>,
    pub(super) amount_micro_stg: Option<i128>,
    pub(super) amount_stg: Option<String>,
    pub(super) unspent_micro_stg: i128,
    pub(super) created_epoch: Option<u64>,
    pub(super) created_offset: Option<u32>,
    pub(super) created_index: Option<u32>,
    pub(super) created_block: Option<Hash>,
    pub(super) created_time: Option<Timestamp>,
    pub(super) created_transaction: Option<Hash>,
    pub(super) spent_epoch: Option<u64>,
    pub(super) spent_offset: Option<u32>,
    pub(super) spent_index: Option<u32>,
    pub(super) spent_block: Option<Hash>,
    pub(super) spent_time: Option<Timestamp>,
    pub(super) spent_transaction: Option<Hash>,
}

/// What a user had, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct BalanceRow {
    pub(super) record: Mark,
    pub(super) row: u64,
    pub(super) at_epoch: u64,
    pub(super) account: Option<String>,
    pub(super) archived: Option<bool>,
    pub(super) outputs: u64,
    pub(super) public_micro_stg: i128,
    pub(super) private_micro_stg: i128,
    pub(super) balance_micro_stg: i128,
    pub(super) deposits_micro_stg: i128,
    pub(super) moved_in_micro_stg: i128,
    pub(super) moved_out_micro_stg: i128,
    /// Only all users together pay and have fees: one transaction spends outputs of many.
    pub(super) withdrawals_micro_stg: Option<i128>,
    pub(super) fees_micro_stg: Option<i128>,
    pub(super) spent_elsewhere_micro_stg: i128,
    pub(super) difference_micro_stg: i128,
    pub(super) reconciles: bool,
}

/// A transaction of this explorer.
#[derive(Debug, Serialize)]
pub(super) struct TransactionRow {
    pub(super) record: Mark,
    pub(super) row: u64,
    pub(super) at_epoch: u64,
    pub(super) handoff: Option<u64>,
    pub(super) purpose: Option<Purpose>,
    pub(super) transaction: Option<Hash>,
    pub(super) epoch: Option<u64>,
    pub(super) block: Option<Hash>,
    pub(super) time: Option<Timestamp>,
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    pub(super) inputs_micro_stg: i128,
    pub(super) paid_micro_stg: i128,
    pub(super) kept_micro_stg: i128,
    pub(super) fee_micro_stg: i128,
    pub(super) difference_micro_stg: i128,
    pub(super) reconciles: bool,
    pub(super) withdrawals: List,
}

/// What only one transaction has, and not all together.
pub(super) struct Signed {
    pub(super) handoff: u64,
    pub(super) purpose: Purpose,
    pub(super) transaction: Option<Hash>,
    pub(super) epoch: u64,
    pub(super) block: BlockRow,
    pub(super) withdrawals: Vec<String>,
}

/// Texts that others chose: an array in JSON, and that array as text in CSV. So no spreadsheet takes one for a formula.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum List {
    /// In JSON.
    Array(Vec<String>),
    /// In CSV.
    Text(String),
}

impl List {
    pub(super) fn new(format: Format, texts: Vec<String>) -> Self {
        match format {
            Format::Jsonl => Self::Array(texts),
            Format::Csv => Self::Text(serde_json::Value::from(texts).to_string()),
        }
    }
}

impl TransactionRow {
    /// The row of a transaction, or of all.
    pub(super) fn new(format: Format, at_epoch: u64, parts: Parts, signed: Option<Signed>) -> Self {
        let record = if signed.is_some() { Mark::Row } else { Mark::Total };
        Self {
            record,
            row: 0,
            at_epoch,
            handoff: signed.as_ref().map(|signed| signed.handoff),
            purpose: signed.as_ref().map(|signed| signed.purpose),
            transaction: signed.as_ref().and_then(|signed| signed.transaction),
            epoch: signed.as_ref().map(|signed| signed.epoch),
            block: signed.as_ref().map(|signed| signed.block.block_hash),
            time: signed.as_ref().map(|signed| signed.block.time),
            inputs: parts.inputs,
            outputs: parts.outputs,
            inputs_micro_stg: parts.spent,
            paid_micro_stg: parts.paid,
            kept_micro_stg: parts.kept,
            fee_micro_stg: parts.fee,
            difference_micro_stg: parts.difference(),
            reconciles: parts.difference() == 0,
            withdrawals: List::new(format, signed.map(|signed| signed.withdrawals).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_that_others_chose_is_a_formula() {
        let texts = || vec!["=HYPERLINK(\"x\")".to_owned(), "@a, \"b\"".to_owned()];
        let text = |format| List::new(format, texts());
        assert_eq!(text(Format::Jsonl), List::Array(texts()));
        let List::Text(text) = text(Format::Csv) else { panic!("it is no text") };
        assert!(text.starts_with('['), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), texts());
    }
}
