//! Webhooks against receivers that do whatever receivers do, over real sockets; only the clock is not the host's, so that a
//! day passes in a moment.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod failures;
mod manners;
mod receiver;
mod restart;
mod stage;
mod tls;
