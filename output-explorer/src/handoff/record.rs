//! A handoff as it is stored and shown: in JSON, both times.

use crate::view::text::{HashText, TimeText};
use serde::{Deserialize, Serialize};
use std::fmt;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::JournalPosition;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::request::CertificateClaim;
use stegos_common::hash::Hash;
use stegos_common::review::{InputFacts, Kind, Known, OutputFacts, Review};
use utoipa::ToSchema;

/// One request to the signer, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// Counts the handoffs of this ledger, from 1. It is the `id` of the request.
    pub number: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub created: Timestamp,
    /// When its inputs are free again, unless a signed transaction is there.
    pub expires: Timestamp,
    /// What is spent.
    pub inputs: Vec<Input>,
    /// What is made.
    pub outputs: Vec<Output>,
    /// What the network gets.
    pub fee: Amount,
    /// Where the signer's journal was known to be when it was made.
    #[serde(default)]
    pub journal: Option<JournalPosition>,
    /// Why it is over without a transaction, if it is.
    pub ended: Option<Ended>,
    /// The signed transaction.
    pub transaction: Option<Transaction>,
}

/// What a handoff is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It gathers users' outputs.
    Sweep,
    /// It pays somebody.
    Withdrawal,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sweep => "sweep",
            Self::Withdrawal => "withdrawal",
        })
    }
}

/// Why a handoff is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Somebody did not want it any more.
    Cancelled,
    /// Nothing came back in time. It may still come.
    Expired,
}

/// An output that is spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its id.
    pub id: Hash,
    /// How much it is worth.
    pub amount: Amount,
    /// The account whose it is.
    pub account: String,
    /// Whether it is private: one of ours, known from an earlier handoff.
    pub private: bool,
}

/// An output that is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Who gets it.
    pub recipient: Address,
    /// How much.
    pub amount: Amount,
    /// The user of this ledger who gets it: change, or what was swept.
    pub account: Option<String>,
    /// Whether recipient and amount are hidden on the chain.
    pub private: Option<Private>,
    /// By which the caller knows this payment.
    pub withdrawal: Option<String>,
}

/// What only a private output has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Private {
    /// What the recipient is told.
    pub comment: String,
    /// Whether the payment is to be provable.
    pub with_certificate: bool,
}

/// A signed transaction on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Its id.
    pub id: Hash,
    /// The ids of its outputs.
    pub outputs: Vec<Hash>,
    /// What proves its payments.
    pub certificates: Vec<CertificateClaim>,
    /// Where the signer's journal was.
    pub journal: Option<JournalPosition>,
    /// What happened, the oldest first; the last is what is so now. Never empty.
    pub history: Vec<Step>,
}

/// Something that happened to a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// What is so since then.
    pub state: State,
    /// When that was noticed.
    #[schema(value_type = TimeText)]
    pub time: Timestamp,
}

/// What is known about a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
#[schema(as = TransactionState)]
pub enum State {
    /// It is stored here, and will be submitted.
    Submitted,
    /// The node has it among those that wait for a block.
    Accepted,
    /// It is in a block of an epoch that is not over.
    Prepared {
        /// The epoch.
        epoch: u64,
        /// The micro block.
        offset: Option<u32>,
    },
    /// It is in a macro block.
    Final {
        /// The epoch.
        epoch: u64,
    },
    /// It was in a block that was taken back.
    RolledBack,
    /// An input was spent by another transaction.
    Conflicted {
        /// The input.
        #[schema(value_type = HashText)]
        input: Hash,
        /// What spent it, where that is known.
        #[schema(value_type = Option<HashText>)]
        by: Option<Hash>,
        /// The epoch in which it was spent.
        epoch: u64,
        /// The micro block, where that is known.
        offset: Option<u32>,
        /// Whether that cannot be taken back any more.
        is_final: bool,
    },
    /// Somebody gave it up: it is submitted no more. Whoever has the bytes still can.
    Cancelled,
    /// The node does not take it.
    Rejected {
        /// What the node says.
        reason: String,
    },
}

impl State {
    /// Whether nothing can change it any more. A rejection is one node's word: another may take the same bytes.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Final { .. } | Self::Conflicted { is_final: true, .. })
    }

    /// Whether it is in no block, and is to come into one.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Submitted | Self::Accepted | Self::RolledBack)
    }

    /// Whether the transaction will not be included, as far as is known.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Rejected { .. } | Self::Conflicted { is_final: true, .. })
    }

    /// Its name, as everywhere.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Prepared { .. } => "prepared",
            Self::Final { .. } => "final",
            Self::RolledBack => "rolled back",
            Self::Conflicted { .. } => "conflicted",
            Self::Cancelled => "cancelled",
            Self::Rejected { .. } => "rejected",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Submitted | Self::Accepted | Self::RolledBack | Self::Cancelled => Ok(()),
            Self::Prepared { epoch, offset } => write!(f, " in block {}", block(*epoch, *offset)),
            Self::Final { epoch } => write!(f, " in epoch {epoch}"),
            Self::Conflicted { input, by, epoch, offset, is_final } => {
                write!(f, ": {input} was spent in block {}", block(*epoch, *offset))?;
                by.map_or(Ok(()), |by| write!(f, " by transaction {by}"))?;
                if *is_final { f.write_str(", final") } else { Ok(()) }
            }
            Self::Rejected { reason } => write!(f, ": {reason}"),
        }
    }
}

fn block(epoch: u64, offset: Option<u32>) -> String {
    offset.map_or_else(|| epoch.to_string(), |offset| format!("{epoch}/{offset}"))
}

impl Transaction {
    /// What is so now.
    #[must_use]
    pub fn state(&self) -> &State {
        self.history.last().map_or(&State::Submitted, |step| &step.state)
    }
}

impl Handoff {
    /// Whether its inputs are reserved for it.
    #[must_use]
    pub fn holds_inputs(&self) -> bool {
        self.transaction.as_ref().map_or(self.ended.is_none(), |transaction| {
            !transaction.state().is_over() && !transaction.state().is_failure()
        })
    }

    /// Whether it spends something of an account, or pays to it.
    #[must_use]
    pub fn moves(&self, account: &str) -> bool {
        self.inputs.iter().any(|input| input.account == account)
            || self.outputs.iter().any(|output| output.account.as_deref() == Some(account))
    }

    /// Whether something may still happen to it by itself.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.transaction.as_ref().map_or(self.ended.is_none(), |transaction| !transaction.state().is_over())
    }

    /// Whether its inputs may have been signed away, though they are free: the signer would not sign them otherwise.
    #[must_use]
    pub fn has_released_inputs(&self) -> bool {
        !self.holds_inputs() && !self.is_final()
    }

    /// Whether its transaction is in a macro block.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.transaction.as_ref().map(Transaction::state), Some(State::Final { .. }))
    }

    /// Whether the signer's answer is waited for.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.transaction.is_none() && self.ended.is_none()
    }

    /// The same with another state of its transaction; without one nothing changes.
    #[must_use]
    pub fn with_state(&self, state: State, time: Timestamp) -> Self {
        let mut after = self.clone();
        if let Some(transaction) = &mut after.transaction {
            transaction.history.push(Step { state, time });
        }
        after
    }

    /// What goes to others than users of this ledger, or the most that can be counted.
    #[must_use]
    pub fn paid(&self) -> Amount {
        let paid = self.outputs.iter().filter(|output| output.account.is_none());
        Amount::checked_sum(paid.map(|output| output.amount)).unwrap_or(Amount::MAX)
    }

    /// What it is in one word.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (&self.transaction, self.ended) {
            (Some(transaction), _) => transaction.state().name(),
            (None, None) => "open",
            (None, Some(Ended::Cancelled)) => "cancelled",
            (None, Some(Ended::Expired)) => "expired",
        }
    }

    /// What a person must see of it, in the signer's words.
    #[must_use]
    pub fn review(&self) -> Review {
        let inputs = self.inputs.iter().map(|input| InputFacts {
            id: input.id,
            kind: Some(if input.private { Kind::Payment } else { Kind::PublicPayment }),
            amount: Some(input.amount),
            account: Some(input.account.clone()),
        });
        let id = |place: usize| self.transaction.as_ref()?.outputs.get(place).copied();
        let outputs = self.outputs.iter().enumerate().map(|(place, output)| OutputFacts {
            id: id(place),
            kind: if output.private.is_some() { Kind::Payment } else { Kind::PublicPayment },
            recipient: Some(output.recipient),
            amount: Some(output.amount),
            comment: output.private.as_ref().map(|private| private.comment.clone()),
            account: output.account.clone(),
            with_certificate: output.private.as_ref().is_some_and(|private| private.with_certificate),
            known: match (&output.private, &self.transaction) {
                (_, None) => Known::Requested,
                (None, Some(_)) => Known::Public,
                (Some(Private { with_certificate: true, .. }), Some(_)) => Known::Certificate,
                (Some(_), Some(_)) => Known::Stated,
            },
        });
        Review::new(inputs.collect(), outputs.collect(), self.fee, false)
    }
}
