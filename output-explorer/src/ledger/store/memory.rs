//! A database that ends with the process: for tests, and for looking at a chain once.

use super::{Batch, Pair, Pairs, Range, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// Values by their keys, in memory.
#[derive(Default)]
pub struct MemoryStore(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, range: Range) -> Pairs<'_> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<Pair> = map.range(range).map(|(key, value)| (key.clone(), value.clone())).collect();
        Box::new(pairs.into_iter().map(Ok))
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch.iter() {
            match value {
                Some(value) => drop(map.insert(key.clone(), value.clone())),
                None => drop(map.remove(key)),
            }
        }
        Ok(())
    }
}
