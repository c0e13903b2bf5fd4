//! The dev node against what was recorded from the deployed one, over its socket.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod blocks;
mod certificates;
mod control;
mod end_to_end;
mod faucet;
mod faults;
mod frames;
mod lies;
mod mutations;
mod notifications;
mod persistence;
mod program;
mod refusals;
mod shapes;
mod subscriptions;
mod world;
