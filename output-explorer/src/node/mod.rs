//! The node: one module talks to it, another keeps the ledger at the end of its chain.

mod broadcast;
mod error;
mod link;
mod report;
mod watch;

pub use broadcast::Broadcast;
pub use error::WatchError;
pub use link::LinkError;
pub use watch::Watch;
