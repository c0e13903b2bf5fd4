//! A copy against the ledger it is of: it is the same after each change, however the pages fall and whenever it stops.

use super::own;
use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use crate::event::Event;
use crate::follower;
use crate::handoff::desk::Desk;
use crate::ledger::changes::{Change, ChangeId, ChangesError, RecordPage, is_copied};
use crate::ledger::copy::{CopyError, Progress};
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::store::sled::SledStore;
use crate::ledger::store::{Batch, Pair, Pairs, Range, Store, StoreError};
use crate::ledger::users::NewAddress;
use crate::ledger::{Ledger, LedgerError, Settings, UserError};
use crate::settings::WebhookConfig;
use crate::view::webhook::NewEndpoint;
use crate::webhook::{SystemClock, Webhooks};
use proptest::prelude::{ProptestConfig, any, prop};
use proptest::{prop_assert_eq, proptest};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

const TIME: Timestamp = Timestamp::from_unix_nanos(0);

/// A database that outlives its ledger.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<MemoryStore>);

impl Store for Shared {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }

    fn scan(&self, range: Range) -> Pairs<'_> {
        self.0.scan(range)
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        self.0.write(batch)
    }
}

impl Shared {
    pub(super) fn open(&self) -> Result<Ledger, LedgerError> {
        let settings = Settings { network: Network::Dev, keep_spent_blobs: false, keep_events: 20 };
        Ledger::new(Box::new(self.clone()), settings)
    }

    pub(super) fn ledger(&self) -> Ledger {
        self.open().unwrap()
    }

    /// What a replica gets of it.
    pub(super) fn copied(&self) -> Vec<Pair> {
        let all = self.scan((Bound::Unbounded, Bound::Unbounded));
        all.map(Result::unwrap).filter(|(key, _)| is_copied(key)).collect()
    }
}

/// A ledger whose story is told by numbers.
pub(super) struct Story {
    pub(super) store: Shared,
    pub(super) ledger: Arc<Ledger>,
    webhooks: Webhooks,
    epoch: u64,
    offset: u32,
    made: u64,
    unspent: Vec<Hash>,
}

impl Story {
    pub(super) fn new(keep_changes: u64) -> Self {
        let store = Shared::default();
        let ledger = Arc::new(store.ledger());
        ledger.keep_changes(keep_changes).unwrap();
        let config =
            WebhookConfig { allow_private_targets: false, ca_file: None, limit: Duration::from_secs(1) };
        let webhooks = Webhooks::new(Arc::clone(&ledger), &config, Arc::new(SystemClock), |_| ()).unwrap();
        Self { store, ledger, webhooks, epoch: 0, offset: 0, made: 0, unspent: Vec::new() }
    }

    fn output(&mut self) -> NewOutput {
        self.made += 1;
        let id = Hash::digest(&self.made);
        self.unspent.push(id);
        let recipient = Encoded::from_bytes([u8::try_from(self.made % 5).unwrap(); 32]);
        let content =
            Content::Public { recipient, amount: Amount::from_micro(5).unwrap(), blob: vec![7; 50] };
        NewOutput { id, content }
    }

    fn commit(&self, change: &follower::Change) {
        self.ledger.commit(change).unwrap();
    }

    /// Something happens.
    pub(super) fn step(&mut self, what: u8) {
        let (epoch, offset, previous) = (self.epoch, self.offset, Hash::digest(&0_u64));
        match what % 8 {
            0..=3 => {
                let inputs = self.unspent.pop().into_iter().collect();
                let outputs = (0..what % 4 + 1).map(|_| self.output()).collect();
                let transactions = vec![Transaction { id: Hash::digest(&self.made), inputs, outputs }];
                let id = Hash::digest(&(1_000_000 + self.made));
                let block = MicroBlock { id, previous, epoch, offset, time: TIME, transactions };
                self.commit(&follower::Change::Connect(block));
                self.offset += 1;
            }
            4 if offset > 0 => {
                self.commit(&follower::Change::Disconnect);
                // What was unspent is not known any more.
                (self.unspent, self.offset) = (Vec::new(), offset - 1);
            }
            4 | 5 => {
                // It has nothing of the micro blocks, which are taken back.
                self.unspent.clear();
                let outputs = (0..40).map(|_| self.output()).collect();
                let id = Hash::digest(&epoch);
                let block = MacroBlock { id, previous, epoch, time: TIME, inputs: Vec::new(), outputs };
                self.commit(&follower::Change::Close(block));
                (self.epoch, self.offset) = (epoch + 1, 0);
            }
            6 => {
                let account = format!("user{}", what % 5).parse().unwrap();
                let key = Encoded::from_bytes([what % 5; 32]);
                self.ledger.add_users(&[NewAddress { account, key, current: None }]).unwrap();
            }
            _ => {
                let new = NewEndpoint { url: "https://example.com/".to_owned(), ..NewEndpoint::default() };
                // A fourth one is refused.
                let _ = self.webhooks.create("shop", new);
            }
        }
    }

    /// What replicas have after the newest change.
    fn newest(&self) -> (u64, Vec<Pair>) {
        (*self.ledger.watch_changes().borrow(), self.store.copied())
    }
}

/// Copies on by one page.
fn go_on(replica: &Ledger, of: &Ledger, bytes: usize) -> Progress {
    let progress = replica.copied().unwrap().unwrap();
    match &progress.key {
        Some(key) => {
            let newest = (!key.is_empty()).then_some(progress.whole_at);
            replica.copy_records(of.records(key, newest, bytes).unwrap()).unwrap()
        }
        None => replica.copy_changes(of.changes(progress.change, bytes).unwrap().changes).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_copy_is_the_ledger_after_each_change(
        story in prop::collection::vec((any::<u8>(), 0_usize..4, 1_usize..3000, any::<bool>()), 1..60),
        before in 0_usize..30,
    ) {
        let mut of = Story::new(1_000);
        for (what, ..) in story.iter().take(before) {
            of.step(*what);
        }
        let mut after: BTreeMap<u64, Vec<Pair>> = [of.newest()].into();
        let store = Shared::default();
        let mut replica = store.ledger();
        replica.begin_copy().unwrap();
        for (what, steps, bytes, restart) in story.into_iter().skip(before) {
            of.step(what);
            after.extend([of.newest()]);
            if restart {
                replica = store.ledger();
            }
            for _ in 0..steps {
                let copy = go_on(&replica, &of.ledger, bytes);
                prop_assert_eq!(replica.end().is_ok(), copy.is_whole());
                if copy.is_whole() {
                    prop_assert_eq!(&store.copied(), &after[&copy.change.number]);
                }
            }
        }
        while go_on(&replica, &of.ledger, 1000).change.number < *of.ledger.watch_changes().borrow()
            || !replica.copied().unwrap().unwrap().is_whole() {}
        prop_assert_eq!(store.copied(), of.store.copied());
        let end = |ledger: &Ledger| ledger.end().map(|end| (end.epoch, end.offset, end.last_block)).unwrap();
        prop_assert_eq!(end(&replica), end(&of.ledger));
        prop_assert_eq!(*replica.watch_events().borrow(), *of.ledger.watch_events().borrow());
    }
}

#[test]
fn what_is_not_kept_is_told_apart_from_what_never_was() {
    let mut of = Story::new(3);
    let changes = |of: &Story, after| of.ledger.changes(after, usize::MAX);
    let begin = of.ledger.records(&[], None, 1).unwrap().newest;
    assert!(begin.number == 0 && changes(&of, begin).unwrap().changes.is_empty());
    (0..3).for_each(|_| of.step(0));
    let ids: Vec<ChangeId> = changes(&of, begin).unwrap().changes.iter().map(|change| change.id).collect();
    assert_eq!(ids.iter().map(|id| id.number).collect::<Vec<_>>(), [1, 2, 3]);
    of.step(0);
    let gone = changes(&of, begin);
    assert!(matches!(gone, Err(ChangesError::Expired { after: 0, first: 2 })), "{gone:?}");
    // Of each it is known that it is that one, also of the one before the oldest, and in the middle of a copy.
    assert_eq!(changes(&of, ids[0]).unwrap().changes.len(), 3);
    assert!(of.ledger.records(b"B", Some(ids[0]), 1).is_ok());
    for id in [ids[0], ids[2]] {
        let other = ChangeId { nonce: id.nonce ^ 1, ..id };
        assert!(matches!(changes(&of, other), Err(ChangesError::OtherHistory { newest: 4, .. })));
        let records = of.ledger.records(b"B", Some(other), 1);
        assert!(matches!(records, Err(ChangesError::OtherHistory { newest: 4, .. })));
    }
    let ahead = ChangeId { number: 5, nonce: 0 };
    assert!(matches!(changes(&of, ahead), Err(ChangesError::OtherHistory { after: 5, newest: 4 })));
    // An opened ledger keeps as many as before; with none kept, what was kept leads nowhere.
    of.ledger = Arc::new(of.store.ledger());
    of.step(0);
    assert_eq!(changes(&of, ids[2]).unwrap().changes.len(), 2);
    let five = changes(&of, ids[2]).unwrap().newest;
    of.ledger.keep_changes(0).unwrap();
    assert!(matches!(changes(&of, five), Err(ChangesError::NotKept)));
    assert!(matches!(of.ledger.records(&[], None, 1), Err(ChangesError::NotKept)));
    of.ledger.keep_changes(3).unwrap();
    assert!(changes(&of, five).unwrap().changes.is_empty(), "nothing was missed");
    of.ledger.keep_changes(0).unwrap();
    of.step(0);
    of.ledger.keep_changes(3).unwrap();
    of.step(0);
    assert!(matches!(changes(&of, five), Err(ChangesError::Expired { after: 5, first: 7 })));
    // Old ones go in the end.
    (0..20).for_each(|_| of.step(0));
    let stored = of.store.scan((Bound::Included(b"c".to_vec()), Bound::Excluded(b"d".to_vec()))).count();
    assert_eq!(stored, 3 * 2, "three changes, of one part each");
}

#[test]
fn of_webhooks_a_replica_learns_that_something_changed_and_nothing_else() {
    let mut of = Story::new(10);
    let begin = of.ledger.records(&[], None, 1).unwrap().newest;
    of.step(7);
    let RecordPage { records, is_last, newest } = of.ledger.records(&[], None, usize::MAX).unwrap();
    assert!(is_last && records.iter().all(|(key, _)| key == b"R"), "{records:?}");
    let page = of.ledger.changes(begin, usize::MAX).unwrap();
    assert!(page.changes.iter().flat_map(|change| &change.writes).all(|(key, _)| key == b"R"), "{page:?}");
    // Its event is one, and nothing else of it.
    of.ledger.note(Event::NodeConnected { address: String::new() }).unwrap();
    let page = of.ledger.changes(newest, usize::MAX).unwrap();
    assert!(page.changes.iter().flat_map(|change| &change.writes).all(|(key, _)| key[0] == b'e'));
    assert_eq!(page.changes.len(), 1);
}

#[test]
fn a_copy_changes_nothing_by_itself_and_takes_nothing_else() {
    let mut of = Story::new(10);
    (0..8).for_each(|what| of.step(what));
    assert!(matches!(of.ledger.begin_copy(), Err(CopyError::NotEmpty)));
    let store = Shared::default();
    let replica = store.ledger();
    replica.begin_copy().unwrap();
    assert!(matches!(replica.end(), Err(LedgerError::HalfCopied)));
    let page = of.ledger.records(&[], None, usize::MAX).unwrap();
    for (key, refused) in
        [(b"p".to_vec(), "no part"), (b"w1".to_vec(), "no part"), (b"c1".to_vec(), "no part")]
    {
        let page = RecordPage { records: vec![(key, vec![])], ..page.clone() };
        let error = replica.copy_records(page).unwrap_err().to_string();
        assert!(error.contains(refused), "{error}");
    }
    let nothing = RecordPage { records: Vec::new(), is_last: false, ..page.clone() };
    assert!(matches!(replica.copy_records(nothing), Err(CopyError::OutOfOrder(_))));
    let twice =
        RecordPage { records: vec![page.records[0].clone(), page.records[0].clone()], ..page.clone() };
    assert!(matches!(replica.copy_records(twice), Err(CopyError::OutOfOrder(_))));
    let early = Change { id: ChangeId { number: page.newest.number + 1, nonce: 1 }, writes: Vec::new() };
    assert!(matches!(replica.copy_changes(vec![early.clone()]), Err(CopyError::OutOfOrder(_))));
    assert!(replica.copy_records(page.clone()).unwrap().is_whole());
    assert!(matches!(replica.copy_records(page.clone()), Err(CopyError::OutOfOrder(_))));
    for number in [page.newest.number, page.newest.number + 2] {
        let other = Change { id: ChangeId { number, nonce: 1 }, writes: Vec::new() };
        assert!(matches!(replica.copy_changes(vec![other]), Err(CopyError::OutOfOrder(_))), "{number}");
    }
    let log = Change { writes: vec![(b"h".to_vec(), None)], ..early };
    assert!(matches!(replica.copy_changes(vec![log]), Err(CopyError::NotCopied)));
    let new =
        NewAddress { account: "eve".parse().unwrap(), key: Encoded::from_bytes([9; 32]), current: None };
    let refused = replica.add_users(&[new]);
    assert!(matches!(refused, Err(UserError::Ledger(LedgerError::ReadOnly))));
    assert!(matches!(
        replica.note(Event::NodeConnected { address: String::new() }),
        Err(LedgerError::ReadOnly)
    ));
    assert_eq!(store.copied(), of.store.copied());
    // Nor is it one to be copied, whatever it kept before.
    assert!(matches!(replica.keep_changes(10), Err(LedgerError::ReadOnly)));
    assert!(matches!(replica.changes(page.newest, 1), Err(ChangesError::IsCopy)));
    assert!(matches!(replica.records(&[], None, 1), Err(ChangesError::IsCopy)));
}

/// sled syncs what it writes to its log, and not what it puts beside it.
#[test]
fn a_change_of_megabytes_is_kept_in_short_values() {
    let temp = tempfile::tempdir().unwrap();
    let store = SledStore::open(temp.path(), 16).unwrap();
    let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 20 };
    let ledger = Ledger::new(Box::new(store), settings).unwrap();
    ledger.keep_changes(100).unwrap();
    let mut of = Story { ledger: Arc::new(ledger), ..Story::new(0) };
    let begin = of.ledger.records(&[], None, 1).unwrap().newest;
    for epoch in 0..5 {
        let outputs = (0..5000).map(|_| of.output()).collect();
        let (id, previous) = (Hash::digest(&epoch), Hash::digest(&0_u64));
        let block = MacroBlock { id, previous, epoch, time: TIME, inputs: Vec::new(), outputs };
        of.commit(&follower::Change::Close(block));
    }
    let page = of.ledger.changes(begin, usize::MAX).unwrap();
    assert_eq!(page.changes.len(), 5);
    assert_eq!(std::fs::read_dir(temp.path().join("blobs")).unwrap().count(), 0);
    let store = Shared::default();
    let replica = store.ledger();
    replica.begin_copy().unwrap();
    replica.copy_records(RecordPage { records: Vec::new(), is_last: true, newest: begin }).unwrap();
    replica.copy_changes(page.changes).unwrap();
    let end = |ledger: &Ledger| ledger.end().map(|end| (end.epoch, end.totals.public)).unwrap();
    assert_eq!(end(&replica), end(&of.ledger));
}

/// It is read while the other explorer, which would let it expire, is away.
#[test]
fn a_handoff_whose_time_is_over_is_read_at_a_replica() {
    let of = Story::new(10);
    let output = NewOutput { id: Hash::from_bytes([1; 32]), content: Content::Private };
    let (id, previous) = (Hash::digest(&1_u64), Hash::digest(&0_u64));
    let block = MacroBlock { id, previous, epoch: 0, time: TIME, inputs: Vec::new(), outputs: vec![output] };
    of.commit(&follower::Change::Close(block));
    let made = of.ledger.add_handoffs(vec![own::handoff(1, true)], None).unwrap().remove(0);
    let replica = Shared::default().ledger();
    replica.begin_copy().unwrap();
    replica.copy_records(of.ledger.records(&[], None, usize::MAX).unwrap()).unwrap();
    let expire = |ledger: &Ledger| Desk { ledger, now: made.expires }.expire().unwrap();
    expire(&replica);
    assert_eq!(replica.handoff(made.number).unwrap(), made);
    expire(&of.ledger);
    assert!(of.ledger.handoff(made.number).unwrap().ended.is_some());
}
