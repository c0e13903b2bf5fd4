//! Whether what the ledger knows is recent: the same answer wherever it is asked for.

use super::message::{Lag, StatusAnswer};
use thiserror::Error;

/// Why what the ledger knows is not recent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotReady {
    /// Nobody says what is new.
    #[error("the node is not connected")]
    NotConnected,
    /// The node itself does not know.
    #[error("the node has not caught up with the network")]
    NotSynchronized,
    /// The ledger has more to read than may be left.
    #[error("the ledger is {} epochs and {} micro blocks behind the node", .0.epochs, .0.micro_blocks)]
    Behind(Lag),
    /// It is not known how much there is to read.
    #[error("the node has not said where it is")]
    Unknown,
}

impl StatusAnswer {
    /// Whether the node is connected and synchronized, and the ledger at most so many micro blocks behind it.
    ///
    /// # Errors
    /// [`NotReady`] where it is not.
    pub fn ready(&self, most: u32) -> Result<(), NotReady> {
        let node = self.node.as_ref().filter(|node| node.connected).ok_or(NotReady::NotConnected)?;
        if node.is_synchronized != Some(true) {
            return Err(NotReady::NotSynchronized);
        }
        match self.lag {
            Some(Lag { epochs: 0, micro_blocks }) if micro_blocks <= most => Ok(()),
            Some(lag) => Err(NotReady::Behind(lag)),
            None => Err(NotReady::Unknown),
        }
    }
}
