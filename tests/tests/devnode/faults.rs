//! A bad line and a bad node, as clients meet them.

use crate::world::{World, account, address, broadcast, create, genesis_outputs};
use custody_tests::request::pay;
use serde_json::json;
use std::time::{Duration, Instant};
use stegos_common::api::NodeMessage;
use stegos_common::frame::FrameError;
use stegos_common::socket::{Limits, SocketError};

#[test]
fn a_truncated_frame_does_not_open() {
    let world = World::new(5);
    let mut session = world.session();
    world.obey(json!({ "type": "faults", "frame": "truncate" }));
    session.send(r#"{"type":"chain_name"}"#);
    assert!(matches!(session.receive(), Err(SocketError::Frame(_))));
    world.obey(json!({ "type": "faults" }));
    assert_eq!(world.session().request(&json!({ "type": "chain_name" }))["name"], "dev");
}

#[test]
fn a_corrupt_frame_says_something_else_or_nothing() {
    let world = World::new(5);
    let mut session = world.session();
    let good = session.text(r#"{"type":"version_info"}"#);
    world.obey(json!({ "type": "faults", "frame": "corrupt" }));
    for _ in 0..32 {
        session.send(r#"{"type":"version_info"}"#);
        // Nothing in a frame tells that it was changed: it may open.
        assert_ne!(session.receive().ok(), good);
    }
}

#[test]
fn garbage_does_not_open() {
    let world = World::new(5);
    let mut session = world.session();
    world.obey(json!({ "type": "faults", "frame": "garbage" }));
    session.send(r#"{"type":"macro_block_info","epoch":0}"#);
    assert!(matches!(session.receive(), Err(SocketError::Frame(FrameError::NotAnObject))));
    world.obey(json!({ "type": "faults" }));
    assert_eq!(world.session().request(&json!({ "type": "chain_name" }))["name"], "dev");
}

#[test]
fn messages_are_padded_up_to_what_a_client_takes_and_beyond() {
    let world = World::new(5);
    let mut session = world.session();
    session.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 0 }));
    let asked = json!({ "type": "micro_block_info", "epoch": 1, "offset": 0, "id": 7 });
    world.obey(json!({ "type": "faults", "pad_bytes": 1000 }));
    world.mine(1);
    let notified = session.notification();
    let mut answer = session.request(&asked);
    for message in [&notified, &answer] {
        assert_eq!(message["padding"].as_str().map(str::len), Some(1000));
        assert!(NodeMessage::parse(&message.to_string()).is_ok(), "a field more does no harm");
    }
    world.obey(json!({ "type": "faults" }));
    answer.as_object_mut().unwrap().remove("padding");
    assert_eq!(session.request(&asked), answer);

    world.obey(json!({ "type": "faults", "pad_bytes": Limits::default().json }));
    world.mine(1);
    assert!(matches!(session.receive(), Err(SocketError::Websocket(_))));
    world.obey(json!({ "type": "faults" }));
    assert_eq!(world.session().request(&asked), answer);
}

#[test]
fn split_frames_arrive_whole() {
    let world = World::new(5);
    world.obey(json!({ "type": "faults", "split": true }));
    let mut session = world.session();
    let block = session.request(&json!({ "type": "macro_block_info", "epoch": 0 }));
    assert_eq!(block["type"], "macro_block_info");
}

#[test]
fn answers_and_frames_come_late() {
    let world = World::new(5);
    let mut session = world.session();
    session.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 0 }));
    world.obey(json!({ "type": "faults", "answer_delay_milliseconds": 60 }));
    let start = Instant::now();
    assert_eq!(session.request(&json!({ "type": "chain_name" }))["name"], "dev");
    assert!(start.elapsed() >= Duration::from_millis(60));
    world.obey(json!({ "type": "faults", "delay_milliseconds": 60 }));
    let start = Instant::now();
    world.mine(1);
    assert_eq!(session.notification()["type"], "micro_block_prepared");
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_node_that_is_behind_takes_no_payments() {
    let world = World::new(5);
    let mut session = world.session();
    let [public, _private] = genesis_outputs(&mut session, "alice");
    let request = create(&account("alice"), &[&public], &[pay(&address("bob"), 999_999_999_000)], 1000);
    let created = session.request(&request);
    world.obey(json!({ "type": "set_synchronized", "on": false }));
    assert_eq!(session.request(&json!({ "type": "status_info" }))["is_synchronized"], false);
    let answer = broadcast(&mut session, &created);
    assert_eq!(answer["type"], "error");
    let said = answer["error"].as_str().unwrap();
    assert!(said.starts_with("Can't process transaction - node is not synchronized: tx="), "{said}");
    world.obey(json!({ "type": "set_synchronized", "on": true }));
    assert_eq!(broadcast(&mut session, &created)["status"]["status"], "accepted");
}

#[test]
fn the_status_is_refused() {
    let world = World::new(5);
    let mut session = world.session();
    world.obey(json!({ "type": "faults", "refuse_status": true }));
    for kind in ["status_info", "subscribe_status"] {
        assert_eq!(session.request(&json!({ "type": kind }))["type"], "error");
    }
    assert_eq!(session.request(&json!({ "type": "chain_name" }))["name"], "dev");
}
