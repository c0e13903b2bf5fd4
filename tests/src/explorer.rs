//! A chain of its own and an `output-explorer` that follows it: the real binary and its commands.

use crate::daemon::{Daemon, program};
use crate::devnode::accounts::Account;
use crate::devnode::chain::Params;
use crate::devnode::clock::Clock;
use crate::devnode::control::Command as Control;
use crate::devnode::faults::Faults;
use crate::devnode::server::{Server, Settings};
use crate::session::Session;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};
use stegos_common::address::{Address, Network};
use stegos_common::api::create_raw_transaction::{OutputType, TxOut};
use stegos_common::hash::Hash;
use stegos_common::socket::Endpoint;
use tempfile::TempDir;

/// Longer than anything here takes even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program under test, built once per test file in the test's own profile.
#[must_use]
pub fn output_explorer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program("output-explorer"))
}

/// A dev node that makes blocks on demand, and the ledger of an explorer.
pub struct World {
    directory: TempDir,
    network: Network,
    /// The node.
    pub server: Server,
}

impl World {
    /// A node with so many micro blocks in an epoch, and user `alice` with the address of its account of that name.
    #[must_use]
    pub fn new(blocks_per_epoch: u32) -> Self {
        let world = Self::of(Network::Dev, blocks_per_epoch);
        world.ok(&["user", "add", "alice", &world.alice().to_string()]);
        world
    }

    /// A node of a network, and no ledger yet.
    #[must_use]
    pub fn of(network: Network, blocks_per_epoch: u32) -> Self {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let server = start(&directory, "an explorer's test", blocks_per_epoch, network);
        Self { directory, network, server }
    }

    /// Another node in the place of this one, with its address unknown and another token.
    pub fn replace_node(&mut self, seed: &str, network: Network) {
        let token = self.path("node.token");
        std::fs::remove_file(&token).unwrap_or_else(|error| panic!("{error}"));
        self.server = start(&self.directory, seed, 5, network);
    }

    /// The directory of the test, which is the home of the programs.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.directory.path()
    }

    /// A path in the test's directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The address of the user `alice`.
    #[must_use]
    pub fn alice(&self) -> Address {
        let accounts = Account::all("an explorer's test");
        let alice = accounts.into_iter().find(|account| account.name == "alice");
        alice.unwrap_or_else(|| panic!("there is no alice")).address(self.network)
    }

    /// Lets the node obey.
    pub fn control(&self, command: Control) -> Vec<Hash> {
        self.server.node().obey(command).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes blocks.
    pub fn mine(&self, blocks: u32) {
        self.control(Control::Mine { blocks });
    }

    /// Takes micro blocks back; their payments are lost.
    pub fn revert(&self, blocks: u32) {
        self.control(Control::Revert { blocks, keep_transactions: false });
    }

    /// Sets what goes wrong.
    pub fn faults(&self, faults: Faults) {
        self.control(Control::Faults(faults));
    }

    /// Pays so many micro-STG to alice in the next block. Answers the output's id.
    pub fn pay(&self, micro: i64) -> Hash {
        let recipient = self.alice().to_string();
        let output_type = OutputType::PublicPayment;
        let payment = TxOut { output_type, recipient, amount: micro, comment: None, with_certificate: false };
        self.control(Control::Faucet { payments: vec![payment] })[0]
    }

    /// The program with nothing but this ledger in its environment.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(output_explorer());
        command
            .args(args)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("OUTPUT_EXPLORER_NETWORK", self.network.name())
            .env("OUTPUT_EXPLORER_DATA_DIR", self.path("explorer"))
            .env("OUTPUT_EXPLORER_NODE", self.server.address().to_string())
            .env("OUTPUT_EXPLORER_NODE_TOKEN_FILE", self.path("node.token"))
            .env("OUTPUT_EXPLORER_POLL_MILLISECONDS", "20");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap_or_else(|error| panic!("running {args:?}: {error}"))
    }

    /// Runs a command that must succeed, and answers its output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that must succeed, and answers its JSON document.
    #[must_use]
    pub fn json(&self, args: &[&str]) -> Value {
        let text = self.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Starts `run`.
    #[must_use]
    pub fn follow(&self) -> Explorer<'_> {
        self.follow_with(&mut self.command(&["run"]))
    }

    /// Starts `run` by another command line.
    pub fn follow_with(&self, command: &mut Command) -> Explorer<'_> {
        let mut daemon = Daemon::spawn(command);
        daemon.wait_for("output-explorer for dev follows");
        Explorer { world: self, daemon }
    }

    /// What follows from the node's blocks is what the ledger says, prepared blocks included.
    pub fn audit(&self) {
        let report = self.json(&["audit"]);
        assert_eq!(report["differences"], json!([]));
        assert_eq!(report["prepared"], true, "{report}");
    }

    /// The ids of alice's unspent outputs in the ledger.
    #[must_use]
    pub fn outputs(&self) -> BTreeSet<String> {
        let rows = self.json(&["outputs", "alice", "--limit", "100000"]);
        let ids = rows["rows"].as_array().into_iter().flatten().map(|row| row["output_hash"].as_str());
        ids.map(|id| id.unwrap_or_default().to_owned()).collect()
    }

    /// Alice's final and prepared amounts, in micro-STG.
    #[must_use]
    pub fn balance(&self) -> (i64, i64) {
        let balance = self.json(&["balance", "alice"]);
        let amount = |name: &str| balance[name]["amount"].as_i64().unwrap_or_default();
        (amount("final"), amount("prepared"))
    }

    /// The amount that alice has from the first block on.
    #[must_use]
    pub const fn endowment(&self) -> i64 {
        1_000_000_000_000
    }
}

fn start(directory: &TempDir, seed: &str, blocks_per_epoch: u32, network: Network) -> Server {
    let settings = Settings {
        params: Params { network, blocks_per_epoch, award_difficulty: 3, seed: seed.into() },
        clock: Clock::System,
        listen: ([127, 0, 0, 1], 0).into(),
        control: None,
        token_file: directory.path().join("node.token"),
        data_dir: None,
        block_interval: None,
        log: |_line| {},
    };
    Server::start(settings).unwrap_or_else(|error| panic!("{error}"))
}

/// A running `output-explorer run`, killed when dropped.
pub struct Explorer<'a> {
    world: &'a World,
    /// Its log.
    pub daemon: Daemon,
}

impl Explorer<'_> {
    /// A connection to its socket.
    #[must_use]
    pub fn connect(&self) -> Session {
        let directory = self.world.path("explorer");
        Session::open(&Endpoint::Unix(directory.join("run/explorer.sock")), &directory.join("api.token"))
    }

    /// Waits until it says that it is where `wanted` says.
    pub fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut session = self.connect();
        let begin = Instant::now();
        loop {
            let status = session.request(&json!({ "type": "status" }));
            if wanted(&status) {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "it stays at {status:#}");
            sleep(Duration::from_millis(3));
        }
    }

    /// Waits until its last block is the node's.
    pub fn settle(&self) -> Value {
        self.wait(|status| {
            status["last_block_hash"] == self.world.server.node().status().last_block_hash.to_string()
        })
    }

    /// Stops it by SIGTERM, which must be a success. Answers what it said.
    pub fn stop(self) -> Vec<String> {
        let (status, log) = self.daemon.stop();
        assert_eq!(status.code(), Some(0), "{log:#?}");
        log
    }
}
