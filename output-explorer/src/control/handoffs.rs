//! Questions about handoffs and transactions, and their answers.

use crate::clock::now;
use crate::handoff::desk::{Desk, DeskError, Made};
use crate::handoff::plan::{PlanError, Planner, Sweep, Terms, Withdrawal};
use crate::handoff::record::{Handoff, State};
use crate::handoff::track::{Evidence, evidence};
use crate::ledger::handoffs::{HandoffError, IdempotencyKey, Which};
use crate::ledger::{Ledger, LedgerError, UserError};
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
    /// Those whose transactions are final, in the order of their numbers.
    Final {
        /// At the end of this epoch.
        epoch: u64,
        /// Behind the handoff with this number.
        after: Option<u64>,
        /// Look at so many at most.
        limit: usize,
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
    /// Handoffs whose transactions are final.
    Final {
        /// They.
        transactions: Vec<FinalTransaction>,
        /// Behind which number to go on, if there are more.
        next: Option<u64>,
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

/// A transaction that cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalTransaction {
    /// The epoch whose macro block has it.
    pub epoch: u64,
    /// Its handoff; whose the public outputs are, as it is known now.
    pub handoff: Handoff,
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
        HandoffRequest::Final { epoch, after, limit } => {
            let signed = ledger.signed_handoffs(after, limit.clamp(1, MAX_ROWS))?;
            let next = signed.last().map(|handoff| handoff.number);
            let mut transactions = Vec::new();
            for handoff in signed {
                transactions.extend(final_by(ledger, epoch, handoff)?);
            }
            HandoffAnswer::Final { transactions, next }
        }
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

/// A handoff whose transaction is final at the end of an epoch. Where that was not noted yet, blocks tell.
fn final_by(
    ledger: &Ledger,
    epoch: u64,
    mut handoff: Handoff,
) -> Result<Option<FinalTransaction>, LedgerError> {
    let Some(transaction) = &handoff.transaction else { return Ok(None) };
    let state = match transaction.state() {
        noted @ State::Final { .. } => Some(noted.clone()),
        _ => match evidence(ledger, &handoff, transaction)? {
            Evidence::State(state) => Some(state),
            Evidence::Open | Evidence::InputGone(_) => None,
        },
    };
    let Some(State::Final { epoch: of }) = state else { return Ok(None) };
    // Somebody who was paid may have become a user since. Of a private output, only what was said then is known.
    for output in handoff.outputs.iter_mut().filter(|output| output.private.is_none()) {
        output.account = ledger.owner(&output.recipient.public_key().encoded())?;
    }
    Ok((of <= epoch).then_some(FinalTransaction { epoch: of, handoff }))
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
