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
        explorer.settle();
        world.audit();
        told = explorer.connect().request(&serde_json::json!({ "type": "status" }))["node"]["faults"]
            .as_u64()
            .and_then(|faults| usize::try_from(faults).ok())
            .unwrap();
    }
    world.faults(Faults { lie: Lie::Previous, ..Faults::default() });
    let before = world.outputs();
    world.pay(3);
    world.mine(1);
    explorer.wait(|status| status["node"]["offset"] == 6);
    assert_eq!(world.outputs(), before);
    world.faults(Faults::default());
    explorer.settle();
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
        explorer.settle();
        assert_eq!(world.balance().0, before + 3);
        world.audit();
    }
}
