//! What the ledger says about a transaction. A node answers a broadcast once and never reports again; and what it says
//! of a missing input does not tell "included" from "spent by another". So what happened is read from blocks.

use super::record::{Handoff, State, Transaction};
use crate::ledger::record::OutputRecord;
use crate::ledger::{Ledger, LedgerError};
use stegos_common::hash::Hash;

/// The texts by which the node rejects what it may have included already.
const MISSING_INPUT: &str = "Missing transaction input";

/// What the ledger knows of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It is included, or can never be.
    State(State),
    /// It is not included, and all its inputs are unspent.
    Open,
    /// It is not included, and an input is on no block of the chain: what made it was taken back.
    InputGone(Hash),
}

/// Looks for a transaction in the ledger.
///
/// # Errors
/// [`LedgerError`] where the database fails.
pub fn evidence(
    ledger: &Ledger,
    handoff: &Handoff,
    transaction: &Transaction,
) -> Result<Evidence, LedgerError> {
    let end = ledger.end()?.epoch;
    let is_final = |epoch: u64| epoch < end;
    for id in &transaction.outputs {
        if let Some(output) = ledger.output(id)? {
            let position = output.position();
            let epoch = position.epoch;
            return Ok(Evidence::State(if is_final(epoch) {
                State::Final { epoch }
            } else {
                State::Prepared { epoch, offset: position.offset() }
            }));
        }
    }
    for input in &handoff.inputs {
        match ledger.output(&input.id)? {
            None => return Ok(Evidence::InputGone(input.id)),
            Some(OutputRecord { spent: Some(cause), .. }) => {
                let position = cause.place.position;
                return Ok(Evidence::State(State::Conflicted {
                    input: input.id,
                    by: cause.transaction,
                    epoch: position.epoch,
                    offset: position.offset(),
                    is_final: is_final(position.epoch),
                }));
            }
            Some(_) => {}
        }
    }
    Ok(Evidence::Open)
}

/// What is so now, if that is something else than before.
#[must_use]
pub fn next(before: &State, evidence: &Evidence) -> Option<State> {
    let after = match (evidence, before) {
        (Evidence::State(state), _) => state.clone(),
        // It was in a block, or something else was.
        (_, State::Prepared { .. } | State::Final { .. } | State::Conflicted { .. }) => State::RolledBack,
        _ => return None,
    };
    (after != *before).then_some(after)
}

/// What is so after the node answered, if that is something else than before.
#[must_use]
pub fn answered(before: &State, rejected: Option<String>) -> Option<State> {
    let after = match rejected {
        None => State::Accepted,
        // Blocks will tell what that means.
        Some(reason) if reason.starts_with(MISSING_INPUT) => return None,
        Some(reason) => State::Rejected { reason },
    };
    (after != *before).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_input_is_no_rejection() {
        let reason = "Missing transaction input: tx=00, utxo=00".to_owned();
        assert_eq!(answered(&State::Submitted, Some(reason)), None);
        let reason = "Transaction fee is too low: tx=00, min=2000, got=1000".to_owned();
        assert_eq!(answered(&State::Submitted, Some(reason.clone())), Some(State::Rejected { reason }));
        assert_eq!(answered(&State::Accepted, None), None);
    }

    #[test]
    fn what_was_in_a_block_and_is_not_any_more_was_rolled_back() {
        let prepared = State::Prepared { epoch: 1, offset: Some(2) };
        assert_eq!(next(&prepared, &Evidence::Open), Some(State::RolledBack));
        assert_eq!(next(&State::RolledBack, &Evidence::Open), None);
        assert_eq!(next(&State::Accepted, &Evidence::Open), None);
        assert_eq!(next(&State::RolledBack, &Evidence::State(prepared.clone())), Some(prepared));
    }
}
