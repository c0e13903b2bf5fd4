//! From a deposit to a withdrawal that is final, with the real signer, the real explorer and a node.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod answers;
mod camera;
mod chain;
mod crashes;
mod deployment;
mod documented;
mod exports;
mod reservations;
mod reserves;
mod restored;
mod rotation;
mod spool;
mod story;
