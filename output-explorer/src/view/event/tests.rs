//! The JSON of each event is part of the API: a change of `events.jsonl` is a change for everybody who reads events.

use super::*;
use crate::event::{Event as Stored, TYPES};
use crate::handoff::record::State;
use std::fmt::Write;
use stegos_common::account::AccountName;
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::JournalPosition;
use stegos_common::group::Encoded;

const EVENTS: &str = include_str!("events.jsonl");

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_nanos(seconds * 1_000_000_000)
}

/// One event of each type, in the order of the list.
fn one_of_each() -> Vec<Stored> {
    let account = "alice".parse::<AccountName>().unwrap().as_str().to_owned();
    let key = |byte| Encoded::from_bytes([byte; 32]);
    let seen = event::Movement {
        account: account.clone(),
        recipient: key(1),
        output_hash: hash(2),
        amount: Amount::from_micro(12_500_000).unwrap(),
        epoch: 7,
        offset: Some(3),
        transaction: Some(hash(4)),
    };
    let unseen = || event::Movement { offset: None, transaction: None, ..seen.clone() };
    let handoff = || HandoffFacts {
        number: 5,
        purpose: Purpose::Withdrawal,
        inputs: 2,
        amount: Amount::from_micro(25_000_000).unwrap(),
        fee: Amount::from_micro(1000).unwrap(),
        expires: time(86_400),
        withdrawals: vec!["w-1".to_owned()],
    };
    let user = |keys: &[u8]| {
        let keys = keys.iter().map(|byte| key(*byte)).collect();
        UserFacts { account: account.clone(), keys }
    };
    let address = || "127.0.0.1:3145".to_owned();
    let at = |count| JournalPosition { count, head: hash(6) };
    let alarm = Alarm { handoff: 5, time: time(2), sign: Sign::WentBack { position: at(3), known: at(10) } };
    let state = State::Conflicted { input: hash(2), by: None, epoch: 8, offset: None, is_final: true };
    vec![
        Stored::DepositPrepared(seen.clone()),
        Stored::DepositFinal(unseen()),
        Stored::DepositReverted(seen.clone()),
        Stored::SpendPrepared(seen.clone()),
        Stored::SpendFinal(unseen()),
        Stored::SpendReverted(seen.clone()),
        Stored::HandoffCreated(handoff()),
        Stored::HandoffCancelled(handoff()),
        Stored::HandoffExpired(handoff()),
        Stored::HandoffRenewed(handoff()),
        Stored::TransactionChanged(TransactionChange { handoff: 5, transaction: hash(4), state }),
        Stored::UserAdded(user(&[1])),
        Stored::UserChanged(user(&[9, 1])),
        Stored::UserArchived(user(&[9, 1])),
        Stored::NodeConnected { address: address() },
        Stored::NodeLost { address: address(), reason: "the node closed the connection".to_owned() },
        Stored::ChainReverted { epoch: 7, offset: 3, block_hash: hash(8) },
        Stored::AlarmRaised(alarm),
        Stored::AlarmEnded(alarm),
    ]
}

#[test]
fn every_event_looks_as_it_is_documented() {
    let mut lines = String::new();
    let mut types = Vec::new();
    for (event, id) in one_of_each().into_iter().zip(1..) {
        types.push(event.kind());
        let record = EventRecord { id, time: time(1), event };
        let stored = serde_json::to_vec(&record).unwrap();
        assert_eq!(serde_json::from_slice::<EventRecord>(&stored).unwrap(), record);
        let json = serde_json::to_value(Event::new(record.clone(), Network::Dev)).unwrap();
        assert_eq!(json["type"], record.event.kind());
        writeln!(lines, "{}", serde_json::to_string(&Event::new(record, Network::Dev)).unwrap()).unwrap();
    }
    assert_eq!(types, TYPES);
    assert_eq!(lines, EVENTS, "\n{lines}");
}
