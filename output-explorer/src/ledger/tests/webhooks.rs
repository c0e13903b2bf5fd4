//! What of an endpoint's deliveries stays in the ledger.

use crate::ledger::store::memory::MemoryStore;
use crate::ledger::webhooks::{EndpointError, Intake};
use crate::ledger::{Ledger, Settings};
use crate::settings::WebhookConfig;
use crate::view::webhook::NewEndpoint;
use crate::webhook::{Attempt, Delivery, Endpoint, Outcome, State, SystemClock, Webhooks};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;

const TIME: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);

fn stage() -> (Arc<Ledger>, Webhooks, Endpoint) {
    let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1 };
    let ledger = Arc::new(Ledger::new(Box::new(MemoryStore::default()), settings).unwrap());
    let config = WebhookConfig { allow_private_targets: false, ca_file: None, limit: Duration::from_secs(1) };
    let webhooks = Webhooks::new(Arc::clone(&ledger), &config, Arc::new(SystemClock), |_| ()).unwrap();
    let new = NewEndpoint { url: "https://example.com/".to_owned(), ..NewEndpoint::default() };
    let (endpoint, _) = webhooks.create("shop", new).unwrap();
    (ledger, webhooks, endpoint)
}

fn delivery(endpoint: u64, event: u64) -> Delivery {
    Delivery {
        endpoint,
        event,
        kind: "node.lost".to_owned(),
        body: "{}".to_owned(),
        created: TIME,
        state: State::Pending { due: TIME },
        failures: 0,
        attempts: Vec::new(),
    }
}

fn answered(status: u16) -> Attempt {
    Attempt { time: TIME, milliseconds: 1, outcome: Outcome::Answered { status, body: String::new() } }
}

fn take_in(ledger: &Ledger, before: &Endpoint, events: std::ops::RangeInclusive<u64>) -> bool {
    let (after, cursor) = (events.start() - 1, *events.end());
    let deliveries = events.map(|event| delivery(before.id, event)).collect();
    ledger.take_in(before, Intake { after, cursor, deliveries, missed: None }).unwrap()
}

#[test]
fn of_what_is_over_the_newest_ten_thousand_stay_and_all_that_is_pending() {
    let (ledger, webhooks, endpoint) = stage();
    assert!(take_in(&ledger, &endpoint, 1..=10_005));
    for event in 2..=10_004 {
        ledger.tried(endpoint.id, event, answered(200), 0).unwrap();
    }
    let failed = ledger.tried(endpoint.id, 10_005, answered(500), 100).unwrap().unwrap();
    assert_eq!(
        failed.state,
        State::Pending { due: Timestamp::from_unix_nanos(TIME.unix_nanos() + 60_000_000_000) }
    );
    let log = webhooks.deliveries(None, endpoint.id, None, usize::MAX).unwrap();
    let events: Vec<u64> = log.iter().map(|delivery| delivery.event).rev().collect();
    assert_eq!(events, std::iter::once(1).chain(5..=10_005).collect::<Vec<_>>());
    let after = ledger.endpoints(None).unwrap().remove(0);
    assert_eq!((after.cursor, after.pending, after.finished), (10_005, 2, 10_000));
    let page = webhooks.deliveries(None, endpoint.id, Some(5), 10).unwrap();
    assert_eq!(page.iter().map(|delivery| delivery.event).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_is_due_is_read_in_the_order_in_which_it_was_due() {
    let (ledger, _, endpoint) = stage();
    take_in(&ledger, &endpoint, 1..=4);
    ledger.tried(endpoint.id, 1, answered(500), 100).unwrap();
    let due = |limit, at_work: &[u64], seconds: u64| {
        let now = Timestamp::from_unix_nanos(TIME.unix_nanos() + seconds * 1_000_000_000);
        let due = ledger.due(endpoint.id, now, limit, &HashSet::from_iter(at_work.iter().copied())).unwrap();
        let next = due.next.map(|next| (next.unix_nanos() - TIME.unix_nanos()) / 1_000_000_000);
        (due.now.iter().map(|delivery| delivery.event).collect::<Vec<_>>(), next)
    };
    assert_eq!(due(9, &[], 0), (vec![2, 3, 4], Some(60)));
    assert_eq!(due(9, &[3], 59), (vec![2, 4], Some(60)));
    assert_eq!(due(2, &[], 60), (vec![2, 3], None));
    assert_eq!(due(9, &[2, 3], 60), (vec![4, 1], None));
}

#[test]
fn a_deleted_endpoint_leaves_nothing_and_an_intake_is_never_done_twice() {
    let (ledger, webhooks, endpoint) = stage();
    assert!(take_in(&ledger, &endpoint, 1..=3));
    assert!(!take_in(&ledger, &endpoint, 1..=3), "the cursor is another one");
    ledger.tried(endpoint.id, 2, answered(200), 0).unwrap();
    webhooks.delete(Some("shop"), endpoint.id).unwrap();
    assert_eq!(ledger.tried(endpoint.id, 3, answered(200), 0).unwrap(), None);
    assert!(matches!(webhooks.redeliver(None, endpoint.id, 2), Err(EndpointError::Unknown(1))));
    let keys = ledger.store.scan((std::ops::Bound::Unbounded, std::ops::Bound::Unbounded));
    let left: Vec<Vec<u8>> =
        keys.map(|pair| pair.unwrap().0).filter(|key| b"wdqf".contains(&key[0])).collect();
    assert_eq!(left, [b"w".to_vec()], "but for the counter");
}
