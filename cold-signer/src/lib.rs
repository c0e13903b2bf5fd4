//! The cold signer: keeps keys and signs Stegos transactions on a host without a network.

pub mod approval;
pub mod attest;
pub mod cli;
pub mod disk;
pub mod envelope;
mod error;
pub mod journal;
pub mod keystore;
pub mod passphrase;
pub mod policy;
pub mod process;
mod seal;
pub mod server;
mod settings;
pub mod signer;
mod stack;
