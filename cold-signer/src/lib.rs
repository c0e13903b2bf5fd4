//! The cold signer: keeps keys and signs Stegos transactions on a host without a network.

pub mod cli;
mod durable;
mod error;
pub mod keystore;
pub mod passphrase;
pub mod server;
mod settings;
pub mod signer;
