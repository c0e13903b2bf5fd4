//! An output that is made again after it was spent has several lives, also within one epoch.

use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use crate::follower::Change;
use crate::ledger::query::{Cut, Filter};
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::{Ledger, Settings};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

const OWNER: Encoded = Encoded::from_bytes([1; 32]);
const ID: Hash = Hash::from_bytes([2; 32]);
const TIME: Timestamp = Timestamp::from_unix_nanos(0);

fn output() -> NewOutput {
    let amount = Amount::from_micro(5).unwrap();
    NewOutput { id: ID, content: Content::Public { recipient: OWNER, amount, blob: vec![3] } }
}

fn ledger() -> Ledger {
    let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1000 };
    Ledger::new(Box::new(MemoryStore::default()), settings).unwrap()
}

/// A micro block that spends the output.
fn spends(offset: u32) -> Change {
    micro(offset, vec![Transaction { id: ID, inputs: vec![ID], outputs: Vec::new() }])
}

/// A micro block that spends the output, makes it again, and so on.
fn respends(offset: u32, times: usize) -> Change {
    let transaction = Transaction { id: ID, inputs: vec![ID], outputs: vec![output()] };
    micro(offset, vec![transaction; times])
}

fn micro(offset: u32, transactions: Vec<Transaction>) -> Change {
    Change::Connect(MicroBlock { id: ID, previous: ID, epoch: 1, offset, time: TIME, transactions })
}

fn close(epoch: u64, inputs: usize, outputs: usize) -> Change {
    let (inputs, outputs) = (vec![ID; inputs], vec![output(); outputs]);
    Change::Close(MacroBlock { id: ID, previous: ID, epoch, time: TIME, inputs, outputs })
}

/// The epochs in which each life began and ended, after these changes.
fn lives(changes: &[Change]) -> Vec<(u64, Option<u64>)> {
    let ledger = ledger();
    for change in changes {
        ledger.commit(change).unwrap();
    }
    let page = ledger
        .outputs(&[OWNER], Filter::All.into(), Cut { after: None, descending: false, limit: 10 })
        .unwrap();
    let unspent = page.rows.iter().filter(|found| found.output.spent.is_none()).count() as u64;
    assert_eq!(ledger.balance(&OWNER).unwrap().prepared.outputs, unspent);
    let epochs = |found: &crate::ledger::query::Found| {
        (found.output.position().epoch, found.output.spent.map(|spent| spent.place.position.epoch))
    };
    page.rows.iter().map(epochs).collect()
}

#[test]
fn each_life_of_an_output_is_taken_back_once() {
    let first = [close(0, 0, 1)];
    for (micros, what) in [
        (vec![spends(0)], "a spend"),
        (vec![respends(0, 1)], "one life"),
        (vec![respends(0, 2)], "two lives in one block"),
        (vec![respends(0, 1), respends(1, 2)], "three lives in two blocks"),
    ] {
        // The macro block knows nothing of the micro blocks.
        let changes = [first.as_slice(), micros.as_slice(), &[close(1, 0, 0)]].concat();
        assert_eq!(lives(&changes), [(0, None)], "{what}");
        let reverts = vec![Change::Disconnect; micros.len()];
        let changes = [first.as_slice(), micros.as_slice(), &reverts].concat();
        assert_eq!(lives(&changes), [(0, None)], "{what}");
    }
}

#[test]
fn a_macro_block_alone_tells_all_lives_of_an_output() {
    let cases: [(_, _, &[_]); 4] = [
        (1, 0, &[(0, Some(1))]),
        (1, 1, &[(0, Some(1)), (1, None)]),
        (2, 1, &[(0, Some(1)), (1, Some(1))]),
        (2, 2, &[(0, Some(1)), (1, Some(1)), (1, None)]),
    ];
    for (inputs, outputs, expected) in cases {
        let changes = [close(0, 0, 1), close(1, inputs, outputs)];
        assert_eq!(lives(&changes), expected, "{inputs} inputs, {outputs} outputs");
    }
}
