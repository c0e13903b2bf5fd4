//! The list of a backup.

use super::BackupError;
use crate::journal::Position;
use crate::seal::SealingKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stegos_common::address::Network;
use stegos_common::hash::Hash;

/// The newest format that this program reads, and the one it writes.
const FORMAT: u32 = 1;

/// No list is longer, in bytes.
pub(super) const MAX_LENGTH: u64 = 16 << 10;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The network of the store.
    pub network: Network,
    /// What tells the store from others.
    #[serde(with = "hex::serde")]
    pub store_id: [u8; 16],
    /// When it was made, in milliseconds since 1970 UTC.
    pub made: u64,
    /// How many records of accounts it has.
    pub accounts: u64,
    /// How many records the journal has.
    pub journal_count: u64,
    /// The head of the journal.
    pub journal_head: Hash,
    /// The members behind the seal.
    files: BTreeMap<String, Content>,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    /// Its length.
    pub(super) bytes: u64,
    /// Its digest.
    pub(super) sha3_256: Hash,
}

/// The only field that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    /// The list of a backup without members yet.
    pub(super) const fn new(
        network: Network,
        store_id: [u8; 16],
        made: u64,
        accounts: u64,
        journal: Position,
    ) -> Self {
        let (journal_count, journal_head) = (journal.count, journal.head);
        Self {
            format: FORMAT,
            network,
            store_id,
            made,
            accounts,
            journal_count,
            journal_head,
            files: BTreeMap::new(),
        }
    }

    /// How far the journal is.
    #[must_use]
    pub const fn journal(&self) -> Position {
        Position { count: self.journal_count, head: self.journal_head }
    }

    pub(super) fn add(&mut self, name: &str, content: Content) {
        self.files.insert(name.to_owned(), content);
    }

    pub(super) fn content(&self, name: &str) -> Option<Content> {
        self.files.get(name).copied()
    }

    /// The text of the list, and its seal.
    pub(super) fn sealed(&self, key: &SealingKey) -> Result<(String, Vec<u8>), BackupError> {
        let fields = toml::to_string(self).map_err(|error| BackupError::NotABackup(error.to_string()))?;
        let text = format!(
            "# The list of a backup of a cold-signer key store. Its seal is over every byte.\n{fields}"
        );
        let seal = key.seal(b"", &associated_data(&text));
        Ok((text, seal))
    }

    /// Reads a list, which proves nothing yet.
    pub(super) fn parse(text: &str) -> Result<Self, BackupError> {
        let wrong = |error: toml::de::Error| BackupError::NotABackup(error.message().to_owned());
        let Format { format: found } = toml::from_str(text).map_err(wrong)?;
        if found > FORMAT {
            return Err(BackupError::NewerFormat { found, known: FORMAT });
        }
        toml::from_str(text).map_err(wrong)
    }
}

/// Whether the store of this data key made the list.
pub(super) fn is_sealed(key: &SealingKey, text: &str, seal: &[u8]) -> bool {
    key.open(seal, &associated_data(text)).is_some()
}

fn associated_data(text: &str) -> Vec<u8> {
    [b"cold-signer backup".as_slice(), &FORMAT.to_be_bytes(), text.as_bytes()].concat()
}
