//! Sweeps: users' outputs, gathered.

use super::{LeftOut, PAGE, Plan, PlanError, Planner, fee};
use crate::handoff::record::{Output, Purpose};
use crate::handoff::select::SelectError;
use crate::ledger::handoffs::NewHandoff;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::group::Encoded;
use stegos_common::transaction::MAX_INPUTS;

/// No sweep makes more requests at once; the next one goes on.
const MAX_REQUESTS: usize = 1000;

/// Whose outputs are swept, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// These users' only.
    pub users: Option<Vec<String>>,
    /// To this address instead of the treasury's.
    pub to: Option<Address>,
    /// Smaller outputs stay where they are.
    pub min_amount: Amount,
}

impl Planner<'_> {
    /// Gathers outputs, the largest first, as many as fit in each transaction.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn sweep(&self, sweep: &Sweep) -> Result<Plan, PlanError> {
        let to = match sweep.to {
            Some(to) => to,
            None => self.treasury()?,
        };
        let to = to.require(self.ledger.network())?;
        let account = self.ledger.owner(&to.public_key().encoded())?;
        let mut left_out = LeftOut::default();
        let mut candidates = Vec::new();
        for (user, keys) in self.swept(sweep)? {
            if Some(&user) != account.as_ref() && user != self.terms.treasury {
                self.public(&user, &keys, &mut candidates, &mut left_out)?;
            }
        }
        candidates.retain(|candidate| {
            let enough = candidate.amount >= sweep.min_amount;
            if !enough {
                left_out.dust.add(candidate.amount);
            }
            enough
        });
        candidates.sort_by(|one, other| other.amount.cmp(&one.amount).then(one.id.cmp(&other.id)));
        let too_many = candidates.len().min(MAX_REQUESTS * MAX_INPUTS);
        candidates.drain(too_many..).for_each(|candidate| left_out.other.add(candidate.amount));
        let fee = fee(1).map_err(|reason| cannot(reason, left_out))?;
        let mut plan = Plan::default();
        for inputs in candidates.chunks(MAX_INPUTS) {
            let sum = Amount::checked_sum(inputs.iter().map(|input| input.amount));
            let sum = sum.ok_or_else(|| cannot(SelectError::TooMuch, left_out))?;
            let Some(amount) = sum.checked_sub(fee).filter(|amount| !amount.is_zero()) else {
                inputs.iter().for_each(|input| left_out.dust.add(input.amount));
                continue;
            };
            let output =
                Output { recipient: to, amount, account: account.clone(), private: None, withdrawal: None };
            let handoff = self.handoff(Purpose::Sweep, inputs.iter(), vec![output], fee);
            plan.new.push(NewHandoff { handoff, withdrawals: Vec::new() });
        }
        if plan.new.is_empty() {
            return Err(PlanError::NothingToSweep(left_out));
        }
        Ok(Plan { left_out, ..plan })
    }

    /// The users whose outputs are swept, and their keys.
    fn swept(&self, sweep: &Sweep) -> Result<Vec<(String, Vec<Encoded>)>, PlanError> {
        if let Some(users) = &sweep.users {
            let mut names = HashSet::new();
            let once = users.iter().filter(|user| names.insert(*user));
            return once.map(|user| Ok((user.clone(), self.ledger.user(user)?.keys))).collect();
        }
        // Whoever has nothing is not asked.
        let (mut swept, mut after) = (Vec::new(), None);
        loop {
            let balances = self.ledger.all_balances(after.as_ref(), PAGE)?;
            for (key, balance) in &balances {
                if balance.prepared.outputs > 0
                    && let Some(owner) = self.ledger.owner(key)?
                {
                    swept.push((owner, vec![*key]));
                }
            }
            match balances.last() {
                Some((last, _)) if balances.len() == PAGE => after = Some(*last),
                _ => return Ok(swept),
            }
        }
    }
}

const fn cannot(reason: SelectError, left_out: LeftOut) -> PlanError {
    PlanError::Select { transaction: 1, transactions: 1, reason, left_out }
}
