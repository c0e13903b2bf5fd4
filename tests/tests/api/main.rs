//! The explorer's HTTP API, asked as an exchange's back end asks it: the real program, a real node, the real signer.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod documented;
mod events;
mod handoffs;
mod manners;
mod metrics;
mod page;
mod reading;
mod receiver;
mod replica;
mod rights;
