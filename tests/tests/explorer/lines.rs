//! Bad lines: what is lost, comes twice, late or spoiled on the way.

use custody_tests::devnode::control::Command;
use custody_tests::devnode::faults::{Faults, FrameFault, NotificationFault};
use custody_tests::explorer::World;
use std::fs;

#[test]
fn a_subscription_that_is_dropped_in_silence_is_noticed() {
    let world = World::new(10);
    let mut explorer = world.follow();
    explorer.wait(|status| status["node"]["subscribed"] == true);
    // Whichever connection it is, it hears no more.
    for connection in 1..20 {
        world.control(Command::Silence { connection });
    }
    for _ in 0..5 {
        world.pay(1);
        world.mine(1);
        explorer.check();
    }
    explorer.daemon.wait_for("the node has stopped sending blocks without a word");
    explorer.daemon.wait_for("connected to");
    world.audit();
}

#[test]
fn a_connection_that_is_closed_is_made_again() {
    let world = World::new(10);
    let mut explorer = world.follow();
    for times in 1..4 {
        explorer.settle();
        explorer.daemon.wait_for_times("connected to", times);
        world.control(Command::Close { connection: None });
        world.pay(1);
        world.mine(2);
    }
    explorer.check();
    world.audit();
}

#[test]
fn notifications_that_come_twice_never_or_swapped() {
    let world = World::new(5);
    let explorer = world.follow();
    explorer.settle();
    for notifications in [NotificationFault::Duplicate, NotificationFault::Drop, NotificationFault::Swap] {
        world.faults(Faults { notifications, ..Faults::default() });
        for _ in 0..8 {
            world.pay(1);
            world.mine(1);
            explorer.settle();
        }
        world.mine(6);
        explorer.check();
        world.faults(Faults::default());
    }
    world.audit();
}

#[test]
fn spoiled_frames_do_no_harm() {
    let world = World::new(5);
    let mut explorer = world.follow();
    explorer.settle();
    let mut losses = 0;
    for frame in [FrameFault::Corrupt, FrameFault::Truncate, FrameFault::Garbage] {
        world.faults(Faults { frame, ..Faults::default() });
        world.pay(1);
        world.mine(3);
        losses += 1;
        explorer.daemon.wait_for_times("connection lost", losses);
        world.faults(Faults::default());
        explorer.check();
    }
    world.faults(Faults { split: true, ..Faults::default() });
    world.mine(4);
    explorer.check();
    world.audit();
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let world = World::new(5);
    let mut command = world.command(&["run", "--max-message-mebibytes", "1"]);
    let mut explorer = world.follow_with(&mut command);
    explorer.settle();
    world.faults(Faults { pad_bytes: 2 << 20, ..Faults::default() });
    world.pay(1);
    world.mine(1);
    let lost = explorer.daemon.wait_for("connection lost");
    assert!(lost.contains("too long") || lost.contains("too big"), "{lost}");
    world.faults(Faults::default());
    explorer.check();
    world.audit();
}

#[test]
fn a_node_that_does_not_answer_is_left() {
    let world = World::new(5);
    let mut command = world.command(&["run", "--request-seconds", "1"]);
    let mut explorer = world.follow_with(&mut command);
    explorer.settle();
    world.faults(Faults { answer_delay_milliseconds: 60_000, ..Faults::default() });
    explorer.daemon.wait_for("did not answer");
    world.faults(Faults { refuse_status: true, ..Faults::default() });
    explorer.daemon.wait_for("NODE FAULT");
    world.mine(1);
    world.faults(Faults::default());
    explorer.check();
    world.audit();
}

#[test]
fn a_wrong_token_is_told_and_tried_again() {
    let world = World::new(5);
    let right = fs::read_to_string(world.path("node.token")).unwrap();
    fs::write(world.path("node.token"), "AAAAAAAAAAAAAAAAAAAAAA==\n").unwrap();
    let mut explorer = world.follow();
    let lost = explorer.daemon.wait_for("connection lost");
    assert!(lost.contains("check the API token"), "{lost}");
    fs::write(world.path("node.token"), right).unwrap();
    explorer.check();
    world.audit();
}

#[test]
fn a_token_file_that_is_away_for_a_while_is_waited_for() {
    let world = World::new(5);
    let mut explorer = world.follow();
    explorer.settle();
    let (file, away) = (world.path("node.token"), world.path("node.token.away"));
    fs::rename(&file, &away).unwrap();
    world.control(Command::Close { connection: None });
    explorer.daemon.wait_for("connection lost: cannot use the API token file");
    world.pay(1);
    world.mine(2);
    fs::rename(&away, &file).unwrap();
    explorer.settle();
    world.audit();
}
