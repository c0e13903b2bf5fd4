//! The database below: sealed records by meaningless keys, all or none of a batch, durable after a flush.
//!
//! The trait is as small as what the key store asks for, so that another database can take sled's place; the same
//! property test runs on both implementations.

pub(super) mod files;
pub(super) mod marked;
mod sled;
#[cfg(test)]
mod tests;

pub(super) use self::sled::SledStore;
#[cfg(test)]
pub(super) use self::sled::open_database;

use super::error::KeystoreError;

/// A key and the sealed record under it.
pub(super) type Item = (Vec<u8>, Vec<u8>);

/// Records by their keys.
pub(super) trait Store: Send + Sync {
    /// The record of a key, if there is one.
    ///
    /// # Errors
    /// `Database`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KeystoreError>;

    /// All records whose key starts with `prefix`, in the order of their keys.
    fn scan(&self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Item, KeystoreError>> + '_>;

    /// Writes records, all or none of them, replacing those of the same keys. They last after
    /// [`Store::flush`].
    ///
    /// # Errors
    /// `Database`; whether they were written is not known then.
    fn insert(&self, items: &[Item]) -> Result<(), KeystoreError>;

    /// Waits until everything written so far survives a power loss.
    ///
    /// # Errors
    /// `Database` or `Io`; what was written may or may not last then.
    fn flush(&self) -> Result<(), KeystoreError>;
}
