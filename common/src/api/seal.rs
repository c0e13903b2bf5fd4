//! The ids, roots and counts that a block states about its own contents (protocol page §12).
//!
//! They follow from the rest of the block: whoever makes one fills them in with `sealed`, and whoever reads one
//! compares.

use super::block::{MacroBlock, MicroBlock, Random, Validator};
use super::encoding::{BitMap, BlsPublicKey, BlsSignature, ScalarJson};
use super::output::OutputJson;
use super::transaction::{TransactionFields, TransactionJson};
use crate::amount::Amount;
use crate::hash::{Hash, Hashable, Hasher};
use crate::merkle;
use crate::transaction::length;
use std::borrow::Borrow;

impl TransactionJson {
    /// The leader's reward for a micro block: `reward` and `fee` become `txouts`. `gamma` is the sum of the
    /// outputs' blindings, negated.
    #[must_use]
    pub fn coinbase(reward: Amount, fee: Amount, gamma: ScalarJson, txouts: Vec<OutputJson>) -> Self {
        let mut state = Hasher::new();
        reward.micro().feed(&mut state);
        fee.micro().feed(&mut state);
        gamma.0.feed(&mut state);
        length(txouts.len()).feed(&mut state);
        for output in &txouts {
            output.output_hash.feed(&mut state);
        }
        let fields =
            TransactionFields::CoinbaseTransaction { block_reward: reward, block_fee: fee, gamma, txouts };
        Self { tx_hash: state.finish(), fields }
    }

    /// A validator renews its stake.
    #[must_use]
    pub fn restake(txins: Vec<Hash>, txouts: Vec<OutputJson>, sig: BlsSignature) -> Self {
        let mut state = Hasher::new();
        feed_transfer(&txins, &txouts, &mut state);
        Self { tx_hash: state.finish(), fields: TransactionFields::RestakeTransaction { txins, txouts, sig } }
    }

    /// The digest by which a block's root covers this transaction: unlike the id, it covers the signature.
    fn leaf(&self) -> Hash {
        let mut state = Hasher::new();
        match &self.fields {
            TransactionFields::PaymentTransaction { txins, txouts, gamma, fee, sig } => {
                feed_transfer(txins, txouts, &mut state);
                gamma.0.feed(&mut state);
                fee.feed(&mut state);
                state.update(b"SchnorrSig");
                sig.u.0.feed(&mut state);
                sig.k.feed(&mut state);
            }
            TransactionFields::RestakeTransaction { txins, txouts, sig } => {
                feed_transfer(txins, txouts, &mut state);
                state.update(b"Signature");
                state.update(&sig.0);
            }
            // A coinbase has no signature. The other two were never recorded.
            TransactionFields::CoinbaseTransaction { .. }
            | TransactionFields::SlashingTransaction { .. }
            | TransactionFields::ServiceAwardTransaction { .. } => return self.tx_hash,
        }
        state.finish()
    }
}

fn feed_transfer(txins: &[Hash], txouts: &[OutputJson], state: &mut Hasher) {
    length(txins.len()).feed(state);
    for input in txins {
        input.feed(state);
    }
    length(txouts.len()).feed(state);
    for output in txouts {
        output.contents().feed(state);
    }
}

impl MicroBlock {
    /// The block with every count, root and id as its contents demand.
    ///
    /// A block with a view change proof was never recorded: how the proof enters the id is not known, and the
    /// id comes out as if there were none.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let transactions = &self.transactions;
        let inputs: Vec<Hash> = transactions.iter().flat_map(TransactionJson::inputs).copied().collect();
        let outputs: Vec<&OutputJson> = transactions.iter().flat_map(TransactionJson::outputs).collect();
        let contents = Contents::new(&inputs, &outputs);
        self.transactions_len = count(transactions.len());
        self.transactions_range_hash = merkle::root(transactions.iter().map(TransactionJson::leaf));
        self.inputs_len = contents.inputs_len;
        self.inputs_range_hash = contents.inputs;
        self.outputs_len = contents.outputs_len;
        self.outputs_range_hash = contents.outputs;
        self.canaries_range_hash = contents.canaries;

        let mut state = Hasher::new();
        state.update(b"Micro");
        self.version.feed(&mut state);
        self.previous.feed(&mut state);
        self.epoch.feed(&mut state);
        self.offset.feed(&mut state);
        self.view_change.feed(&mut state);
        feed_leader(&self.pkey, &self.random, &mut state);
        state.update(&self.solution.0);
        self.timestamp.unix_nanos().feed(&mut state);
        self.transactions_len.feed(&mut state);
        self.transactions_range_hash.feed(&mut state);
        contents.feed(&mut state);
        self.block_hash = state.finish();
        self
    }
}

impl MacroBlock {
    /// The block with every count, root and id as its contents demand. Inputs and outputs must be sorted
    /// already.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let validators = &self.epoch_info.validators;
        self.validators_len = count(validators.len());
        self.validators_range_hash = merkle::root(validators);
        let contents = Contents::new(&self.inputs, &self.outputs);
        self.inputs_len = contents.inputs_len;
        self.inputs_range_hash = contents.inputs;
        self.outputs_len = contents.outputs_len;
        self.outputs_range_hash = contents.outputs;
        self.canaries_range_hash = contents.canaries;

        let mut state = Hasher::new();
        state.update(b"Macro");
        self.version.feed(&mut state);
        self.previous.feed(&mut state);
        self.epoch.feed(&mut state);
        self.view_change.feed(&mut state);
        feed_leader(&self.pkey, &self.random, &mut state);
        self.difficulty.feed(&mut state);
        self.timestamp.unix_nanos().feed(&mut state);
        self.block_reward.micro().feed(&mut state);
        self.gamma.0.feed(&mut state);
        feed_bits(&self.activity_map, &mut state);
        self.validators_len.feed(&mut state);
        self.validators_range_hash.feed(&mut state);
        contents.feed(&mut state);
        self.block_hash = state.finish();
        self
    }
}

/// What every header states about inputs and outputs.
struct Contents {
    inputs_len: u32,
    inputs: Hash,
    outputs_len: u32,
    outputs: Hash,
    canaries: Hash,
}

impl Contents {
    fn new<T: Borrow<OutputJson>>(inputs: &[Hash], outputs: &[T]) -> Self {
        let listed = || outputs.iter().map(Borrow::borrow);
        Self {
            inputs_len: count(inputs.len()),
            inputs: merkle::root(inputs),
            outputs_len: count(outputs.len()),
            outputs: merkle::root(listed().map(|output| output.output_hash)),
            canaries: merkle::root(listed().map(|output| output.contents().canary())),
        }
    }
}

impl Hashable for Contents {
    fn feed(&self, state: &mut Hasher) {
        self.inputs_len.feed(state);
        self.inputs.feed(state);
        self.outputs_len.feed(state);
        self.outputs.feed(state);
        self.canaries.feed(state);
    }
}

impl Hashable for Validator {
    fn feed(&self, state: &mut Hasher) {
        feed_key(&self.network_pkey, state);
        self.slots.feed(state);
    }
}

fn feed_leader(key: &BlsPublicKey, random: &Random, state: &mut Hasher) {
    feed_key(key, state);
    random.rand.feed(state);
    state.update(b"G1");
    state.update(&random.proof.0);
}

fn feed_key(key: &BlsPublicKey, state: &mut Hasher) {
    state.update(b"PublicKey");
    state.update(&key.0);
}

fn feed_bits(bits: &BitMap, state: &mut Hasher) {
    let bits = bits.bits();
    count(bits.len()).feed(state);
    for bit in bits {
        bit.feed(state);
    }
}

/// A number as a header states it. No block comes near the limit.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
