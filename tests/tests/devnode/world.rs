//! A dev node for a test: blocks on demand, a clock that stands, and its accounts.

use custody_tests::devnode::accounts::Account;
use custody_tests::devnode::chain::Params;
use custody_tests::devnode::clock::Clock;
use custody_tests::devnode::server::{Server, Settings};
use custody_tests::money::blob;
use custody_tests::session::Session;
use serde_json::{Value, json};
use stegos_common::address::{Address, Network};
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::output::OutputJson;
use stegos_common::output::{Output, Unspent};
use stegos_common::socket::Endpoint;
use stegos_common::transaction::Spendable;
use tempfile::TempDir;

pub(crate) const SEED: &str = "a test";

pub(crate) struct World {
    directory: TempDir,
    pub(crate) server: Server,
}

pub(crate) fn params(blocks_per_epoch: u32, award_difficulty: u32) -> Params {
    Params { network: Network::Dev, blocks_per_epoch, award_difficulty, seed: SEED.into() }
}

pub(crate) fn clock() -> Clock {
    Clock::Manual(Timestamp::from_unix_nanos(1_795_324_150_250_865_111))
}

/// How the node of a test runs: its chain is kept in the directory.
pub(crate) fn settings(directory: &TempDir, params: Params) -> Settings {
    let port = "127.0.0.1:0".parse().unwrap();
    Settings {
        params,
        clock: clock(),
        listen: port,
        control: Some(port),
        token_file: directory.path().join("api.token"),
        data_dir: Some(directory.path().join("chain")),
        block_interval: None,
        log: |_line| {},
    }
}

impl World {
    /// A node with so many micro blocks in an epoch.
    pub(crate) fn new(blocks_per_epoch: u32) -> Self {
        Self::with(params(blocks_per_epoch, 3))
    }

    pub(crate) fn with(params: Params) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(settings(&directory, params)).unwrap();
        Self { directory, server }
    }

    /// Stops the node and starts another one on the same directory.
    pub(crate) fn restarted(self) -> Self {
        let Self { directory, server } = self;
        let params = server.node().chain().params().clone();
        drop(server);
        let server = Server::start(settings(&directory, params)).unwrap();
        Self { directory, server }
    }

    /// A new connection.
    pub(crate) fn session(&self) -> Session {
        self.session_with_token_of(self)
    }

    /// A new connection of a client that has another node's token.
    pub(crate) fn session_with_token_of(&self, other: &Self) -> Session {
        Session::open(&Endpoint::Tcp(self.server.address()), &other.directory.path().join("api.token"))
    }

    /// A new connection to the control port.
    pub(crate) fn control(&self) -> Session {
        let address = self.server.control().unwrap();
        Session::open(&Endpoint::Tcp(address), &self.directory.path().join("api.token"))
    }

    /// Obeys a command.
    pub(crate) fn obey(&self, command: Value) {
        self.server.node().obey(serde_json::from_value(command).unwrap()).unwrap();
    }

    /// Makes so many blocks.
    pub(crate) fn mine(&self, blocks: usize) {
        for _ in 0..blocks {
            self.server.node().mine().unwrap();
        }
    }
}

pub(crate) fn account(name: &'static str) -> Account {
    Account::new(SEED, name)
}

pub(crate) fn address(name: &'static str) -> Address {
    account(name).address(Network::Dev)
}

/// The outputs that an account owns from the first block on: a public and a private one.
pub(crate) fn genesis_outputs(session: &mut Session, name: &'static str) -> [Unspent; 2] {
    let account = account(name);
    let block = session.request(&json!({ "type": "macro_block_info", "epoch": 0 }));
    let outputs = serde_json::from_value::<Vec<OutputJson>>(block["outputs"].clone()).unwrap();
    let outputs: Vec<Unspent> =
        outputs.into_iter().map(|output| Unspent::new(output.into_output(Network::Dev).unwrap())).collect();
    let (key, public) = (account.secret_key(), account.public_key());
    let owned = |kind: fn(&Output) -> bool| {
        let mut outputs = outputs.iter().filter(|unspent| kind(unspent.output()));
        outputs.find(|unspent| Spendable::unlock(unspent, key, &public).is_ok()).unwrap().clone()
    };
    [
        owned(|output| matches!(output, Output::PublicPayment(_))),
        owned(|output| matches!(output, Output::Payment(_))),
    ]
}

/// What the integration guide sends to a node that has the key: inputs are looked up on its chain.
pub(crate) fn create(owner: &Account, inputs: &[&Unspent], txouts: &[Value], fee: i64) -> Value {
    let ids: Vec<String> = inputs.iter().map(|input| input.id().to_string()).collect();
    json!({
        "type": "create_raw_transaction", "txins": ids, "txouts": txouts, "fee": fee,
        "secret_key": owner.secret_key().to_bytes().to_vec(),
    })
}

/// The same with the blobs of the inputs.
pub(crate) fn create_with_blobs(owner: &Account, inputs: &[&Unspent], txouts: &[Value], fee: i64) -> Value {
    let mut request = create(owner, inputs, txouts, fee);
    request["unspent_list"] = json!(inputs.iter().map(|input| blob(input)).collect::<Vec<_>>());
    request
}

/// Sends what was signed to the network.
pub(crate) fn broadcast(session: &mut Session, created: &Value) -> Value {
    session.request(&json!({ "type": "broadcast_transaction", "data": created["data"] }))
}
