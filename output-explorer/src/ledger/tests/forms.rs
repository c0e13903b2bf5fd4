//! A ledger of an earlier form becomes what it would be if it had been of today's from the beginning.

use super::copy::{Shared, Story};
use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use crate::follower::Change;
use crate::ledger::changes::{ChangeId, ChangesError, is_copied};
use crate::ledger::forms::{AT_ONCE, HappenedRecord, RENEWING, SUMS};
use crate::ledger::record::{Balance, FORMAT, HistoryRecord, Info, Sum};
use crate::ledger::store::sled::SledStore;
use crate::ledger::store::{Batch, Pair, Pairs, Range, Store, StoreError, beginning_with};
use crate::ledger::table;
use crate::ledger::value::{decode, encode, get};
use crate::ledger::{Ledger, LedgerError, Settings};
use proptest::prelude::{ProptestConfig, prop};
use proptest::{prop_assert_eq, proptest};
use std::sync::atomic::{AtomicUsize, Ordering};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

const TIME: Timestamp = Timestamp::from_unix_nanos(0);

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

fn format(store: &dyn Store) -> u32 {
    get::<Info>(store, table::INFO).unwrap().unwrap().format
}

#[test]
fn what_is_known_of_outputs_stays() {
    let of = story();
    let before = of.store.copied();
    assert!([b'N', b'H'].iter().all(|table| before.iter().any(|(key, _)| key[0] == *table)));
    let all = |_: &[u8]| true;
    // The last one was stopped when it had renewed some.
    for (old, whose) in [(1, all as fn(&[u8]) -> bool), (2, all), (RENEWING, |whose| whose[0] % 2 == 0)] {
        make_old(&of.store, old, whose);
        assert_ne!(of.store.copied(), before);
        let ledger = of.store.ledger();
        assert_eq!(of.store.copied(), before);
        assert!(of.store.scan(beginning_with(SUMS)).next().is_none());
        assert_eq!((format(&of.store), ledger.end().unwrap().epoch), (FORMAT, 2));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_happens_then_happens_as_if_it_had_always_been_so(
        before in prop::collection::vec(0_u8..7, 0..30),
        then in prop::collection::vec(0_u8..7, 1..30),
        writes in 0_usize..4,
    ) {
        let (mut renewed, mut straight) = (Story::new(100), Story::new(100));
        for what in before {
            renewed.step(what);
            straight.step(what);
        }
        make_old(&renewed.store, 2, |_| true);
        open_until(&renewed.store, writes, false);
        renewed.ledger = renewed.store.ledger().into();
        prop_assert_eq!(chain(&renewed.store), chain(&straight.store));
        for what in then {
            renewed.step(what);
            straight.step(what);
            prop_assert_eq!(chain(&renewed.store), chain(&straight.store));
        }
    }
}

#[test]
fn a_replica_begins_anew() {
    let mut of = story();
    let newest: ChangeId = of.ledger.records(&[], None, 1).unwrap().newest;
    make_old(&of.store, 2, |_| true);
    let renewed = of.store.ledger();
    let changes = renewed.changes(newest, usize::MAX);
    assert!(matches!(changes, Err(ChangesError::OtherHistory { .. })), "{changes:?}");
    let old = ChangeId { number: newest.number - 1, nonce: 0 };
    let changes = renewed.changes(old, usize::MAX);
    assert!(matches!(changes, Err(ChangesError::Expired { .. })), "{changes:?}");
    let copy = Shared::default();
    copy.ledger().begin_copy().unwrap();
    make_old(&copy, 2, |_| true);
    let refused = copy.open().err().unwrap();
    assert!(matches!(refused, LedgerError::OldCopy(2)), "{refused}");
    assert!(refused.to_string().contains("move its directory away"), "{refused}");
    // A new one gets all there is, and goes on from there.
    let copy = Shared::default();
    let replica = copy.ledger();
    replica.begin_copy().unwrap();
    let page = renewed.records(&[], None, usize::MAX).unwrap();
    let begin = page.newest;
    replica.copy_records(page).unwrap();
    of.ledger = renewed.into();
    of.step(3);
    replica.copy_changes(of.ledger.changes(begin, usize::MAX).unwrap().changes).unwrap();
    assert_eq!(copy.copied(), of.store.copied());
}

#[test]
fn what_a_later_version_wrote_is_left_alone() {
    let of = story();
    let (format, network) = (FORMAT + 1, Network::Dev);
    let mut batch = Batch::default();
    batch.put(table::INFO.to_vec(), encode(&Info { format, network }));
    of.store.write(&batch).unwrap();
    let before = of.store.copied();
    let refused = of.store.open().err().unwrap();
    assert!(matches!(refused, LedgerError::OtherFormat(it) if it == format), "{refused}");
    assert!(refused.to_string().contains("use the version that wrote it"), "{refused}");
    assert_eq!(of.store.copied(), before);
}

/// What happens to a record.
type Damage = fn(&[u8], &mut Vec<u8>);

#[test]
fn records_that_contradict_each_other_are_not_made_a_new_balance() {
    let first = |store: &Shared, table| store.scan(beginning_with(table)).next().unwrap().unwrap();
    let damages: [(Damage, &[u8], char); 3] = [
        // Another balance, as long as the true one.
        (
            |key, value| {
                let mut balance: Balance = decode(key, value).unwrap();
                balance.prepared.outputs += 1;
                *value = encode(&balance);
            },
            b"B",
            'B',
        ),
        (|_, value| value.truncate(20), b"H", 'H'),
        // Of an output that nobody made.
        (|_, value| value[0] ^= 1, b"H", 'E'),
    ];
    for (damage, of_table, expected) in damages {
        let of = story();
        make_old(&of.store, 2, |_| true);
        let (key, mut value) = first(&of.store, of_table);
        damage(&key, &mut value);
        let mut batch = Batch::default();
        batch.put(key, value);
        of.store.write(&batch).unwrap();
        let refused = of.store.open().err().unwrap();
        assert!(matches!(refused, LedgerError::Damaged { table } if table == expected), "{refused}");
    }
}

/// What a ledger of form 2 held after [`begin`]: keys and values of all records, as the last version of that form wrote them.
const FORM_2: &str = include_str!("form-2.hex");

const ALICE: Encoded = Encoded::from_bytes([0xa1; 32]);
const BOB: Encoded = Encoded::from_bytes([0xb0; 32]);

fn hash(number: u8) -> Hash {
    Hash::from_bytes([number; 32])
}

/// An output is worth its number.
fn public(recipient: Encoded, number: u8) -> NewOutput {
    let amount = Amount::from_micro(number.into()).unwrap();
    NewOutput { id: hash(number), content: Content::Public { recipient, amount, blob: vec![number; 3] } }
}

fn alice(number: u8) -> NewOutput {
    public(ALICE, number)
}

fn bob(number: u8) -> NewOutput {
    public(BOB, number)
}

fn micro(epoch: u64, offset: u32, transactions: &[(&[u8], &[NewOutput])]) -> Change {
    let (id, previous) = (hash(0xf0 + u8::try_from(offset).unwrap()), hash(0xff));
    let transaction = |(inputs, outputs): &(&[u8], &[NewOutput])| Transaction {
        id: hash(0xee),
        inputs: inputs.iter().copied().map(hash).collect(),
        outputs: outputs.to_vec(),
    };
    let transactions = transactions.iter().map(transaction).collect();
    Change::Connect(MicroBlock { id, previous, epoch, offset, time: TIME, transactions })
}

fn close(epoch: u64, inputs: &[u8], outputs: &[NewOutput]) -> Change {
    let (inputs, outputs) = (inputs.iter().copied().map(hash).collect(), outputs.to_vec());
    Change::Close(MacroBlock { id: hash(0xfe), previous: hash(0xff), epoch, time: TIME, inputs, outputs })
}

/// Outputs that are made and spent in macro blocks and in micro blocks, also again and in one block; in the end three micro
/// blocks may still be taken back.
fn begin() -> Vec<Change> {
    let other = |number, content| NewOutput { id: hash(number), content };
    let (private, stake) = (other(8, Content::Private), other(9, Content::Stake));
    vec![
        close(0, &[], &[alice(1), alice(2), bob(3), private, stake]),
        micro(1, 0, &[(&[1], &[bob(4), alice(5)])]),
        micro(1, 1, &[(&[4], &[alice(1)])]),
        close(1, &[1, 4, 8], &[bob(4), alice(5), alice(1), alice(6), bob(7)]),
        micro(2, 0, &[(&[2], &[bob(10)])]),
        micro(2, 1, &[(&[10, 1], &[alice(1)]), (&[1, 9], &[alice(1), bob(11)])]),
        micro(2, 2, &[(&[3], &[alice(12)]), (&[12], &[bob(13)])]),
    ]
}

fn form_2() -> Shared {
    let (store, mut batch) = (Shared::default(), Batch::default());
    for line in FORM_2.lines() {
        let (key, value) = line.split_once(' ').unwrap();
        batch.put(hex::decode(key).unwrap(), hex::decode(value).unwrap());
    }
    store.write(&batch).unwrap();
    store
}

/// All that follows from the chain; events have the times of their clock.
fn chain(store: &Shared) -> Vec<Pair> {
    store.copied().into_iter().filter(|(key, _)| !key.starts_with(table::EVENTS)).collect()
}

#[test]
fn what_micro_blocks_did_is_taken_back_or_final_as_if_it_had_always_been_so() {
    let all: ([u8; 8], _) =
        ([2, 10, 1, 1, 9, 3, 12, 7], [bob(10), alice(1), alice(1), bob(11), alice(12), bob(13), alice(14)]);
    let ends = [
        vec![Change::Disconnect; 3],
        vec![Change::Disconnect, micro(2, 2, &[(&[7, 1], &[bob(7)])]), close(2, &[], &[])],
        vec![close(2, &[], &[])],
        vec![close(2, &[2], &[bob(10)])],
        vec![close(2, &all.0, &all.1), micro(3, 0, &[(&[1], &[])]), Change::Disconnect],
    ];
    for format in [1, 2] {
        for end in &ends {
            let (old, new) = (form_2(), Shared::default());
            if format == 1 {
                let mut batch = Batch::default();
                batch.put(table::INFO.to_vec(), encode(&Info { format, network: Network::Dev }));
                batch.delete(table::LOG.to_vec());
                old.scan(beginning_with(table::CHANGES)).for_each(|pair| batch.delete(pair.unwrap().0));
                old.write(&batch).unwrap();
            }
            let (renewed, straight) = (old.ledger(), new.ledger());
            begin().iter().for_each(|change| straight.commit(change).unwrap());
            assert_eq!(chain(&old), chain(&new));
            let sum = |who, epoch| {
                let sum = renewed.balance_at(who, epoch).unwrap();
                (sum.amount.micro(), sum.outputs)
            };
            assert_eq!([sum(&ALICE, 0), sum(&ALICE, 1)], [(3, 2), (14, 4)]);
            assert_eq!([sum(&BOB, 0), sum(&BOB, 1)], [(3, 1), (10, 2)]);
            for change in end {
                renewed.commit(change).unwrap();
                straight.commit(change).unwrap();
                assert_eq!(chain(&old), chain(&new), "{change:?}");
            }
        }
    }
}

/// A database whose process ends at some write, before it is done or behind it.
struct Ending {
    store: Shared,
    left: AtomicUsize,
    is_done: bool,
    most: AtomicUsize,
}

impl Store for &'static Ending {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, range: Range) -> Pairs<'_> {
        self.store.scan(range)
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        self.most.fetch_max(batch.iter().count(), Ordering::Relaxed);
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left > 0 || self.is_done {
            self.store.write(batch)?;
        }
        if left > 0 { Ok(()) } else { Err(StoreError::Closed) }
    }
}

/// Opens a ledger whose process ends after so many writes. Answers whether it was opened, and the longest batch.
fn open_until(store: &Shared, writes: usize, is_done: bool) -> (bool, usize) {
    let ending = Ending { store: store.clone(), left: writes.into(), is_done, most: AtomicUsize::new(0) };
    let ending: &'static Ending = Box::leak(Box::new(ending));
    (Ledger::new(Box::new(ending), SETTINGS).is_ok(), ending.most.load(Ordering::Relaxed))
}

const SETTINGS: Settings = Settings { network: Network::Dev, keep_spent_blobs: false, keep_events: 20 };

/// A ledger of today in which one recipient has more than is renewed at a time, and what it was in form 2.
fn large() -> (Vec<Pair>, Shared) {
    let store = Shared::default();
    let ledger = store.ledger();
    let id = |number: usize| Hash::digest(&(number as u64));
    let output = |number: usize| {
        let recipient =
            if number.is_multiple_of(5) { [u8::try_from(number % 7).unwrap(); 32] } else { [3; 32] };
        let (recipient, amount) =
            (Encoded::from_bytes(recipient), Amount::from_micro(i64::try_from(number).unwrap()).unwrap());
        NewOutput { id: id(number), content: Content::Public { recipient, amount, blob: vec![1] } }
    };
    let half = AT_ONCE * 3 / 4;
    let all = (0..half * 2).collect::<Vec<_>>();
    let (first, second) = all.split_at(half);
    let block = |epoch, inputs: Vec<Hash>, outputs: &[usize]| {
        let outputs = outputs.iter().copied().map(output).collect();
        Change::Close(MacroBlock { id: hash(1), previous: hash(0), epoch, time: TIME, inputs, outputs })
    };
    ledger.commit(&block(0, Vec::new(), first)).unwrap();
    let third = all.iter().step_by(3).copied().map(id);
    ledger.commit(&block(1, third.collect(), second)).unwrap();
    let expected = store.copied();
    make_old(&store, 2, |_| true);
    (expected, store)
}

fn copy_of(store: &Shared, into: &dyn Store) {
    let mut batch = Batch::default();
    store.scan(beginning_with(&[])).for_each(|pair| {
        let (key, value) = pair.unwrap();
        batch.put(key, value);
    });
    into.write(&batch).unwrap();
}

#[test]
fn whoever_is_stopped_goes_on_with_what_is_left() {
    let (expected, old) = large();
    for is_done in [false, true] {
        for writes in 0.. {
            let store = Shared::default();
            copy_of(&old, &store);
            let (is_open, most) = open_until(&store, writes, is_done);
            assert!(most <= 2 * AT_ONCE + 2, "{most} keys at once");
            // Neither does a program of before, which knows two forms, read what is half renewed.
            let is_old = format(&store) == 2;
            assert_eq!(is_old, writes == 0 && !is_done, "after {writes} writes");
            store.ledger();
            assert!(store.copied() == expected, "after {writes} writes");
            if is_open {
                assert!(writes > 3, "{writes} writes are not several");
                break;
            }
        }
    }
    // And however often that happens.
    let times = (0..10).take_while(|_| !open_until(&old, 1, false).0).count();
    assert!((3..10).contains(&times), "{times}");
    assert!(old.copied() == expected);
}

/// It is read and changed at once, and what is read does not stand still there.
#[test]
fn it_is_renewed_on_disk() {
    let (expected, old) = large();
    let temp = tempfile::tempdir().unwrap();
    let store = SledStore::open(temp.path(), 16).unwrap();
    copy_of(&old, &store);
    drop(Ledger::new(Box::new(store), SETTINGS).unwrap());
    let store = SledStore::open(temp.path(), 16).unwrap();
    let found: Vec<Pair> = store.scan(beginning_with(&[])).map(Result::unwrap).collect();
    assert!(found.into_iter().filter(|(key, _)| is_copied(key)).eq(expected));
}
