//! Questions about handoffs and transactions, and their answers.

use crate::clock::now;
use crate::handoff::desk::{Desk, DeskError, Made};
use crate::handoff::plan::{PlanError, Planner, Sweep, Terms, Withdrawal};
use crate::handoff::record::Handoff;
use crate::ledger::handoffs::{HandoffError, IdempotencyKey, Which};
use crate::ledger::{Ledger, UserError};
use serde::{Deserialize, Serialize};
use stegos_common::hash::Hash;

/// No page has more handoffs: one can be long.
const MAX_ROWS: usize = 100;

/// A question about handoffs, or a change of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum HandoffRequest {
    /// Gather users' outputs.
    Sweep {
        /// Which, and where to.
        sweep: Box<Sweep>,
        /// How.
        terms: Terms,
        /// By which the caller knows that it asked before.
        key: Option<IdempotencyKey>,
    },
    /// Pay from the treasury.
    Withdraw {
        /// Whom.
        withdrawals: Vec<Withdrawal>,
        /// How.
        terms: Terms,
        /// By which the caller knows that it asked before.
        key: Option<IdempotencyKey>,
    },
    /// Handoffs, the youngest first.
    List {
        /// Before this one.
        before: Option<u64>,
        /// Which.
        which: Which,
        /// At most so many.
        limit: usize,
    },
    /// One handoff.
    Show {
        /// Its number.
        number: u64,
    },
    /// The handoff of a signed transaction.
    Transaction {
        /// The transaction's id.
        id: Hash,
    },
    /// The request to the signer.
    Request {
        /// The handoff.
        number: u64,
    },
    /// A request that was signed, and what the signer answered.
    Signed {
        /// The handoff.
        number: u64,
    },
    /// Give the inputs of an open handoff up.
    Cancel {
        /// Its number.
        number: u64,
    },
    /// Take what the signer answered, and send the transaction.
    Broadcast {
        /// The answer, as JSON.
        answer: String,
        /// Whether a transaction that was rejected is tried once more.
        again: bool,
    },
    /// End the alarm about the signer's journal.
    AcceptJournal,
}

/// An answer about handoffs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum HandoffAnswer {
    /// These handoffs do what was asked for.
    Made(Made),
    /// Handoffs.
    List {
        /// At most as many as asked for.
        handoffs: Vec<Handoff>,
    },
    /// One handoff.
    One {
        /// It.
        handoff: Handoff,
    },
    /// The alarm is over.
    JournalAccepted,
    /// A request to the signer.
    Request {
        /// The JSON of `create_raw_transaction`.
        request: String,
    },
    /// A request that was signed.
    Signed {
        /// The JSON of `create_raw_transaction`.
        request: String,
        /// The JSON of the signer's response.
        response: String,
    },
}

/// Answers a question about handoffs.
///
/// # Errors
/// [`DeskError`].
pub(super) fn answer(ledger: &Ledger, request: HandoffRequest) -> Result<HandoffAnswer, DeskError> {
    let desk = Desk { ledger, now: now() };
    let planner = |terms| Planner::new(ledger, terms, desk.now);
    let one = |handoff| HandoffAnswer::One { handoff };
    Ok(match request {
        HandoffRequest::Sweep { sweep, terms, key } => {
            HandoffAnswer::Made(desk.hand_off(terms.seconds, key, || planner(&terms)?.sweep(&sweep))?)
        }
        HandoffRequest::Withdraw { withdrawals, terms, key } => {
            HandoffAnswer::Made(
                desk.hand_off(terms.seconds, key, || planner(&terms)?.withdraw(&withdrawals))?,
            )
        }
        HandoffRequest::List { before, which, limit } => {
            desk.expire()?;
            HandoffAnswer::List { handoffs: ledger.handoffs(which, before, limit.min(MAX_ROWS))? }
        }
        HandoffRequest::Show { number } => {
            desk.expire()?;
            one(ledger.handoff(number)?)
        }
        HandoffRequest::Transaction { id } => one(ledger.handoff_of(&id)?),
        HandoffRequest::Request { number } => HandoffAnswer::Request { request: desk.request(number)? },
        HandoffRequest::Signed { number } => {
            let (request, response) = desk.signed(number)?;
            HandoffAnswer::Signed { request, response }
        }
        HandoffRequest::Cancel { number } => one(desk.cancel(number)?),
        HandoffRequest::AcceptJournal => {
            ledger.accept_signer_journal()?;
            HandoffAnswer::JournalAccepted
        }
        HandoffRequest::Broadcast { answer, again } => one(desk.accept(&answer, again)?),
    })
}

/// Whether the fault is the request's.
pub(super) const fn is_refusal(error: &DeskError) -> bool {
    !matches!(
        error,
        DeskError::Handoff(HandoffError::Ledger(_))
            | DeskError::Plan(
                PlanError::Ledger(_)
                    | PlanError::User(UserError::Ledger(_))
                    | PlanError::Handoff(HandoffError::Ledger(_))
            )
    )
}
