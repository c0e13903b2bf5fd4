//! The README's chapter on deployment, typed line by line on a terminal as an operator would.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use custody_tests::daemon::Daemon;
use custody_tests::money;
use custody_tests::request::{pay, signed, spend};
use custody_tests::store::cold_signer;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use stegos_common::address::{Address, Network};
use stegos_common::keys::SecretKey;
use stegos_common::recovery;

const PASSPHRASE: &str = "a passphrase that nobody guesses";

/// The commands of the README's unmarked shell blocks: those marked `ci` are run by CI itself.
fn commands() -> Vec<String> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The command on a terminal of its own: `script` makes one, and passes on what is typed.
fn on_a_terminal(home: &Path, line: &str) -> Command {
    let binaries = cold_signer().parent().unwrap();
    let mut command = Command::new("script");
    command
        .args(["-qec", line, "/dev/null"])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("PATH", format!("{}:/usr/bin:/bin", binaries.display()));
    command
}

/// Answers each question of the command with the next of `answers`, and tells what the terminal showed.
fn typed(home: &Path, command: &str, answers: &[&str]) -> String {
    let mut child =
        on_a_terminal(home, command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut asked) = (Vec::new(), 0);
    let mut answers = answers.iter();
    loop {
        let mut byte = [0];
        if screen.read(&mut byte).unwrap() == 0 {
            break;
        }
        shown.extend(byte);
        if shown[asked..].ends_with(b": ") {
            asked = shown.len();
            writeln!(keyboard, "{}", answers.next().unwrap_or(&"")).unwrap();
        }
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(child.wait().unwrap().success(), "{command}: {shown}");
    shown
}

#[test]
fn the_deployment_of_the_readme_works_as_typed() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let words = recovery::to_phrase(&SecretKey::from_seed(b"words on paper"));
    let mut run = Vec::new();
    for command in commands() {
        let subcommand: String = command.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ");
        match subcommand.as_str() {
            "init --network" if command.contains("--restore-phrase") => {
                let shown = typed(home, &command, &[&words, PASSPHRASE, PASSPHRASE]);
                let master = SecretKey::from_seed(b"words on paper").public_key();
                assert!(shown.contains(&Address::new(Network::Mainnet, master).to_string()), "{shown}");
            }
            "init --network" => {
                assert!(typed(home, &command, &[PASSPHRASE, PASSPHRASE]).contains("recovery words"))
            }
            "policy check" => {
                fs::write(home.join("policy.toml"), include_str!("../../cold-signer/policy.toml.example"))
                    .unwrap();
                assert!(typed(home, &command, &[]).contains("policy-day-total"));
            }
            "serve" => {
                let with_passphrase =
                    format!("printf %s '{PASSPHRASE}' > pass; chmod 600 pass; exec {command}");
                let mut shell = Command::new("sh");
                shell.args(["-c", &with_passphrase]).current_dir(home);
                let path = format!("{}:/usr/bin:/bin", cold_signer().parent().unwrap().display());
                shell
                    .env_clear()
                    .env("HOME", home)
                    .env("PATH", path)
                    .env("COLD_SIGNER_PASSPHRASE_FILE", "pass");
                let mut daemon = Daemon::spawn(&mut shell);
                daemon.wait_for("listens on");
                assert!(daemon.stop().0.success());
            }
            "sign request.json" => {
                let request: Value =
                    serde_json::from_str(&fs::read_to_string(home.join("request.json")).unwrap()).unwrap();
                typed(home, &command, &[PASSPHRASE]);
                let response = fs::read_to_string(home.join("response.json")).unwrap();
                signed(&request, &serde_json::from_str(&response).unwrap());
            }
            "inspect request.json" => {
                fs::write(home.join("request.json"), request(home).to_string()).unwrap();
                let shown = typed(home, &command, &[PASSPHRASE]);
                assert!(shown.contains("4.999 STG") && shown.contains("alice"), "{shown}");
            }
            "inspect response.json" => {
                assert!(typed(home, &command, &[PASSPHRASE]).contains("Nothing speaks against it"));
            }
            _ => drop(typed(home, &command, &[PASSPHRASE])),
        }
        run.push(subcommand);
    }
    for step in [
        "init --network",
        "key add",
        "key export-public",
        "policy check",
        "serve",
        "sign request.json",
        "inspect request.json",
        "inspect response.json",
    ] {
        assert!(run.iter().any(|done| done == step), "the README has no {step:?}: {run:?}");
    }
}

/// A request that spends a deposit of the account that the README adds and exports.
fn request(home: &Path) -> Value {
    let export = fs::read_to_string(home.join("addresses.csv")).unwrap();
    let row = export.lines().find(|row| row.starts_with("alice,")).unwrap();
    let alice = Address::parse(row.split(',').nth(1).unwrap(), Network::Mainnet).unwrap();
    let deposit = money::public(alice.public_key(), 5_000_000);
    spend([&deposit], &[pay(&alice, 4_999_000)], 1000)
}
