//! The fixed accounts of the suite, and outputs of theirs. Everything follows from labels, so that it is the same each
//! time, in whatever order it is made.

use custody_tests::money::amount;
use custody_tests::request;
use custody_tests::store::Store;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use stegos_common::address::{Address, Network};
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::recovery::to_phrase;

/// The network of a vector that does not say another.
pub(crate) const NETWORK: Network = Network::Dev;

/// Accounts with keys of their own, that were imported.
const IMPORTED: [&str; 4] = ["alice", "bob", "hot", "former"];

/// What each is, in the order of `accounts.json`.
const ACCOUNTS: [(&str, &str); 10] = [
    ("master", "the master key of the store"),
    ("alice", "an account of the store"),
    ("bob", "an account of the store"),
    ("hot", "an account of the store"),
    ("carol", "an account of the store, whose key is derived from the master key"),
    ("former", "an account that was in the store and is archived"),
    ("guest", "no account of the store; requests bring its key"),
    ("merchant", "no account of the store; gets paid"),
    ("recorded-alice", "no account of the store; of the recorded traffic"),
    ("recorded-bob", "no account of the store; of the recorded traffic"),
];

/// The secret key of an account.
pub(crate) fn key(account: &str) -> SecretKey {
    match account {
        "carol" => key("master").account_key("carol"),
        "recorded-alice" => SecretKey::from_seed(b"alice"),
        "recorded-bob" => SecretKey::from_seed(b"bob"),
        _ => SecretKey::from_seed(format!("request vectors: {account}").as_bytes()),
    }
}

/// The address of an account.
pub(crate) fn address(account: &str, network: Network) -> Address {
    Address::new(network, key(account).public_key())
}

/// The key whose address this is, if it is one of the accounts'.
pub(crate) fn key_of(recipient: &Address) -> Option<SecretKey> {
    ACCOUNTS.iter().map(|(account, _)| key(account)).find(|key| key.public_key() == *recipient.public_key())
}

/// What `accounts.json` holds.
pub(crate) fn accounts() -> Value {
    let account = |(name, about): &(&str, &str)| {
        let mut account = json!({
            "account": name,
            "about": about,
            "secret_key": hex::encode(key(name).to_bytes()),
            "dev": address(name, Network::Dev),
            "testnet": address(name, Network::Testnet),
        });
        if *name == "master" {
            account["words"] = json!(*to_phrase(&key(name)));
        }
        account
    };
    ACCOUNTS.iter().map(account).collect()
}

/// A key store with the accounts.
pub(crate) fn store(network: Network) -> Store {
    let store = Store::restored(network, &to_phrase(&key("master")));
    for account in IMPORTED {
        store.import(account, &key(account));
    }
    store.add(&["carol"]);
    store.ok(&["key", "remove", "former"]);
    for (account, listed) in store.addresses() {
        assert_eq!(listed, address(&account, network), "{account}");
    }
    store
}

fn random(label: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(*Hash::digest(label).as_bytes())
}

/// A public output of an account.
pub(crate) fn public(label: &str, owner: &str, micro: i64) -> Unspent {
    let mut random = random(&format!("{label}: public of {owner}"));
    Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(
        &key(owner).public_key(),
        amount(micro),
        &mut random,
    )))
}

/// A private output of an account.
pub(crate) fn private(label: &str, owner: &str, micro: i64) -> Unspent {
    Unspent::new(Output::Payment(payment(label, owner, micro)))
}

/// A private output by itself, to be tampered with.
pub(crate) fn payment(label: &str, owner: &str, micro: i64) -> PaymentOutput {
    let mut random = random(&format!("{label}: private of {owner}"));
    let data = PayloadData::comment("a deposit").unwrap();
    PaymentOutput::new(&key(owner).public_key(), amount(micro), data, None, &mut random).unwrap().0
}

/// A request that spends outputs, as the integration guide documents it.
pub(crate) fn spend(inputs: &[&Unspent], txouts: &[Value], fee: i64) -> Value {
    request::spend(inputs.iter().copied(), txouts, fee)
}

/// An output that pays an account in public.
pub(crate) fn pay(account: &str, micro: i64) -> Value {
    request::pay(&address(account, NETWORK), micro)
}

/// One that pays in private.
pub(crate) fn hide(account: &str, micro: i64, comment: &str) -> Value {
    request::pay_privately(&address(account, NETWORK), micro, comment)
}

/// A request with nothing wrong about it: 5 STG of alice's, 4 to the merchant, the change back.
pub(crate) fn good(label: &str) -> Value {
    let input = public(label, "alice", 5_000_000);
    spend(&[&input], &[pay("merchant", 4_000_000), pay("alice", 998_000)], 2000)
}

/// The same in private: 5 STG of hot's.
pub(crate) fn good_private(label: &str) -> Value {
    let input = private(label, "hot", 5_000_000);
    spend(&[&input], &[hide("merchant", 4_000_000, "invoice 12"), hide("hot", 998_000, "")], 2000)
}
