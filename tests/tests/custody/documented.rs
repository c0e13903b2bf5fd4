//! The documentation's commands, typed as an operator would.

use age::secrecy::ExposeSecret;
use custody_tests::custody::{Custody, address};
use custody_tests::explorer::output_explorer;
use custody_tests::store::cold_signer;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// The commands of the runbook, and whether `run` is to be stopped for them.
fn commands(text: &str) -> Vec<(&str, bool)> {
    let blocks = text.split("```sh custody").skip(1).filter_map(|rest| rest.split("```").next());
    let commands = blocks.filter_map(|block| block.split_once('\n')).flat_map(|(mark, lines)| {
        let stopped = mark == " stopped";
        lines.lines().map(move |line| (line.trim(), stopped))
    });
    commands.filter(|(line, _)| !line.is_empty()).collect()
}

#[test]
fn the_commands_of_the_documentation_work_as_typed() {
    let custody = Custody::new(4, &["alice", "bob"]);
    let mut explorer = Some(custody.world.follow());
    custody.deposit(&[("alice", 30_000_000), ("bob", 20_000_000), ("hot", 9_000_000), ("hot", 5_000_000)]);
    explorer.iter().for_each(|explorer| custody.finish_epoch(explorer));
    let programs =
        [output_explorer(), cold_signer()].map(|program| program.parent().unwrap().display().to_string());
    let stranger = address("a stranger").to_string();
    let text =
        include_str!("../../../docs/operations.md").replace("mainnet", "dev").replace("ADDRESS", &stranger);
    let payments = text.split("```csv\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    std::fs::write(custody.world.path("payments.csv"), payments).unwrap();
    let identity = age::x25519::Identity::generate();
    std::fs::write(custody.world.path("recipients.txt"), identity.to_public().to_string()).unwrap();
    let key = custody.world.path("key.txt");
    std::fs::write(&key, identity.to_string().expose_secret()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let commands = commands(&text);
    assert!(commands.len() > 30, "{commands:?}");
    for (command, stopped) in commands {
        match explorer.take() {
            Some(running) if stopped => drop(running.stop()),
            None if !stopped => explorer = Some(custody.world.follow()),
            running => explorer = running,
        }
        // What the explorer shows of the signer.
        let seen = || custody.world.json(&["status"])["signer_journal"]["known"].clone();
        let command = &match command.contains("COUNT") {
            true => {
                let (count, head) =
                    (seen()["count"].to_string(), seen()["head"].as_str().unwrap().to_owned());
                command.replace("COUNT", &count).replace("HEAD", &head)
            }
            false => command.to_owned(),
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {command}")]).current_dir(custody.world.home()).env_clear();
        shell.env("PATH", format!("{}:/usr/bin:/bin", programs.join(":"))).env("HOME", custody.world.home());
        shell.env("OUTPUT_EXPLORER_DATA_DIR", custody.world.path("explorer"));
        shell.env("COLD_SIGNER_DATA_DIR", custody.store.dir());
        shell.env("COLD_SIGNER_POLICY", custody.store.path("policy.toml"));
        shell.env("COLD_SIGNER_PASSPHRASE_FILE", custody.store.path("passphrase"));
        // What is asked is answered.
        let mut child =
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"yes\n");
        // The chain goes on while somebody waits.
        while command.contains("--wait") && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(50));
            custody.world.mine(1);
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
}
