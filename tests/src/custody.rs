//! Both halves and a node: the explorer of a [`World`], and a signer that has the keys of its users.

use crate::devnode::control::Command as Control;
use crate::explorer::{Explorer, World};
use crate::money::key;
use crate::request::pay;
use crate::store::Store;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};
use stegos_common::address::{Address, Network};
use stegos_common::api::create_raw_transaction::{OutputType, TxOut};
use stegos_common::hash::Hash;

/// The exchange's own account.
pub const TREASURY: &str = "hot";

/// Longer than anything here takes even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the module.
pub struct Custody {
    /// The online half and its node.
    pub world: World,
    /// The offline half.
    pub store: Store,
}

impl Custody {
    /// A signer with these accounts, all of which are users of the explorer, and a treasury.
    #[must_use]
    pub fn new(blocks_per_epoch: u32, accounts: &[&str]) -> Self {
        let (world, store) = (World::of(Network::Dev, blocks_per_epoch), Store::new(Network::Dev));
        for account in accounts.iter().chain([&TREASURY]) {
            // Keys that a test can use too.
            store.import(account, &key(account).0);
            world.ok(&["user", "add", account, &address(account).to_string()]);
        }
        Self { world, store }
    }

    /// Pays accounts in the next block. Answers the outputs' ids.
    pub fn deposit(&self, payments: &[(&str, i64)]) -> Vec<Hash> {
        let payments: Vec<_> = payments.iter().map(|(account, amount)| (address(account), *amount)).collect();
        self.deposit_to(&payments)
    }

    /// Pays addresses in the next block. Answers the outputs' ids.
    pub fn deposit_to(&self, payments: &[(Address, i64)]) -> Vec<Hash> {
        let txout = |(recipient, amount): &(Address, i64)| TxOut {
            output_type: OutputType::PublicPayment,
            recipient: recipient.to_string(),
            amount: *amount,
            comment: None,
            with_certificate: false,
        };
        self.world.control(Control::Faucet { payments: payments.iter().map(txout).collect() })
    }

    /// Makes blocks until the epoch is over and the explorer knows.
    pub fn finish_epoch(&self, explorer: &Explorer<'_>) {
        self.world.control(Control::FinishEpoch);
        explorer.settle();
    }

    /// Runs a `handoff` command and answers the numbers of its handoffs.
    #[must_use]
    pub fn handoff(&self, args: &[&str]) -> Vec<u64> {
        let out = self.world.path("");
        let rest = ["--treasury", TREASURY, "--out", &out.to_string_lossy()];
        let made = self.world.json(&[&["handoff"], args, &rest].concat());
        let handoffs = made["handoffs"].as_array().into_iter().flatten();
        handoffs.filter_map(|handoff| handoff["number"].as_u64()).collect()
    }

    /// The file of a request.
    #[must_use]
    pub fn request(&self, number: u64) -> PathBuf {
        self.world.path(&format!("handoff-{number}.request.json"))
    }

    /// The file of the signer's answer to it.
    #[must_use]
    pub fn response(&self, number: u64) -> PathBuf {
        self.world.path(&format!("handoff-{number}.response.json"))
    }

    /// Signs the request of a handoff. Answers the file with the signer's answer.
    #[must_use]
    pub fn sign(&self, number: u64) -> PathBuf {
        let (request, response) = (self.request(number), self.response(number));
        self.store.ok(&["sign", &request.to_string_lossy(), "--out", &response.to_string_lossy()]);
        response
    }

    /// Hands an answer to the explorer.
    #[must_use]
    pub fn broadcast(&self, response: &Path, args: &[&str]) -> Output {
        self.world.run(&[&["broadcast", &response.to_string_lossy()], args].concat())
    }

    /// Signs a handoff and hands the answer to the explorer.
    pub fn send(&self, number: u64) {
        let output = self.broadcast(&self.sign(number), &[]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Waits until a handoff is in one of these states.
    pub fn wait(&self, number: u64, states: &[&str]) -> Value {
        until(|| {
            let handoff = self.show(number);
            if states.contains(&status(&handoff)) { Ok(handoff) } else { Err(handoff) }
        })
    }

    /// All handoffs, the youngest first.
    #[must_use]
    pub fn handoffs(&self) -> Vec<Value> {
        let mut handoffs: Vec<Value> = Vec::new();
        loop {
            let last = handoffs.last().map_or(i64::MAX, |last| last["number"].as_i64().unwrap_or_default());
            let page = self.world.json(&["handoff", "list", "--before", &last.to_string()]);
            match page.as_array().filter(|page| !page.is_empty()) {
                Some(page) => handoffs.extend(page.iter().cloned()),
                None => return handoffs,
            }
        }
    }

    /// A handoff.
    #[must_use]
    pub fn show(&self, number: u64) -> Value {
        self.world.json(&["handoff", "show", &number.to_string()])
    }

    /// What an account has in the end, in micro-STG: public outputs, and private ones of our own transactions.
    #[must_use]
    pub fn balance(&self, account: &str) -> i64 {
        let balance = self.world.json(&["balance", account]);
        let amount = |field: &str| balance[field]["final"]["amount"].as_i64().unwrap_or_default();
        balance["final"]["amount"].as_i64().unwrap_or_default() + amount("own_private")
    }
}

/// Waits until it is so; otherwise what is so is looked at again.
pub fn until<T>(mut look: impl FnMut() -> Result<T, Value>) -> T {
    let begin = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) => assert!(begin.elapsed() < PATIENCE, "it stays at {last:#}"),
        }
        sleep(Duration::from_millis(20));
    }
}

/// What a handoff is: the state of its transaction, why it is over, or open.
#[must_use]
pub fn status(handoff: &Value) -> &str {
    let last = handoff["transaction"]["history"].as_array().and_then(|history| history.last());
    let state = last.and_then(|step| step["state"]["name"].as_str());
    state.or(handoff["ended"].as_str()).unwrap_or("open")
}

/// The address of an account.
#[must_use]
pub fn address(account: &str) -> Address {
    Address::new(Network::Dev, key(account).1)
}

/// A request with another payment for the same inputs.
#[must_use]
pub fn pays_else(request: &str, to: &str, amount: i64, fee: i64) -> String {
    let mut request: Value = serde_json::from_str(request).unwrap_or_else(|error| panic!("{error}"));
    request["txouts"] = vec![pay(&address(to), amount)].into();
    request["fee"] = fee.into();
    request.to_string()
}
