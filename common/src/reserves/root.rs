//! What is owed, as it is published.

use super::VERSION;
use crate::address::Network;
use crate::amount::Amount;
use crate::hash::Hash;
use crate::text::excerpt;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The hash function of the tree of debts, by its name in the documents.
pub const HASH_FUNCTION: &str = "sha256";

/// The root of the tree of debts, for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// [`VERSION`].
    pub version: u32,
    /// The network.
    pub network: Network,
    /// The balances are those at the end of this epoch.
    pub epoch: u64,
    /// The macro block that made it final.
    pub block_hash: Hash,
    /// The name of the hash function.
    pub hash_function: String,
    /// The digest of the root.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// All balances together, in micro-STG.
    pub total: Amount,
    /// The same in STG, to be read.
    pub total_text: String,
    /// How many accounts there are.
    pub accounts: u64,
}

/// Why a document is no root.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RootError {
    /// A document of another version.
    #[error("the root is of version {0}; this program knows version 1")]
    Version(u32),
    /// Another hash function.
    #[error("the root is made by another hash function than sha256")]
    HashFunction,
    /// A root whose two totals differ.
    #[error("the root says {number} and {text:?} of the same total")]
    Text {
        /// The number.
        number: Amount,
        /// The text, shortened.
        text: String,
    },
}

impl Root {
    /// Whether this program can tell what it says.
    ///
    /// # Errors
    /// [`RootError`] says why not.
    pub fn check(&self) -> Result<(), RootError> {
        if self.version != VERSION {
            return Err(RootError::Version(self.version));
        }
        if self.hash_function != HASH_FUNCTION {
            return Err(RootError::HashFunction);
        }
        if self.total_text != self.total.to_string() {
            return Err(RootError::Text { number: self.total, text: excerpt(&self.total_text) });
        }
        Ok(())
    }
}
