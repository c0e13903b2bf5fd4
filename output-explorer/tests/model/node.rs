//! A node: makes blocks, takes them back without a word, closes epochs, and answers truthfully.

use crate::dice::Dice;
use output_explorer::block::{Block, Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use output_explorer::follower::{Event, Question};
use std::collections::HashMap;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::response::Status;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// All public outputs are theirs.
pub(crate) const RECIPIENTS: [Encoded; 3] =
    [Encoded::from_bytes([1; 32]), Encoded::from_bytes([2; 32]), Encoded::from_bytes([3; 32])];

/// An epoch has at most so many micro blocks.
const EPOCH: usize = 6;

/// An epoch that is final.
pub(crate) struct Epoch {
    pub(crate) micros: Vec<MicroBlock>,
    pub(crate) block: MacroBlock,
}

/// Outputs after a block.
#[derive(Clone, Default)]
struct Outputs {
    unspent: Vec<NewOutput>,
    spent: Vec<NewOutput>,
}

pub(crate) struct Node {
    pub(crate) epochs: Vec<Epoch>,
    /// The micro blocks of the current epoch.
    pub(crate) micros: Vec<MicroBlock>,
    /// The outputs before the first one and after each of them.
    outputs: Vec<Outputs>,
    /// What was in blocks that were taken back.
    pool: Vec<Transaction>,
    /// The output that a transaction makes again.
    again: HashMap<Hash, Hash>,
    /// Where the node ends while it is catching up.
    behind: Option<(usize, usize)>,
    ids: u64,
}

impl Node {
    /// A node with the first macro block.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut node = Self {
            epochs: Vec::new(),
            micros: Vec::new(),
            outputs: vec![Outputs::default()],
            pool: Vec::new(),
            again: HashMap::new(),
            behind: None,
            ids: 0,
        };
        node.close(dice);
        node
    }

    /// An id that was never used, in no order.
    fn id(&mut self) -> Hash {
        self.ids += 1;
        let mut bytes = [0; 32];
        let scattered = self.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        bytes.iter_mut().zip(scattered).for_each(|(to, from)| *to = from);
        Hash::from_bytes(bytes)
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.ids)
    }

    /// An output that nobody made before.
    fn new_output(&mut self, dice: &mut Dice) -> NewOutput {
        let id = self.id();
        let content = match dice.below(8) {
            0 => Content::Private,
            1 => Content::Stake,
            _ => Content::Public {
                recipient: RECIPIENTS[dice.below(RECIPIENTS.len())],
                amount: Amount::from_micro(i64::try_from(1 + dice.below(1000)).unwrap()).unwrap(),
                blob: id.as_bytes()[..8].to_vec(),
            },
        };
        NewOutput { id, content }
    }

    fn transaction(&mut self, outputs: &mut Outputs, dice: &mut Dice) -> Transaction {
        if !self.pool.is_empty() && dice.chance(40) {
            let transaction = self.pool.remove(dice.below(self.pool.len()));
            // No macro block tells who made an output, were it made again before it is made.
            let again = self.again.get(&transaction.id);
            if again.is_none_or(|id| has(&outputs.spent, id)) && outputs.take(&transaction) {
                return transaction;
            }
        }
        let count = dice.below(3).min(outputs.unspent.len());
        let inputs: Vec<NewOutput> =
            (0..count).map(|_| outputs.unspent.swap_remove(dice.below(outputs.unspent.len()))).collect();
        // Each transaction can be told from all others by what it makes.
        let (transaction, mut made) = (self.id(), vec![self.new_output(dice)]);
        if dice.chance(30) {
            made.push(self.new_output(dice));
        }
        if !outputs.spent.is_empty() && dice.chance(25) {
            let output = outputs.spent.swap_remove(dice.below(outputs.spent.len()));
            self.again.insert(transaction, output.id);
            made.push(output);
        }
        outputs.unspent.extend(made.iter().cloned());
        let ids = inputs.iter().map(|output| output.id).collect();
        outputs.spent.extend(inputs);
        Transaction { id: transaction, inputs: ids, outputs: made }
    }

    /// Makes a micro block, where the epoch has room.
    pub(crate) fn make(&mut self, dice: &mut Dice) -> Option<Event> {
        if self.micros.len() >= EPOCH || self.behind.is_some() {
            return None;
        }
        let mut outputs = self.outputs.last().unwrap().clone();
        let transactions = (0..dice.below(4)).map(|_| self.transaction(&mut outputs, dice)).collect();
        let block = MicroBlock {
            id: self.id(),
            previous: self.last(self.micros.len()),
            epoch: self.epochs.len() as u64,
            offset: u32::try_from(self.micros.len()).unwrap(),
            time: self.time(),
            transactions,
        };
        self.outputs.push(outputs);
        self.micros.push(block.clone());
        Some(Event::Notified(Block::Micro(block)))
    }

    /// Takes some micro blocks back.
    pub(crate) fn revert(&mut self, dice: &mut Dice) -> usize {
        if self.micros.is_empty() || self.behind.is_some() {
            return 0;
        }
        let left = dice.below(self.micros.len());
        let taken = self.micros.split_off(left);
        self.outputs.truncate(left + 1);
        let count = taken.len();
        self.pool.extend(taken.into_iter().flat_map(|block| block.transactions));
        count
    }

    /// Closes the epoch.
    pub(crate) fn close(&mut self, dice: &mut Dice) -> Option<MacroBlock> {
        if self.behind.is_some() {
            return None;
        }
        let mut outputs = self.outputs.pop().unwrap_or_default();
        let transactions = self.micros.iter().flat_map(|block| &block.transactions);
        let mut inputs: Vec<Hash> = transactions.clone().flat_map(|it| it.inputs.clone()).collect();
        let mut made: Vec<NewOutput> = transactions.flat_map(|it| it.outputs.clone()).collect();
        for _ in 0..dice.below(3) {
            let reward = self.new_output(dice);
            outputs.unspent.push(reward.clone());
            made.push(reward);
        }
        inputs.sort();
        made.sort_by_key(|output| output.id);
        let block = MacroBlock {
            id: self.id(),
            previous: self.last(0),
            epoch: self.epochs.len() as u64,
            time: self.time(),
            inputs,
            outputs: made,
        };
        self.outputs = vec![outputs];
        self.pool.clear();
        self.epochs.push(Epoch { micros: std::mem::take(&mut self.micros), block: block.clone() });
        Some(block)
    }

    /// The node starts again and has forgotten some of its blocks, or it has learnt them again.
    pub(crate) fn forget_or_learn(&mut self, dice: &mut Dice) {
        self.behind = match self.behind {
            Some(_) => None,
            None => {
                let epoch = self.epochs.len() - dice.below(self.epochs.len().min(2));
                Some((epoch, dice.below(self.micros_of(epoch).len() + 1)))
            }
        };
    }

    pub(crate) fn learn(&mut self) {
        self.behind = None;
    }

    /// What a new subscriber gets.
    pub(crate) fn replay(&self, epoch: u64) -> Vec<Event> {
        let (end, offset) = self.end();
        let macros = self.epochs[..end].iter().skip(usize::try_from(epoch).unwrap());
        let macros = macros.map(|epoch| Block::Macro(epoch.block.clone()));
        let micros = self.micros_of(end)[..offset].iter().cloned().map(Block::Micro);
        macros.chain(micros).map(Event::Notified).collect()
    }

    pub(crate) fn answer(&self, question: Question) -> Event {
        let (epoch, offset) = self.end();
        let block = match question {
            Question::Status => return Event::Status(self.status()),
            Question::Macro { epoch: wanted } => self.epochs[..epoch]
                .get(usize::try_from(wanted).unwrap())
                .map(|it| Block::Macro(it.block.clone())),
            Question::Micro { epoch: wanted, offset: at } if wanted == epoch as u64 => {
                self.micros_of(epoch)[..offset].get(at as usize).cloned().map(Block::Micro)
            }
            Question::Micro { .. } => None,
        };
        block.map_or(Event::Missing, Event::Answered)
    }

    fn status(&self) -> Status {
        let (epoch, offset) = self.end();
        let last_macro = self.epochs[epoch - 1].block.id;
        Status {
            is_synchronized: self.behind.is_none(),
            epoch: epoch as u64,
            offset: u32::try_from(offset).unwrap(),
            view_change: 0,
            last_block_hash: offset.checked_sub(1).map_or(last_macro, |it| self.micros_of(epoch)[it].id),
            last_macro_block_hash: last_macro,
            last_macro_block_timestamp: self.time(),
            local_timestamp: self.time(),
        }
    }

    /// The epoch and the offset of the next micro block, as the node knows them now.
    fn end(&self) -> (usize, usize) {
        self.behind.unwrap_or((self.epochs.len(), self.micros.len()))
    }

    fn micros_of(&self, epoch: usize) -> &[MicroBlock] {
        self.epochs.get(epoch).map_or(&self.micros, |epoch| &epoch.micros)
    }

    /// The id of the last block before the micro block at an offset.
    fn last(&self, offset: usize) -> Hash {
        match offset.checked_sub(1) {
            Some(before) => self.micros[before].id,
            None => self.epochs.last().map_or(Hash::from_bytes([0; 32]), |epoch| epoch.block.id),
        }
    }
}

fn has(outputs: &[NewOutput], id: &Hash) -> bool {
    outputs.iter().any(|output| output.id == *id)
}

impl Outputs {
    /// Does what a transaction says, where that is possible.
    fn take(&mut self, transaction: &Transaction) -> bool {
        let possible = transaction.inputs.iter().all(|id| has(&self.unspent, id))
            && !transaction.outputs.iter().any(|output| has(&self.unspent, &output.id));
        if possible {
            for id in &transaction.inputs {
                let at = self.unspent.iter().position(|output| output.id == *id).unwrap();
                let output = self.unspent.swap_remove(at);
                self.spent.push(output);
            }
            self.spent.retain(|old| !has(&transaction.outputs, &old.id));
            self.unspent.extend(transaction.outputs.iter().cloned());
        }
        possible
    }
}
