//! The README's and the documentation's commands for the explorer, typed as an operator would.

use custody_tests::daemon::Daemon;
use custody_tests::explorer::{World, output_explorer};
use serde_json::json;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use stegos_common::address::Network;

/// The commands of blocks marked `explorer`.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh explorer\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_commands_of_the_readme_and_the_documentation_work_as_typed() {
    let world = World::of(Network::Mainnet, 4);
    let deposit = world.pay(5).to_string();
    world.mine(6);
    let account = json!({ "account": "alice", "address": world.alice(), "archived": false });
    fs::write(world.path("accounts.jsonl"), account.to_string()).unwrap();
    let binaries = output_explorer().parent().unwrap().display();
    let node = world.server.address().to_string();
    // A port that was free just now.
    let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let shell = |command: &str| {
        let command = command
            .replace("127.0.0.1:3145", &node)
            .replace("127.0.0.1:8480", &http)
            .replace("127.0.0.1:8481", "127.0.0.1:0")
            .replace("33a3362aa631a9e6bff4d7c492c97112e0699917f9c3a236711ed3cb3f7281f3", &deposit);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {command}")]).current_dir(world.home()).env_clear();
        shell.env("HOME", world.home()).env("PATH", format!("{binaries}:/usr/bin:/bin"));
        shell
    };
    let (mut following, mut copying) = (None, None);
    let texts = [
        include_str!("../../../README.md"),
        include_str!("../../../docs/explorer.md"),
        include_str!("../../../docs/exports.md"),
        include_str!("../../../docs/metrics.md"),
        include_str!("../../../docs/reserves.md"),
    ];
    let all: Vec<String> = texts.into_iter().flat_map(commands).collect();
    assert!(all.len() > 8, "{all:?}");
    for command in all {
        if command.contains(" run ") {
            let is_first = following.take().map(Daemon::stop).is_none();
            let mut daemon = Daemon::spawn(&mut shell(&command));
            daemon.wait_for(if is_first { "micro block 2/0" } else { "answering at" });
            following = Some(daemon);
            continue;
        }
        if command.contains(" replica --from ") {
            let mut daemon = Daemon::spawn(&mut shell(&command));
            daemon.wait_for("is whole");
            copying = Some(daemon);
            continue;
        }
        let output = shell(&command).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
    for daemon in [copying, following] {
        let (status, log) = daemon.unwrap().stop();
        assert!(status.success(), "{log:#?}");
    }
}
