//! Withdrawals: payments from the treasury.

use super::{Plan, PlanError, Planner, fee};
use crate::handoff::record::{Ended, Output, Private, Purpose};
use crate::handoff::select::{Choice, SelectError, select};
use crate::ledger::handoffs::{NewHandoff, WithdrawalRecord};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;
use stegos_common::payload::Comment;
use stegos_common::text::excerpt;
use stegos_common::transaction::MAX_OUTPUTS;

/// A payment that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// By which the caller knows it: the same id is never paid twice.
    #[serde(default)]
    pub id: Option<String>,
    /// The recipient.
    pub to: Address,
    /// How much, in micro-STG.
    pub amount: Amount,
    /// Whether recipient and amount are hidden on the chain.
    #[serde(default)]
    pub private: bool,
    /// What the recipient of a private payment is told.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether a private payment is to be provable.
    #[serde(default)]
    pub with_certificate: bool,
}

impl Planner<'_> {
    /// Pays from the treasury, in as many transactions as are needed.
    ///
    /// # Errors
    /// [`PlanError`]; nothing is planned then.
    pub fn withdraw(&self, withdrawals: &[Withdrawal]) -> Result<Plan, PlanError> {
        let change_to = self.treasury()?;
        let mut plan = Plan::default();
        let wanted = self.unknown(withdrawals, &mut plan.known)?;
        if wanted.is_empty() {
            return Ok(plan);
        }
        let mut candidates = Vec::new();
        let keys = self.ledger.user(&self.terms.treasury)?.keys;
        self.public(&self.terms.treasury, &keys, &mut candidates, &mut plan.left_out)?;
        self.private(&mut candidates, &mut plan.left_out)?;
        // One place is kept for change.
        let groups: Vec<&[(&Withdrawal, Output)]> = wanted.chunks(MAX_OUTPUTS - 1).collect();
        for (group, transaction) in groups.iter().zip(1..) {
            let left_out = plan.left_out;
            let cannot =
                |reason| PlanError::Select { transaction, transactions: groups.len(), reason, left_out };
            let least_fee = fee(group.len()).map_err(cannot)?;
            let paid = Amount::checked_sum(group.iter().map(|(_, output)| output.amount));
            let needed = paid.and_then(|paid| paid.checked_add(least_fee));
            let needed = needed.ok_or(SelectError::TooMuch).map_err(cannot)?;
            let amounts: Vec<Amount> = candidates.iter().map(|candidate| candidate.amount).collect();
            let change_fee = fee(1).map_err(cannot)?;
            let Choice { inputs, change, excess } = select(&amounts, needed, change_fee).map_err(cannot)?;
            let extra = if change.is_some() { change_fee } else { excess };
            let fee = least_fee.checked_add(extra).ok_or(SelectError::TooMuch).map_err(cannot)?;
            let mut outputs: Vec<Output> = group.iter().map(|(_, output)| output.clone()).collect();
            outputs.extend(change.map(|amount| {
                Output {
                    recipient: change_to,
                    amount,
                    account: Some(self.terms.treasury.clone()),
                    private: self
                        .terms
                        .private_change
                        .then(|| Private { comment: String::new(), with_certificate: true }),
                    withdrawal: None,
                }
            }));
            let chosen = inputs.iter().filter_map(|place| candidates.get(*place));
            let handoff = self.handoff(Purpose::Withdrawal, chosen, outputs, fee);
            let ids =
                group.iter().filter_map(|(withdrawal, _)| Some((withdrawal.id.clone()?, body(withdrawal))));
            plan.new.push(NewHandoff { handoff, withdrawals: ids.collect() });
            let taken: HashSet<usize> = inputs.into_iter().collect();
            let mut place = 0..;
            candidates.retain(|_| place.next().is_some_and(|place| !taken.contains(&place)));
        }
        Ok(plan)
    }

    /// Checks withdrawals, and leaves out those that were handed off before. Answers the others with their outputs.
    fn unknown<'w>(
        &self,
        all: &'w [Withdrawal],
        known: &mut Vec<u64>,
    ) -> Result<Vec<(&'w Withdrawal, Output)>, PlanError> {
        let mut ids = HashSet::new();
        let mut wanted = Vec::new();
        for withdrawal in all {
            let output = self.paid(withdrawal)?;
            let Some(id) = &withdrawal.id else {
                wanted.push((withdrawal, output));
                continue;
            };
            if !ids.insert(id) {
                return Err(PlanError::Twice(id.clone()));
            }
            let Some(WithdrawalRecord { body: before, number }) = self.ledger.withdrawal(id)? else {
                wanted.push((withdrawal, output));
                continue;
            };
            let id = id.clone();
            if before != body(withdrawal) {
                return Err(PlanError::OtherBody { id, number });
            }
            let handoff = self.ledger.handoff(number)?;
            let is_cancelled = handoff.transaction.is_none() && handoff.ended == Some(Ended::Cancelled);
            if is_cancelled || handoff.transaction.as_ref().is_some_and(|it| it.state().is_failure()) {
                return Err(PlanError::Over { id, number, status: handoff.status() });
            }
            known.push(number);
        }
        known.sort_unstable();
        known.dedup();
        Ok(wanted)
    }

    /// The output of a withdrawal that can be asked for.
    fn paid(&self, withdrawal: &Withdrawal) -> Result<Output, PlanError> {
        let Withdrawal { id, to, amount, private, comment, with_certificate } = withdrawal;
        let is_bad = |id: &&String| {
            id.is_empty() || id.len() > 128 || !id.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        if let Some(id) = id.as_ref().filter(is_bad) {
            return Err(PlanError::Id(excerpt(id)));
        }
        let name = || id.as_ref().map_or_else(|| format!("to {to}"), |id| format!("{id:?}"));
        let to = to.require(self.ledger.network())?;
        if amount.is_zero() {
            return Err(PlanError::NoAmount(name()));
        }
        if !private && (comment.is_some() || *with_certificate) {
            return Err(PlanError::NotPrivate(name()));
        }
        let comment = comment.clone().unwrap_or_default();
        Comment::new(&comment).map_err(|error| PlanError::Comment(name(), error))?;
        let private = private.then_some(Private { comment, with_certificate: *with_certificate });
        let account = self.ledger.owner(&to.public_key().encoded())?;
        Ok(Output { recipient: to, amount: *amount, account, private, withdrawal: id.clone() })
    }
}

/// The digest of what was asked for: everything but the id.
fn body(withdrawal: &Withdrawal) -> Hash {
    let json = serde_json::to_string(&Withdrawal { id: None, ..withdrawal.clone() });
    Hash::digest(json.expect("withdrawals are plain data").as_str())
}
