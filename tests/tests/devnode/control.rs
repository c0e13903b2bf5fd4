//! What a test can do to a node: each command, and what the node's clients see of it.

use crate::world::{World, account, address, broadcast, create, genesis_outputs, params, settings};
use custody_tests::devnode::server::{Server, Settings, StartError};
use custody_tests::request::{pay, pay_privately};
use custody_tests::session::Session;
use serde_json::{Value, json};

fn status(session: &mut Session) -> Value {
    session.request(&json!({ "type": "status_info" }))
}

fn follow(session: &mut Session, epoch: u64) {
    session.request(&json!({ "type": "subscribe_chain", "epoch": epoch, "offset": 0 }));
}

/// A notification's kind and offset.
fn next(session: &mut Session) -> (String, Option<u64>) {
    let message = session.notification();
    (message["type"].as_str().unwrap().to_owned(), message["offset"].as_u64())
}

#[test]
fn commands_are_obeyed_on_a_port_of_their_own() {
    let world = World::new(3);
    let (mut control, mut session) = (world.control(), world.session());
    let done = control.request(&json!({ "type": "mine", "blocks": 2 }));
    assert_eq!((&done["type"], &done["status"]["offset"]), (&json!("done"), &json!(2)));
    assert_eq!(status(&mut session)["last_block_hash"], done["status"]["last_block_hash"]);
    let done = control.request(&json!({ "type": "finish_epoch" }));
    assert_eq!((&done["status"]["epoch"], &done["status"]["offset"]), (&json!(2), &json!(0)));

    let payments = [pay(&address("bob"), 5), pay_privately(&address("bob"), 6, "x")];
    let paid = control.request(&json!({ "type": "faucet", "payments": payments }));
    control.request(&json!({ "type": "mine", "blocks": 1 }));
    let answer = session.request(&json!({ "type": "outputs_list", "utxos": paid["outputs"] }));
    assert_eq!(answer["utxos"].as_array().map(Vec::len), Some(2));

    for (wrong, said) in [
        (json!({ "type": "dance" }), "dance"),
        (json!({ "type": "mine" }), "blocks"),
        (json!({ "type": "mine", "blocks": 1, "colour": 1 }), "colour"),
        (json!({ "type": "faucet", "payments": [pay(&address("bob"), -1)] }), "payment 0"),
        (
            json!({ "type": "revert", "blocks": 9, "keep_transactions": true }),
            "Attempt to revert a macro block",
        ),
        (json!({ "type": "restart", "epochs": 9 }), "Macro block doesn't exists: epoch=8"),
    ] {
        let answer = control.request(&wrong);
        assert_eq!(answer["type"], "error", "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(said), "{answer}");
    }
    // A command is no request, nor the other way round.
    assert!(session.request(&json!({ "type": "mine", "blocks": 1 }))["type"].is_null());
    assert_eq!(control.request(&json!({ "type": "chain_name" }))["type"], "error");
}

#[test]
fn the_control_port_is_not_for_others() {
    let directory = tempfile::tempdir().unwrap();
    let open = Some("0.0.0.0:0".parse().unwrap());
    let settings = Settings { control: open, ..settings(&directory, params(3, 3)) };
    assert!(matches!(Server::start(settings), Err(StartError::OpenControl(_))));
}

#[test]
fn a_block_is_replaced_with_or_without_its_payments() {
    let world = World::new(5);
    let mut session = world.session();
    let [public, _private] = genesis_outputs(&mut session, "alice");
    let request = create(&account("alice"), &[&public], &[pay(&address("bob"), 999_999_999_000)], 1000);
    let created = session.request(&request);
    broadcast(&mut session, &created);
    world.mine(2);
    world.obey(json!({ "type": "revert", "blocks": 2, "keep_transactions": true }));
    world.mine(1);
    let asked = json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 });
    let mut seen = vec![session.request(&asked)];
    for (keep, transactions) in [(true, 2), (false, 1), (true, 1)] {
        world.obey(json!({ "type": "replace", "keep_transactions": keep }));
        let block = session.request(&asked);
        assert_eq!(block["transactions_len"], transactions);
        assert!(seen.iter().all(|old| old["block_hash"] != block["block_hash"]));
        assert!(seen.iter().all(|old| old["previous"] == block["previous"]));
        seen.push(block);
    }
}

#[test]
fn a_restarted_node_has_another_chain_or_a_shorter_one() {
    let world = World::new(2);
    let mut session = world.session();
    let [public, _private] = genesis_outputs(&mut session, "alice");
    let request = create(&account("alice"), &[&public], &[pay(&address("bob"), 999_999_999_000)], 1000);
    world.mine(6);
    let second = session.request(&json!({ "type": "macro_block_info", "epoch": 2 }));
    let created = session.request(&request);
    broadcast(&mut session, &created);
    world.mine(3);
    let spent = json!({ "type": "outputs_list", "utxos": [public.id()] });
    assert_eq!(session.request(&spent)["type"], "error");
    let fourth = json!({ "type": "macro_block_info", "epoch": 3 });
    let old = session.request(&fourth);

    world.obey(json!({ "type": "restart", "epochs": 3 }));
    assert_eq!(session.text("{}"), None, "all connections are closed");
    let mut session = world.session();
    let now = status(&mut session);
    assert_eq!((&now["epoch"], &now["offset"]), (&json!(3), &json!(0)));
    assert_eq!(now["last_block_hash"], second["block_hash"]);
    assert_eq!(session.request(&spent)["type"], "outputs_list", "it is unspent again");
    world.mine(3);
    let new = session.request(&fourth);
    assert_eq!(new["previous"], old["previous"]);
    assert_ne!(new["block_hash"], old["block_hash"]);

    world.obey(json!({ "type": "restart", "seed": "another" }));
    let mut session = world.session();
    assert_eq!(session.request(&json!({ "type": "chain_name" }))["name"], "dev");
    assert_eq!(status(&mut session)["epoch"], 1);
    assert_eq!(session.request(&spent)["type"], "error", "its money is other people's");
}

#[test]
fn a_patched_node_announces_reverts_and_ends_of_epochs() {
    let world = World::new(2);
    world.obey(json!({ "type": "announce", "on": true }));
    let (mut session, mut watcher) = (world.session(), world.session());
    follow(&mut session, 1);
    watcher.request(&json!({ "type": "subscribe_status" }));
    world.mine(1);
    world.obey(json!({ "type": "replace", "keep_transactions": true }));
    world.mine(3);
    let prepared = |offset| ("micro_block_prepared".to_owned(), Some(offset));
    let reverted = |offset| ("micro_block_reverted".to_owned(), Some(offset));
    let committed = ("macro_block_committed".to_owned(), None);
    for expected in
        [prepared(0), reverted(0), prepared(0), prepared(1), reverted(1), reverted(0), committed, prepared(0)]
    {
        assert_eq!(next(&mut session), expected);
    }
    let offsets: Vec<u64> = (0..8).map(|_| next(&mut watcher).1.unwrap()).collect();
    assert_eq!(offsets, [1, 0, 1, 2, 1, 0, 0, 1], "status subscribers stay");
}

#[test]
fn one_subscriber_is_silenced_or_closed_and_the_others_go_on() {
    let world = World::new(5);
    let (mut first, mut second) = (world.session(), world.session());
    follow(&mut first, 1);
    follow(&mut second, 1);
    world.obey(json!({ "type": "silence", "connection": 1 }));
    world.mine(1);
    assert_eq!(next(&mut second), ("micro_block_prepared".into(), Some(0)));
    assert_eq!(status(&mut first)["type"], "status_info", "answered, and nothing came before");
    world.obey(json!({ "type": "close", "connection": 1 }));
    assert_eq!(first.text("{}"), None);
    assert_eq!(status(&mut second)["type"], "status_info");
    world.obey(json!({ "type": "close" }));
    assert_eq!(second.text("{}"), None);
}

#[test]
fn the_clock_stands_where_it_is_put() {
    let world = World::new(5);
    let time = "2030-01-02T03:04:05.000000006Z";
    world.obey(json!({ "type": "set_clock", "time": time }));
    let mut session = world.session();
    assert_eq!(status(&mut session)["local_timestamp"], time);
    world.mine(1);
    let block = session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 }));
    assert_eq!(block["timestamp"], time);
    world.obey(json!({ "type": "set_clock", "time": null }));
    assert_ne!(status(&mut session)["local_timestamp"], time);
}
