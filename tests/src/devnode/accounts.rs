//! Keys that everybody knows: accounts with money from the first block on, and the validator.

use stegos_common::address::{Address, Network};
use stegos_common::keys::{PublicKey, SecretKey};

/// Names of the accounts that own a public and a private output of the first block.
pub const FAUCETS: [&str; 3] = ["alice", "bob", "carol"];

/// A named key of a dev chain.
pub struct Account {
    /// Its name.
    pub name: &'static str,
    key: SecretKey,
}

impl Account {
    /// The account of a name on the chain of a seed.
    #[must_use]
    pub fn new(seed: &str, name: &'static str) -> Self {
        Self { name, key: SecretKey::from_seed(format!("{seed} {name}").as_bytes()) }
    }

    /// The account from which the faucet pays.
    #[must_use]
    pub fn reserve(seed: &str) -> Self {
        Self::new(seed, "reserve")
    }

    /// The account that gets block rewards and service awards, and owns the stake.
    #[must_use]
    pub fn validator(seed: &str) -> Self {
        Self::new(seed, "validator")
    }

    /// All accounts of a chain.
    pub fn all(seed: &str) -> impl Iterator<Item = Self> {
        FAUCETS.into_iter().chain(["reserve", "validator"]).map(|name| Self::new(seed, name))
    }

    /// The secret key.
    #[must_use]
    pub const fn secret_key(&self) -> &SecretKey {
        &self.key
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The address.
    #[must_use]
    pub fn address(&self, network: Network) -> Address {
        Address::new(network, self.public_key())
    }
}
