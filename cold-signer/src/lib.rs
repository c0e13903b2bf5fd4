//! x

pub mod server;
