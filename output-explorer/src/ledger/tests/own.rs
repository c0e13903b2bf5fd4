//! What a private output of ours leaves behind.

use crate::block::{Content, MacroBlock, NewOutput};
use crate::follower::Change;
use crate::handoff::record::{Handoff, Input, Purpose, State, Step, Transaction};
use crate::ledger::handoffs::{NewHandoff, Signed};
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::{Ledger, Settings};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::hash::Hash;

const TIME: Timestamp = Timestamp::from_unix_nanos(0);

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

pub(super) fn handoff(input: u8, private: bool) -> NewHandoff {
    let handoff = Handoff {
        number: 0,
        purpose: Purpose::Withdrawal,
        created: TIME,
        expires: TIME,
        inputs: vec![Input { id: hash(input), amount: Amount::ZERO, account: "hot".to_owned(), private }],
        outputs: Vec::new(),
        fee: Amount::ZERO,
        journal: None,
        ended: None,
        transaction: None,
    };
    NewHandoff { handoff, withdrawals: Vec::new() }
}

fn signed(handoff: &Handoff, id: u8) -> Handoff {
    let history = vec![Step { state: State::Submitted, time: TIME }];
    let transaction =
        Transaction { id: hash(id), outputs: Vec::new(), certificates: Vec::new(), journal: None, history };
    Handoff { transaction: Some(transaction), ..handoff.clone() }
}

#[test]
fn change_is_forgotten_once_its_spend_is_final() {
    let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1000 };
    let ledger = Ledger::new(Box::new(MemoryStore::default()), settings).unwrap();
    let outputs = [1, 2].map(|id| NewOutput { id: hash(id), content: Content::Private }).to_vec();
    let begin =
        MacroBlock { id: hash(9), previous: hash(8), epoch: 0, time: TIME, inputs: Vec::new(), outputs };
    ledger.commit(&Change::Close(begin)).unwrap();
    let made = ledger.add_handoffs(vec![handoff(1, false)], None).unwrap().remove(0);
    let own = vec![("hot".to_owned(), hash(2), Amount::ZERO, Vec::new())];
    let with_change = Signed { bytes: Vec::new(), inputs: Vec::new(), own };
    ledger.change_handoff(&made, &signed(&made, 3), Some(&with_change)).unwrap();
    let spent = ledger.add_handoffs(vec![handoff(2, true)], None).unwrap().remove(0);
    let sent = signed(&spent, 4);
    ledger.change_handoff(&spent, &sent, Some(&Signed::default())).unwrap();
    assert_eq!(ledger.own_outputs("hot").unwrap().len(), 1);
    let prepared = sent.with_state(State::Prepared { epoch: 1, offset: Some(0) }, TIME);
    ledger.change_handoff(&sent, &prepared, None).unwrap();
    assert_eq!(ledger.own_outputs("hot").unwrap().len(), 1, "that can be taken back");
    ledger.change_handoff(&prepared, &prepared.with_state(State::Final { epoch: 1 }, TIME), None).unwrap();
    assert_eq!(ledger.own_outputs("hot").unwrap(), []);
    // A transaction is found by its id.
    assert_eq!(ledger.handoff_of(&hash(4)).unwrap().number, spent.number);
    assert!(ledger.handoff_of(&hash(5)).is_err());
}
