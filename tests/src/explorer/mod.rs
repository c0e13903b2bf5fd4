//! A chain of its own and an `output-explorer` that follows it: the real binary and its commands.

mod running;
mod truth;

pub use running::Explorer;

use crate::daemon::{Daemon, program};
use crate::devnode::accounts::Account;
use crate::devnode::chain::Params;
use crate::devnode::clock::Clock;
use crate::devnode::control::Command as Control;
use crate::devnode::faults::Faults;
use crate::devnode::server::{Server, Settings};
use crate::money::{key, stranger};
use crate::request::pay;
use crate::session::Session;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use stegos_common::address::{Address, Network};
use stegos_common::api::create_raw_transaction::{OutputType, TxOut};
use stegos_common::hash::Hash;
use stegos_common::socket::Endpoint;
use tempfile::TempDir;
use truth::Past;

/// The seed of the node's chain.
const SEED: &str = "an explorer's test";

/// The directory of a chain that is kept on disk.
const CHAIN: &str = "chain";

/// The fee of a payment between accounts, in micro-STG.
const FEE: i64 = 1000;

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
    past: Past,
    /// The node.
    pub server: Server,
}

impl World {
    /// A node with so many micro blocks in an epoch, whose accounts are users.
    #[must_use]
    pub fn new(blocks_per_epoch: u32) -> Self {
        let world = Self::of(Network::Dev, blocks_per_epoch);
        world.add_users();
        world
    }

    /// The same, with a chain that is kept on disk.
    #[must_use]
    pub fn on_disk(blocks_per_epoch: u32) -> Self {
        let directory = directory();
        let settings = settings(&directory, Network::Dev, blocks_per_epoch);
        let settings = Settings { data_dir: Some(directory.path().join(CHAIN)), ..settings };
        let world = Self::start(directory, settings);
        world.add_users();
        world
    }

    /// A node of a network, and no ledger yet.
    #[must_use]
    pub fn of(network: Network, blocks_per_epoch: u32) -> Self {
        let directory = directory();
        let settings = settings(&directory, network, blocks_per_epoch);
        Self::start(directory, settings)
    }

    fn start(directory: TempDir, settings: Settings) -> Self {
        let network = settings.params.network;
        let server = serve(settings);
        Self { directory, network, past: Past::default(), server }
    }

    /// Makes the accounts of the node users.
    pub fn add_users(&self) {
        let user = |account: Account| {
            json!({ "account": account.name, "address": account.address(self.network) }).to_string()
        };
        let users: Vec<String> = Account::all(SEED).map(user).collect();
        let file = self.path("accounts.jsonl");
        fs::write(&file, users.join("\n")).unwrap_or_else(|error| panic!("{error}"));
        self.ok(&["user", "import", &file.to_string_lossy()]);
    }

    /// Another node in the place of this one, with its address unknown and another token.
    pub fn replace_node(&mut self, seed: &str, network: Network) {
        let token = self.path("node.token");
        fs::remove_file(&token).unwrap_or_else(|error| panic!("{error}"));
        let settings = settings(&self.directory, network, 5);
        let params = Params { seed: seed.into(), ..settings.params };
        self.server = serve(Settings { params, ..settings });
    }

    /// Stops the node, does something to its chain on disk, and starts it again at the same address.
    #[must_use]
    pub fn restart_node(self, change: impl FnOnce(&Path)) -> Self {
        let Self { directory, network, past, server } = self;
        let (listen, params) = (server.address(), server.node().chain().params().clone());
        drop(server);
        let chain = directory.path().join(CHAIN);
        change(&chain);
        let settings = settings(&directory, network, params.blocks_per_epoch);
        let server = serve(Settings { params, listen, data_dir: Some(chain), ..settings });
        Self { directory, network, past, server }
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
        account("alice").address(self.network)
    }

    /// The address of one of the node's accounts.
    #[must_use]
    pub fn address(&self, name: &str) -> Address {
        account(name).address(self.network)
    }

    /// An address of this network that no user has.
    #[must_use]
    pub fn new_address(&self, number: u8) -> String {
        Address::new(self.network, key(&format!("nobody {number}")).1).to_string()
    }

    /// One of another network.
    #[must_use]
    pub fn other_address(&self) -> String {
        stranger(Network::Testnet).to_string()
    }

    /// Lets the node obey.
    pub fn control(&self, command: Control) -> Vec<Hash> {
        self.server.node().obey(command).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes blocks; nobody can look in between.
    pub fn mine(&self, blocks: u32) {
        let mut node = self.server.node();
        for _ in 0..blocks {
            self.past.mine(&mut node);
        }
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

    /// Spends an output of so many micro-STG, which is more than the fee, to another account in the next block. Answers
    /// the new output's id.
    pub fn spend(&self, output: &Hash, micro: i64, from: &str, to: &str) -> Hash {
        let mut session = Session::open(&Endpoint::Tcp(self.server.address()), &self.path("node.token"));
        let made = session.request(&json!({
            "type": "create_raw_transaction",
            "txins": [output],
            "txouts": [pay(&account(to).address(self.network), micro - FEE)],
            "secret_key": *account(from).secret_key().to_bytes(),
            "fee": FEE,
            "unspent_list": [],
        }));
        let sent = session.request(&json!({ "type": "broadcast_transaction", "data": made["data"] }));
        assert_eq!(sent["status"]["status"], "accepted", "{made} {sent}");
        serde_json::from_value(made["txouts"][0].clone()).unwrap_or_else(|error| panic!("{error}: {made}"))
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
        self.attach(daemon)
    }

    /// A daemon that runs already.
    #[must_use]
    pub const fn attach(&self, daemon: Daemon) -> Explorer<'_> {
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

fn directory() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"))
}

fn account(name: &str) -> Account {
    let account = Account::all(SEED).find(|account| account.name == name);
    account.unwrap_or_else(|| panic!("there is no {name}"))
}

fn settings(directory: &TempDir, network: Network, blocks_per_epoch: u32) -> Settings {
    Settings {
        params: Params { network, blocks_per_epoch, award_difficulty: 3, seed: SEED.into() },
        clock: Clock::System,
        listen: ([127, 0, 0, 1], 0).into(),
        control: None,
        token_file: directory.path().join("node.token"),
        data_dir: None,
        block_interval: None,
        log: |_line| {},
    }
}

fn serve(settings: Settings) -> Server {
    Server::start(settings).unwrap_or_else(|error| panic!("{error}"))
}
