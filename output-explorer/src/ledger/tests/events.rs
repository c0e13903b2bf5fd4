//! What is told, and how long it can be read. In memory and on disk.

use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use crate::event::Event;
use crate::follower::Change;
use crate::handoff::journal::Sign;
use crate::handoff::record::{Ended, Handoff, Input, Purpose, State, Step, Transaction as Signed};
use crate::ledger::events::EventsError;
use crate::ledger::handoffs::NewHandoff;
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::store::sled::SledStore;
use crate::ledger::users::NewAddress;
use crate::ledger::{Ledger, Settings};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

const ALICE: Encoded = Encoded::from_bytes([1; 32]);
const NOBODY: Encoded = Encoded::from_bytes([2; 32]);
const TIME: Timestamp = Timestamp::from_unix_nanos(0);

const fn settings(keep_events: u64) -> Settings {
    Settings { network: Network::Dev, keep_spent_blobs: true, keep_events }
}

/// A story on a ledger in memory and on one on disk.
fn on_both(story: impl Fn(&Ledger)) {
    story(&Ledger::new(Box::new(MemoryStore::default()), settings(1000)).unwrap());
    let temp = tempfile::tempdir().unwrap();
    story(&Ledger::new(Box::new(SledStore::open(temp.path(), 16).unwrap()), settings(1000)).unwrap());
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn output(id: u8, recipient: Encoded) -> NewOutput {
    let amount = Amount::from_micro(5).unwrap();
    NewOutput { id: hash(id), content: Content::Public { recipient, amount, blob: Vec::new() } }
}

fn micro(epoch: u64, offset: u32, inputs: &[u8], outputs: Vec<NewOutput>) -> Change {
    let inputs = inputs.iter().map(|id| hash(*id)).collect();
    let transactions = vec![Transaction { id: hash(100), inputs, outputs }];
    Change::Connect(MicroBlock { id: hash(101), previous: hash(0), epoch, offset, time: TIME, transactions })
}

fn close(epoch: u64, inputs: &[u8], outputs: Vec<NewOutput>) -> Change {
    let inputs = inputs.iter().map(|id| hash(*id)).collect();
    Change::Close(MacroBlock { id: hash(102), previous: hash(0), epoch, time: TIME, inputs, outputs })
}

fn add_alice(ledger: &Ledger) {
    let new = NewAddress { account: "alice".parse().unwrap(), key: ALICE, current: None };
    ledger.add_users(&[new]).unwrap();
}

/// The events behind a number in short: the type, the output where there is one, and its place.
fn told(ledger: &Ledger, after: u64) -> Vec<String> {
    let place = |it: &crate::event::Movement| format!(" {} {}", it.output_hash.as_bytes()[0], it.position());
    let events = ledger.events(after, usize::MAX).unwrap().events.into_iter();
    events
        .map(|record| {
            let kind = record.event.kind().to_owned();
            match &record.event {
                Event::DepositPrepared(it) | Event::DepositFinal(it) | Event::DepositReverted(it) => {
                    kind + &place(it)
                }
                Event::SpendPrepared(it) | Event::SpendFinal(it) | Event::SpendReverted(it) => {
                    kind + &place(it)
                }
                _ => kind,
            }
        })
        .collect()
}

#[test]
fn what_happens_to_a_user_is_told_in_order() {
    on_both(|ledger| {
        ledger.commit(&close(0, &[], vec![output(1, ALICE)])).unwrap();
        assert_eq!(told(ledger, 0), [""; 0], "it was nobody's then");
        add_alice(ledger);
        ledger.commit(&micro(1, 0, &[1], vec![output(2, ALICE), output(3, NOBODY)])).unwrap();
        ledger.commit(&micro(1, 1, &[2], vec![output(1, ALICE)])).unwrap();
        ledger.commit(&Change::Disconnect).unwrap();
        assert_eq!(
            told(ledger, 1),
            [
                "spend.prepared 1 1/0",
                "deposit.prepared 2 1/0",
                "spend.prepared 2 1/1",
                "deposit.prepared 1 1/1",
                "chain.reverted",
                "deposit.reverted 1 1/1",
                "spend.reverted 2 1/1",
            ]
        );
        // The macro block contains the micro block, and one that nobody saw.
        let made = vec![output(2, ALICE), output(3, NOBODY), output(1, ALICE)];
        ledger.commit(&close(1, &[1, 1, 2], made)).unwrap();
        assert_eq!(
            told(ledger, 8),
            [
                "spend.final 1 1/0",
                "deposit.final 2 1/0",
                "spend.final 2 1",
                "deposit.final 1 1",
                "spend.final 1 1"
            ]
        );
    });
}

#[test]
fn what_a_macro_block_lacks_is_reverted_first() {
    on_both(|ledger| {
        add_alice(ledger);
        ledger.commit(&close(0, &[], vec![output(1, ALICE)])).unwrap();
        ledger.commit(&micro(1, 0, &[1], vec![output(2, ALICE)])).unwrap();
        ledger.commit(&close(1, &[1], vec![output(3, ALICE)])).unwrap();
        assert_eq!(
            told(ledger, 4),
            [
                "chain.reverted",
                "deposit.reverted 2 1/0",
                "spend.reverted 1 1/0",
                "spend.final 1 1",
                "deposit.final 3 1"
            ]
        );
    });
}

#[test]
fn changes_of_users_are_told_and_what_changes_nothing_is_not() {
    on_both(|ledger| {
        add_alice(ledger);
        add_alice(ledger);
        let moved = NewAddress { account: "alice".parse().unwrap(), key: NOBODY, current: 2.try_into().ok() };
        ledger.add_users(std::slice::from_ref(&moved)).unwrap();
        ledger.add_users(&[moved]).unwrap();
        ledger.remove_user("alice").unwrap();
        ledger.remove_user("alice").unwrap();
        add_alice(ledger);
        let expected = ["user.added", "user.changed", "user.archived", "user.added"];
        assert_eq!(told(ledger, 0), expected);
        let Event::UserChanged(user) = ledger.events(1, 1).unwrap().events.remove(0).event else { panic!() };
        assert_eq!(user.keys, [NOBODY], "the current one, and no other is new");
    });
}

#[test]
fn a_handoff_and_its_transaction_are_told_step_by_step() {
    on_both(|ledger| {
        ledger.commit(&close(0, &[], vec![output(1, ALICE)])).unwrap();
        let input = Input { id: hash(1), amount: Amount::ZERO, account: "alice".to_owned(), private: false };
        let handoff = Handoff {
            number: 0,
            purpose: Purpose::Sweep,
            created: TIME,
            expires: TIME,
            inputs: vec![input],
            outputs: Vec::new(),
            fee: Amount::ZERO,
            journal: None,
            ended: None,
            transaction: None,
        };
        let new = NewHandoff { handoff, withdrawals: Vec::new() };
        let open = ledger.add_handoffs(vec![new], None).unwrap().remove(0);
        let expired = Handoff { ended: Some(Ended::Expired), ..open.clone() };
        ledger.change_handoff(&open, &expired, None).unwrap();
        ledger.change_handoff(&expired, &open, None).unwrap();
        let history = vec![Step { state: State::Submitted, time: TIME }];
        let (outputs, certificates) = (Vec::new(), Vec::new());
        let transaction = Signed { id: hash(4), outputs, certificates, journal: None, history };
        let signed = Handoff { transaction: Some(transaction), ..open.clone() };
        ledger.change_handoff(&open, &signed, None).unwrap();
        let accepted = signed.with_state(State::Accepted, TIME);
        ledger.change_handoff(&signed, &accepted, None).unwrap();
        let twice = Sign::SignedTwice { known: hash(4), other: hash(5) };
        ledger.note_answer(&accepted, None, Some(twice), TIME).unwrap();
        ledger.note_answer(&accepted, None, Some(twice), TIME).unwrap();
        ledger.accept_signer_journal().unwrap();
        ledger.accept_signer_journal().unwrap();
        assert_eq!(
            told(ledger, 0),
            [
                "handoff.created",
                "handoff.expired",
                "handoff.renewed",
                "transaction.changed",
                "transaction.changed",
                "alarm.raised",
                "alarm.ended",
            ]
        );
    });
}

/// An event of which the number can be told.
fn numbered(number: u64) -> Event {
    Event::NodeConnected { address: number.to_string() }
}

#[test]
fn old_events_are_given_up_and_no_number_is_given_twice() {
    let temp = tempfile::tempdir().unwrap();
    let open = |keep| Ledger::open(&temp.path().join("new"), settings(keep), 16).unwrap().with_clock(|| TIME);
    {
        let ledger = open(1000);
        let newest = ledger.watch_events();
        for number in 1..=300 {
            ledger.note(numbered(number)).unwrap();
            assert_eq!(*newest.borrow(), number);
        }
        let page = ledger.events(0, 2).unwrap();
        assert_eq!((page.first, page.last, page.events.len()), (1, 300, 2));
        assert!(page.events.iter().all(|record| record.time == TIME));
        assert!(matches!(ledger.events(301, 1), Err(EventsError::Ahead { after: 301, last: 300 })));
    }
    // A lower limit is reached in steps.
    let ledger = open(1);
    let mut first = 1;
    for number in 301..=304 {
        ledger.note(numbered(number)).unwrap();
        let Err(EventsError::Expired { first: oldest, .. }) = ledger.events(0, 1) else { panic!() };
        assert!(oldest - first <= 102);
        first = oldest;
    }
    assert_eq!(first, 304);
    drop(ledger);
    let ledger = open(1);
    assert_eq!(*ledger.watch_events().borrow(), 304);
    ledger.note(numbered(305)).unwrap();
    let page = ledger.events(304, 10).unwrap();
    assert_eq!((page.first, page.last, page.events.len()), (305, 305, 1));
    assert_eq!((page.events[0].id, &page.events[0].event), (305, &numbered(305)));
    assert!(matches!(ledger.events(303, 1), Err(EventsError::Expired { after: 303, first: 305 })));
}
