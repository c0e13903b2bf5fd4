//! What the node takes back, with and without a word.

use custody_tests::devnode::control::Command;
use custody_tests::explorer::World;

/// Micro blocks of an epoch on the real networks.
const EPOCH: u32 = 60;

/// Brings the chain to the last micro block of an epoch, with a payment in some of the blocks.
fn fill(world: &World, blocks: u32) {
    for block in 0..blocks {
        if block % 4 == 0 {
            world.pay(1000 + i64::from(block));
        }
        world.mine(1);
    }
}

#[test]
fn every_depth_while_connected() {
    let world = World::new(EPOCH);
    world.mine(EPOCH - 1);
    let explorer = world.follow();
    explorer.settle();
    for depth in 1..EPOCH {
        world.revert(depth);
        fill(&world, depth);
        explorer.check();
    }
    world.audit();
    explorer.stop();
}

#[test]
fn every_depth_while_away() {
    let world = World::new(EPOCH);
    world.mine(EPOCH - 1);
    world.follow().settle();
    for depth in 1..EPOCH {
        world.revert(depth);
        fill(&world, depth);
        let explorer = world.follow();
        explorer.check();
        // Half of the times it is killed here, by being dropped.
        if depth % 2 == 0 {
            explorer.stop();
        }
    }
    world.audit();
}

#[test]
fn every_depth_with_a_kill_on_the_way_back() {
    let world = World::new(EPOCH);
    world.mine(EPOCH - 1);
    for depth in 1..EPOCH {
        let mut explorer = world.follow();
        explorer.check();
        world.revert(depth);
        fill(&world, depth);
        explorer.daemon.wait_for("taken back, now at");
        // It is killed by being dropped; some blocks of the old chain are still there.
        drop(explorer);
    }
    world.follow().check();
    world.audit();
}

#[test]
fn a_shorter_chain_is_followed_back() {
    let world = World::new(10);
    let explorer = world.follow();
    let deposit = world.pay(5);
    world.mine(3);
    explorer.settle();
    assert_eq!(world.balance(), (world.endowment(), world.endowment() + 5));
    world.revert(3);
    explorer.settle();
    assert_eq!(world.balance(), (world.endowment(), world.endowment()));
    assert_eq!(world.run(&["output", &deposit.to_string()]).status.code(), Some(3));
    explorer.check();
    world.audit();
}

#[test]
fn a_block_that_is_replaced_in_silence() {
    let world = World::new(10);
    let explorer = world.follow();
    world.pay(5);
    world.mine(2);
    explorer.settle();
    for keep_transactions in [true, false] {
        world.control(Command::Replace { keep_transactions });
        explorer.check();
        world.pay(7);
        world.mine(1);
        explorer.check();
    }
    world.audit();
}

#[test]
fn a_node_that_announces_everything() {
    let world = World::new(6);
    world.control(Command::Announce { on: true });
    let mut explorer = world.follow();
    let deposit = world.pay(5);
    world.mine(2);
    explorer.settle();
    world.revert(1);
    explorer.check();
    // One block is followed after the other, the end of the epoch included.
    for _ in 0..12 {
        world.mine(1);
        explorer.check();
    }
    world.audit();
    explorer.daemon.wait_for("taken back");
    // What is known from the micro blocks outlives the announcement.
    let output = world.json(&["output", &deposit.to_string()]);
    assert_eq!(output["created"]["finality"], "final");
    assert_eq!(output["created"]["offset"], 0);
    assert!(output["created"]["transaction"].is_string(), "{output}");
}

#[test]
fn the_macro_block_differs_from_the_micro_blocks_that_were_seen() {
    let world = World::new(4);
    let explorer = world.follow();
    let lost = world.pay(5);
    world.mine(2);
    explorer.check();
    explorer.stop();
    world.revert(2);
    let kept = world.pay(6000);
    world.mine(1);
    let spent = world.spend(&kept, 6000, "alice", "bob");
    world.mine(4);
    world.follow().check();
    assert_eq!(world.run(&["output", &lost.to_string()]).status.code(), Some(3));
    for id in [kept, spent] {
        assert_eq!(world.json(&["output", &id.to_string()])["created"]["finality"], "final");
    }
    world.audit();
}

#[test]
fn an_output_and_its_spend_are_taken_back_and_made_again() {
    let world = World::new(10);
    let explorer = world.follow();
    let made = world.pay(5000);
    world.mine(1);
    let change = world.spend(&made, 5000, "alice", "bob");
    world.mine(1);
    explorer.check();
    // The payments return to the mempool, and only one of them can be in the next block.
    world.control(Command::Revert { blocks: 2, keep_transactions: true });
    explorer.check();
    for _ in 0..2 {
        world.mine(1);
        explorer.check();
    }
    assert!(world.outputs().contains(&made.to_string()));
    // Spent once more, and not taken back with what comes then.
    world.spend(&made, 5000, "alice", "carol");
    world.mine(2);
    explorer.check();
    world.revert(1);
    explorer.check();
    assert_eq!(world.run(&["output", &change.to_string()]).status.code(), Some(3));
    world.mine(10);
    explorer.check();
    world.audit();
}

#[test]
fn a_spend_of_an_output_that_was_first_seen_after_the_revert() {
    let world = World::new(10);
    let explorer = world.follow();
    world.mine(2);
    explorer.check();
    world.revert(2);
    let mut output = world.pay(5000);
    for (micro, from, to) in [(5000, "alice", "bob"), (4000, "bob", "carol"), (3000, "carol", "alice")] {
        world.mine(1);
        output = world.spend(&output, micro, from, to);
    }
    world.mine(1);
    explorer.check();
    assert!(world.outputs().contains(&output.to_string()));
    world.audit();
}
