//! What is owed to users, as one number that each of them can hold against the own balance. `docs/reserves.md` says what
//! that proves and what it does not.
//!
//! Nothing here reads or writes: whoever checks a proof needs neither a ledger nor a network.

mod proof;
mod tree;

pub use proof::{Proof, ProofError, Root, VERSION};
pub use tree::{MAX_STEPS, Node, Side, Step, Tree, TreeError, climb, leaf, salted_id};
