//! Pages of a recipient who has more than is looked at for one of them.

use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Transaction};
use crate::follower::Change;
use crate::ledger::query::{Cut, Filter, Page, Wanted};
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::{Ledger, LedgerError, Settings};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

const OWNER: Encoded = Encoded::from_bytes([1; 32]);
const TIME: Timestamp = Timestamp::from_unix_nanos(0);

/// So many outputs there are: more than are looked at for a page.
const OUTPUTS: u64 = 10_050;

/// All rows, and how many pages they are.
fn walk<T>(
    descending: bool,
    limit: usize,
    read: impl Fn(Cut) -> Result<Page<T>, LedgerError>,
) -> (Vec<T>, usize) {
    let (mut rows, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = read(Cut { after, descending, limit }).unwrap();
        rows.extend(page.rows);
        pages += 1;
        if page.next.is_none() {
            return (rows, pages);
        }
        after = page.next;
    }
}

#[test]
fn what_is_behind_what_was_looked_at_is_on_the_next_page() {
    let settings = Settings { network: Network::Dev, keep_spent_blobs: false, keep_events: 20 };
    let ledger = Ledger::new(Box::new(MemoryStore::default()), settings).unwrap();
    let content = Content::Public { recipient: OWNER, amount: Amount::from_micro(1).unwrap(), blob: vec![7] };
    let ids: Vec<Hash> = (0..OUTPUTS).map(|number| Hash::digest(&number)).collect();
    let outputs = ids.iter().map(|id| NewOutput { id: *id, content: content.clone() }).collect();
    let (id, previous, time) = (Hash::digest(&1_u8), Hash::digest(&0_u8), TIME);
    let block = MacroBlock { id, previous, epoch: 0, time, inputs: Vec::new(), outputs };
    ledger.commit(&Change::Close(block)).unwrap();
    let last: Vec<Hash> = ids.iter().copied().skip(10_047).collect();
    let transactions = vec![Transaction { id, inputs: last.clone(), outputs: Vec::new() }];
    let block = MicroBlock { id, previous, epoch: 1, offset: 0, time, transactions };
    ledger.commit(&Change::Connect(block)).unwrap();

    let outputs = |filter, is_final, limit| {
        let wanted = Wanted { filter, is_final, since: 0 };
        let (rows, pages) = walk(false, limit, |cut| ledger.outputs(&[OWNER], wanted, cut));
        (rows.into_iter().map(|found| found.id).collect::<Vec<_>>(), pages)
    };
    assert_eq!(outputs(Filter::Spent, None, 2), (last.clone(), 2));
    // None of the first ten thousand is wanted.
    assert_eq!(outputs(Filter::All, Some(false), 2), (last, 3));
    assert_eq!(outputs(Filter::Unspent, Some(false), 2), (Vec::new(), 2));
    assert_eq!(outputs(Filter::All, None, 1000), (ids.clone(), 11));
    assert_eq!(outputs(Filter::Unspent, Some(true), 9000).0, ids[..10_047]);
    for descending in [false, true] {
        let (mut places, _) = walk(descending, 999, |cut| ledger.history(&[OWNER], cut));
        if descending {
            places.reverse();
        }
        assert_eq!(places.len() as u64, OUTPUTS + 3);
        assert!(places.is_sorted_by_key(|happened| happened.cause.place));
    }
    // What is not final yet changes nothing of what was.
    assert_eq!(ledger.balance_at(&OWNER, 0).unwrap().outputs, OUTPUTS);
    assert_eq!(ledger.balance(&OWNER).unwrap().prepared.outputs, 10_047);
}
