//! What everybody must have, from what is paid in the story; nobody is asked for it.

use super::error::Error;
use std::collections::BTreeMap;
use stegos_common::amount::Amount;
use stegos_common::transaction::MIN_FEE_PER_OUTPUT;

/// See the module.
#[derive(Default)]
pub(super) struct Books {
    accounts: BTreeMap<&'static str, Amount>,
    /// What the faucet gave.
    pub(super) given: Amount,
    /// What strangers got.
    pub(super) paid_out: Amount,
    /// What the network got.
    pub(super) fees: Amount,
}

impl Books {
    /// What an account must have.
    pub(super) fn of(&self, account: &str) -> Amount {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    /// The faucet pays an account.
    pub(super) fn deposit(&mut self, account: &'static str, amount: Amount) -> Result<(), Error> {
        add(&mut self.given, amount, "the faucet")?;
        add(self.account(account), amount, account)
    }

    /// An account's money goes to another one.
    pub(super) fn gather(
        &mut self,
        from: &'static str,
        to: &'static str,
        amount: Amount,
    ) -> Result<(), Error> {
        take(self.account(from), amount, from)?;
        add(self.account(to), amount, to)
    }

    /// An account pays a stranger.
    pub(super) fn pay(&mut self, from: &'static str, amount: Amount) -> Result<(), Error> {
        take(self.account(from), amount, from)?;
        add(&mut self.paid_out, amount, "a stranger")
    }

    /// An account pays the fee of a transaction with so many outputs.
    pub(super) fn fee(&mut self, from: &'static str, outputs: usize) -> Result<(), Error> {
        let fee = Amount::from_micro(MIN_FEE_PER_OUTPUT)?.checked_mul(outputs);
        let fee = fee.ok_or(Error::Overdrawn("the network"))?;
        take(self.account(from), fee, from)?;
        add(&mut self.fees, fee, "the network")
    }

    fn account(&mut self, name: &'static str) -> &mut Amount {
        self.accounts.entry(name).or_default()
    }
}

fn add(to: &mut Amount, amount: Amount, who: &'static str) -> Result<(), Error> {
    *to = to.checked_add(amount).ok_or(Error::Overdrawn(who))?;
    Ok(())
}

fn take(from: &mut Amount, amount: Amount, who: &'static str) -> Result<(), Error> {
    *from = from.checked_sub(amount).ok_or(Error::Overdrawn(who))?;
    Ok(())
}
