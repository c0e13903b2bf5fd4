//! Whose inputs a request spends: every input is unlocked by the key that owns it, or the request is refused.

use super::draft::{Draft, DraftInput};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::keystore::{Keystore, Owner};
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;
use stegos_common::output::{OpenError, Output, PaymentOutput};
use stegos_common::payload::PayloadError;
use stegos_common::text::excerpt;
use stegos_common::transaction::{Spendable, UnlockError};

/// The keys of an owner, for the time of one request.
#[derive(Clone)]
pub(super) struct Key {
    /// The owning account; `None` where the request brought the key.
    pub account: Option<Arc<str>>,
    /// The secret half.
    pub secret: SecretKey,
    /// The public half.
    pub public: Encoded,
}

impl Key {
    fn of(owner: &Owner) -> Self {
        let account = Some(owner.account.clone());
        Self { account, secret: owner.secret_key(), public: owner.public_key }
    }
}

/// An input with the key that spends it.
pub(super) struct OwnedInput {
    /// What spending takes.
    pub spendable: Spendable,
    /// The owner's keys.
    pub owner: Key,
}

/// Finds the owner of every input of a request.
///
/// # Errors
/// The first [`Refusal`] met, naming the input.
pub(super) fn unlock_all(
    draft: &Draft,
    keystore: &Keystore,
    rules: &Rules,
) -> Result<Vec<OwnedInput>, Refusal> {
    if let Some(secret) = &draft.key {
        let owner = Key { account: None, public: secret.public_key().encoded(), secret: secret.clone() };
        return draft.inputs.iter().map(|input| unlock(input, owner.clone())).collect();
    }
    let mut search = Search { keystore, met: Vec::new(), budget: rules.search_limit };
    draft.inputs.iter().map(|input| unlock(input, search.owner(input)?)).collect()
}

fn unlock(input: &DraftInput, owner: Key) -> Result<OwnedInput, Refusal> {
    let id = input.unspent.id();
    let spendable = Spendable::unlock(&input.unspent, &owner.secret, &owner.public);
    let spendable = spendable.map_err(|error| match error {
        UnlockError::OtherOwner | UnlockError::Open(OpenError::Payload(PayloadError::OtherRecipient)) => {
            let detail = match &owner.account {
                Some(account) => format!("it does not belong to account {account:?}; correct `accounts`"),
                None => "it does not belong to the request's secret_key; give the owner's key".to_owned(),
            };
            Refusal::InputNotOwned { input: id, detail }
        }
        UnlockError::Open(reason) => Refusal::MismatchedInput { input: id, reason },
        UnlockError::Amount(amount) => Refusal::BadInputAmount { input: id, amount },
        UnlockError::Stake => Refusal::StakeInput(id),
    })?;
    Ok(OwnedInput { spendable, owner })
}

/// The search for owners in the key store, over all inputs of one request.
struct Search<'a> {
    keystore: &'a Keystore,
    /// Owners met so far: most often also those of the next inputs, and their keys are derived already.
    met: Vec<Key>,
    /// How many more keys may be tried on private inputs.
    budget: usize,
}

impl Search<'_> {
    fn owner(&mut self, input: &DraftInput) -> Result<Key, Refusal> {
        let (owner, detail) = match (&input.account, input.unspent.output()) {
            (Some(account), _) => (Some(self.named(input, account)?), String::new()),
            (None, Output::Payment(output)) => self.private(output),
            (None, output) => (
                self.public(&output.recipient()),
                "its recipient is none of this store's accounts; add or import the account".to_owned(),
            ),
        };
        let owner = owner.ok_or(Refusal::InputNotOwned { input: input.unspent.id(), detail })?;
        if !self.met.iter().any(|met| met.public == owner.public) {
            self.met.push(owner.clone());
        }
        Ok(owner)
    }

    fn named(&self, input: &DraftInput, account: &str) -> Result<Key, Refusal> {
        let owner = self.keystore.owner(account).ok_or_else(|| Refusal::UnknownAccount {
            input: input.unspent.id(),
            account: excerpt(account),
        })?;
        Ok(Key::of(&owner))
    }

    fn public(&self, recipient: &Encoded) -> Option<Key> {
        let met = self.met.iter().find(|key| key.public == *recipient);
        met.cloned().or_else(|| self.keystore.find(recipient).as_ref().map(Key::of))
    }

    /// The owner of a private output, and what to say where there is none.
    fn private(&mut self, output: &PaymentOutput) -> (Option<Key>, String) {
        let opens = |key: &Key| output.may_belong_to(&key.secret, &key.public);
        if let Some(key) = self.met.iter().find(|key| opens(key)) {
            return (Some(key.clone()), String::new());
        }
        // The store's first owner is the master key, which is the likeliest.
        let tried = AtomicUsize::new(0);
        let found = self.keystore.owners().take(self.budget).par_bridge().find_map_any(|owner| {
            tried.fetch_add(1, Relaxed);
            Some(Key::of(&owner)).filter(opens)
        });
        let tried = tried.into_inner();
        self.budget = self.budget.saturating_sub(tried);
        let detail = format!(
            "none of the {tried} keys tried opens it; name the owner in `accounts`, or add or import the account"
        );
        (found, detail)
    }
}
