//! Why nothing is planned.

use super::LeftOut;
use crate::handoff::select::SelectError;
use crate::ledger::handoffs::HandoffError;
use crate::ledger::{LedgerError, UserError};
use stegos_common::address::AddressError;
use stegos_common::payload::CommentError;
use thiserror::Error;

/// Why nothing is planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A user or address is not known here.
    #[error(transparent)]
    User(#[from] UserError),
    /// The treasury is not known here.
    #[error("the treasury {0:?} is no user of this ledger: add it with its address first (`user add`)")]
    NoTreasury(String),
    /// Nothing is there to be swept.
    #[error("there is nothing to sweep: {0}")]
    NothingToSweep(LeftOut),
    /// A payment of nothing.
    #[error("withdrawal {0} is one of nothing: name an amount above 0")]
    NoAmount(String),
    /// An address of another network, or no key.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A comment, or a certificate, of a public payment.
    #[error("withdrawal {0} is public: only a private one has a comment or a certificate")]
    NotPrivate(String),
    /// A comment that does not fit.
    #[error("withdrawal {0}: {1}")]
    Comment(String, CommentError),
    /// The same id twice.
    #[error("two withdrawals have the id {0:?}")]
    Twice(String),
    /// The id was used, and what it was used for is over.
    #[error(
        "withdrawal {id:?} is in handoff {number}, which is {status}; make sure that it was not paid, then take another id"
    )]
    Over {
        /// The id.
        id: String,
        /// The handoff.
        number: u64,
        /// What it is.
        status: &'static str,
    },
    /// An id that nobody could type again.
    #[error("a withdrawal's id is 1 to 128 characters of printable ASCII, unlike {0:?}")]
    Id(String),
    /// The id was used for something else.
    #[error(
        "withdrawal {id:?} is in handoff {number} already, and is another one: take another id, or ask for the same"
    )]
    OtherBody {
        /// The id.
        id: String,
        /// The handoff.
        number: u64,
    },
    /// There is not enough.
    #[error(
        "transaction {transaction} of {transactions}: {reason}; left out: {left_out}. Change is free again when it is \
         final: for many transactions at once, pay yourself in as many parts first"
    )]
    Select {
        /// Which of the transactions that are needed.
        transaction: usize,
        /// How many are needed.
        transactions: usize,
        /// Why.
        reason: SelectError,
        /// What might have helped.
        left_out: LeftOut,
    },
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A handoff cannot be read.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
}
