//! Whether a block is what it says it is.
//!
//! A block that passes may still be one that the network never made: signatures of blocks and stakes are on a
//! curve that this product does not know.

use super::block::{MacroBlock, MicroBlock};
use super::output::{ContentError, OutputJson, check_hash};
use super::seal::{Contents, Digests, List};
use super::transaction::TransactionJson;
use crate::address::Network;
use crate::hash::Hash;
use std::fmt;
use thiserror::Error;

/// What a block's header counts or has a root over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The transactions of a micro block.
    Transactions,
    /// The validators of a macro block.
    Validators,
    /// Ids of the outputs spent.
    Inputs,
    /// The outputs made.
    Outputs,
    /// The outputs' recipients' marks.
    Canaries,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Transactions => "transactions",
            Self::Validators => "validators",
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Canaries => "canaries",
        })
    }
}

/// A block that is not what it says it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlockError {
    /// An output of another network, or one that does not hash to its id.
    #[error("an output of the block: {0}")]
    Output(ContentError),
    /// A transaction that does not hash to its id.
    #[error("a transaction of the block: {0}")]
    Transaction(ContentError),
    /// A list of another length.
    #[error("the node states {stated} {part} for the block, but sends {actual}: do not trust this node")]
    Count {
        /// What is counted.
        part: Part,
        /// The number in the header.
        stated: u32,
        /// How many there are.
        actual: u32,
    },
    /// A list that does not hash to its root.
    #[error(
        "the node states the root {stated} for the block's {part}, but they hash to {actual}: do not trust \
         this node"
    )]
    Root {
        /// What the root is over.
        part: Part,
        /// The root in the header.
        stated: Hash,
        /// The root of what there is.
        actual: Hash,
    },
    /// A list of a macro block that is not sorted.
    #[error("the block's {part} are not sorted, {before} stands before {after}: do not trust this node")]
    Order {
        /// What is not sorted.
        part: Part,
        /// The larger id.
        before: Hash,
        /// The smaller one, right after it.
        after: Hash,
    },
    /// The header does not hash to the block's id.
    #[error("the block: {0}")]
    Block(ContentError),
}

impl MicroBlock {
    /// Checks that every output is one of `network`, and that all parts of the block hash to what it states
    /// about them.
    ///
    /// What was never recorded is not known, so it is not checked: the id of a block with a view change proof,
    /// the id of a slashing or service award transaction, and the root of transactions where there is one.
    /// No digest covers the leader's signature, nor the signature inside a stake.
    ///
    /// # Errors
    /// [`BlockError`] names the first part that disagrees.
    pub fn verify(&self, network: Network) -> Result<(), BlockError> {
        check_outputs(self.transactions.iter().flat_map(TransactionJson::outputs), network)?;
        let digests: Vec<Digests> = self.transactions.iter().map(TransactionJson::digests).collect();
        for (transaction, digests) in self.transactions.iter().zip(&digests) {
            check_hash(transaction.tx_hash, digests.id).map_err(BlockError::Transaction)?;
        }
        let stated = self.stated();
        let mut actual = self.contents(&digests);
        if !self.transactions.iter().all(TransactionJson::is_known) {
            actual.members.root = stated.members.root;
        }
        check_contents(Part::Transactions, &stated, &actual)?;
        match self.view_change_proof {
            Some(_) => Ok(()),
            None => check_hash(self.block_hash, self.id()).map_err(BlockError::Block),
        }
    }
}

impl MacroBlock {
    /// Checks that every output is one of `network`, that inputs and outputs are sorted by id, and that all
    /// parts of the block hash to what it states about them. One id may be there twice (protocol page §11).
    ///
    /// No digest covers the joint signature and its map, the validators' accounts, the facilitator, the service
    /// award, the old epoch, nor the signature inside a stake.
    ///
    /// # Errors
    /// [`BlockError`] names the first part that disagrees.
    pub fn verify(&self, network: Network) -> Result<(), BlockError> {
        check_outputs(self.outputs.iter(), network)?;
        check_order(Part::Inputs, self.inputs.iter().copied())?;
        check_order(Part::Outputs, self.outputs.iter().map(|output| output.output_hash))?;
        check_contents(Part::Validators, &self.stated(), &self.contents())?;
        check_hash(self.block_hash, self.id()).map_err(BlockError::Block)
    }
}

fn check_outputs<'a>(
    mut outputs: impl Iterator<Item = &'a OutputJson>,
    network: Network,
) -> Result<(), BlockError> {
    outputs.try_for_each(|output| output.check(network).map(drop)).map_err(BlockError::Output)
}

fn check_order(part: Part, ids: impl Iterator<Item = Hash> + Clone) -> Result<(), BlockError> {
    match ids.clone().zip(ids.skip(1)).find(|(before, after)| before > after) {
        Some((before, after)) => Err(BlockError::Order { part, before, after }),
        None => Ok(()),
    }
}

fn check_contents(members: Part, stated: &Contents, actual: &Contents) -> Result<(), BlockError> {
    check_list(members, stated.members, actual.members)?;
    check_list(Part::Inputs, stated.inputs, actual.inputs)?;
    check_list(Part::Outputs, stated.outputs, actual.outputs)?;
    check_root(Part::Canaries, stated.canaries, actual.canaries)
}

fn check_list(part: Part, stated: List, actual: List) -> Result<(), BlockError> {
    if stated.len == actual.len {
        check_root(part, stated.root, actual.root)
    } else {
        Err(BlockError::Count { part, stated: stated.len, actual: actual.len })
    }
}

fn check_root(part: Part, stated: Hash, actual: Hash) -> Result<(), BlockError> {
    if stated == actual { Ok(()) } else { Err(BlockError::Root { part, stated, actual }) }
}
