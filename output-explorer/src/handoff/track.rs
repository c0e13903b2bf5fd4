//! What the ledger says about a transaction. A node answers a broadcast once and never reports again; and what it says
//! of a missing input does not tell "included" from "spent by another". So what happened is read from blocks.

use super::record::{Handoff, State, Transaction};
use crate::ledger::record::Cause;
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

/// Looks for a transaction in the ledger. It is included where it spent its inputs: outputs alone prove nothing, for a
/// recipient can make one of the same id.
///
/// # Errors
/// [`LedgerError`] where the database fails.
pub fn evidence(
    ledger: &Ledger,
    handoff: &Handoff,
    transaction: &Transaction,
) -> Result<Evidence, LedgerError> {
    let end = ledger.end()?.epoch;
    let mut spent: Vec<(Hash, Cause)> = Vec::new();
    for input in &handoff.inputs {
        match ledger.output(&input.id)? {
            None => return Ok(Evidence::InputGone(input.id)),
            Some(output) => spent.extend(output.spent.map(|cause| (input.id, cause))),
        }
    }
    let Some((first_input, first)) = spent.first() else { return Ok(Evidence::Open) };
    let position = first.place.position;
    // A macro block does not name transactions.
    let mut ours = spent.len() == handoff.inputs.len()
        && spent.iter().all(|(_, cause)| cause.transaction.is_none_or(|id| id == transaction.id));
    if ours && spent.iter().any(|(_, cause)| cause.transaction.is_none()) {
        for id in &transaction.outputs {
            ours = ours && ledger.output(id)?.is_some();
        }
    }
    if ours {
        let epoch = position.epoch;
        return Ok(Evidence::State(if epoch < end {
            State::Final { epoch }
        } else {
            State::Prepared { epoch, offset: position.offset() }
        }));
    }
    let by_another = spent.iter().find(|(_, cause)| cause.transaction != Some(transaction.id));
    let (input, cause) = by_another.copied().unwrap_or((*first_input, *first));
    let position = cause.place.position;
    Ok(Evidence::State(State::Conflicted {
        input,
        by: cause.transaction,
        epoch: position.epoch,
        offset: position.offset(),
        is_final: position.epoch < end,
    }))
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
    use super::super::record::{Input, Purpose, Transaction as Signed};
    use super::*;
    use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Transaction};
    use crate::follower::Change;
    use crate::ledger::Settings;
    use crate::ledger::store::memory::MemoryStore;
    use stegos_common::address::Network;
    use stegos_common::amount::Amount;
    use stegos_common::api::encoding::Timestamp;

    const INPUT: Hash = Hash::from_bytes([1; 32]);
    const MADE: Hash = Hash::from_bytes([2; 32]);
    const OTHER: Hash = Hash::from_bytes([3; 32]);
    const OURS: Hash = Hash::from_bytes([4; 32]);
    const THEIRS: Hash = Hash::from_bytes([5; 32]);
    const TIME: Timestamp = Timestamp::from_unix_nanos(0);

    fn outputs(ids: &[Hash]) -> Vec<NewOutput> {
        ids.iter().map(|id| NewOutput { id: *id, content: Content::Private }).collect()
    }

    fn close(epoch: u64, inputs: &[Hash], made: &[Hash]) -> Change {
        let (inputs, outputs) = (inputs.to_vec(), outputs(made));
        Change::Close(MacroBlock { id: OTHER, previous: OTHER, epoch, time: TIME, inputs, outputs })
    }

    fn micro(id: Hash, inputs: &[Hash], made: &[Hash]) -> Change {
        let transactions = vec![Transaction { id, inputs: inputs.to_vec(), outputs: outputs(made) }];
        Change::Connect(MicroBlock {
            id: OTHER,
            previous: OTHER,
            epoch: 1,
            offset: 0,
            time: TIME,
            transactions,
        })
    }

    /// What a ledger with these changes says about our transaction, which spends the input.
    fn seen(changes: &[Change]) -> Evidence {
        let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1000 };
        let ledger = Ledger::new(Box::new(MemoryStore::default()), settings).unwrap();
        for change in changes {
            ledger.commit(change).unwrap();
        }
        let input = Input { id: INPUT, amount: Amount::ZERO, account: String::new(), private: true };
        let transaction = Signed {
            id: OURS,
            outputs: vec![MADE],
            certificates: Vec::new(),
            journal: None,
            history: Vec::new(),
        };
        let handoff = Handoff {
            number: 1,
            purpose: Purpose::Withdrawal,
            created: TIME,
            expires: TIME,
            inputs: vec![input],
            outputs: Vec::new(),
            fee: Amount::ZERO,
            journal: None,
            ended: None,
            transaction: None,
        };
        evidence(&ledger, &handoff, &transaction).unwrap()
    }

    #[test]
    fn a_transaction_is_included_where_its_inputs_are_spent() {
        let conflict = |by, offset, is_final| {
            Evidence::State(State::Conflicted { input: INPUT, by, epoch: 1, offset, is_final })
        };
        let begin = close(0, &[], &[INPUT, OTHER]);
        let ours = micro(OURS, &[INPUT], &[MADE]);
        let theirs = micro(THEIRS, &[INPUT], &[]);
        for (changes, expected) in [
            (vec![close(0, &[], &[])], Evidence::InputGone(INPUT)),
            (vec![begin.clone()], Evidence::Open),
            (
                vec![begin.clone(), ours.clone()],
                Evidence::State(State::Prepared { epoch: 1, offset: Some(0) }),
            ),
            (
                vec![begin.clone(), ours, close(1, &[INPUT], &[MADE])],
                Evidence::State(State::Final { epoch: 1 }),
            ),
            (vec![begin.clone(), close(1, &[INPUT], &[MADE])], Evidence::State(State::Final { epoch: 1 })),
            // Somebody made an output of the same id.
            (vec![begin.clone(), micro(THEIRS, &[OTHER], &[MADE])], Evidence::Open),
            (vec![begin.clone(), theirs.clone()], conflict(Some(THEIRS), Some(0), false)),
            (vec![begin.clone(), theirs, close(1, &[INPUT], &[])], conflict(Some(THEIRS), Some(0), true)),
            (vec![begin, close(1, &[INPUT], &[])], conflict(None, None, true)),
        ] {
            assert_eq!(seen(&changes), expected, "{changes:?}");
        }
    }

    #[test]
    fn what_was_rejected_may_be_included_all_the_same() {
        let rejected = State::Rejected { reason: String::new() };
        assert_eq!(next(&rejected, &Evidence::Open), None);
        let prepared = State::Prepared { epoch: 1, offset: None };
        assert_eq!(next(&rejected, &Evidence::State(prepared.clone())), Some(prepared));
    }

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
