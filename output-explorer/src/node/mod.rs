//! The node: [`link`] talks to it, [`watch`] keeps the ledger at the end of its chain.

mod link;
mod watch;

pub use link::LinkError;
pub use watch::{Watch, WatchError};
