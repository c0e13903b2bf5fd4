//! A chain that is kept on disk is the same after a restart, except for what waited in the mempool.

use crate::world::{World, account, address, broadcast, create, genesis_outputs, params, settings};
use custody_tests::devnode::node::NodeError;
use custody_tests::devnode::server::{Server, StartError};
use custody_tests::devnode::store::StoreError;
use custody_tests::money::{amount, from_blob};
use custody_tests::request::pay;
use custody_tests::session::Session;
use serde_json::{Value, json};
use stegos_common::transaction::{NewOutput, Spendable};

/// All that can be asked about the blocks of the first epochs.
fn chain(session: &mut Session) -> Vec<Value> {
    let macro_blocks = (0..4).map(|epoch| json!({ "type": "macro_block_info", "epoch": epoch }));
    let micro_blocks =
        (0..3).map(|offset| json!({ "type": "micro_block_info", "epoch": 3, "offset": offset }));
    let requests: Vec<Value> =
        macro_blocks.chain(micro_blocks).chain([json!({ "type": "status_info" })]).collect();
    requests.iter().map(|request| session.request(request)).collect()
}

#[test]
fn a_restart_changes_nothing_but_the_mempool() {
    let world = World::new(3);
    let mut session = world.session();
    let [public, private] = genesis_outputs(&mut session, "alice");
    let payment = |input| create(&account("alice"), &[input], &[pay(&address("bob"), 999_999_999_000)], 1000);
    let spend_public = session.request(&payment(&public));
    let spend_private = session.request(&payment(&private));
    world.mine(7);
    broadcast(&mut session, &spend_public);
    world.mine(3);
    world.obey(json!({ "type": "revert", "blocks": 1, "keep_transactions": false }));
    broadcast(&mut session, &spend_private);
    let before = chain(&mut session);
    assert_eq!(before.iter().filter(|answer| answer["type"] == "error").count(), 3, "epoch 3 has one block");

    let world = world.restarted();
    let mut session = world.session();
    assert_eq!(chain(&mut session), before);
    let spent = broadcast(&mut session, &spend_public);
    assert!(spent["status"]["error"].as_str().unwrap().starts_with("Missing transaction input"));
    // The mempool was lost. Blocks that were there before can still be taken back.
    world.obey(json!({ "type": "revert", "blocks": 1, "keep_transactions": false }));
    for payment in [&spend_public, &spend_private] {
        assert_eq!(broadcast(&mut session, payment)["status"]["status"], "accepted");
    }
    let faucet = json!({ "type": "faucet", "payments": [pay(&address("carol"), 5)] });
    world.obey(faucet.clone());
    world.obey(json!({ "type": "finish_epoch" }));
    let last = session.request(&json!({ "type": "macro_block_info", "epoch": 3 }));
    let world = world.restarted();
    assert_eq!(world.session().request(&json!({ "type": "macro_block_info", "epoch": 3 })), last);
    // The same payment again is another one: the dice go on.
    world.obey(faucet);
}

#[test]
fn another_chain_replaces_the_one_on_disk() {
    let world = World::new(2);
    world.mine(7);
    world.obey(json!({ "type": "restart", "epochs": 2 }));
    let status = world.server.node().status();
    assert_eq!(status.epoch, 2);
    let world = world.restarted();
    assert_eq!(world.server.node().status(), status);
}

#[test]
#[ignore = "takes a minute in the release profile and several in the other"]
fn a_million_outputs_are_no_problem() {
    // Twice as many are paid where the next block is a macro block, which takes no payments.
    const AT_ONCE: usize = 2500;
    let world = World::new(10);
    let owner = account("alice").public_key();
    let payments = vec![NewOutput::Public { recipient: owner, amount: amount(1) }; AT_ONCE];
    let mut samples = Vec::new();
    for _ in 0..1_000_000 / AT_ONCE {
        let paid = world.server.node().pay(&payments).unwrap();
        samples.push(paid[AT_ONCE / 2]);
        world.mine(1);
    }
    world.obey(json!({ "type": "finish_epoch" }));
    let world = world.restarted();
    let answer = world.session().request(&json!({ "type": "outputs_list", "utxos": samples }));
    let blobs = answer["utxos"].as_array().unwrap();
    let owned = |blob: &Value| {
        let output = from_blob(blob.as_str().unwrap());
        Spendable::unlock(&output, account("alice").secret_key(), &owner).is_ok()
    };
    assert!(blobs.len() == samples.len() && blobs.iter().all(owned));
}

#[test]
fn a_directory_with_another_chain_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(Server::start(settings(&directory, params(3, 3))).unwrap());
    let refused = Server::start(settings(&directory, params(4, 3))).err().unwrap();
    assert!(
        matches!(&refused, StartError::Node(NodeError::Store(StoreError::OtherChain { .. }))),
        "{refused}"
    );
    assert!(refused.to_string().contains("3 micro blocks in an epoch"), "{refused}");
}
