//! The chain: a state machine that holds to the network's rules. It does no input or output and reads no clock;
//! what is random comes from its seed.
//!
//! A validator makes one micro block after another; [`Params::blocks_per_epoch`] of them and a macro block are an
//! epoch. Payments wait in the mempool for the next micro block, which takes all of them.

mod admission;
mod genesis;
mod leader;
mod ledger;
mod mempool;
mod mine;

pub use admission::Rejection;
pub use ledger::Entry;

use super::accounts::Account;
use leader::Leader;
use ledger::{Ledger, Spent};
use mempool::Mempool;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::amount::{Amount, AmountError};
use stegos_common::api::block::{MacroBlock, MicroBlock, Validator};
use stegos_common::api::encoding::{BlsPublicKey, Timestamp};
use stegos_common::api::output::ContentError;
use stegos_common::api::response::ValidatorStakes;
use stegos_common::hash::{Hash, Hashable};
use stegos_common::range_proof::RangeProofError;
use thiserror::Error;

/// What distinguishes one chain from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The network whose name and addresses it has.
    pub network: Network,
    /// Micro blocks of an epoch, at least 1; 60 on the real networks.
    pub blocks_per_epoch: u32,
    /// An epoch's service award is won once in 2 to the power of this many epochs.
    pub award_difficulty: u32,
    /// All randomness follows from it: keys and the first block, and everything later in the same order.
    pub seed: String,
}

/// Why a block cannot be made or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// The epoch has all its micro blocks: the macro block is next.
    #[error("Epoch {0} has all its micro blocks")]
    EpochFull(u64),
    /// The epoch lacks micro blocks.
    #[error("Epoch {0} lacks micro blocks")]
    EpochOpen(u64),
    /// Macro blocks are final.
    #[error("Attempt to revert a macro block: epoch={0}")]
    Final(u64),
    /// No such macro block.
    #[error("Macro block doesn't exists: epoch={0}")]
    NoMacroBlock(u64),
    /// No such micro block, or its epoch is over.
    #[error("Micro block doesn't exists: epoch={epoch}, offset={offset}")]
    NoMicroBlock {
        /// Its epoch.
        epoch: u64,
        /// Its offset.
        offset: u32,
    },
    /// More money than the protocol can count.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The prover refused.
    #[error(transparent)]
    RangeProof(#[from] RangeProofError),
    /// A block that was not made by this chain.
    #[error("Invalid block: {0}")]
    Block(#[from] ContentError),
}

/// A micro block of the current epoch, and what it takes to undo it.
struct Micro {
    block: Arc<MicroBlock>,
    spent: Vec<Spent>,
}

/// The chain, its unspent outputs and its mempool.
pub struct Chain {
    params: Params,
    leader: Leader,
    rng: ChaCha20Rng,
    /// By epoch, from the genesis block on.
    macro_blocks: Vec<Arc<MacroBlock>>,
    /// By offset in the current epoch.
    micro_blocks: Vec<Micro>,
    ledger: Ledger,
    mempool: Mempool,
}

impl Chain {
    /// A chain of nothing but its first block, made at `now`.
    ///
    /// # Errors
    /// [`ChainError`] never happens.
    pub fn new(params: Params, now: Timestamp) -> Result<Self, ChainError> {
        let mut chain = Self::empty(params);
        let genesis = genesis::block(&chain.params, &chain.leader, now, &mut chain.rng)?;
        chain.push_macro(genesis)?;
        Ok(chain)
    }

    /// A chain of these blocks: macro blocks by epoch, then the micro blocks of the current one. What comes next is
    /// left to chance again, and to `salt`.
    ///
    /// # Errors
    /// [`ChainError::Block`] where a block was not made by a chain of these parameters, and
    /// [`ChainError::NoMacroBlock`] where there is no first one.
    pub fn restore(
        params: Params,
        macro_blocks: impl IntoIterator<Item = MacroBlock>,
        micro_blocks: impl IntoIterator<Item = MicroBlock>,
        salt: &dyn Hashable,
    ) -> Result<Self, ChainError> {
        let mut chain = Self::empty(params);
        macro_blocks.into_iter().try_for_each(|block| chain.push_macro(block).map(drop))?;
        micro_blocks.into_iter().try_for_each(|block| chain.push_micro(block).map(drop))?;
        chain.macro_block(0)?;
        chain.rng = rng(Hash::chain(&[&chain.last_block_hash(), salt]));
        Ok(chain)
    }

    fn empty(params: Params) -> Self {
        let reserve = Account::reserve(&params.seed).public_key().encoded();
        Self {
            leader: Leader::new(&params),
            rng: rng(Hash::digest(params.seed.as_str())),
            params,
            macro_blocks: Vec::new(),
            micro_blocks: Vec::new(),
            ledger: Ledger::new(reserve),
            mempool: Mempool::default(),
        }
    }

    /// Forgets all but so many epochs, the first block's included. What comes then is not what came before.
    ///
    /// # Errors
    /// [`ChainError::NoMacroBlock`] where there are not so many epochs.
    pub fn cut(&mut self, epochs: u64) -> Result<(), ChainError> {
        let last = epochs.checked_sub(1).ok_or(ChainError::NoMacroBlock(0))?;
        self.macro_block(last)?;
        let kept = self.macro_blocks().take_while(|block| block.epoch <= last).cloned();
        *self = Self::restore(self.params.clone(), kept, [], &self.last_block_hash())?;
        Ok(())
    }

    /// Empties the mempool, as a restart does.
    pub fn forget_mempool(&mut self) {
        self.mempool.take();
    }

    /// What distinguishes this chain.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// The current epoch: the one that the last macro block did not close.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        as_u64(self.macro_blocks.len())
    }

    /// The offset of the next micro block.
    #[must_use]
    pub fn offset(&self) -> u32 {
        u32::try_from(self.micro_blocks.len()).unwrap_or(u32::MAX)
    }

    /// Whether the macro block is next.
    #[must_use]
    pub fn epoch_is_full(&self) -> bool {
        self.offset() >= self.params.blocks_per_epoch
    }

    /// The id of the last block.
    #[must_use]
    pub fn last_block_hash(&self) -> Hash {
        self.micro_blocks.last().map_or(self.last_macro_block().block_hash, |last| last.block.block_hash)
    }

    /// The last macro block.
    #[must_use]
    pub fn last_macro_block(&self) -> &Arc<MacroBlock> {
        self.macro_blocks.last().expect("there is a first block from the start")
    }

    /// The macro block of an epoch.
    ///
    /// # Errors
    /// [`ChainError::NoMacroBlock`] where the epoch is not over.
    pub fn macro_block(&self, epoch: u64) -> Result<&Arc<MacroBlock>, ChainError> {
        let index = usize::try_from(epoch).ok();
        index.and_then(|index| self.macro_blocks.get(index)).ok_or(ChainError::NoMacroBlock(epoch))
    }

    /// All macro blocks by epoch.
    pub fn macro_blocks(&self) -> impl Iterator<Item = &MacroBlock> {
        self.macro_blocks.iter().map(AsRef::as_ref)
    }

    /// The micro blocks of the current epoch.
    pub fn micro_blocks(&self) -> impl Iterator<Item = &MicroBlock> {
        self.micro_blocks.iter().map(|micro| micro.block.as_ref())
    }

    /// A micro block of the current epoch.
    ///
    /// # Errors
    /// [`ChainError::NoMicroBlock`] for any other.
    pub fn micro_block(&self, epoch: u64, offset: u32) -> Result<&Arc<MicroBlock>, ChainError> {
        let found = (epoch == self.epoch()).then(|| self.micro_blocks.get(offset as usize)).flatten();
        found.map(|micro| &micro.block).ok_or(ChainError::NoMicroBlock { epoch, offset })
    }

    /// An unspent output that is in a block.
    #[must_use]
    pub fn unspent(&self, id: &Hash) -> Option<&Entry> {
        self.ledger.get(id)
    }

    /// Ids of the reserve's outputs that no payment in the mempool spends, in order.
    pub fn reserve(&self) -> impl Iterator<Item = &Hash> {
        self.ledger.reserve().filter(|id| !self.mempool.spends(id))
    }

    /// Whether a payment waits for a block.
    #[must_use]
    pub fn waits(&self, payment: &Hash) -> bool {
        self.mempool.contains(payment)
    }

    /// The network key of the only validator.
    #[must_use]
    pub const fn network_key(&self) -> BlsPublicKey {
        self.leader.network_key
    }

    /// The validators of this epoch.
    #[must_use]
    pub fn validators(&self) -> &[Validator] {
        &self.last_macro_block().epoch_info.validators
    }

    /// The stakes of this epoch.
    #[must_use]
    pub fn stakes(&self) -> Vec<ValidatorStakes> {
        let stake = self.ledger.stake().and_then(|id| self.leader.stake(id, self.epoch()).ok());
        vec![ValidatorStakes {
            network_pkey: self.leader.network_key,
            active_stake: stake.as_ref().map(|stake| stake.amount).unwrap_or_default(),
            expired_stake: Amount::ZERO,
            stakes: stake.into_iter().collect(),
        }]
    }
}

fn rng(seed: Hash) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(*seed.as_bytes())
}

/// A `usize` has at most 64 bits on every platform there is.
const fn as_u64(length: usize) -> u64 {
    length as u64
}
