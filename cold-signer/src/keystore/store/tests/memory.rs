//! A database in memory.

use super::super::{Item, Store};
use crate::keystore::KeystoreError;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Records that end with the process.
#[derive(Default)]
pub(super) struct MemoryStore(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KeystoreError> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Item, KeystoreError>> + '_> {
        let records = self.0.lock().unwrap();
        let found = records.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let found: Vec<_> = found.map(|(key, value)| Ok((key.clone(), value.clone()))).collect();
        Box::new(found.into_iter())
    }

    fn insert(&self, items: &[Item]) -> Result<(), KeystoreError> {
        self.0.lock().unwrap().extend(items.iter().cloned());
        Ok(())
    }

    fn flush(&self) -> Result<(), KeystoreError> {
        Ok(())
    }
}
