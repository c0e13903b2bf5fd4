//! What any [`Store`] must do, tried with random calls on every implementation at once.

mod memory;

use self::memory::MemoryStore;
use super::sled::SledStore;
use super::{Item, Store, files};
use crate::disk::Disk;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<Item>),
    Get(Vec<u8>),
    Scan(Vec<u8>),
    Flush,
    /// The database on disk is closed and opened again.
    Reopen,
}

/// Few different bytes, so that keys meet each other.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, b'a', 255]), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::collection::vec(any::<u8>(), 0..200);
    let items = prop::collection::vec((key(), value), 0..20).prop_map(|items| {
        // In one batch a key has one value.
        items.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
    });
    prop_oneof![
        4 => items.prop_map(Step::Insert),
        4 => key().prop_map(Step::Get),
        3 => prop::collection::vec(prop::sample::select(vec![0, 1, b'a', 255]), 0..3).prop_map(Step::Scan),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ]
}

fn check(store: &dyn Store, model: &BTreeMap<Vec<u8>, Vec<u8>>, step: &Step) {
    match step {
        Step::Insert(items) => store.insert(items).unwrap(),
        Step::Get(key) => assert_eq!(store.get(key).unwrap().as_ref(), model.get(key)),
        Step::Scan(prefix) => {
            let found: Vec<Item> = store.scan(prefix).map(Result::unwrap).collect();
            let expected: Vec<Item> = model
                .iter()
                .filter(|(key, _)| key.starts_with(prefix))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            assert_eq!(found, expected);
        }
        Step::Flush | Step::Reopen => store.flush().unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_store_is_a_sorted_map(steps in prop::collection::vec(step(), 1..40)) {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("keys");
        let open = || SledStore::open(&dir, Disk::default()).unwrap();
        let (memory, mut sled) = (MemoryStore::default(), Some(open()));
        let mut model = BTreeMap::new();
        for step in &steps {
            check(&memory, &model, step);
            if let Some(sled) = &sled {
                check(sled, &model, step);
            }
            match step {
                Step::Insert(items) => model.extend(items.iter().cloned()),
                Step::Reopen => {
                    drop(sled.take());
                    files::keep(&dir, &Disk::default()).unwrap();
                    files::accept(&dir, &Disk::default()).unwrap();
                    sled = Some(open());
                }
                Step::Get(_) | Step::Scan(_) | Step::Flush => {}
            }
        }
        let everything = Step::Scan(Vec::new());
        check(&memory, &model, &everything);
        check(&sled.unwrap(), &model, &everything);
    }
}
