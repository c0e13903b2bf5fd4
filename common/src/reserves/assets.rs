//! The outputs with which debts could be paid.

use super::{Root, RootError, VERSION};
use crate::address::{EncodedAddress, Network};
use crate::amount::Amount;
use crate::group::Encoded;
use crate::hash::{Hash, Hasher};
use crate::text::excerpt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// No list has more outputs.
pub const MAX_OUTPUTS: usize = 250_000;

/// What is hashed first says what is hashed.
const TAG: &[u8] = b"stegos attestation 1 list\n";

/// A public output that was final and not spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Its id.
    pub output_hash: Hash,
    /// Whose key spends it.
    pub recipient: EncodedAddress,
    /// What it is worth, in micro-STG.
    pub amount: Amount,
}

/// All of them, as of the root of the debts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assets {
    /// [`VERSION`].
    pub version: u32,
    /// The network.
    pub network: Network,
    /// They were not spent at the end of this epoch.
    pub epoch: u64,
    /// The macro block that made it final.
    pub block_hash: Hash,
    /// The outputs in the order of their ids, each once.
    pub outputs: Vec<Asset>,
    /// Their amounts together, in micro-STG.
    pub total: Amount,
    /// The same in STG, to be read.
    pub total_text: String,
}

/// Why a list of outputs shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AssetsError {
    /// The root says nothing.
    #[error(transparent)]
    Root(#[from] RootError),
    /// A list of another version.
    #[error("the list of outputs is of version {0}; this program knows version 1")]
    Version(u32),
    /// A list of another time or place.
    #[error(
        "the list of outputs is of epoch {} of {} (block {}), the root of epoch {} of {} (block {})",
        list.1, list.0, list.2.short(), root.1, root.0, root.2.short()
    )]
    Other {
        /// Those of the list.
        list: (Network, u64, Hash),
        /// Those of the root.
        root: (Network, u64, Hash),
    },
    /// Nothing is in it.
    #[error("the list has no outputs")]
    Empty,
    /// Too much is in it.
    #[error(
        "the list has {0} outputs, which is more than the 250000 that one may have: make several, by accounts"
    )]
    TooMany(usize),
    /// An output that is there twice, or not where it belongs.
    #[error("output {0} is in the list twice, or not in the order of the ids")]
    Order(Hash),
    /// An output of another network.
    #[error("output {output} belongs to {recipient}, which is no address of {network}")]
    Network {
        /// The output.
        output: Hash,
        /// Its recipient.
        recipient: EncodedAddress,
        /// The network of the list.
        network: Network,
    },
    /// A sum that the protocol cannot count.
    #[error("the outputs together are more than the protocol can count")]
    TooMuch,
    /// A total that is not the sum.
    #[error("the outputs are worth {sum} together, the list says {number} and {text:?}")]
    Total {
        /// The sum.
        sum: Amount,
        /// The number in the list.
        number: Amount,
        /// The text in the list, shortened.
        text: String,
    },
}

impl Assets {
    /// The list of these outputs, in whichever order they come.
    ///
    /// # Errors
    /// [`AssetsError`], as [`Assets::check`].
    pub fn new(root: &Root, mut outputs: Vec<Asset>) -> Result<Self, AssetsError> {
        outputs.sort_unstable_by_key(|asset| asset.output_hash);
        let total = Amount::checked_sum(outputs.iter().map(|asset| asset.amount));
        let total = total.ok_or(AssetsError::TooMuch)?;
        let list = Self {
            version: VERSION,
            network: root.network,
            epoch: root.epoch,
            block_hash: root.block_hash,
            outputs,
            total,
            total_text: total.to_string(),
        };
        list.check(root)?;
        Ok(list)
    }

    /// Whether it is a list as of this root that counts nothing twice and adds up. Whether there are such outputs, only a
    /// ledger can tell.
    ///
    /// # Errors
    /// [`AssetsError`] says why not.
    pub fn check(&self, root: &Root) -> Result<(), AssetsError> {
        root.check()?;
        if self.version != VERSION {
            return Err(AssetsError::Version(self.version));
        }
        let list = (self.network, self.epoch, self.block_hash);
        let of_root = (root.network, root.epoch, root.block_hash);
        if list != of_root {
            return Err(AssetsError::Other { list, root: of_root });
        }
        match self.outputs.len() {
            0 => return Err(AssetsError::Empty),
            many if many > MAX_OUTPUTS => return Err(AssetsError::TooMany(many)),
            _ => {}
        }
        let mut before = None;
        for Asset { output_hash: output, recipient, .. } in &self.outputs {
            if before.is_some_and(|before| before >= output) {
                return Err(AssetsError::Order(*output));
            }
            before = Some(output);
            if recipient.network != self.network {
                let (output, recipient, network) = (*output, *recipient, self.network);
                return Err(AssetsError::Network { output, recipient, network });
            }
        }
        let sum = Amount::checked_sum(self.outputs.iter().map(|asset| asset.amount));
        let sum = sum.ok_or(AssetsError::TooMuch)?;
        if sum != self.total || self.total_text != sum.to_string() {
            let text = excerpt(&self.total_text);
            return Err(AssetsError::Total { sum, number: self.total, text });
        }
        Ok(())
    }

    /// The keys that spend them, each once, in the order of their encodings.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Encoded> {
        self.outputs.iter().map(|asset| asset.recipient.key).collect()
    }

    /// SHA3-256 of the outputs: the tag, how many there are, and of each its id, the recipient's key and the amount. Numbers
    /// have 8 bytes, the highest first.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut state = Hasher::new();
        state.update(TAG);
        // No address space holds more than 2^64 of them.
        state.update(&(self.outputs.len() as u64).to_be_bytes());
        for Asset { output_hash, recipient, amount } in &self.outputs {
            state.update(output_hash.as_bytes());
            state.update(recipient.key.as_bytes());
            state.update(&amount.unsigned_micro().to_be_bytes());
        }
        state.finish()
    }
}
