//! The online half: follows a Stegos node and knows every public output of every user. No secret key is here.
//!
//! A block's way: [`node`] (connection, questions and answers) → [`follower`] (order, gaps, reverts, finality) →
//! [`ledger`] (one atomic batch per block). A question's way: [`cli`] → [`control`] → [`ledger`].

pub mod access;
pub mod audit;
pub mod block;
pub mod cli;
pub mod clock;
mod codes;
pub mod control;
mod error;
pub mod event;
pub mod export;
pub mod follower;
pub mod handoff;
mod http;
pub mod ledger;
pub mod log;
mod metrics;
pub mod node;
mod outgoing;
mod pauses;
pub mod replica;
pub mod reserves;
pub mod settings;
pub mod view;
pub mod webhook;
