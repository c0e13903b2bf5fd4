//! The database below: values by keys, all or none of a batch, on disk before a write returns.
//!
//! The trait is as small as what the ledger asks for; the same tests run on both implementations.

pub mod memory;
pub mod sled;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use thiserror::Error;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A range of keys.
pub type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Pairs in the order of their keys, readable from both ends.
pub type Pairs<'a> = Box<dyn DoubleEndedIterator<Item = Result<Pair, StoreError>> + 'a>;

/// What a write changes: each key gets a value, or none any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Batch {
    /// Gives a key a value.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, Some(value));
    }

    /// Takes a key's value away.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.0.insert(key, None);
    }

    /// The value that it gives a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.get(key)?.as_deref()
    }

    /// Whether it gives a key a value.
    #[must_use]
    pub fn puts(&self, key: &[u8]) -> bool {
        self.0.get(key).is_some_and(Option::is_some)
    }

    /// Whether it takes a key's value away.
    #[must_use]
    pub fn deletes(&self, key: &[u8]) -> bool {
        self.0.get(key).is_some_and(Option::is_none)
    }

    /// All changes in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Option<Vec<u8>>)> {
        self.0.iter()
    }
}

/// A database that does not do what it should.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be read or written.
    #[error(
        "the database {} failed: {reason}. Look at the disk (space, health) and start again; what was said to be done \
         is on disk. Where it never opens again, move the directory away, start with a new one, and import the users \
         again: the rest is read from the node",
        dir.display()
    )]
    Failed {
        /// Its directory.
        dir: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// An earlier failure: what is in memory may not be what is on disk.
    #[error("the database failed before and is closed: start again")]
    Closed,
}

/// Values by their keys.
pub trait Store: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The pairs of a range.
    fn scan(&self, range: Range) -> Pairs<'_>;

    /// Makes all changes or none, and returns when they would survive a power loss.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; whether they were made is not known then.
    fn write(&self, batch: &Batch) -> Result<(), StoreError>;
}

/// The range of all keys that begin with `prefix`.
#[must_use]
pub fn beginning_with(prefix: &[u8]) -> Range {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return (Bound::Included(prefix.to_vec()), Bound::Excluded(end));
        }
    }
    (Bound::Included(prefix.to_vec()), Bound::Unbounded)
}
