//! The node comes back with an older copy of its disk, and moves forward again.

use custody_tests::devnode::control::Command as Control;
use custody_tests::explorer::World;
use std::fs;
use std::path::Path;
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

fn put_back(copied: &Path, chain: &Path) {
    fs::remove_dir_all(chain).unwrap();
    copy(copied, chain);
}

/// Makes so many blocks, each with a payment.
fn pay(world: &World, blocks: u32) {
    for block in 0..blocks {
        world.pay(1000 + i64::from(block));
        world.mine(1);
    }
}

#[test]
fn what_is_final_stays_until_the_node_knows_it_again() {
    let mut world = World::on_disk(5);
    let [early, late] = ["early", "late"].map(|name| world.path(name));
    let mut daemon = world.follow().daemon;
    pay(&world, 8);
    world = world.restart_node(|chain| copy(chain, &early));
    pay(&world, 11);
    let explorer = world.attach(daemon);
    let (end, balance) = (explorer.check()["last_block_hash"].clone(), world.balance());
    daemon = explorer.daemon;

    world = world.restart_node(|chain| {
        copy(chain, &late);
        put_back(&early, chain);
    });
    let explorer = world.attach(daemon);
    let waiting = explorer.wait(|status| status["node"]["epoch"] == 2);
    assert_eq!((&waiting["last_block_hash"], world.balance()), (&end, balance));
    daemon = explorer.daemon;

    world = world.restart_node(|chain| put_back(&late, chain));
    pay(&world, 3);
    world.attach(daemon).check();
    world.audit();
}

#[test]
fn a_node_that_is_catching_up_takes_nothing_back() {
    let mut world = World::on_disk(9);
    let [early, late] = ["early", "late"].map(|name| world.path(name));
    pay(&world, 2);
    world = world.restart_node(|chain| copy(chain, &early));
    pay(&world, 3);
    let explorer = world.follow();
    let (end, balance) = (explorer.check()["last_block_hash"].clone(), world.balance());
    explorer.stop();

    world = world.restart_node(|chain| {
        copy(chain, &late);
        put_back(&early, chain);
    });
    world.control(Control::SetSynchronized { on: false });
    let explorer = world.follow();
    let waiting = explorer.wait(|status| status["node"]["offset"] == 2);
    assert_eq!((&waiting["last_block_hash"], world.balance()), (&end, balance));
    let daemon = explorer.daemon;

    world = world.restart_node(|chain| put_back(&late, chain));
    pay(&world, 1);
    world.attach(daemon).check();
    world.audit();
}

#[test]
fn a_node_that_goes_on_otherwise_within_the_epoch_is_followed() {
    let mut world = World::on_disk(9);
    let early = world.path("early");
    pay(&world, 2);
    world = world.restart_node(|chain| copy(chain, &early));
    pay(&world, 5);
    let explorer = world.follow();
    explorer.check();
    let daemon = explorer.daemon;
    world = world.restart_node(|chain| put_back(&early, chain));
    pay(&world, 3);
    let explorer = world.attach(daemon);
    explorer.check();
    pay(&world, 6);
    explorer.check();
    world.audit();
}
