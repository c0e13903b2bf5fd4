//! The end of an epoch: what it did is final.

use super::{DAMAGED, Draft};
use crate::block::Place;
use crate::event::Event;
use crate::ledger::record::{HistoryRecord, Kind, OutputRecord, Step};
use crate::ledger::value::get;
use crate::ledger::{LedgerError, table};
use std::collections::HashSet;

impl Draft<'_> {
    /// Makes what an epoch did final.
    pub(super) fn settle(
        &mut self,
        steps: &[(Step, Place)],
        keep_spent_blobs: bool,
    ) -> Result<(), LedgerError> {
        let mut touched = HashSet::new();
        for (step, place) in steps {
            let (Step::Made(id) | Step::Spent(id)) = step;
            // Only looked at: what is not changed is not written again.
            let output = match self.outputs.get(id) {
                Some(output) => output.clone(),
                None => get::<OutputRecord>(self.store, &table::output(id))?,
            };
            let Some(mut output) = output else { continue };
            self.tell_final(step, *place, &output)?;
            if let Kind::Public { recipient, blob, .. } = &mut output.kind {
                touched.insert(*recipient);
                if output.spent.is_some() && !keep_spent_blobs && blob.take().is_some() {
                    self.outputs.insert(*id, Some(output));
                }
            }
        }
        for recipient in touched {
            let balance = self.balance(&recipient)?;
            balance.settled = balance.prepared;
        }
        self.totals.public.settled = self.totals.public.prepared;
        Ok(())
    }

    /// Tells that a step is final; `last` is the last life of its output.
    fn tell_final(&mut self, step: &Step, place: Place, last: &OutputRecord) -> Result<(), LedgerError> {
        let Kind::Public { recipient, .. } = &last.kind else { return Ok(()) };
        if self.movements.owner(recipient)?.is_none() {
            return Ok(());
        }
        let (event, id, created): (fn(_) -> _, _, _) = match step {
            Step::Made(id) => (Event::DepositFinal, id, place),
            Step::Spent(id) => {
                let happened: Option<HistoryRecord> = self.get(&table::history_at(recipient, place))?;
                (Event::SpendFinal, id, happened.ok_or(DAMAGED)?.created)
            }
        };
        let earlier: Option<OutputRecord> = if created == last.created.place {
            None
        } else {
            Some(self.get(&table::earlier_at(id, created))?.ok_or(DAMAGED)?)
        };
        let life = earlier.as_ref().unwrap_or(last);
        let cause = match step {
            Step::Made(_) => life.created,
            Step::Spent(_) => life.spent.ok_or(DAMAGED)?,
        };
        self.movements.tell(event, id, &life.kind, cause)
    }
}
