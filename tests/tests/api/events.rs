//! Events: polled, streamed and by websocket, with the same ids, through reverts and restarts.

use custody_tests::api::Api;
use custody_tests::explorer::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// All events behind one, page by page.
fn walk(api: &Api, mut after: u64, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let page = api.get(&format!("/v1/events?after={after}&limit={limit}")).is(200);
        all.extend(page["rows"].as_array().unwrap().iter().cloned());
        after = page["next"].as_u64().unwrap();
        if page["next"] == page["newest"] {
            return all;
        }
    }
}

#[test]
fn a_deposit_is_told_prepared_reverted_prepared_again_and_final() {
    let world = World::new(4);
    let (explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "auditor");
    explorer.settle();
    let before = api.get("/v1/events?limit=1").is(200)["newest"].as_u64().unwrap();
    let types = "types=deposit.*,chain.*";
    world.pay(7);
    world.mine(1);
    // A long poll is answered as soon as there is something.
    let poll = |after: u64| {
        let page = api.get(&format!("/v1/events?after={after}&{types}&wait=60")).is(200);
        let is_ours = |row: &&Value| !row["data"]["account"].is_string() || row["data"]["account"] == "alice";
        let ours: Vec<Value> = page["rows"].as_array().unwrap().iter().filter(is_ours).cloned().collect();
        (ours, page["next"].as_u64().unwrap())
    };
    let (first, next) = poll(before);
    assert_eq!(
        (kinds(&first), &first[0]["data"]["amount"]["micro_stg"]),
        (vec!["deposit.prepared"], &json!(7))
    );
    assert_eq!(
        (&first[0]["data"]["account"], &first[0]["data"]["recipient"]),
        (&json!("alice"), &json!(world.alice()))
    );
    world.revert(1);
    explorer.settle();
    let (second, next) = poll(next);
    assert_eq!(kinds(&second), ["chain.reverted", "deposit.reverted"]);
    assert_eq!(second[1]["data"]["output_hash"], first[0]["data"]["output_hash"]);
    world.pay(8);
    world.mine(1);
    explorer.settle();
    world.mine(4);
    explorer.settle();
    let rest = api.get(&format!("/v1/events?after={next}&types=deposit.*")).is(200);
    let rest =
        rest["rows"].as_array().unwrap().iter().filter(|row| row["data"]["account"] == "alice").cloned();
    let rest: Vec<Value> = rest.collect();
    assert_eq!(kinds(&rest), ["deposit.prepared", "deposit.final"]);
    assert!(rest.iter().all(|event| event["data"]["amount"]["micro_stg"] == 8));
    // Ids have no gap, whatever the pages.
    let all = walk(&api, 0, 1000);
    assert_eq!(all, walk(&api, 0, 3));
    let ids: Vec<u64> = all.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
}

#[test]
fn streams_go_on_where_they_were_through_restarts() {
    let world = World::new(4);
    let token = world.token("auditor");
    let mut told: BTreeMap<u64, Value> = BTreeMap::new();
    let mut last = None;
    for round in 0..3 {
        let (explorer, base) = world.serve(&[]);
        let api = Api::with_token(&base, &token);
        let mut stream = api.follow("/v1/events/stream?after=0", last);
        world.pay(round + 1);
        world.mine(2);
        explorer.settle();
        let newest = api.get("/v1/events?limit=1").is(200)["newest"].as_u64().unwrap();
        while last < Some(newest) {
            let (id, event) = stream.next().unwrap();
            assert_eq!(event["id"], id);
            assert!(told.insert(id, event).is_none(), "twice: {id}");
            last = Some(id);
        }
        if round == 1 {
            // Killed in the middle; the others end in order, and the stream with them.
            drop(explorer);
        } else {
            explorer.stop();
            assert!(stream.next().is_none());
        }
    }
    let (_explorer, base) = world.serve(&[]);
    let api = Api::with_token(&base, &token);
    let listed = walk(&api, 0, 1000);
    assert!(listed.iter().take(told.len()).eq(told.values()), "none lost, none twice");
}

#[test]
fn many_streams_and_a_websocket_tell_the_same() {
    let world = World::new(3);
    let (explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "auditor");
    explorer.settle();
    let after = api.get("/v1/events?limit=1").is(200)["newest"].as_u64().unwrap();
    let streams: Vec<_> = (0..20)
        .map(|_| api.follow(&format!("/v1/events/stream?after={after}&types=deposit.*"), None))
        .collect();
    let mut socket = api.socket(&format!("/v1/events/socket?after={after}&types=deposit.*"));
    for micro in 1..=5 {
        world.pay(micro);
        world.mine(1);
    }
    explorer.settle();
    let page = api.get(&format!("/v1/events?after={after}&types=deposit.*&limit=1000")).is(200);
    let expected = page["rows"].as_array().unwrap();
    assert!(expected.len() > 5, "{page}");
    for stream in streams {
        let events: Vec<Value> = stream.take(expected.len()).map(|(_, event)| event).collect();
        assert_eq!(&events, expected);
    }
    for event in expected {
        assert_eq!(socket.next_json(), *event);
    }
}

#[test]
fn what_is_not_kept_any_more_is_said_and_not_skipped() {
    let world = World::new(4);
    let (explorer, base) = world.serve(&["--keep-events", "5"]);
    let api = Api::of(&world, &base, "auditor");
    for micro in 1..=10 {
        world.pay(micro);
        world.mine(1);
    }
    explorer.settle();
    assert_eq!(api.get("/v1/events?after=1").problem(410), "events_expired");
    assert_eq!(api.get("/v1/events/stream?after=1").problem(410), "events_expired");
    let newest = api.get("/v1/events?after=1000000").problem(409);
    assert_eq!(newest, "events_ahead");
}
