//! The unspent outputs, and how to take a block's changes back.

use std::collections::{BTreeSet, HashMap};
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use stegos_common::output::{Output, Unspent};
use stegos_common::wire::DecodeError;

/// An unspent output. It is kept as its protobuf bytes: a million of them must fit into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The protobuf bytes.
    pub blob: Box<[u8]>,
    /// The epoch that it was made in.
    pub epoch: u64,
    /// The micro block that it was made in, until the epoch is over.
    pub offset: Option<u32>,
}

impl Entry {
    /// The output.
    ///
    /// # Errors
    /// [`DecodeError`] never happens: the bytes were written by [`Output::to_bytes`].
    pub fn unspent(&self) -> Result<Unspent, DecodeError> {
        Unspent::from_bytes(&self.blob)
    }
}

/// An output that was spent, to be put back where its block is taken back.
pub(super) struct Spent {
    id: Hash,
    entry: Entry,
}

/// All unspent outputs by id.
pub(super) struct Ledger {
    outputs: HashMap<Hash, Entry>,
    /// The key whose public outputs are remembered in `reserve`.
    reserve_key: Encoded,
    reserve: BTreeSet<Hash>,
    stake: Option<Hash>,
}

impl Ledger {
    pub(super) fn new(reserve_key: Encoded) -> Self {
        Self { outputs: HashMap::new(), reserve_key, reserve: BTreeSet::new(), stake: None }
    }

    pub(super) fn get(&self, id: &Hash) -> Option<&Entry> {
        self.outputs.get(id)
    }

    pub(super) fn reserve(&self) -> impl Iterator<Item = &Hash> {
        self.reserve.iter()
    }

    /// The id of the validator's stake.
    pub(super) const fn stake(&self) -> Option<Hash> {
        self.stake
    }

    /// Adds an output that a block makes; `offset` is that of a micro block.
    pub(super) fn add(&mut self, id: Hash, output: &Output, epoch: u64, offset: Option<u32>) {
        self.note(id, output);
        self.outputs.insert(id, Entry { blob: output.to_bytes().into_boxed_slice(), epoch, offset });
    }

    fn note(&mut self, id: Hash, output: &Output) {
        match output {
            Output::PublicPayment(public) if public.recipient == self.reserve_key => {
                self.reserve.insert(id);
            }
            Output::Stake(_) => self.stake = Some(id),
            Output::PublicPayment(_) | Output::Payment(_) => {}
        }
    }

    /// Removes an output that a block spends.
    pub(super) fn spend(&mut self, id: Hash) -> Option<Spent> {
        self.reserve.remove(&id);
        self.outputs.remove(&id).map(|entry| Spent { id, entry })
    }

    /// Takes the changes of one micro block back.
    pub(super) fn undo(&mut self, made: impl IntoIterator<Item = Hash>, spent: Vec<Spent>) {
        for id in made {
            self.outputs.remove(&id);
            self.reserve.remove(&id);
        }
        for Spent { id, entry } in spent {
            if let Ok(unspent) = entry.unspent() {
                self.note(id, unspent.output());
            }
            self.outputs.insert(id, entry);
        }
    }

    /// Marks an output as made in a macro block, if it is still unspent.
    pub(super) fn finish(&mut self, id: &Hash) {
        if let Some(entry) = self.outputs.get_mut(id) {
            entry.offset = None;
        }
    }
}
