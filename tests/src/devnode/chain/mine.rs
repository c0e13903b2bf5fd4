//! Blocks: made, added, and taken back.

use super::genesis::{empty, sealed};
use super::leader::{BLOCK_REWARD, sum};
use super::{Chain, ChainError, Micro};
use std::collections::HashSet;
use std::sync::Arc;
use stegos_common::amount::Amount;
use stegos_common::api::block::{MacroBlock, MicroBlock};
use stegos_common::api::encoding::{HexBytes, ScalarJson, Timestamp};
use stegos_common::api::output::OutputJson;
use stegos_common::api::transaction::{TransactionFields, TransactionJson};
use stegos_common::group::Scalar;
use stegos_common::hash::Hash;

/// The micro block of each epoch in which the validator renews its stake, if there are that many.
const RESTAKE_OFFSET: u32 = 4;

impl Chain {
    /// Makes the next micro block of everything in the mempool.
    ///
    /// # Errors
    /// [`ChainError::EpochFull`] where the macro block is next.
    pub fn mine_micro(&mut self, timestamp: Timestamp) -> Result<Arc<MicroBlock>, ChainError> {
        if self.epoch_is_full() {
            return Err(ChainError::EpochFull(self.epoch()));
        }
        let payments = self.mempool.take();
        let fees = payments.iter().map(|payment| Amount::from_micro(payment.fee));
        let fees = sum(fees.collect::<Result<Vec<_>, _>>()?)?;
        let mut transactions = vec![self.leader.coinbase(fees, &mut self.rng)?];
        if self.offset() == RESTAKE_OFFSET.min(self.params.blocks_per_epoch - 1) {
            let stake = self.ledger.stake();
            transactions.extend(stake.map(|stake| self.leader.restake(stake, &mut self.rng)));
        }
        let network = self.params.network;
        transactions.extend(payments.iter().map(|payment| TransactionJson::new(payment, network)));

        const NOTHING: Hash = Hash::from_bytes([0; 32]);
        let previous = self.last_block_hash();
        let block = MicroBlock {
            block_hash: NOTHING,
            version: 1,
            previous,
            epoch: self.epoch(),
            offset: self.offset(),
            view_change: 0,
            view_change_proof: None,
            pkey: self.leader.network_key,
            random: self.leader.random(previous),
            solution: HexBytes(Hash::chain(&[&"solution", &previous]).as_bytes().to_vec()),
            timestamp,
            transactions_len: 0,
            transactions_range_hash: NOTHING,
            inputs_len: 0,
            inputs_range_hash: NOTHING,
            outputs_len: 0,
            outputs_range_hash: NOTHING,
            canaries_range_hash: NOTHING,
            sig: self.leader.signature,
            transactions,
        };
        self.push_micro(block.sealed())
    }

    /// Adds a micro block: its outputs can be spent.
    pub(super) fn push_micro(&mut self, block: MicroBlock) -> Result<Arc<MicroBlock>, ChainError> {
        let network = self.params.network;
        let mut spent = Vec::new();
        for transaction in &block.transactions {
            spent.extend(transaction.inputs().iter().filter_map(|id| self.ledger.spend(*id)));
            for output in transaction.outputs() {
                let made = output.clone().into_output(network)?;
                self.ledger.add(output.output_hash, &made, block.epoch, Some(block.offset));
            }
        }
        let block = Arc::new(block);
        self.micro_blocks.push(Micro { block: Arc::clone(&block), spent });
        Ok(block)
    }

    /// Closes the epoch with its macro block: everything made and spent in it, a reward, and perhaps an award.
    ///
    /// # Errors
    /// [`ChainError::EpochOpen`] where micro blocks are missing.
    pub fn mine_macro(&mut self, timestamp: Timestamp) -> Result<Arc<MacroBlock>, ChainError> {
        let epoch = self.epoch();
        if !self.epoch_is_full() {
            return Err(ChainError::EpochOpen(epoch));
        }
        let blocks = self.micro_blocks.iter();
        let transactions: Vec<&TransactionJson> =
            blocks.flat_map(|micro| &micro.block.transactions).collect();
        let inputs = transactions.iter().flat_map(|transaction| transaction.inputs()).copied().collect();
        let mut outputs: Vec<OutputJson> =
            transactions.iter().flat_map(|transaction| transaction.outputs()).cloned().collect();
        let mut gamma: Scalar = transactions.iter().map(|transaction| blinding(transaction)).sum();

        let reward = Amount::from_micro(BLOCK_REWARD)?;
        let (output, own_gamma) = self.leader.reward(reward, &mut self.rng)?;
        gamma = gamma + own_gamma;
        outputs.push(output);
        let old = self.last_macro_block().epoch_info.clone();
        let epoch_info = self.leader.next_epoch(&old.awards, &mut self.rng)?;
        let award = epoch_info.awards.payout.as_ref().map(|payout| payout.amount);
        outputs.extend(award.map(|amount| self.leader.award(amount, &mut self.rng)));
        let rewards = (0..=self.params.blocks_per_epoch).map(|_block| reward);

        let previous = self.last_macro_block().block_hash;
        let block = sealed(MacroBlock {
            epoch,
            timestamp,
            block_reward: sum(rewards.chain(award))?,
            gamma: ScalarJson(gamma),
            inputs,
            outputs,
            epoch_info,
            old_epoch_info: Some(old),
            ..empty(&self.leader, previous)
        });
        self.push_macro(block)
    }

    /// Adds a macro block: its outputs are final. The micro blocks of its epoch are gone.
    pub(super) fn push_macro(&mut self, block: MacroBlock) -> Result<Arc<MacroBlock>, ChainError> {
        let network = self.params.network;
        let micro_blocks = std::mem::take(&mut self.micro_blocks);
        let known: HashSet<Hash> = micro_blocks.iter().flat_map(|micro| made(&micro.block)).collect();
        for output in &block.outputs {
            if known.contains(&output.output_hash) {
                self.ledger.finish(&output.output_hash);
            } else {
                let made = output.clone().into_output(network)?;
                self.ledger.add(output.output_hash, &made, block.epoch, None);
            }
        }
        // They are spent already, unless its micro blocks are not known.
        for id in &block.inputs {
            self.ledger.spend(*id);
        }
        let block = Arc::new(block);
        self.macro_blocks.push(Arc::clone(&block));
        Ok(block)
    }

    /// Takes the last micro block back. Its payments return to the mempool, or are lost.
    ///
    /// # Errors
    /// [`ChainError::Final`] where the last block is a macro block.
    pub fn pop_micro(&mut self, keep_payments: bool) -> Result<Arc<MicroBlock>, ChainError> {
        let Micro { block, spent } = self.micro_blocks.pop().ok_or(ChainError::Final(self.epoch()))?;
        self.ledger.undo(made(&block), spent);
        let waiting = self.mempool.take();
        if keep_payments {
            for transaction in &block.transactions {
                if let TransactionFields::PaymentTransaction { .. } = transaction.fields {
                    self.mempool.add(transaction.clone().into_payment(self.params.network)?);
                }
            }
        }
        for payment in waiting {
            self.mempool.add(payment);
        }
        self.clean_mempool();
        Ok(block)
    }
}

/// Ids of the outputs that a block makes.
fn made(block: &MicroBlock) -> impl Iterator<Item = Hash> {
    block.transactions.iter().flat_map(TransactionJson::outputs).map(|output| output.output_hash)
}

/// What a transaction adds to the blindings of its epoch.
fn blinding(transaction: &TransactionJson) -> Scalar {
    match &transaction.fields {
        TransactionFields::CoinbaseTransaction { gamma, .. }
        | TransactionFields::PaymentTransaction { gamma, .. } => gamma.0,
        TransactionFields::RestakeTransaction { .. }
        | TransactionFields::SlashingTransaction { .. }
        | TransactionFields::ServiceAwardTransaction { .. } => Scalar::ZERO,
    }
}
