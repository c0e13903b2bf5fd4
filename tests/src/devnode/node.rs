//! The node: a chain, a clock, and those who are told about it.

use super::chain::{Chain, ChainError, Params};
use super::clock::Clock;
use super::subscribers::Subscribers;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;

/// What hears of everything that happens, one line each.
pub type Log = fn(&str);

/// A node with one chain.
pub struct Node {
    pub(super) chain: Chain,
    pub(super) clock: Clock,
    pub(super) subscribers: Subscribers,
    /// For the transactions that it is asked to create.
    pub(super) rng: ChaCha20Rng,
    pub(super) log: Log,
}

impl Node {
    /// A node with a new chain.
    ///
    /// # Errors
    /// [`ChainError`] never happens.
    pub fn new(params: Params, clock: Clock, log: Log) -> Result<Self, ChainError> {
        let rng = ChaCha20Rng::from_seed(*Hash::chain(&[&"node", &params.seed.as_str()]).as_bytes());
        let chain = Chain::new(params, clock.now())?;
        Ok(Self { chain, clock, subscribers: Subscribers::default(), rng, log })
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Makes the next block, micro or macro.
    ///
    /// # Errors
    /// [`ChainError`] never happens.
    pub fn mine(&mut self) -> Result<(), ChainError> {
        let now = self.clock.now();
        if self.chain.epoch_is_full() {
            // The deployed node takes its micro blocks back one by one before it adds the macro block.
            let offsets = (0..self.chain.offset()).rev();
            let mut burst: Vec<Status> = offsets.map(|offset| self.status_at(offset)).collect();
            let block = self.chain.mine_macro(now)?;
            (self.log)(&format!(
                "macro block {} {}: {} inputs, {} outputs",
                block.epoch,
                block.block_hash.short(),
                block.inputs_len,
                block.outputs_len
            ));
            burst.push(self.status());
            self.subscribers.tell_burst(burst);
        } else {
            let block = self.chain.mine_micro(now)?;
            (self.log)(&format!(
                "micro block {}/{} {}: {} transactions",
                block.epoch,
                block.offset,
                block.block_hash.short(),
                block.transactions_len
            ));
            self.subscribers.tell(self.status());
        }
        self.subscribers.advance(&self.chain);
        Ok(())
    }

    /// Takes the last micro block back. Its payments return to the mempool, or are lost. Nobody is told, except
    /// for the status.
    ///
    /// # Errors
    /// [`ChainError::Final`] where the last block is a macro block.
    pub fn revert(&mut self, keep_payments: bool) -> Result<(), ChainError> {
        // Who has just subscribed is sent the block before it goes.
        self.subscribers.advance(&self.chain);
        let block = self.chain.pop_micro(keep_payments)?;
        (self.log)(&format!(
            "micro block {}/{} {} taken back",
            block.epoch,
            block.offset,
            block.block_hash.short()
        ));
        self.subscribers.tell(self.status());
        Ok(())
    }

    /// Where the chain is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status_at(self.chain.offset())
    }

    /// Where the chain would be with only so many micro blocks of the current epoch.
    fn status_at(&self, offset: u32) -> Status {
        let last_macro_block = self.chain.last_macro_block();
        let epoch = self.chain.epoch();
        let last = offset.checked_sub(1).and_then(|last| self.chain.micro_block(epoch, last).ok());
        Status {
            is_synchronized: true,
            epoch,
            offset,
            view_change: 0,
            last_block_hash: last.map_or(last_macro_block.block_hash, |block| block.block_hash),
            last_macro_block_hash: last_macro_block.block_hash,
            last_macro_block_timestamp: last_macro_block.timestamp,
            local_timestamp: self.clock.now(),
        }
    }
}
