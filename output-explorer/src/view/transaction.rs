//! What the world is shown of signed transactions.

use super::text::HashText;
use crate::handoff::record::State;
use serde::Serialize;
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// What is known about a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum TransactionState {
    /// It is stored here, and will be submitted.
    Submitted,
    /// The node has it among those that wait for a block.
    Accepted,
    /// It is in a block of an epoch that is not over.
    Prepared {
        /// The epoch.
        epoch: u64,
        /// The micro block, where it was seen in one.
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

impl From<State> for TransactionState {
    fn from(state: State) -> Self {
        match state {
            State::Submitted => Self::Submitted,
            State::Accepted => Self::Accepted,
            State::Prepared { epoch, offset } => Self::Prepared { epoch, offset },
            State::Final { epoch } => Self::Final { epoch },
            State::RolledBack => Self::RolledBack,
            State::Conflicted { input, by, epoch, offset, is_final } => {
                Self::Conflicted { input, by, epoch, offset, is_final }
            }
            State::Cancelled => Self::Cancelled,
            State::Rejected { reason } => Self::Rejected { reason },
        }
    }
}
