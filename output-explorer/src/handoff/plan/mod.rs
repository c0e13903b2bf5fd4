//! What a handoff spends and makes: sweeps of users' outputs, and withdrawals from the treasury.
//!
//! Planning only reads. Whether what is planned is still free is decided when it is stored
//! ([`Ledger::add_handoffs`]).

mod candidates;
mod error;
mod left_out;
mod sweep;
mod withdraw;

pub use error::PlanError;
pub use left_out::{Left, LeftOut};
pub use sweep::Sweep;
pub use withdraw::Withdrawal;

use super::record::{Handoff, Input, Output, Purpose};
use super::select::SelectError;
use crate::clock::later;
use crate::ledger::handoffs::NewHandoff;
use crate::ledger::{Ledger, LedgerError, UserError};
use candidates::Candidate;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::keys::PublicKey;
use stegos_common::transaction::MIN_FEE_PER_OUTPUT;

/// So many rows are read at a time.
const PAGE: usize = 10_000;

/// What every handoff needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The exchange's own account: what is swept goes there, withdrawals are paid from it, change comes back to it.
    pub treasury: String,
    /// Whether change is private.
    pub private_change: bool,
    /// Whether outputs are spent that may still be taken back.
    pub spend_prepared: bool,
    /// Whether outputs are spent that an earlier handoff gave up. The signer refuses those that it signed away then.
    pub spend_released: bool,
    /// For how many seconds the inputs are reserved.
    pub seconds: u64,
}

/// Handoffs that can be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// New ones.
    pub new: Vec<NewHandoff>,
    /// Those that pay withdrawals which were handed off before.
    pub known: Vec<u64>,
    /// What could not be used.
    pub left_out: LeftOut,
}

/// Plans for one moment.
pub struct Planner<'a> {
    ledger: &'a Ledger,
    terms: &'a Terms,
    now: Timestamp,
    /// The epoch that is not over.
    epoch: u64,
}

/// The fee of so many outputs.
fn fee(outputs: usize) -> Result<Amount, SelectError> {
    let one = Amount::from_micro(MIN_FEE_PER_OUTPUT).map_err(|_| SelectError::TooMuch)?;
    one.checked_mul(outputs).ok_or(SelectError::TooMuch)
}

impl<'a> Planner<'a> {
    /// For a ledger as it is now.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn new(ledger: &'a Ledger, terms: &'a Terms, now: Timestamp) -> Result<Self, LedgerError> {
        Ok(Self { ledger, terms, now, epoch: ledger.end()?.epoch })
    }

    fn handoff<'c>(
        &self,
        purpose: Purpose,
        inputs: impl Iterator<Item = &'c Candidate>,
        outputs: Vec<Output>,
        fee: Amount,
    ) -> Handoff {
        let inputs = inputs.map(|candidate| Input {
            id: candidate.id,
            amount: candidate.amount,
            account: candidate.account.clone(),
            private: candidate.private,
        });
        let expires = later(self.now, Duration::from_secs(self.terms.seconds));
        let (created, inputs) = (self.now, inputs.collect());
        Handoff {
            number: 0,
            purpose,
            created,
            expires,
            inputs,
            outputs,
            fee,
            journal: None,
            ended: None,
            transaction: None,
        }
    }

    /// The treasury's current address.
    fn treasury(&self) -> Result<Address, PlanError> {
        let none = || PlanError::NoTreasury(self.terms.treasury.clone());
        let user = match self.ledger.user(&self.terms.treasury) {
            Err(UserError::Unknown(_)) => return Err(none()),
            user => user?,
        };
        let key = user.keys.first().ok_or_else(none)?;
        let key = PublicKey::from_bytes(key.as_bytes()).map_err(|_| none())?;
        Ok(Address::new(self.ledger.network(), key))
    }
}
