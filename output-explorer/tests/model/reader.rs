//! Somebody who knows nothing but the events, and what there was of a user when it was added.

use output_explorer::event::{Event, EventRecord, Movement};
use output_explorer::ledger::Ledger;
use output_explorer::ledger::events::EventsError;
use output_explorer::ledger::query::{Cut, Filter, Found};
use output_explorer::ledger::record::{Kind, Sum};
use std::collections::BTreeMap;
use stegos_common::amount::Amount;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// Unspent outputs.
type Unspent = BTreeMap<Hash, (Encoded, Amount)>;

/// What is unspent as far as a reader knows.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Books {
    prepared: Unspent,
    settled: Unspent,
}

#[derive(Default)]
pub(crate) struct Reader {
    after: u64,
    users: Vec<Encoded>,
    books: Books,
    /// What each user had when it was added, until that is read.
    snapshots: BTreeMap<Encoded, Books>,
    /// Whether it never was too late.
    pub(crate) is_complete: bool,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { is_complete: true, ..Self::default() }
    }

    /// A user was just added.
    pub(crate) fn remember(&mut self, ledger: &Ledger, key: Encoded) {
        self.snapshots.insert(key, Books::of(ledger, &[key]));
    }

    /// Reads all that is new, and compares what it then knows with the ledger.
    pub(crate) fn read(&mut self, ledger: &Ledger, limit: usize) {
        match walk(ledger, self.after, limit) {
            Ok(events) => {
                for EventRecord { id, event, .. } in events {
                    assert_eq!(id, self.after + 1);
                    self.after = id;
                    self.apply(event);
                }
            }
            // It does what the error says.
            Err(EventsError::Expired { after, first }) => {
                assert!(after + 1 < first);
                self.is_complete = false;
                self.users.extend(std::mem::take(&mut self.snapshots).into_keys());
                self.books = Books::of(ledger, &self.users);
                self.after = ledger.events(first, 0).unwrap().last;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(self.snapshots.is_empty());
        assert_eq!(self.books, Books::of(ledger, &self.users));
        for key in &self.users {
            let balance = ledger.balance(key).unwrap();
            assert_eq!(sum(&self.books.prepared, key), balance.prepared);
            assert_eq!(sum(&self.books.settled, key), balance.settled);
        }
    }

    fn apply(&mut self, event: Event) {
        let Books { prepared, settled } = &mut self.books;
        let is_seen = |it: &Movement| it.offset.is_some();
        match event {
            Event::UserAdded(user) => {
                let key = user.keys[0];
                let snapshot = self.snapshots.remove(&key).unwrap();
                prepared.extend(snapshot.prepared);
                settled.extend(snapshot.settled);
                self.users.push(key);
            }
            Event::DepositPrepared(it) | Event::SpendReverted(it) => {
                assert!(is_seen(&it) && it.transaction.is_some());
                put(prepared, &it);
            }
            Event::SpendPrepared(it) | Event::DepositReverted(it) => {
                assert!(is_seen(&it) && it.transaction.is_some());
                take(prepared, &it);
            }
            Event::DepositFinal(it) => {
                assert_eq!(is_seen(&it), it.transaction.is_some());
                put(settled, &it);
                if !is_seen(&it) {
                    put(prepared, &it);
                }
            }
            Event::SpendFinal(it) => {
                assert_eq!(is_seen(&it), it.transaction.is_some());
                take(settled, &it);
                if !is_seen(&it) {
                    take(prepared, &it);
                }
            }
            Event::ChainReverted { .. } => {}
            event => panic!("{event:?} did not happen"),
        }
    }
}

impl Books {
    /// What the ledger says of these recipients.
    fn of(ledger: &Ledger, keys: &[Encoded]) -> Self {
        let epoch = ledger.end().unwrap().epoch;
        let mut books = Self::default();
        let all = Cut { after: None, descending: false, limit: usize::MAX };
        for Found { id, output } in ledger.outputs(keys, Filter::All.into(), all).unwrap().rows {
            let Kind::Public { recipient, amount, .. } = output.kind else { panic!("{id} is not public") };
            let is_final = |epoch_of_it: u64| epoch_of_it < epoch;
            let spent = output.spent.map(|spent| spent.place.position.epoch);
            if spent.is_none() {
                books.prepared.insert(id, (recipient, amount));
            }
            if is_final(output.position().epoch) && !spent.is_some_and(is_final) {
                books.settled.insert(id, (recipient, amount));
            }
        }
        books
    }
}

fn put(unspent: &mut Unspent, it: &Movement) {
    assert_eq!(unspent.insert(it.output_hash, (it.recipient, it.amount)), None, "{it:?} is told twice");
}

fn take(unspent: &mut Unspent, it: &Movement) {
    assert_eq!(unspent.remove(&it.output_hash), Some((it.recipient, it.amount)), "{it:?} was not told of");
}

fn sum(unspent: &Unspent, key: &Encoded) -> Sum {
    let amounts = unspent.values().filter(|(owner, _)| owner == key).map(|(_, amount)| *amount);
    amounts.fold(Sum::default(), |sum, amount| sum.with(amount).unwrap())
}

/// All events behind a number, read in pages.
pub(crate) fn walk(ledger: &Ledger, mut after: u64, limit: usize) -> Result<Vec<EventRecord>, EventsError> {
    let mut events = Vec::new();
    loop {
        let page = ledger.events(after, limit)?;
        assert!(page.events.len() <= limit);
        let Some(last) = page.events.last() else { return Ok(events) };
        after = last.id;
        events.extend(page.events);
    }
}
