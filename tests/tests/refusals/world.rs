//! The accounts and outputs that the refused requests are about.

use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, pay_privately, set, spend, unset};
use custody_tests::store::Store;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stegos_common::address::{Address, Network};
use stegos_common::keys::SecretKey;
use stegos_common::output::Unspent;

/// The test network, as in the recorded addresses.
pub(crate) const NETWORK: Network = Network::Testnet;

/// A key store and outputs of its accounts.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) addresses: BTreeMap<String, Address>,
    /// 5 STG of `alice`, public.
    pub(crate) public: Unspent,
    /// 3 STG of `hot`, private.
    pub(crate) private: Unspent,
    /// 1 STG of `alice`, signed away already.
    pub(crate) spent: Unspent,
    /// A key that no account has.
    pub(crate) guest: SecretKey,
}

impl World {
    pub(crate) fn new() -> Self {
        let store = Store::new(NETWORK);
        store.add(&["alice", "bob", "former"]);
        store.import("hot", &key("hot wallet").0);
        store.ok(&["key", "remove", "former"]);
        let addresses = store.addresses();
        let owner = |account: &str| addresses[account].public_key();
        let public = money::public(owner("alice"), 5_000_000);
        let private = money::private(owner("hot"), 3_000_000);
        let spent = money::public(owner("alice"), 1_000_000);
        let request = spend([&spent], &[pay(&stranger(NETWORK), 999_000)], 1000);
        assert!(store.sign(&request.to_string(), &[]).status.success());
        Self { public, private, spent, addresses, store, guest: key("a guest").0 }
    }

    pub(crate) fn stranger(&self) -> Address {
        stranger(NETWORK)
    }

    /// A request that is signed as it is.
    pub(crate) fn good(&self) -> Value {
        self.spend([&self.public, &self.private])
    }

    /// The same with inputs that nothing else here spends.
    pub(crate) fn fresh(&self) -> Value {
        let owner = |account: &str| self.addresses[account].public_key();
        self.spend([&money::public(owner("alice"), 5_000_000), &money::private(owner("hot"), 3_000_000)])
    }

    /// The same with other inputs of 8 STG.
    pub(crate) fn spend<'a>(&self, inputs: impl IntoIterator<Item = &'a Unspent>) -> Value {
        let change = pay_privately(&self.addresses["bob"], 3_998_000, "change");
        spend(inputs, &[pay(&self.stranger(), 4_000_000), change], 2000)
    }

    /// The good request with one value replaced; `path` is a JSON pointer.
    pub(crate) fn with(&self, path: &str, value: impl Into<Value>) -> Value {
        set(self.good(), path, value)
    }

    /// The good request without one value.
    pub(crate) fn without(&self, path: &str) -> Value {
        unset(self.good(), path)
    }

    /// The good request with one more element in a list.
    pub(crate) fn push(&self, path: &str, value: impl Into<Value>) -> Value {
        self.with(&format!("{path}/-"), value)
    }

    /// The good request with a hint about the owner of an input.
    pub(crate) fn hint(&self, input: &str, account: &str) -> Value {
        self.with("/accounts", json!({ input: account }))
    }
}

/// A request that must be refused.
pub(crate) struct Row {
    /// What is wrong with it.
    pub(crate) name: String,
    /// The text sent.
    pub(crate) request: String,
    /// The code that must come back; over a socket, `bad_id` and what is no object close the connection.
    pub(crate) code: &'static str,
    /// The offending value, which the error's text must name.
    pub(crate) says: String,
}

/// A row of the table.
pub(crate) fn row(
    name: impl Into<String>,
    request: impl ToString,
    code: &'static str,
    says: impl ToString,
) -> Row {
    Row { name: name.into(), request: request.to_string(), code, says: says.to_string() }
}
