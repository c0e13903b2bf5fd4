//! Whose inputs a request spends: every input is unlocked by the key that owns it, or the request is refused.

use super::draft::{Draft, DraftInput};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::keystore::{Keystore, Owner};
use crate::stack;
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
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
    draft.inputs.iter().map(|input| search.unlock(input)).collect()
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
    fn unlock(&mut self, input: &DraftInput) -> Result<OwnedInput, Refusal> {
        let id = input.unspent.id();
        let owned = match (&input.account, input.unspent.output()) {
            (Some(account), _) => self.named(input, account)?,
            (None, Output::Payment(output)) => self.private(input, output)?,
            (None, output) => unlock(
                input,
                self.public(&output.recipient()).ok_or_else(|| {
                    let detail =
                        "its recipient is no account in use here; add, import or restore the account";
                    Refusal::InputNotOwned { input: id, detail: detail.to_owned() }
                })?,
            )?,
        };
        if !self.met.iter().any(|met| met.public == owned.owner.public) {
            self.met.push(owned.owner.clone());
        }
        Ok(owned)
    }

    /// Unlocks an output of a named account, with whichever of its keys that takes. As in a search, one that opens but
    /// lies about itself is refused only if no other key opens it.
    fn named(&self, input: &DraftInput, account: &str) -> Result<OwnedInput, Refusal> {
        let mut refused = None;
        for owner in self.keystore.generations(account) {
            match (unlock(input, Key::of(&owner)), &refused) {
                (Ok(owned), _) => return Ok(owned),
                (Err(Refusal::InputNotOwned { .. }), Some(_)) => {}
                (Err(refusal), _) => refused = Some(refusal),
            }
        }
        let unknown = || Refusal::UnknownAccount { input: input.unspent.id(), account: excerpt(account) };
        Err(refused.unwrap_or_else(unknown))
    }

    fn public(&self, recipient: &Encoded) -> Option<Key> {
        let met = self.met.iter().find(|key| key.public == *recipient);
        met.cloned().or_else(|| self.keystore.find(recipient).as_ref().map(Key::of))
    }

    /// Unlocks a private output; one that opens but lies about itself is refused only if no other key opens it,
    /// since its first bytes may look like another owner's by chance.
    fn private(&mut self, input: &DraftInput, output: &PaymentOutput) -> Result<OwnedInput, Refusal> {
        let lie = Mutex::new(None);
        let open = |key: &Key| {
            if !output.may_belong_to(&key.secret, &key.public) {
                return None;
            }
            match unlock(input, key.clone()) {
                Ok(owned) => Some(owned),
                Err(refusal) => {
                    *lie.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                    None
                }
            }
        };
        // The master key is the likeliest owner, and is tried whatever was tried before.
        let master = Key::of(&self.keystore.master());
        if let Some(owned) = self.met.iter().chain([&master]).find_map(open) {
            return Ok(owned);
        }
        let (tried, budget) = (AtomicUsize::new(0), self.budget);
        let found = self.keystore.owners().skip(1).take(budget).par_bridge().find_map_any(|owner| {
            tried.fetch_add(1, Relaxed);
            open(&Key::of(&owner))
        });
        // They have seen keys.
        stack::wipe_workers();
        let tried = tried.into_inner();
        self.budget = budget.saturating_sub(tried);
        if let Some(owned) = found {
            return Ok(owned);
        }
        if let Some(refusal) = lie.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(refusal);
        }
        let limit = if tried == budget { " (search_limit is reached)" } else { "" };
        let detail = format!(
            "neither the master key nor the {tried} others tried open it{limit}; name the owner in `accounts`, or \
             add, import or restore the account"
        );
        Err(Refusal::InputNotOwned { input: input.unspent.id(), detail })
    }
}
