//! Notifications that come twice, never, or in the wrong order.

use crate::world::{World, address};
use custody_tests::request::pay;
use custody_tests::session::Session;
use serde_json::{Value, json};

/// A node with a subscriber of its blocks and one of its status.
fn followed() -> (World, Session, Session) {
    let world = World::new(5);
    let (mut blocks, mut status) = (world.session(), world.session());
    blocks.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 0 }));
    status.request(&json!({ "type": "subscribe_status" }));
    (world, blocks, status)
}

fn faults(world: &World, notifications: &str) {
    world.obey(json!({ "type": "faults", "notifications": notifications }));
}

/// The offsets of the next notifications: of a block its own, of a status that of the next block.
fn offsets<const N: usize>(session: &mut Session) -> [u64; N] {
    [(); N].map(|()| session.notification()["offset"].as_u64().unwrap())
}

/// Answers are not touched, and nothing waits before this one.
fn nothing_waits(session: &mut Session) {
    assert_eq!(session.request(&json!({ "type": "status_info" }))["type"], "status_info");
}

#[test]
fn each_notification_comes_twice() {
    let (world, mut blocks, mut status) = followed();
    faults(&world, "duplicate");
    world.mine(2);
    faults(&world, "normal");
    world.mine(1);
    assert_eq!(offsets(&mut blocks), [0, 0, 1, 1, 2]);
    assert_eq!(offsets(&mut status), [1, 1, 2, 2, 3]);
    nothing_waits(&mut blocks);
    nothing_waits(&mut status);
}

#[test]
fn what_is_dropped_is_never_sent_later() {
    let (world, mut blocks, mut status) = followed();
    faults(&world, "drop");
    world.mine(2);
    nothing_waits(&mut blocks);
    nothing_waits(&mut status);
    let mut late = world.session();
    let subscribed = late.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 0 }));
    assert_eq!(subscribed["type"], "subscribed_chain");
    world.mine(1);
    faults(&world, "normal");
    world.mine(1);
    assert_eq!(offsets(&mut blocks), [3]);
    assert_eq!(offsets(&mut late), [3]);
    assert_eq!(offsets(&mut status), [4]);
}

#[test]
fn two_notifications_are_exchanged_and_one_waits_for_the_next() {
    let (world, mut blocks, mut status) = followed();
    faults(&world, "swap");
    world.mine(3);
    assert_eq!(offsets(&mut blocks), [1, 0]);
    assert_eq!(offsets(&mut status), [2, 1]);
    nothing_waits(&mut blocks);
    nothing_waits(&mut status);
    faults(&world, "normal");
    world.mine(1);
    assert_eq!(offsets(&mut blocks), [2, 3]);
    assert_eq!(offsets(&mut status), [3, 4]);
}

/// No fault of its own: the blocks that would tell are lost on the way.
#[test]
fn a_macro_block_lacks_what_a_micro_block_had() {
    let (world, mut blocks, _status) = followed();
    world.obey(json!({ "type": "faucet", "payments": [pay(&address("bob"), 5)] }));
    world.mine(1);
    let seen = blocks.notification();
    let payment = &seen["transactions"][1];
    assert_eq!(payment["type"], "payment_transaction");

    faults(&world, "drop");
    world.obey(json!({ "type": "revert", "blocks": 1, "keep_transactions": false }));
    world.obey(json!({ "type": "finish_epoch" }));
    faults(&world, "normal");
    world.mine(1);
    let next = blocks.notification();
    let closing = blocks.request(&json!({ "type": "macro_block_info", "epoch": 1 }));
    assert_eq!((&next["epoch"], &next["offset"]), (&json!(2), &json!(0)));
    assert_eq!(next["previous"], closing["block_hash"]);
    let made: Vec<&Value> =
        closing["outputs"].as_array().unwrap().iter().map(|output| &output["output_hash"]).collect();
    for output in payment["txouts"].as_array().unwrap() {
        assert!(!made.contains(&&output["output_hash"]));
    }
    for input in payment["txins"].as_array().unwrap() {
        assert!(!closing["inputs"].as_array().unwrap().contains(input));
    }
}
