//! The real `output-explorer` follows a dev node that does everything a node may do, and some things it may not.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod chain;
mod commands;
mod crashes;
mod lies;
mod lines;
mod readme;
mod reserves;
mod restarts;
mod reverts;
mod users;
