//! Unspent outputs for tests to spend.

use rand_core::OsRng;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::PayloadData;

/// A public output of `micro` micro-STG.
#[must_use]
pub fn public(owner: &PublicKey, micro: i64) -> Unspent {
    Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(owner, amount(micro), &mut OsRng)))
}

/// A private output of `micro` micro-STG.
#[must_use]
pub fn private(owner: &PublicKey, micro: i64) -> Unspent {
    Unspent::new(Output::Payment(payment(owner, micro)))
}

/// A private output by itself, for tests that tamper with it.
#[must_use]
pub fn payment(owner: &PublicKey, micro: i64) -> PaymentOutput {
    let data = PayloadData::comment("a deposit").unwrap_or_else(|error| panic!("{error}"));
    match PaymentOutput::new(owner, amount(micro), data, None, &mut OsRng) {
        Ok((output, ..)) => output,
        Err(error) => panic!("{error}"),
    }
}

/// Reads a blob in hex.
#[must_use]
pub fn from_blob(blob: &str) -> Unspent {
    let bytes = hex::decode(blob).unwrap_or_else(|error| panic!("{error}: {blob}"));
    Unspent::from_bytes(&bytes).unwrap_or_else(|error| panic!("{error}: {blob}"))
}

/// The protobuf bytes in hex, as a node's `outputs_list` answers them.
#[must_use]
pub fn blob(unspent: &Unspent) -> String {
    hex::encode(unspent.output().to_bytes())
}

/// The key of a seed, and its public half.
#[must_use]
pub fn key(seed: &str) -> (SecretKey, PublicKey) {
    let key = SecretKey::from_seed(seed.as_bytes());
    let public = key.public_key();
    (key, public)
}

/// A stranger's address on a network: no key store of a test holds its key.
#[must_use]
pub fn stranger(network: Network) -> Address {
    Address::new(network, key("a stranger").1)
}

/// An amount in micro-STG.
#[must_use]
pub fn amount(micro: i64) -> Amount {
    Amount::from_micro(micro).unwrap_or_else(|error| panic!("{error}"))
}
