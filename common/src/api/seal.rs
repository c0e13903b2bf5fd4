//! The ids, roots and counts that a block states about its own contents (protocol page §12).
//!
//! They follow from the rest of the block: whoever makes one fills them in with `sealed`, and whoever reads one
//! compares them with [`verify`](super::verify).

use super::block::{MacroBlock, MicroBlock, Random, Validator};
use super::encoding::{BitMap, BlsPublicKey, BlsSignature, ScalarJson};
use super::output::OutputJson;
use super::transaction::{TransactionFields, TransactionJson};
use crate::amount::Amount;
use crate::hash::{Hash, Hashable, Hasher};
use crate::merkle;
use crate::transaction::length;

/// What a block computes about a transaction.
pub(super) struct Digests {
    /// Its id.
    pub(super) id: Hash,
    /// The digest by which the block's root covers it: unlike the id, it covers the signature.
    leaf: Hash,
}

impl TransactionJson {
    /// The leader's reward for a micro block: `reward` and `fee` become `txouts`. `gamma` is the sum of the
    /// outputs' blindings, negated.
    #[must_use]
    pub fn coinbase(reward: Amount, fee: Amount, gamma: ScalarJson, txouts: Vec<OutputJson>) -> Self {
        let tx_hash = coinbase_id(reward, fee, &gamma, &txouts);
        let fields =
            TransactionFields::CoinbaseTransaction { block_reward: reward, block_fee: fee, gamma, txouts };
        Self { tx_hash, fields }
    }

    /// A validator renews its stake.
    #[must_use]
    pub fn restake(txins: Vec<Hash>, txouts: Vec<OutputJson>, sig: BlsSignature) -> Self {
        let tx_hash = transfer(&txins, &txouts).finish();
        Self { tx_hash, fields: TransactionFields::RestakeTransaction { txins, txouts, sig } }
    }

    /// Whether its digests are known: two kinds were never recorded.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(
            self.fields,
            TransactionFields::SlashingTransaction { .. } | TransactionFields::ServiceAwardTransaction { .. }
        )
    }

    /// Its digests; the stated id for both where they are not known.
    pub(super) fn digests(&self) -> Digests {
        let mut state;
        let id;
        match &self.fields {
            TransactionFields::PaymentTransaction { txins, txouts, gamma, fee, sig } => {
                state = transfer(txins, txouts);
                gamma.0.feed(&mut state);
                fee.feed(&mut state);
                id = state.clone().finish();
                state.update(b"SchnorrSig");
                sig.u.0.feed(&mut state);
                sig.k.feed(&mut state);
            }
            TransactionFields::RestakeTransaction { txins, txouts, sig } => {
                state = transfer(txins, txouts);
                id = state.clone().finish();
                state.update(b"Signature");
                state.update(&sig.0);
            }
            TransactionFields::CoinbaseTransaction { block_reward, block_fee, gamma, txouts } => {
                // It has no signature.
                let id = coinbase_id(*block_reward, *block_fee, gamma, txouts);
                return Digests { id, leaf: id };
            }
            TransactionFields::SlashingTransaction { .. }
            | TransactionFields::ServiceAwardTransaction { .. } => {
                return Digests { id: self.tx_hash, leaf: self.tx_hash };
            }
        }
        Digests { id, leaf: state.finish() }
    }
}

fn coinbase_id(reward: Amount, fee: Amount, gamma: &ScalarJson, txouts: &[OutputJson]) -> Hash {
    let mut state = Hasher::new();
    reward.micro().feed(&mut state);
    fee.micro().feed(&mut state);
    gamma.0.feed(&mut state);
    length(txouts.len()).feed(&mut state);
    for output in txouts {
        output.output_hash.feed(&mut state);
    }
    state.finish()
}

/// The state after what a transaction spends and makes.
fn transfer(txins: &[Hash], txouts: &[OutputJson]) -> Hasher {
    let mut state = Hasher::new();
    length(txins.len()).feed(&mut state);
    for input in txins {
        input.feed(&mut state);
    }
    length(txouts.len()).feed(&mut state);
    for output in txouts {
        output.contents().feed(&mut state);
    }
    state
}

/// What a header states about a list.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) len: u32,
    pub(super) root: Hash,
}

impl List {
    fn new<T: Hashable>(values: impl Iterator<Item = T> + Clone) -> Self {
        Self { len: count(values.clone().count()), root: merkle::root(values) }
    }
}

/// What a header states about the rest of its block, in the order in which the block's id covers it.
pub(super) struct Contents {
    /// The transactions of a micro block, the validators of a macro block.
    pub(super) members: List,
    pub(super) inputs: List,
    pub(super) outputs: List,
    pub(super) canaries: Hash,
}

impl Contents {
    fn new<'a>(
        members: List,
        inputs: impl Iterator<Item = &'a Hash> + Clone,
        outputs: impl Iterator<Item = &'a OutputJson> + Clone,
    ) -> Self {
        Self {
            members,
            inputs: List::new(inputs),
            outputs: List::new(outputs.clone().map(|output| output.output_hash)),
            canaries: merkle::root(outputs.map(|output| output.contents().canary())),
        }
    }
}

impl Hashable for Contents {
    fn feed(&self, state: &mut Hasher) {
        for list in [self.members, self.inputs, self.outputs] {
            list.len.feed(state);
            list.root.feed(state);
        }
        self.canaries.feed(state);
    }
}

/// Where the header of a kind of block states its contents.
macro_rules! header {
    ($block:ty, $members_len:ident, $members_root:ident) => {
        impl $block {
            pub(super) const fn stated(&self) -> Contents {
                Contents {
                    members: List { len: self.$members_len, root: self.$members_root },
                    inputs: List { len: self.inputs_len, root: self.inputs_range_hash },
                    outputs: List { len: self.outputs_len, root: self.outputs_range_hash },
                    canaries: self.canaries_range_hash,
                }
            }

            const fn state(&mut self, contents: &Contents) {
                (self.$members_len, self.$members_root) = (contents.members.len, contents.members.root);
                (self.inputs_len, self.inputs_range_hash) = (contents.inputs.len, contents.inputs.root);
                (self.outputs_len, self.outputs_range_hash) = (contents.outputs.len, contents.outputs.root);
                self.canaries_range_hash = contents.canaries;
            }
        }
    };
}
header!(MicroBlock, transactions_len, transactions_range_hash);
header!(MacroBlock, validators_len, validators_range_hash);

impl MicroBlock {
    /// The block with every count, root and id as its contents demand; the ids of transactions and outputs are
    /// taken as they are.
    ///
    /// A block with a view change proof was never recorded: how the proof enters the id is not known, and the
    /// id comes out as if there were none.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let digests: Vec<Digests> = self.transactions.iter().map(TransactionJson::digests).collect();
        let contents = self.contents(&digests);
        self.state(&contents);
        self.block_hash = self.id();
        self
    }

    /// What the header should state, given the digests of all transactions.
    pub(super) fn contents(&self, digests: &[Digests]) -> Contents {
        let transactions = &self.transactions;
        Contents::new(
            List::new(digests.iter().map(|digests| digests.leaf)),
            transactions.iter().flat_map(TransactionJson::inputs),
            transactions.iter().flat_map(TransactionJson::outputs),
        )
    }

    /// The digest of the header as it stands.
    pub(super) fn id(&self) -> Hash {
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
        self.stated().feed(&mut state);
        state.finish()
    }
}

impl MacroBlock {
    /// The block with every count, root and id as its contents demand; the ids of outputs are taken as they
    /// are. Inputs and outputs must be sorted already.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let contents = self.contents();
        self.state(&contents);
        self.block_hash = self.id();
        self
    }

    /// What the header should state.
    pub(super) fn contents(&self) -> Contents {
        Contents::new(List::new(self.epoch_info.validators.iter()), self.inputs.iter(), self.outputs.iter())
    }

    /// The digest of the header as it stands.
    pub(super) fn id(&self) -> Hash {
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
        self.stated().feed(&mut state);
        state.finish()
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
