//! A database that remembers what was written to it.

use output_explorer::ledger::store::sled::SledStore;
use output_explorer::ledger::store::{Batch, Pairs, Range, Store, StoreError};
use std::sync::{Arc, Mutex};

pub(crate) struct Recorder {
    store: SledStore,
    batches: Arc<Mutex<Vec<Batch>>>,
}

impl Recorder {
    pub(crate) fn new(store: SledStore) -> Self {
        Self { store, batches: Arc::default() }
    }

    pub(crate) fn batches(&self) -> Arc<Mutex<Vec<Batch>>> {
        Arc::clone(&self.batches)
    }
}

impl Store for Recorder {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, range: Range) -> Pairs<'_> {
        self.store.scan(range)
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        self.batches.lock().unwrap().push(batch.clone());
        self.store.write(batch)
    }
}
