//! What is owed to users, as one number that each of them can hold against the own balance. `docs/reserves.md` says what
//! that proves and what it does not. The documents that the signer reads too are [`stegos_common::reserves`].
//!
//! Nothing here reads or writes: whoever checks a proof needs neither a ledger nor a network.

mod proof;
mod tree;

pub use proof::{Proof, ProofError};
pub use tree::{MAX_STEPS, Node, Side, Step, Tree, TreeError, climb, leaf, salted_id};

use stegos_common::address::Network;
use stegos_common::hash::Hash;
use stegos_common::reserves::{HASH_FUNCTION, Root, VERSION};

/// The document about the root of a tree.
#[must_use]
pub fn root(network: Network, epoch: u64, block_hash: Hash, root: Node, accounts: u64) -> Root {
    Root {
        version: VERSION,
        network,
        epoch,
        block_hash,
        hash_function: HASH_FUNCTION.to_owned(),
        root: root.hash,
        total: root.sum,
        total_text: root.sum.to_string(),
        accounts,
    }
}
