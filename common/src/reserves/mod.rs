//! What an exchange owes and what it holds, as documents that anybody can check. `docs/reserves.md` says what they prove
//! and what they do not.
//!
//! The online host knows debts and outputs, the isolated one has the keys: both must read the same documents alike. Nothing
//! here reads files or asks a ledger.

mod assets;
mod attestation;
mod proved;
mod root;
mod statement;

pub use assets::{Asset, Assets, AssetsError, MAX_OUTPUTS};
pub use attestation::{Attestation, AttestationError, KeySignature};
pub use proved::Proved;
pub use root::{HASH_FUNCTION, Root, RootError};
pub use statement::Statement;

/// Of all these documents.
pub const VERSION: u32 = 1;

/// No list of outputs and no attestation is longer, in bytes: so long are both with [`MAX_OUTPUTS`].
pub const MAX_DOCUMENT: usize = 64 << 20;

/// No root and no proof of a user is longer, in bytes.
pub const MAX_ROOT: usize = 65_536;
