//! Requests that wait for people. Where the policy asks, a request is parked in the journal, and its facts lie as a text
//! in a folder. Whoever the policy names approves exactly that text: with an SSH signature of it, made anywhere, or as a
//! user of this host, with a file of his. Approvals count once they are in the journal. A parked request is signed
//! only when it is sent again: nothing of it is kept that could be signed without it.

mod approvers;
mod folder;
mod statement;
#[cfg(test)]
mod tests;
mod waiting;

pub use approvers::{Approver, Approvers, ApproversError, Identity, MAX_APPROVERS};
pub(crate) use folder::MAX_HANDED;
pub use folder::{Folder, Handed};
pub(crate) use statement::{
    MAX_STATEMENT, Question, approved_text, approver_in, identify, line, signer_of, statement,
};
pub use waiting::{Approval, Parked, Rejection, Waiting};

/// No more undecided requests wait at a time: nobody would read more, and whoever owns the online host could park
/// without end.
pub const MAX_WAITING: usize = 100;

/// Rejected ones, which are remembered until they expire, included.
const MAX_KEPT: usize = 1000;
