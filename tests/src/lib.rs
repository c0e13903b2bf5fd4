//! What the end-to-end tests are written with: the real binaries in temporary directories, real sockets, and
//! short forms for outputs and requests. A test built on it reads in a few lines and waits for conditions,
//! never for time to pass.
//!
//! Everything here panics where it fails: then the test has failed. Only the programs for people, [`devnode`] and
//! [`round_trip`], say what is wrong.
#![allow(clippy::panic, clippy::indexing_slicing)]

pub mod api;
pub mod books;
pub mod camera;
pub mod custody;
pub mod daemon;
pub mod devnode;
pub mod explorer;
pub mod fuzz;
pub mod ledger;
pub mod money;
pub mod request;
pub mod round_trip;
pub mod session;
pub mod store;
pub mod terminal;
pub mod vectors;
