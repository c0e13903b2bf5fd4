//! What may be known about an account outside of the store, as lists, JSON and exports show it.

use crate::keystore::{Account, Keystore, MASTER, Owner};
use serde::{Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU32;
use stegos_common::address::{EncodedAddress, Network};

/// Where an account's key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    /// It is the master key.
    Master,
    /// Derived from the master key: the recovery words cover it.
    Derived,
    /// Imported: they do not.
    Imported,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Master => "master",
            Self::Derived => "derived",
            Self::Imported => "imported",
        })
    }
}

/// The public facts of a generation of an account. New fields go to the end: exports of before lack them.
#[derive(Serialize)]
pub(super) struct PublicFacts<'a> {
    /// The name, `master` for the master key.
    pub(super) account: &'a str,
    /// The bech32 address of the public key on the store's network.
    pub(super) address: String,
    /// 64 hex digits, the bytes in the order in which outputs hold them.
    pub(super) public_key: String,
    #[serde(serialize_with = "network_name")]
    /// The store's network.
    pub(super) network: Network,
    /// Whether the recovery words cover the key.
    pub(super) origin: Origin,
    /// Whether the account was removed.
    pub(super) archived: bool,
    /// Which of the account's keys this is, counted from 1.
    pub(super) generation: NonZeroU32,
    /// Whether it is the account's newest, whose address is handed out.
    pub(super) current: bool,
}

impl<'a> PublicFacts<'a> {
    /// Those of the master key.
    pub(super) fn of_master(keystore: &Keystore) -> Self {
        Self::new(MASTER, keystore, &keystore.master(), Origin::Master)
    }

    /// Those of a generation of an account.
    pub(super) fn of(keystore: &Keystore, account: &'a Account) -> Self {
        let origin = if account.is_imported() { Origin::Imported } else { Origin::Derived };
        let (archived, generation) = (account.is_archived(), account.generation());
        let newest = keystore.account(account.name());
        let current = newest.is_none_or(|newest| newest.generation() == generation);
        let facts = Self::new(account.name(), keystore, &keystore.owner_of(account), origin);
        Self { archived, generation, current, ..facts }
    }

    /// The master key, then all generations of the accounts, the oldest first.
    pub(super) fn all(keystore: &'a Keystore, archived: bool) -> impl Iterator<Item = Self> {
        let accounts = keystore.accounts().filter(move |account| archived || !account.is_archived());
        std::iter::once(Self::of_master(keystore)).chain(accounts.map(|account| Self::of(keystore, account)))
    }

    fn new(account: &'a str, keystore: &Keystore, owner: &Owner, origin: Origin) -> Self {
        let network = keystore.network();
        Self {
            account,
            address: EncodedAddress { network, key: owner.public_key }.to_string(),
            public_key: hex::encode(owner.public_key.as_bytes()),
            network,
            origin,
            archived: false,
            generation: NonZeroU32::MIN,
            current: true,
        }
    }
}

/// The network as nodes name it.
fn network_name<S: Serializer>(network: &Network, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(network.name())
}
