//! The explorer is killed, its disk is full, a snapshot is half written: what it has is what the node's blocks say.
//!
//! `OUTPUT_EXPLORER_KILL_ROUNDS` says how often it is killed, 30 times unless it is set; `OUTPUT_EXPLORER_KILL_SEED`
//! repeats a run as far as the machine's own timing allows.

use custody_tests::daemon::Daemon;
use custody_tests::explorer::{World, output_explorer};
use rand_chacha::ChaCha8Rng;
use rand_core::{OsRng, RngCore, SeedableRng};
use serde_json::Value;
use std::process::Command;
use std::{env, fs};

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// All events; their numbers have no gap.
fn events(world: &World) -> Vec<Value> {
    let page = world.json(&["events", "--limit", "100000"]);
    let events = page["events"].as_array().unwrap();
    assert!(events.iter().map(|event| event["id"].as_u64().unwrap()).eq(1..=page["last"].as_u64().unwrap()));
    events.clone()
}

#[test]
fn killed_at_any_moment_it_goes_on_rightly() {
    let rounds = setting("OUTPUT_EXPLORER_KILL_ROUNDS").unwrap_or(30);
    let seed = setting("OUTPUT_EXPLORER_KILL_SEED").unwrap_or_else(|| OsRng.next_u64());
    println!("{rounds} rounds, OUTPUT_EXPLORER_KILL_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(6);
    let mut below = |limit: u32| rng.next_u32() % limit;
    for round in 0..rounds {
        let name = format!("user {round}");
        let address = custody_tests::money::key(&name).1;
        let address =
            stegos_common::address::Address::new(stegos_common::address::Network::Dev, address).to_string();
        let explorer = world.follow();
        for _ in 0..below(5) {
            world.pay(1);
            world.mine(1 + below(3));
            if below(3) == 0 {
                let offset = world.server.node().chain().offset();
                world.revert(below(offset + 1));
            }
        }
        // A change of users that is confirmed is there for ever.
        if below(2) == 0 {
            world.ok(&["user", "add", &name, &address]);
        }
        // At any moment: while it reads, while it writes, or when it has nothing to do.
        (0..below(40_000)).for_each(|unit| {
            std::hint::black_box(stegos_common::hash::Hash::digest(unit.to_le_bytes().as_slice()));
        });
        let added = world.json(&["user", "list", "--limit", "1000"]);
        let told = events(&world);
        drop(explorer);
        assert_eq!(world.json(&["user", "list", "--limit", "1000"]), added, "round {round}");
        assert!(events(&world).starts_with(&told), "round {round}");

        let explorer = world.follow();
        explorer.check();
        world.audit();
        if below(2) == 0 {
            explorer.stop();
        }
    }
}

#[test]
fn a_half_written_snapshot_is_put_aside() {
    let world = World::new(5);
    world.mine(3);
    let explorer = world.follow();
    explorer.settle();
    explorer.stop();
    let left_over = "snap.00000000000000FF.generating";
    fs::write(world.path("explorer/ledger").join(left_over), b"half").unwrap();
    world.follow().check();
    world.audit();
    assert!(world.path("explorer/quarantine").join(left_over).exists());
}

/// What files may grow by, in the units of `ulimit`: a disk that is nearly full.
const ROOM: u64 = 2048;

#[test]
fn on_a_full_disk_it_stops_and_says_so() {
    let world = World::new(5);
    world.follow().settle();
    let size = fs::metadata(world.path("explorer/ledger/db")).unwrap().len() / 512;
    let run = world.command(&["run"]);
    let mut limited = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec {} run", size + ROOM, output_explorer().display());
    limited.args(["-c", &script]).env_clear();
    limited.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // It is in the midst of it when there is no more room.
    let mut daemon = Daemon::spawn(&mut limited);
    world.pay(1);
    world.mine(1);
    daemon.wait_for("micro block 1/0");
    for _ in 0..60 {
        for _ in 0..20 {
            world.pay(1);
        }
        world.mine(1);
    }
    let (status, log) = daemon.join();
    assert_eq!(status.code(), Some(4), "{log:#?}");
    assert!(log.last().unwrap().contains("Look at the disk"), "{log:#?}");
    world.follow().check();
    world.audit();
}
