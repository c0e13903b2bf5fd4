//! What subscribers are sent, and what they are not: each case as it was recorded.

use crate::world::{World, clock, params};
use custody_tests::devnode::node::Node;
use custody_tests::devnode::subscribers::queue;
use custody_tests::session::Session;
use serde_json::{Value, json};
use tokio::runtime::Builder;

/// Micro blocks of an epoch.
const EPOCH: usize = 5;

fn follow(session: &mut Session, epoch: u64, offset: u32) -> Value {
    session.request(&json!({ "type": "subscribe_chain", "epoch": epoch, "offset": offset, "id": 7 }))
}

/// A block's kind and position.
fn seen(message: &Value) -> (String, u64, Option<u64>) {
    let kind = message["type"].as_str().unwrap().to_owned();
    (kind, message["epoch"].as_u64().unwrap(), message["offset"].as_u64())
}

fn prepared(epoch: u64, offset: u64) -> (String, u64, Option<u64>) {
    ("micro_block_prepared".into(), epoch, Some(offset))
}

fn committed(epoch: u64) -> (String, u64, Option<u64>) {
    ("macro_block_committed".into(), epoch, None)
}

#[test]
fn a_replay_begins_with_the_next_block_and_skips_macro_blocks_once_it_is_live() {
    let world = World::new(5);
    world.mine(2 * (EPOCH + 1) - 6 + 2);
    let mut session = world.session();
    assert_eq!(
        follow(&mut session, 0, 0),
        json!({ "type": "subscribed_chain", "current_epoch": 2, "current_offset": 2, "id": 7 })
    );
    world.mine(EPOCH - 2 + 2);
    for expected in [
        committed(0),
        committed(1),
        prepared(2, 0),
        prepared(2, 1),
        prepared(2, 2),
        prepared(2, 3),
        prepared(2, 4),
        prepared(3, 0),
    ] {
        assert_eq!(seen(&session.notification()), expected);
    }
}

#[test]
fn each_block_names_the_one_before_it() {
    let world = World::new(2);
    let mut session = world.session();
    follow(&mut session, 0, 0);
    world.mine(7);
    let first = session.notification();
    let mut last_macro = first["block_hash"].clone();
    for epoch in [1, 2] {
        let blocks = [session.notification(), session.notification()];
        assert_eq!(blocks[0]["previous"], last_macro);
        assert_eq!(blocks[1]["previous"], blocks[0]["block_hash"]);
        let closing = world.session().request(&json!({ "type": "macro_block_info", "epoch": epoch }));
        assert_eq!(closing["previous"], last_macro);
        last_macro = closing["block_hash"].clone();
    }
    assert_eq!(session.notification()["previous"], last_macro);
}

#[test]
fn an_offset_that_is_not_there_yet_gets_the_macro_block() {
    let world = World::new(5);
    let mut session = world.session();
    assert_eq!(follow(&mut session, 1, 100)["current_offset"], 0);
    world.mine(EPOCH + 2);
    assert_eq!(seen(&session.notification()), committed(1));
    assert_eq!(seen(&session.notification()), prepared(2, 0));
}

#[test]
fn a_later_epoch_is_not_understood() {
    let world = World::new(5);
    let answer = follow(&mut world.session(), 2, 0);
    assert_eq!(answer["type"], Value::Null);
    assert!(answer["error"].as_str().unwrap().starts_with("Failed to parse request"));
}

#[test]
fn reverts_are_silent_and_what_replaces_a_block_is_not_sent() {
    let world = World::new(5);
    let (mut session, mut other) = (world.session(), world.session());
    world.mine(2);
    follow(&mut session, 1, 0);
    assert_eq!(other.request(&json!({ "type": "pop_micro_block" })), json!({ "type": "micro_block_popped" }));
    world.mine(2);
    let blocks = [session.notification(), session.notification(), session.notification()];
    assert_eq!(blocks.each_ref().map(seen), [prepared(1, 0), prepared(1, 1), prepared(1, 2)]);
    let replaced = other.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": 1 }));
    assert_ne!(replaced["block_hash"], blocks[1]["block_hash"]);
    assert_eq!(replaced["previous"], blocks[0]["block_hash"]);
    assert_eq!(blocks[2]["previous"], replaced["block_hash"]);
}

#[test]
fn only_micro_blocks_can_be_popped() {
    let world = World::new(5);
    let mut session = world.session();
    world.mine(EPOCH + 1);
    let answer = session.request(&json!({ "type": "pop_micro_block" }));
    assert_eq!(answer, json!({ "type": "error", "error": "Attempt to revert a macro block: epoch=2" }));
}

#[test]
fn status_subscribers_are_dropped_at_the_end_of_the_epoch() {
    let world = World::new(5);
    let mut session = world.session();
    let subscribed = session.request(&json!({ "type": "subscribe_status" }));
    assert_eq!(seen(&subscribed), ("subscribed_status".into(), 1, Some(0)));
    world.mine(EPOCH + 3);
    let offsets: Vec<_> =
        (0..EPOCH + 2).map(|_| session.notification()["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, [1, 2, 3, 4, 5, 4, 3]);
    // Nothing waits before the answer: the later blocks were not announced.
    assert_eq!(session.request(&json!({ "type": "status_info" }))["offset"], 2);
}

#[test]
fn who_does_not_read_is_dropped_without_a_word() {
    let mut node = Node::new(params(1, 3), clock(), None, |_line| {}).unwrap();
    let (outbox, mut inbox) = queue(1);
    node.answer(r#"{"type":"subscribe_chain","epoch":1,"offset":0}"#, &outbox).unwrap();
    for _ in 0..60 {
        node.mine().unwrap();
    }
    let status = node.answer(r#"{"type":"status_info"}"#, &outbox).unwrap();
    assert!(status.contains(r#""epoch":31"#), "the connection is still good: {status}");
    drop((node, outbox));
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut kept = 0;
    while runtime.block_on(inbox.next()).is_some() {
        kept += 1;
    }
    assert_eq!(kept, 11, "an epoch and ten blocks");
}
