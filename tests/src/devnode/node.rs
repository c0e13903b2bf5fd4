//! The node: a chain, a clock, and those who are told about it.

use super::chain::{Chain, ChainError, Params};
use super::clock::Clock;
use super::connections::Connections;
use super::faults::Faults;
use super::store::{Store, StoreError};
use super::subscribers::Subscribers;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::path::Path;
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;
use thiserror::Error;

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
    pub(super) connections: Connections,
    pub(super) faults: Faults,
    /// Whether it says that it is up to date.
    pub(super) synchronized: bool,
    /// Whether it announces reverts and ends of epochs, as only a patched node does.
    pub(super) announce: bool,
    store: Option<Store>,
}

/// What a node cannot do with its chain.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The chain does not allow it.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The disk does not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Node {
    /// A node with a new chain, or with the one that is in the directory.
    ///
    /// # Errors
    /// [`NodeError::Store`] where the directory cannot be used.
    pub fn new(params: Params, clock: Clock, data: Option<&Path>, log: Log) -> Result<Self, NodeError> {
        let store = data.map(Store::open).transpose()?;
        let kept = store.as_ref().map(|store| store.load(&params)).transpose()?.flatten();
        let chain = if let Some((macro_blocks, micro_blocks)) = kept {
            Chain::restore(params, macro_blocks, micro_blocks, &clock.now().unix_nanos())?
        } else {
            let chain = Chain::new(params, clock.now())?;
            store.as_ref().map(|store| store.replace(&chain)).transpose()?;
            chain
        };
        // A node that goes on must not roll the dice that it has rolled before.
        let seed = Hash::chain(&[&"node", &chain.params().seed.as_str(), &chain.last_block_hash()]);
        Ok(Self {
            rng: ChaCha20Rng::from_seed(*seed.as_bytes()),
            chain,
            clock,
            subscribers: Subscribers::default(),
            log,
            connections: Connections::default(),
            faults: Faults::default(),
            synchronized: true,
            announce: false,
            store,
        })
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Makes the next block, micro or macro.
    ///
    /// # Errors
    /// [`NodeError::Store`] where it cannot be kept on disk.
    pub fn mine(&mut self) -> Result<(), NodeError> {
        let now = self.clock.now();
        if self.chain.epoch_is_full() {
            // The deployed node takes its micro blocks back one by one before it adds the macro block.
            let offsets = (0..self.chain.offset()).rev();
            let mut burst: Vec<Status> = offsets.map(|offset| self.status_at(offset)).collect();
            if self.announce {
                self.announce_epoch_end();
            }
            let block = self.chain.mine_macro(now)?;
            self.keep(|store| store.add_macro(&block))?;
            (self.log)(&format!(
                "macro block {} {}: {} inputs, {} outputs",
                block.epoch,
                block.block_hash.short(),
                block.inputs_len,
                block.outputs_len
            ));
            burst.push(self.status());
            if self.announce {
                burst.into_iter().for_each(|status| self.subscribers.tell(status, self.faults));
            } else {
                self.subscribers.tell_burst(burst, self.faults);
            }
        } else {
            let block = self.chain.mine_micro(now)?;
            self.keep(|store| store.add_micro(&block))?;
            (self.log)(&format!(
                "micro block {}/{} {}: {} transactions",
                block.epoch,
                block.offset,
                block.block_hash.short(),
                block.transactions_len
            ));
            self.subscribers.tell(self.status(), self.faults);
        }
        self.subscribers.advance(&self.chain, self.faults);
        Ok(())
    }

    /// Takes micro blocks back. Their payments return to the mempool, or are lost. Nobody is told, except for the
    /// status.
    ///
    /// # Errors
    /// [`ChainError::Final`] where there are not so many since the last macro block: then nothing is taken back.
    /// [`NodeError::Store`] where the disk fails.
    pub fn revert(&mut self, blocks: u32, keep_payments: bool) -> Result<(), NodeError> {
        if blocks > self.chain.offset() {
            return Err(ChainError::Final(self.chain.epoch()).into());
        }
        (0..blocks).try_for_each(|_block| self.revert_last(keep_payments))
    }

    fn revert_last(&mut self, keep_payments: bool) -> Result<(), NodeError> {
        // Who has just subscribed is sent the block before it goes.
        self.subscribers.advance(&self.chain, self.faults);
        let block = self.chain.pop_micro(keep_payments)?;
        self.keep(|store| store.remove_micro(&block))?;
        if self.announce {
            self.subscribers.announce_revert(&block, &self.chain, self.faults);
        }
        (self.log)(&format!(
            "micro block {}/{} {} taken back",
            block.epoch,
            block.offset,
            block.block_hash.short()
        ));
        self.subscribers.tell(self.status(), self.faults);
        Ok(())
    }

    /// The patched node takes all micro blocks back, newest first, before it adds the macro block.
    fn announce_epoch_end(&mut self) {
        let epoch = self.chain.epoch();
        for offset in (0..self.chain.offset()).rev() {
            if let Ok(block) = self.chain.micro_block(epoch, offset) {
                self.subscribers.announce_revert(block, &self.chain, self.faults);
            }
        }
    }

    /// Goes on as a node that was restarted, with another chain or only so many epochs of this one.
    ///
    /// # Errors
    /// [`ChainError::NoMacroBlock`] where there are not so many epochs, [`NodeError::Store`] where the disk fails.
    pub fn restart(&mut self, seed: Option<String>, epochs: Option<u64>) -> Result<(), NodeError> {
        if let Some(seed) = seed {
            let params = Params { seed, ..self.chain.params().clone() };
            self.chain = Chain::new(params, self.clock.now())?;
        }
        if let Some(epochs) = epochs {
            self.chain.cut(epochs)?;
        }
        self.chain.forget_mempool();
        self.keep(|store| store.replace(&self.chain))?;
        self.subscribers = Subscribers::default();
        self.connections.close(None);
        (self.log)("restarted");
        Ok(())
    }

    /// Does something on disk, where there is one.
    fn keep(&self, change: impl FnOnce(&Store) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.store.as_ref().map_or(Ok(()), change)
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
            is_synchronized: self.synchronized,
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
