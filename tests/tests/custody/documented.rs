//! The documentation's commands, typed as an operator would.

use custody_tests::custody::{Custody, address};
use custody_tests::explorer::output_explorer;
use custody_tests::store::cold_signer;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

#[test]
fn the_commands_of_the_documentation_work_as_typed() {
    let custody = Custody::new(4, &["alice", "bob"]);
    let explorer = custody.world.follow();
    custody.deposit(&[("alice", 30_000_000), ("bob", 20_000_000)]);
    custody.finish_epoch(&explorer);
    let programs =
        [output_explorer(), cold_signer()].map(|program| program.parent().unwrap().display().to_string());
    let text = include_str!("../../../docs/handoffs.md");
    let blocks = text.split("```sh custody\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands: Vec<&str> =
        blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let typed = command.replace("mainnet", "dev").replace("ADDRESS", &address("a stranger").to_string());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {typed}")]).current_dir(custody.world.home()).env_clear();
        shell.env("PATH", format!("{}:/usr/bin:/bin", programs.join(":"))).env("HOME", custody.world.home());
        shell.env("OUTPUT_EXPLORER_DATA_DIR", custody.world.path("explorer"));
        shell.env("COLD_SIGNER_DATA_DIR", custody.store.dir());
        shell.env("COLD_SIGNER_PASSPHRASE_FILE", custody.store.path("passphrase"));
        let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The chain goes on while somebody waits.
        while command.contains("--wait") && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(50));
            custody.world.mine(1);
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
}
