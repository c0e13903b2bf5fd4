//! The Stegos protocol as a library: everything that a signer, a watcher and an auditor must agree on with
//! the deployed network, byte for byte. It knows nothing of storage, users or policy.
//!
//! Section numbers (§) refer to the protocol page of this product, `docs/protocol.md`.

pub mod account;
pub mod address;
pub mod amount;
pub mod api;
pub mod catch_up;
pub mod certificate;
pub mod frame;
pub mod group;
pub mod hash;
pub mod keyfile;
pub mod keys;
pub mod merkle;
pub mod output;
pub mod payload;
pub mod qr;
pub mod range_proof;
pub mod recovery;
pub mod reserves;
pub mod review;
pub mod schnorr;
pub mod sealed;
pub mod socket;
pub mod spool;
pub mod text;
pub mod transaction;
pub mod wire;
