//! Unspent outputs for tests to spend.

use rand_core::OsRng;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput};
use stegos_common::payload::PayloadData;

/// An output and its id.
#[derive(Clone)]
pub struct Unspent {
    /// The id.
    pub id: Hash,
    /// The output itself.
    pub output: Output,
}

impl Unspent {
    /// Takes an output.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self { id: output.id(), output }
    }

    /// Reads a blob in hex.
    #[must_use]
    pub fn from_blob(blob: &str) -> Self {
        let bytes = hex::decode(blob).unwrap_or_else(|error| panic!("{error}: {blob}"));
        Self::new(Output::from_bytes(&bytes).unwrap_or_else(|error| panic!("{error}: {blob}")))
    }

    /// A public output of `micro` micro-STG.
    #[must_use]
    pub fn public(owner: &PublicKey, micro: i64) -> Self {
        Self::new(Output::PublicPayment(PublicPaymentOutput::new(owner, amount(micro), &mut OsRng)))
    }

    /// A private output of `micro` micro-STG.
    #[must_use]
    pub fn private(owner: &PublicKey, micro: i64) -> Self {
        Self::new(Output::Payment(private(owner, micro)))
    }

    /// The protobuf bytes in hex.
    #[must_use]
    pub fn blob(&self) -> String {
        hex::encode(self.output.to_bytes())
    }
}

impl From<Unspent> for stegos_common::output::Unspent {
    fn from(unspent: Unspent) -> Self {
        Self::new(unspent.output)
    }
}

/// A private output by itself, for tests that tamper with it.
#[must_use]
pub fn private(owner: &PublicKey, micro: i64) -> PaymentOutput {
    let data = PayloadData::comment("a deposit").unwrap_or_else(|error| panic!("{error}"));
    match PaymentOutput::new(owner, amount(micro), data, None, &mut OsRng) {
        Ok((output, ..)) => output,
        Err(error) => panic!("{error}"),
    }
}

/// The key of a seed.
#[must_use]
pub fn key(seed: &str) -> (SecretKey, PublicKey) {
    let key = SecretKey::from_seed(seed.as_bytes());
    let public = key.public_key();
    (key, public)
}

/// A stranger's address on a network: no key store of a test holds its key.
#[must_use]
pub fn stranger(network: stegos_common::address::Network) -> Address {
    Address::new(network, key("a stranger").1)
}

/// An amount in micro-STG.
#[must_use]
pub fn amount(micro: i64) -> Amount {
    Amount::from_micro(micro).unwrap_or_else(|error| panic!("{error}"))
}
