//! Epochs, nodes that are behind, and other chains.

use custody_tests::devnode::control::Command;
use custody_tests::explorer::World;
use stegos_common::address::Network;

#[test]
fn macro_blocks_that_are_never_sent_are_fetched() {
    let world = World::new(5);
    let mut explorer = world.follow();
    explorer.settle();
    for epoch in 1..5 {
        world.pay(epoch);
        for _ in 0..6 {
            world.mine(1);
            explorer.check();
        }
        explorer.daemon.wait_for(&format!("macro block {epoch} "));
        assert_eq!(world.balance().0, world.endowment() + (1..=epoch).sum::<i64>());
    }
    world.audit();
    let at = world.json(&["balance", "alice", "--at-epoch", "2"]);
    assert_eq!(at["final"]["amount"], world.endowment() + 3);
    // What the micro blocks told outlives their epoch.
    let history = world.json(&["history", "reserve"]);
    let told = history["rows"].as_array().unwrap().iter().filter(|row| row["epoch"] != 0);
    assert!(
        told.clone().count() > 6 && told.clone().all(|row| row["transaction"].is_string()),
        "{history:#}"
    );
    let refused = world.run(&["balance", "alice", "--at-epoch", "5"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the last final one is 4"), "{refused:?}");
}

#[test]
fn a_chain_of_many_epochs_is_read_by_who_comes_late() {
    let world = World::new(3);
    world.pay(5);
    world.mine(40);
    let explorer = world.follow();
    explorer.check();
    world.audit();
}

#[test]
fn a_node_that_lost_its_end_is_waited_for() {
    let world = World::new(4);
    let mut explorer = world.follow();
    world.pay(5);
    world.mine(17);
    let before = explorer.settle();
    world.control(Command::SetSynchronized { on: false });
    world.control(Command::Restart { seed: None, epochs: Some(2) });
    let waiting = explorer.wait(|status| status["node"]["epoch"] == 2 && status["node"]["connected"] == true);
    assert_eq!(waiting["last_block_hash"], before["last_block_hash"], "what is final stays");
    assert_eq!(waiting["node"]["is_synchronized"], false);
    explorer.daemon.wait_for("the node is at epoch 2 only");
    assert_eq!(world.balance().0, world.endowment() + 5);
}

#[test]
fn another_chain_is_an_error_and_changes_nothing() {
    let world = World::new(4);
    let explorer = world.follow();
    world.mine(7);
    let before = explorer.settle();
    explorer.stop();
    world.control(Command::Restart { seed: Some("another chain".into()), epochs: None });
    world.mine(12);
    let mut command = world.command(&["run"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the node is on another chain"), "{output:?}");
    let after = world.json(&["status"]);
    assert_eq!(after["last_block_hash"], before["last_block_hash"]);
    assert_eq!(world.balance(), (world.endowment(), world.endowment()));
}

#[test]
fn a_branch_after_the_first_block_is_another_chain() {
    let world = World::new(4);
    let explorer = world.follow();
    world.mine(11);
    explorer.settle();
    // The same first blocks, and then others. A node says so only when it has passed what is stored.
    world.control(Command::Restart { seed: None, epochs: Some(2) });
    world.mine(11);
    let (status, log) = explorer.daemon.join();
    assert_eq!(status.code(), Some(5), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("the node is on another chain")), "{log:#?}");
}

#[test]
fn another_network_is_an_error() {
    let mut world = World::new(4);
    world.follow().settle();
    world.replace_node("an explorer's test", Network::Testnet);
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("testnet, not of dev"), "{output:?}");
    let output = world.run(&["--network", "testnet", "status"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}
