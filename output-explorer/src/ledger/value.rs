//! Records as values of the database.

use super::LedgerError;
use super::store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record as a value.
pub(super) fn encode<T: Serialize + ?Sized>(record: &T) -> Vec<u8> {
    postcard::to_allocvec(record).expect("records are plain data, and memory grows")
}

/// A value as a record of `table`.
pub(super) fn decode<T: DeserializeOwned>(table: &[u8], value: &[u8]) -> Result<T, LedgerError> {
    postcard::from_bytes(value).map_err(|_| damaged(table))
}

/// The record of a key.
pub(super) fn get<T: DeserializeOwned>(store: &dyn Store, key: &[u8]) -> Result<Option<T>, LedgerError> {
    store.get(key)?.map(|value| decode(key, &value)).transpose()
}

/// A record of the table with this first byte is not what was written.
pub(super) fn damaged(table: &[u8]) -> LedgerError {
    LedgerError::Damaged { table: table.first().copied().map_or('?', char::from) }
}
