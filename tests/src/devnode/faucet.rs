//! Money for whoever asks: real payments out of the reserve of the first block.

use super::accounts::Account;
use super::chain::Rejection;
use super::node::Node;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::transaction::{
    BuildError, MAX_OUTPUTS, MIN_FEE_PER_OUTPUT, NewOutput, Spendable, UnlockError, build,
};
use stegos_common::wire::DecodeError;
use thiserror::Error;

/// Why the faucet does not pay.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaucetError {
    /// Every output of the reserve waits in the mempool.
    #[error("the faucet has spent all it has until the next block; mine one and ask again")]
    Dry,
    /// More than an output of the reserve.
    #[error("the faucet has no output as large as {0} left; ask for less at once")]
    TooMuch(Amount),
    /// No output can be like this.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An output of the reserve cannot be read. Never happens.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An output of the reserve is not the faucet's. Never happens.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The chain refuses the payment. Never happens.
    #[error(transparent)]
    Rejection(#[from] Rejection),
}

impl Node {
    /// Pays these outputs, in as many transactions as it takes, and answers the ids of the outputs in their order.
    /// They are in the next block.
    ///
    /// # Errors
    /// [`FaucetError`], see its variants. Transactions before the one that failed are in the mempool.
    pub fn pay(&mut self, outputs: &[NewOutput]) -> Result<Vec<Hash>, FaucetError> {
        let mut ids = Vec::with_capacity(outputs.len());
        // One place is for the change.
        for outputs in outputs.chunks(MAX_OUTPUTS - 1) {
            ids.extend(self.pay_at_once(outputs)?);
        }
        Ok(ids)
    }

    fn pay_at_once(&mut self, outputs: &[NewOutput]) -> Result<Vec<Hash>, FaucetError> {
        let reserve = Account::reserve(&self.chain.params().seed);
        let fee = Amount::from_micro(MIN_FEE_PER_OUTPUT).unwrap_or_default().checked_mul(outputs.len() + 1);
        let fee = fee.ok_or(BuildError::Overflow("outputs"))?;
        let costs = outputs.iter().map(NewOutput::amount).chain([fee]);
        let total = Amount::checked_sum(costs).ok_or(BuildError::Overflow("outputs"))?;
        let (input, change) = self.reserve_output(&reserve, total)?;
        let mut outputs = outputs.to_vec();
        outputs.push(NewOutput::Public { recipient: reserve.public_key(), amount: change });
        let built = build(&[&input], &outputs, fee, reserve.secret_key(), &mut self.rng)?;
        let mut ids: Vec<Hash> = built.transaction.txouts.iter().map(Output::id).collect();
        ids.pop();
        self.chain.admit(built.transaction)?;
        (self.log)(&format!("the faucet pays {} outputs in {}", ids.len(), built.id.short()));
        Ok(ids)
    }

    /// An output of the reserve that is larger than `total`, and by how much.
    fn reserve_output(&self, reserve: &Account, total: Amount) -> Result<(Spendable, Amount), FaucetError> {
        let mut error = FaucetError::Dry;
        for entry in self.chain.reserve().filter_map(|id| self.chain.unspent(id)) {
            let input = Spendable::unlock(&entry.unspent()?, reserve.secret_key(), &reserve.public_key())?;
            match input.amount().checked_sub(total).filter(|change| !change.is_zero()) {
                Some(change) => return Ok((input, change)),
                None => error = FaucetError::TooMuch(total),
            }
        }
        Err(error)
    }
}
