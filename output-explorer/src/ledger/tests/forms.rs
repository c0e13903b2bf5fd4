//! A ledger of an earlier form becomes what it would be if it had been of today's from the beginning.

use super::copy::{Shared, Story};
use crate::ledger::LedgerError;
use crate::ledger::changes::{ChangeId, ChangesError};
use crate::ledger::forms::{HappenedRecord, SUMS};
use crate::ledger::record::{FORMAT, HistoryRecord, Info, Sum};
use crate::ledger::store::{Batch, Pair, Store, beginning_with};
use crate::ledger::table;
use crate::ledger::value::{decode, encode, get};
use stegos_common::address::Network;

/// Makes the records of some recipients what they were before.
fn make_old(store: &Shared, format: u32, whose: fn(&[u8]) -> bool) {
    let mut batch = Batch::default();
    let records = |table: &[u8]| {
        let pairs: Vec<Pair> = store.scan(beginning_with(table)).map(Result::unwrap).collect();
        pairs.into_iter().filter(|(key, _)| whose(&key[1..33])).map(|(key, value)| {
            let HistoryRecord { output, created, what, .. } = decode(&key, &value).unwrap();
            (key, HappenedRecord { output, created, what })
        })
    };
    for (key, record) in records(b"N") {
        batch.put([b"H", &key[1..]].concat(), encode(&record));
        batch.put([SUMS, &key[1..33], &7_u64.to_be_bytes()].concat(), encode(&Sum::default()));
        batch.put(key, encode(&record.output));
    }
    for (key, record) in records(b"H") {
        batch.put(key, encode(&record));
    }
    batch.put(table::INFO.to_vec(), encode(&Info { format, network: Network::Dev }));
    if format == 1 {
        batch.delete(table::LOG.to_vec());
    }
    store.write(&batch).unwrap();
}

fn story() -> Story {
    let mut story = Story::new(100);
    for what in [6, 3, 2, 5, 1, 3, 3, 4, 0, 2, 5, 2, 0, 1, 3] {
        story.step(what);
    }
    story
}

#[test]
fn what_is_known_of_outputs_stays() {
    let of = story();
    let before = of.store.copied();
    assert!([b'N', b'H'].iter().all(|table| before.iter().any(|(key, _)| key[0] == *table)));
    let all = |_: &[u8]| true;
    // The last one was stopped when it had renewed some.
    for (format, whose) in [(1, all as fn(&[u8]) -> bool), (2, all), (2, |whose| whose[0] % 2 == 0)] {
        make_old(&of.store, format, whose);
        assert_ne!(of.store.copied(), before);
        let ledger = of.store.ledger();
        assert_eq!(of.store.copied(), before);
        assert!(of.store.scan(beginning_with(SUMS)).next().is_none());
        let info: Info = get(&of.store, table::INFO).unwrap().unwrap();
        assert_eq!((info.format, ledger.end().unwrap().epoch), (FORMAT, 2));
    }
}

#[test]
fn a_replica_begins_anew() {
    let of = story();
    let newest: ChangeId = of.ledger.records(&[], None, 1).unwrap().newest;
    make_old(&of.store, 2, |_| true);
    let renewed = of.store.ledger();
    let changes = renewed.changes(newest, usize::MAX);
    assert!(matches!(changes, Err(ChangesError::OtherHistory { .. })), "{changes:?}");
    let copy = Shared::default();
    copy.ledger().begin_copy().unwrap();
    make_old(&copy, 2, |_| true);
    assert!(matches!(copy.open(), Err(LedgerError::OtherFormat(2))));
}
