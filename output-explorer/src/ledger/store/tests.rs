use super::memory::MemoryStore;
use super::sled::SledStore;
use super::*;
use proptest::prelude::*;

/// Few keys of many shapes, those that end with the highest byte among them.
fn key(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, 0xff]), 0..most)
}

fn batches() -> impl Strategy<Value = Vec<Vec<(Vec<u8>, Option<u8>)>>> {
    let change = (key(4), prop::option::of(any::<u8>()));
    prop::collection::vec(prop::collection::vec(change, 0..6), 0..6)
}

fn all(pairs: impl Iterator<Item = Result<Pair, StoreError>>) -> Vec<Pair> {
    pairs.collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn both_stores_hold_what_was_written(batches in batches(), prefix in key(3)) {
        let temp = tempfile::tempdir().unwrap();
        let stores: [Box<dyn Store>; 2] =
            [Box::new(MemoryStore::default()), Box::new(SledStore::open(temp.path(), 16).unwrap())];
        let mut model = BTreeMap::new();
        for changes in &batches {
            let mut batch = Batch::default();
            for (key, value) in changes {
                if let Some(value) = value {
                    batch.put(key.clone(), vec![*value]);
                    model.insert(key.clone(), vec![*value]);
                } else {
                    batch.delete(key.clone());
                    model.remove(key);
                }
            }
            for store in &stores {
                store.write(&batch).unwrap();
            }
        }
        let expected: Vec<Pair> =
            model.clone().into_iter().filter(|(key, _)| key.starts_with(&prefix)).collect();
        for store in &stores {
            prop_assert_eq!(&all(store.scan(beginning_with(&prefix))), &expected);
            let mut backwards = all(store.scan(beginning_with(&prefix)).rev());
            backwards.reverse();
            prop_assert_eq!(&backwards, &expected);
            prop_assert_eq!(store.get(&prefix).unwrap(), model.get(&prefix).cloned());
        }
    }
}
