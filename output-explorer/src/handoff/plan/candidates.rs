//! Which outputs may be spent.

use super::{LeftOut, PAGE, Planner};
use crate::ledger::LedgerError;
use crate::ledger::query::{Cut, Filter};
use crate::ledger::record::{Kind, OutputRecord};
use stegos_common::amount::Amount;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// An output that may be spent.
pub(super) struct Candidate {
    pub(super) id: Hash,
    pub(super) amount: Amount,
    pub(super) account: String,
    pub(super) private: bool,
}

impl Planner<'_> {
    /// The public outputs of an account that may be spent.
    pub(super) fn public(
        &self,
        account: &str,
        keys: &[Encoded],
        candidates: &mut Vec<Candidate>,
        left_out: &mut LeftOut,
    ) -> Result<(), LedgerError> {
        let mut after = None;
        loop {
            let page = self.ledger.outputs(
                keys,
                Filter::Unspent.into(),
                Cut { after, descending: false, limit: PAGE },
            )?;
            for found in page.rows {
                if let Kind::Public { amount, blob, .. } = &found.output.kind {
                    if blob.is_none() {
                        left_out.other.add(*amount);
                    } else if self.is_free(&found.id, *amount, &found.output, left_out)? {
                        let account = account.to_owned();
                        candidates.push(Candidate { id: found.id, amount: *amount, account, private: false });
                    }
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// The private outputs of the treasury that may be spent.
    pub(super) fn private(
        &self,
        candidates: &mut Vec<Candidate>,
        left_out: &mut LeftOut,
    ) -> Result<(), LedgerError> {
        let account = &self.terms.treasury;
        for (id, own) in self.ledger.own_outputs(account)? {
            let output = self.ledger.output(&id)?.filter(|output| output.spent.is_none());
            if let Some(output) = output
                && self.is_free(&id, own.amount, &output, left_out)?
            {
                candidates.push(Candidate {
                    id,
                    amount: own.amount,
                    account: account.clone(),
                    private: true,
                });
            }
        }
        Ok(())
    }

    fn is_free(
        &self,
        id: &Hash,
        amount: Amount,
        output: &OutputRecord,
        left_out: &mut LeftOut,
    ) -> Result<bool, LedgerError> {
        if self.ledger.reserved_for(id)?.is_some() {
            left_out.reserved.add(amount);
            return Ok(false);
        }
        if !self.terms.spend_released && self.ledger.released_from(id)?.is_some() {
            left_out.released.add(amount);
            return Ok(false);
        }
        let is_final = output.created.place.position.epoch < self.epoch;
        if !is_final && !self.terms.spend_prepared {
            left_out.prepared.add(amount);
            return Ok(false);
        }
        Ok(true)
    }
}
