//! The node: one module talks to it, another keeps the ledger at the end of its chain.

mod link;
mod watch;

pub use link::LinkError;
pub use watch::{Watch, WatchError};
