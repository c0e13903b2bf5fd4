//! What a signer that was restored from a backup may have forgotten: the transactions that it signed, as JSON lines.
//!
//! The first line says how far whoever wrote them had seen the signer's journal. Each of the others has a
//! `create_raw_transaction` request and its response, the very messages that crossed the gap.

use crate::address::Network;
use crate::api::create_raw_transaction::JournalPosition;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatchUpHead {
    /// The network of all transactions.
    pub network: Network,
    /// The last known position of the signer's journal.
    pub signer_journal: Option<JournalPosition>,
    /// How many lines follow, so that a file that was cut off is noticed.
    pub transactions: u64,
}

/// Any other line: a transaction that was signed. It prints nothing: a request may hold a secret key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedRequest<'a> {
    /// The request.
    #[serde(borrow)]
    pub request: &'a RawValue,
    /// The signer's response to it.
    #[serde(borrow)]
    pub response: &'a RawValue,
}
