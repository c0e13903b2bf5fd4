//! The program, as an integrator meets it: started with the README's command, asked with the guide's messages.

use crate::world::World;
use custody_tests::daemon::Daemon;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use stegos_common::address::{Address, Network};
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// The blocks of a language in a Markdown file.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let pieces = document.split(&fence).skip(1);
    pieces.map(|piece| piece.split("```").next().unwrap().to_owned()).collect()
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stegos-devnode"))
}

/// A running program on a free port.
struct Running {
    directory: TempDir,
    _daemon: Daemon,
    address: String,
    /// What it said about its accounts.
    accounts: Vec<String>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let token = directory.path().join("api.token");
        let mut daemon = Daemon::spawn(
            program()
                .args(args)
                .args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--token-file"])
                .arg(&token),
        );
        daemon.wait_for("The API token is in");
        let accounts = (0..5).map(|_| daemon.wait_for("secret key")).collect();
        let line = daemon.wait_for("listens on");
        daemon.wait_for("micro block 1/0");
        let address = line.rsplit(' ').next().unwrap().to_owned();
        Self { directory, _daemon: daemon, address, accounts }
    }

    fn client(&self, request: &str) -> Output {
        let file = self.directory.path().join("request.json");
        fs::write(&file, request).unwrap();
        let token = self.directory.path().join("api.token");
        let mut command = program();
        command.arg("client").arg(&file).args(["--node", &self.address, "--token-file"]).arg(token);
        command.output().unwrap()
    }

    fn ask(&self, request: &str) -> Value {
        let output = self.client(request);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn the_readme_starts_it_and_the_guides_messages_are_answered() {
    let readme = document("README.md");
    let command = readme.lines().find(|line| line.contains("-p custody-tests -- ")).unwrap();
    let args: Vec<&str> = command.split(" -- ").nth(1).unwrap().split(' ').collect();
    assert_eq!(args, ["run", "--quick"]);
    let node = Running::start(&args);
    let other = Running::start(&[args.as_slice(), &["-n", "mainnet"]].concat());
    assert_eq!(other.ask("{\"type\":\"chain_name\"}")["name"], "mainnet");
    assert_eq!(
        node.ask("{\"type\":\"chain_name\",\"id\":3}\n"),
        json!({ "type": "chain_name", "name": "dev", "id": 3 })
    );

    let documentation = document("docs/devnode.md");
    let requests = blocks(&documentation, "json");
    assert!(!requests.is_empty());
    for request in requests {
        let answer = node.ask(&request);
        assert!(answer["type"].is_string() && answer["type"] != "error", "{request} got {answer}");
    }

    // The printed keys are those of the accounts.
    for account in &node.accounts {
        let words: Vec<&str> = account.split_whitespace().collect();
        let key = SecretKey::from_bytes(&hex::decode(words[4]).unwrap()).unwrap();
        assert_eq!(Address::new(Network::Dev, key.public_key()).to_string(), words[1]);
    }
}

#[test]
fn the_documented_commands_are_obeyed() {
    let world = World::new(5);
    let connections = [world.session(), world.session()];
    let mut control = world.control();
    let commands = blocks(&document("docs/devnode.md"), "json command").remove(0);
    for command in commands.lines() {
        let answer = control.request(&serde_json::from_str(command).unwrap());
        assert_eq!(answer["type"], "done", "{command} got {answer}");
    }
    drop(connections);
}

#[test]
fn a_configuration_is_read_and_its_mistakes_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("devnode.toml");
    let config = blocks(&document("docs/devnode.md"), "toml").remove(0);
    let config = config.replace("\"dev\"", "\"testnet\"").replace("= 2000", "= 1");
    // Two tests on one computer cannot have the same directory.
    let config = config.replace("/tmp/stegos-devnode\"", &format!("{}/chain\"", directory.path().display()));
    fs::write(&file, config).unwrap();
    let path = file.to_str().unwrap();
    let node = Running::start(&["run", "--config", path]);
    assert_eq!(node.ask("{\"type\":\"chain_name\"}")["name"], "testnet");
    assert!(node.accounts.iter().all(|account| account.contains(" stt1")));

    for (mistake, named) in [
        ("colour = 1", "colour"),
        ("blocks_per_epoch = 0", "blocks_per_epoch"),
        ("network = \"moon\"", "moon"),
    ] {
        fs::write(&file, mistake).unwrap();
        let output = program().args(["run", "--config", path]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(path) && said.contains(named), "{said}");
    }
}

#[test]
fn the_client_says_what_went_wrong() {
    let node = Running::start(&["run", "--quick"]);
    let output = node.client("not a request");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("closed the connection"), "{said}");
    let output = program().args(["client", "no-such-file.json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("no-such-file.json"), "{said}");
}

#[test]
fn the_help_is_complete() {
    let help = |args: &[&str]| String::from_utf8(program().args(args).output().unwrap().stdout).unwrap();
    let text = [help(&["--help"]), help(&["run", "--help"]), help(&["client", "--help"])].concat();
    for word in [
        "run",
        "client",
        "--quick",
        "--config",
        "--network",
        "--listen",
        "--control",
        "--token-file",
        "--node",
        "Examples",
    ] {
        assert!(text.contains(word), "{word} is missing");
    }
}
