//! The follower: decides what a node's words mean for the chain that is stored. It does no input or output and reads
//! no clock.
//!
//! - What the node sends without being asked either extends the chain or is a hint that something happened: then the
//!   node is asked for its status. Nothing else is concluded from it, for it may be late, twice, or missing.
//! - The status says where the chain ends. [`Follower::question`] names the block that leads there: the next one, or,
//!   where the node's chain is another one, the one before, until both have a block in common.
//! - A [`Change`] takes effect on the follower by [`Follower::apply`], after the ledger has it on disk. At the start
//!   the same is done for what the ledger holds.
//!
//! Announced reverts are hints too: a node that announces them does so for a whole epoch before its macro block, and
//! none of that needs to be undone.

mod chain;
#[cfg(test)]
mod tests;

pub use chain::Chain;

use crate::block::{Block, MacroBlock, MicroBlock};
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;
use thiserror::Error;

/// So many polls in a row may find blocks that were not sent, before the subscription counts as dropped.
const MISSED: u32 = 3;

/// So many blocks may be taken back between two polls. A node that changes its mind faster has none, and is left alone
/// until the next poll.
const TAKEN_BACK: u32 = 1000;

/// What the follower hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A connection is new: what was asked before will not be answered.
    Connected,
    /// Blocks are sent from now on.
    Subscribed,
    /// It is time to look.
    Poll,
    /// A block that the node sent without being asked.
    Notified(Block),
    /// The node said that it took a block back.
    Reverted,
    /// The block that was asked for.
    Answered(Block),
    /// The status that was asked for.
    Status(Status),
    /// The node does not have what was asked for.
    Missing,
    /// What was asked for, or sent, cannot be used. It is read again at the next poll.
    Refused,
}

/// What happens to the chain: one atomic step of the ledger each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A micro block is added.
    Connect(MicroBlock),
    /// The last micro block is taken back.
    Disconnect,
    /// A macro block closes the epoch and makes it final.
    Close(MacroBlock),
}

/// What the node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Where the chain ends.
    Status,
    /// A micro block.
    Micro {
        /// Its epoch.
        epoch: u64,
        /// Its offset.
        offset: u32,
    },
    /// The macro block of an epoch.
    Macro {
        /// The epoch.
        epoch: u64,
    },
}

/// The node's final blocks are not those that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the node is on another chain: its macro block {epoch} ({node}) does not continue what is stored ({stored}). \
     Nothing was changed. Point --node to a node of the right chain, or begin a new ledger in another --data-dir"
)]
pub struct OtherChain {
    /// The epoch of the node's block.
    pub epoch: u64,
    /// The id, or the previous id, that the node's block has.
    pub node: Hash,
    /// What is stored in its place.
    pub stored: Hash,
}

/// Where the follower is going.
#[derive(Debug, Clone)]
enum Aim {
    /// It has arrived.
    None,
    /// To find out where the chain ends.
    Status {
        /// Whether the chain moved since the question: what it says may be older than what is stored.
        moved: bool,
    },
    /// To the end that the node named.
    Reach(Box<Reach>),
}

impl Aim {
    /// The question is yet to be asked.
    const STATUS: Self = Self::Status { moved: false };
}

/// The way to the end of the node's chain.
#[derive(Debug, Clone)]
struct Reach {
    status: Status,
    /// The block to look at next, where the chains part somewhere before.
    probe: Option<Question>,
    /// Whether something happened meanwhile.
    again: bool,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Follower {
    chain: Chain,
    aim: Aim,
    /// Polls in a row that found blocks which were not sent.
    missed: u32,
    /// Questions since the last poll or change.
    fruitless: u32,
    /// Blocks that were taken back since the last poll.
    taken_back: u32,
}

impl Follower {
    /// Goes on from what is stored.
    #[must_use]
    pub const fn new(chain: Chain) -> Self {
        Self { chain, aim: Aim::None, missed: 0, fruitless: 0, taken_back: 0 }
    }

    /// What is stored.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether nothing is left to be asked: the chain is the node's, as far as is known.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.aim, Aim::None)
    }

    /// Whether the node seems to have dropped the subscription. It never says so.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        self.missed >= MISSED
    }

    /// What is to change. The changes are to be made in this order; where one cannot be made, the rest is void.
    ///
    /// # Errors
    /// [`OtherChain`] where a final block is not what is stored.
    pub fn handle(&mut self, event: Event) -> Result<Vec<Change>, OtherChain> {
        match event {
            Event::Connected => (self.aim, self.fruitless) = (Aim::STATUS, 0),
            Event::Subscribed => self.missed = 0,
            Event::Poll => {
                (self.fruitless, self.taken_back) = (0, 0);
                self.hint();
            }
            Event::Notified(block) => return self.notified(block),
            Event::Reverted => self.hint(),
            Event::Answered(Block::Macro(block)) => return self.macro_block(block),
            Event::Answered(Block::Micro(block)) => return Ok(self.micro_block(block)),
            Event::Status(status) => return Ok(self.status(status)),
            // The chain moved since the status.
            Event::Missing => self.aim = Aim::STATUS,
            Event::Refused => self.aim = Aim::None,
        }
        Ok(Vec::new())
    }

    /// Takes note of a change that was made.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Connect(block) => self.chain.micros.push(block.id),
            Change::Disconnect => {
                self.chain.micros.pop();
                self.taken_back = self.taken_back.saturating_add(1);
            }
            Change::Close(block) => {
                self.chain.macros.push(block.id);
                self.chain.micros.clear();
            }
        }
        self.fruitless = 0;
        match &mut self.aim {
            Aim::None => {}
            Aim::Status { moved } => *moved = true,
            Aim::Reach(reach) => reach.probe = None,
        }
    }

    /// What to ask now, after all changes were made; nothing where there is nothing to find out.
    pub fn question(&mut self) -> Option<Question> {
        let question = self.wanted()?;
        // The longest way without a change is back to the last macro block and forth again. A node that leads on
        // contradicts itself, and is left alone until the next poll.
        self.fruitless = self.fruitless.saturating_add(1);
        let longest = self.chain.offset().saturating_mul(2).saturating_add(8);
        if self.fruitless > longest || self.taken_back > TAKEN_BACK {
            self.aim = Aim::None;
            return None;
        }
        Some(question)
    }

    fn wanted(&mut self) -> Option<Question> {
        if let Aim::Reach(reach) = &self.aim {
            let question = reach.probe.or_else(|| reach.toward(&self.chain));
            if question.is_some() {
                return question;
            }
            self.aim = if reach.again { Aim::STATUS } else { Aim::None };
        }
        let Aim::Status { moved } = &mut self.aim else { return None };
        *moved = false;
        Some(Question::Status)
    }

    /// Something happened that is not understood yet.
    fn hint(&mut self) {
        match &mut self.aim {
            Aim::None => self.aim = Aim::STATUS,
            Aim::Status { .. } => {}
            Aim::Reach(reach) => reach.again = true,
        }
    }

    fn notified(&mut self, block: Block) -> Result<Vec<Change>, OtherChain> {
        self.missed = 0;
        match block {
            Block::Macro(block) => self.macro_block(block),
            Block::Micro(block) => {
                let (epoch, offset) = (self.chain.epoch(), self.chain.offset());
                if (block.epoch, block.offset) == (epoch, offset) && Some(block.previous) == self.chain.last()
                {
                    return Ok(vec![Change::Connect(block)]);
                }
                let known =
                    block.epoch == epoch && self.chain.micros.get(block.offset as usize) == Some(&block.id);
                if block.epoch >= epoch && !known {
                    self.hint();
                }
                Ok(Vec::new())
            }
        }
    }

    /// A macro block closes the epoch, is known, or is of another chain.
    fn macro_block(&mut self, block: MacroBlock) -> Result<Vec<Change>, OtherChain> {
        let other = |node, stored| OtherChain { epoch: block.epoch, node, stored };
        if let Aim::Reach(reach) = &mut self.aim {
            reach.probe = None;
        }
        if let Some(stored) = self.chain.macro_block(block.epoch) {
            return if stored == block.id { Ok(Vec::new()) } else { Err(other(block.id, stored)) };
        }
        if block.epoch > self.chain.epoch() {
            self.hint();
            return Ok(Vec::new());
        }
        match self.chain.macros.last() {
            Some(&stored) if stored != block.previous => Err(other(block.previous, stored)),
            _ => Ok(vec![Change::Close(block)]),
        }
    }

    /// A micro block that was asked for continues the chain, or shows where the node's chain parts from it.
    fn micro_block(&mut self, block: MicroBlock) -> Vec<Change> {
        let Aim::Reach(reach) = &mut self.aim else { return Vec::new() };
        reach.probe = None;
        let (epoch, offset) = (self.chain.epoch(), block.offset);
        if block.epoch != epoch || offset > self.chain.offset() {
            return Vec::new();
        }
        if Some(block.previous) != self.chain.before(offset) {
            reach.probe = Some(match offset.checked_sub(1) {
                Some(before) => Question::Micro { epoch, offset: before },
                // Even the macro block before it is another one, or the node contradicts itself.
                None => Question::Macro { epoch: epoch.saturating_sub(1) },
            });
            return Vec::new();
        }
        if self.chain.micros.get(offset as usize) == Some(&block.id) {
            reach.probe = Some(Question::Micro { epoch, offset: offset + 1 });
            return Vec::new();
        }
        let mut changes = self.disconnect_to(offset);
        changes.push(Change::Connect(block));
        changes
    }

    fn status(&mut self, status: Status) -> Vec<Change> {
        let (epoch, offset) = (self.chain.epoch(), self.chain.offset());
        let is_ahead = (status.epoch, status.offset) > (epoch, offset);
        self.missed += u32::from(is_ahead);
        let again = matches!(self.aim, Aim::Status { moved: true });
        // A node that is catching up has blocks to learn, not blocks that were reverted.
        let reverted = status.is_synchronized
            && !again
            && status.epoch == epoch
            && status.offset < offset
            && Some(status.last_block_hash) == self.chain.before(status.offset);
        let changes = if reverted { self.disconnect_to(status.offset) } else { Vec::new() };
        self.aim = Aim::Reach(Box::new(Reach { status, probe: None, again }));
        changes
    }

    /// Takes micro blocks back until so many are left.
    fn disconnect_to(&self, offset: u32) -> Vec<Change> {
        (offset..self.chain.offset()).map(|_block| Change::Disconnect).collect()
    }
}

impl Reach {
    /// The block that leads to the end; nothing where the chain is there, or beyond it.
    fn toward(&self, chain: &Chain) -> Option<Question> {
        let Status { epoch, offset, last_block_hash, last_macro_block_hash, .. } = self.status;
        let last_epoch = epoch.checked_sub(1)?;
        if epoch > chain.epoch() {
            return Some(Question::Macro { epoch: chain.epoch() });
        }
        // Where the node names another macro block, its own word for it is wanted: a whole block proves more.
        if chain.macro_block(last_epoch) != Some(last_macro_block_hash) {
            return Some(Question::Macro { epoch: last_epoch });
        }
        if epoch < chain.epoch() {
            // The node has less than what is stored. It will catch up.
            return None;
        }
        if offset > chain.offset() {
            return Some(Question::Micro { epoch, offset: chain.offset() });
        }
        if chain.before(offset) == Some(last_block_hash) {
            return None;
        }
        offset.checked_sub(1).map(|offset| Question::Micro { epoch, offset })
    }
}
