//! A dev node: a whole Stegos chain in one process, for tests and for integrators who have no test network. It
//! stands in for a node that we do not control, so it refuses what that node refuses, in the same words.
//!
//! [`chain`] is a pure state machine; [`node`] adds a clock and subscribers; [`api`] answers requests; [`server`]
//! brings them over a socket; [`control`] does to it what a test needs.
#![warn(clippy::panic, clippy::indexing_slicing)]

pub mod accounts;
pub mod api;
pub mod chain;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
mod connections;
pub mod control;
pub mod faucet;
pub mod faults;
pub mod lies;
pub mod node;
pub mod server;
pub mod sign;
pub mod store;
pub mod subscribers;
