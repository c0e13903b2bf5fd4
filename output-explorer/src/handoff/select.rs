//! Coin selection: which outputs pay for a transaction.
//!
//! A transaction pays its fee by the output, and nothing for an input. So the shortest choice is the cheapest one, and
//! an output of change costs as much as any other:
//!
//! 1. **Changeless**, where a choice exceeds what is needed by no more than change would cost. The excess goes into the
//!    fee: nobody is the poorer for it, and the network keeps one output less. Such a choice is looked for among the
//!    largest outputs first, with a bounded number of steps; the first one that is found is taken.
//! 2. Otherwise **the fewest inputs**: the largest outputs, until they suffice. The rest is change.
//!
//! What is paid above the least possible fee is never more than the fee of one output.

use stegos_common::amount::Amount;
use stegos_common::transaction::MAX_INPUTS;
use thiserror::Error;

/// A changeless choice is looked for with so many steps.
const STEPS: u32 = 100_000;

/// A choice. The inputs are worth what is needed, the excess, and the change and its fee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The places of the inputs in the list that was offered.
    pub inputs: Vec<usize>,
    /// What comes back, unless nothing does. Its output's fee is paid.
    pub change: Option<Amount>,
    /// What a changeless transaction pays above the least fee: no more than change would cost.
    pub excess: Amount,
}

/// Why nothing can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectError {
    /// There is not enough.
    #[error("{needed} are needed with the fee, and only {available} are free to spend")]
    NotEnough {
        /// Recipients and fee together.
        needed: Amount,
        /// All outputs together.
        available: Amount,
    },
    /// There is enough, in too many outputs.
    #[error(
        "{needed} are needed with the fee, and the {MAX_INPUTS} largest free outputs are worth {largest} only; \
         a transaction takes no more of them: sweep them into fewer first, or pay less at once"
    )]
    TooManyInputs {
        /// Recipients and fee together.
        needed: Amount,
        /// The largest outputs together, as many as fit.
        largest: Amount,
    },
    /// Amounts beyond what the protocol can count.
    #[error("the amounts together are more than the protocol can count")]
    TooMuch,
}

/// Chooses among outputs with these amounts. `needed` is what all recipients get and the fee of their outputs;
/// `change_fee` is the fee of one output more.
///
/// # Errors
/// [`SelectError`] where they do not suffice.
pub fn select(amounts: &[Amount], needed: Amount, change_fee: Amount) -> Result<Choice, SelectError> {
    let mut largest_first: Vec<usize> = (0..amounts.len()).collect();
    largest_first.sort_by_key(|place| (std::cmp::Reverse(amounts.get(*place)), *place));
    let sorted: Vec<Amount> = largest_first.iter().filter_map(|place| amounts.get(*place).copied()).collect();
    let places = |chosen: Vec<usize>| -> Vec<usize> {
        chosen.into_iter().filter_map(|index| largest_first.get(index).copied()).collect()
    };
    let most = needed.checked_add(change_fee).ok_or(SelectError::TooMuch)?;
    if let Some((chosen, excess)) = changeless(&sorted, needed, most) {
        return Ok(Choice { inputs: places(chosen), change: None, excess });
    }
    let mut sum = Amount::ZERO;
    for (count, amount) in (1..=MAX_INPUTS).zip(&sorted) {
        sum = sum.checked_add(*amount).ok_or(SelectError::TooMuch)?;
        // A sum between both would have been found above.
        if let Some(change) = sum.checked_sub(most).filter(|change| !change.is_zero()) {
            return Ok(Choice {
                inputs: places((0..count).collect()),
                change: Some(change),
                excess: Amount::ZERO,
            });
        }
    }
    let available = Amount::checked_sum(sorted).ok_or(SelectError::TooMuch)?;
    if available < needed {
        return Err(SelectError::NotEnough { needed, available });
    }
    Err(SelectError::TooManyInputs { needed, largest: sum })
}

/// A choice of at most [`MAX_INPUTS`] amounts whose sum is at least `least` and at most `most`, and what it exceeds
/// `least` by. The amounts are sorted, the largest first.
fn changeless(sorted: &[Amount], least: Amount, most: Amount) -> Option<(Vec<usize>, Amount)> {
    // What all the amounts from a place on are worth, to see when the rest cannot suffice.
    let mut rests = vec![Amount::ZERO; sorted.len() + 1];
    for (place, amount) in sorted.iter().enumerate().rev() {
        let rest = rests.get(place + 1)?.checked_add(*amount).unwrap_or(Amount::MAX);
        *rests.get_mut(place)? = rest;
    }
    let (mut chosen, mut sum): (Vec<usize>, Amount) = (Vec::new(), Amount::ZERO);
    let mut next = 0;
    for _ in 0..STEPS {
        if let Some(excess) = sum.checked_sub(least) {
            return Some((chosen, excess));
        }
        let missing = least.checked_sub(sum)?;
        let can_suffice = rests.get(next).is_some_and(|rest| *rest >= missing);
        if can_suffice && chosen.len() < MAX_INPUTS {
            let amount = sorted.get(next)?;
            if let Some(more) = sum.checked_add(*amount).filter(|more| *more <= most) {
                sum = more;
                chosen.push(next);
            }
            next += 1;
        } else {
            // Without the last one that was taken; another of the same amount would do no better.
            let last = chosen.pop()?;
            let amount = sorted.get(last)?;
            sum = sum.checked_sub(*amount)?;
            next = last + 1;
            while sorted.get(next) == Some(amount) {
                next += 1;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FEE: i64 = 1000;

    fn amount(micro: i64) -> Amount {
        Amount::from_micro(micro).unwrap()
    }

    fn amounts(micro: &[i64]) -> Vec<Amount> {
        micro.iter().copied().map(amount).collect()
    }

    fn choose(micro: &[i64], needed: i64) -> Result<Choice, SelectError> {
        select(&amounts(micro), amount(needed), amount(FEE))
    }

    #[test]
    fn changeless_is_preferred_to_fewer_inputs() {
        let choice = choose(&[900_000, 100_000, 200_000], 300_000).unwrap();
        assert_eq!(choice, Choice { inputs: vec![2, 1], change: None, excess: Amount::ZERO });
    }

    #[test]
    fn an_excess_up_to_the_price_of_change_is_no_change() {
        assert_eq!(choose(&[301_000], 300_000).unwrap().excess, amount(1000));
        assert_eq!(choose(&[301_001], 300_000).unwrap().change, Some(amount(1)));
    }

    #[test]
    fn otherwise_the_fewest_inputs() {
        let choice = choose(&[50_000, 70_000, 60_000, 10_000], 100_000).unwrap();
        assert_eq!((choice.inputs, choice.change), (vec![1, 2], Some(amount(29_000))));
    }

    #[test]
    fn what_does_not_suffice_is_said() {
        let error = SelectError::NotEnough { needed: amount(300_000), available: amount(299_999) };
        assert_eq!(choose(&[199_999, 100_000], 300_000), Err(error));
        let error = SelectError::TooManyInputs { needed: amount(101_000), largest: amount(100_000) };
        assert_eq!(choose(&[1000; 150], 101_000), Err(error));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn always_balanced_short_and_never_wasteful(
            micro in proptest::collection::vec(1..2_000_000i64, 0..220),
            needed in 1..40_000_000i64,
        ) {
            let mut largest = micro.clone();
            largest.sort_unstable_by(|one, other| other.cmp(one));
            let within: i64 = largest.iter().take(MAX_INPUTS).sum();
            match choose(&micro, needed) {
                Ok(Choice { inputs, change, excess }) => {
                    let spent: i64 = inputs.iter().map(|place| micro[*place]).sum();
                    let change_and_fee = change.map_or(0, |change| change.micro() + FEE);
                    prop_assert_eq!(spent, needed + change_and_fee + excess.micro());
                    prop_assert!(inputs.len() <= MAX_INPUTS && excess.micro() <= FEE);
                    prop_assert!(change.is_none() || excess.is_zero());
                    let mut once = inputs.clone();
                    once.sort_unstable();
                    once.dedup();
                    prop_assert_eq!(once.len(), inputs.len());
                    if change.is_some() {
                        // One input less could never do.
                        let fewer: i64 = largest.iter().take(inputs.len() - 1).sum();
                        prop_assert!(fewer <= needed + FEE);
                    }
                }
                Err(_) => prop_assert!(within <= needed + FEE),
            }
        }

        #[test]
        fn a_changeless_choice_of_few_is_found(
            micro in proptest::collection::vec(1..2_000_000i64, 1..14),
            chosen in any::<u16>(),
        ) {
            let needed: i64 = (0..).zip(&micro).filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, micro)| micro).sum();
            prop_assume!(needed > 0);
            prop_assert_eq!(choose(&micro, needed).unwrap().change, None);
        }
    }
}
