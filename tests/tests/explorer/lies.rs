//! A node that lies about its blocks: each lie is refused and told, and the truth is read as soon as it is said.

use custody_tests::devnode::faults::Faults;
use custody_tests::devnode::lies::Lie;
use custody_tests::explorer::World;

#[test]
fn no_lie_is_stored() {
    let world = World::new(20);
    let mut explorer = world.follow();
    world.mine(1);
    explorer.settle();
    let mut told = 0;
    for lie in [Lie::OutputContent, Lie::BlockHash, Lie::MissingOutput, Lie::UnknownInput] {
        world.faults(Faults { lie, ..Faults::default() });
        let before = world.outputs();
        world.pay(3);
        world.mine(1);
        told += 1;
        explorer.daemon.wait_for_times("NODE FAULT: block", told);
        assert_eq!(world.outputs(), before, "{lie:?}");
        world.faults(Faults::default());
        explorer.check();
        told = explorer.connect().request(&serde_json::json!({ "type": "status" }))["node"]["faults"]
            .as_u64()
            .and_then(|faults| usize::try_from(faults).ok())
            .unwrap();
    }
    world.audit();
}

#[test]
fn lies_about_macro_blocks_are_refused_too() {
    let world = World::new(3);
    let explorer = world.follow();
    for lie in [Lie::OutputContent, Lie::BlockHash, Lie::MissingOutput, Lie::UnknownInput] {
        explorer.settle();
        let before = world.balance().0;
        world.pay(3);
        world.faults(Faults { lie, ..Faults::default() });
        let faults = explorer.settle()["node"]["faults"].as_u64();
        world.mine(4);
        explorer.wait(|status| status["node"]["faults"].as_u64() > faults);
        assert_eq!(world.balance().0, before, "{lie:?}");
        world.faults(Faults::default());
        explorer.check();
        assert_eq!(world.balance().0, before + 3);
    }
    world.audit();
}

/// As far as anybody can tell, such a block is one of another chain: that is for a person to look at.
#[test]
fn a_block_behind_another_one_is_of_another_chain() {
    // The third micro block, and the macro block.
    for mined in [2, 3] {
        let world = World::new(3);
        let explorer = world.follow();
        world.pay(3);
        world.mine(mined);
        let before = explorer.check();
        world.faults(Faults { lie: Lie::Previous, ..Faults::default() });
        world.mine(1);
        let (status, log) = explorer.daemon.join();
        assert_eq!(status.code(), Some(5), "{log:#?}");
        assert!(log.iter().any(|line| line.contains("the node is on another chain")), "{log:#?}");
        assert_eq!(world.json(&["status"])["last_block_hash"], before["last_block_hash"]);
        world.faults(Faults::default());
        world.follow().check();
    }
}
