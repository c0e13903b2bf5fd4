//! What a policy judges: the facts of one request, as `inspect` shows them.

use std::collections::{BTreeMap, BTreeSet};
use stegos_common::amount::Amount;
use stegos_common::group::Encoded;

/// The facts of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How many outputs it spends.
    pub inputs: usize,
    /// Whether the key that spends them is one of this store.
    pub own_inputs: bool,
    /// What it makes.
    pub payments: Vec<Payment>,
    /// What the network gets.
    pub fee: Amount,
    /// Whether it brings the key that spends.
    pub request_key: bool,
    /// A field that neither a node nor this signer knows.
    pub unknown_field: Option<String>,
    /// When it is judged, in milliseconds since 1970 UTC, by the journal's clock.
    pub time: u64,
}

/// An output that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Who gets it.
    pub recipient: Encoded,
    /// The account of this store that gets it; without one it goes to a stranger.
    pub account: Option<String>,
    /// How much.
    pub amount: Amount,
    /// Whether the chain hides it.
    pub private: bool,
    /// Whether it will be provable.
    pub with_certificate: bool,
}

impl Facts {
    /// What goes to strangers.
    pub(super) fn to_strangers(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter().filter(|payment| payment.account.is_none())
    }

    /// What leaves the store's accounts: what strangers get, and the fee. Where a request spends what is not theirs,
    /// nothing does.
    #[must_use]
    pub fn outward(&self) -> Amount {
        if !self.own_inputs {
            return Amount::ZERO;
        }
        let amounts = self.to_strangers().map(|payment| payment.amount).chain([self.fee]);
        Amount::checked_sum(amounts).unwrap_or(Amount::MAX)
    }

    /// What each stranger gets.
    pub(super) fn by_stranger(&self) -> BTreeMap<Encoded, Amount> {
        let mut sums: BTreeMap<Encoded, Amount> = BTreeMap::new();
        for payment in self.to_strangers() {
            let sum = sums.entry(payment.recipient).or_default();
            *sum = sum.checked_add(payment.amount).unwrap_or(Amount::MAX);
        }
        sums
    }

    /// The accounts of this store that get something.
    pub(super) fn own_recipients(&self) -> BTreeSet<&str> {
        self.payments.iter().filter_map(|payment| payment.account.as_deref()).collect()
    }
}
