//! The chain as far as the follower needs it.

use stegos_common::hash::Hash;

/// The ids of the blocks that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// Those of the macro blocks, by epoch.
    pub macros: Vec<Hash>,
    /// Those of the micro blocks of the current epoch, by offset.
    pub micros: Vec<Hash>,
}

impl Chain {
    /// The current epoch: the one that no macro block closes yet.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        // A `usize` has at most 64 bits on every platform there is.
        self.macros.len() as u64
    }

    /// The offset of the next micro block.
    #[must_use]
    pub fn offset(&self) -> u32 {
        u32::try_from(self.micros.len()).unwrap_or(u32::MAX)
    }

    /// The id of the macro block of an epoch.
    #[must_use]
    pub fn macro_block(&self, epoch: u64) -> Option<Hash> {
        self.macros.get(usize::try_from(epoch).ok()?).copied()
    }

    /// The id of the block before a micro block of the current epoch.
    #[must_use]
    pub fn before(&self, offset: u32) -> Option<Hash> {
        match offset.checked_sub(1) {
            Some(before) => self.micros.get(before as usize).copied(),
            None => self.macros.last().copied(),
        }
    }

    /// The id of the last block.
    #[must_use]
    pub fn last(&self) -> Option<Hash> {
        self.before(self.offset())
    }
}
