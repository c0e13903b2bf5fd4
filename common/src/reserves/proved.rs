//! Debts and assets, side by side.

use super::{Assets, Attestation, AttestationError, Root, Statement};
use crate::address::EncodedAddress;
use crate::amount::Amount;
use std::collections::BTreeSet;
use std::fmt;

/// What attestations prove, as far as the outputs exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proved {
    /// How many outputs there are,
    pub outputs: usize,
    /// of how many keys, all of which are held.
    pub keys: usize,
    /// What the outputs are worth.
    pub assets: Amount,
    /// What is owed.
    pub debts: Amount,
}

impl Proved {
    /// Checks attestations of one list. Where keys lie in several stores, each store attests those that it has; together
    /// they must hold all keys of the list.
    ///
    /// # Errors
    /// [`AttestationError`] says what is wrong.
    pub fn new(root: &Root, assets: &Assets, attestations: &[Attestation]) -> Result<Self, AttestationError> {
        let statement = Statement::new(root, assets)?;
        let needed = assets.keys();
        let address = |key| EncodedAddress { network: assets.network, key };
        let mut held = BTreeSet::new();
        for attestation in attestations {
            let keys = attestation.verify(&statement)?;
            if let Some(key) = keys.difference(&needed).next() {
                return Err(AttestationError::NotListed(address(*key)));
            }
            held.extend(keys);
        }
        let mut missing = needed.difference(&held);
        if let Some(first) = missing.next() {
            return Err(AttestationError::Missing { first: address(*first), more: missing.count() });
        }
        let (outputs, keys) = (assets.outputs.len(), needed.len());
        Ok(Self { outputs, keys, assets: assets.total, debts: root.total })
    }

    /// Whether the assets are worth the debts.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.assets >= self.debts
    }

    /// Hundredths of a percent that the assets are of the debts, rounded down: never more than there is. Nothing where
    /// nothing is owed.
    #[must_use]
    pub fn ratio(&self) -> Option<u128> {
        let micro = |amount: Amount| u128::from(amount.unsigned_micro());
        (micro(self.assets) * 10_000).checked_div(micro(self.debts))
    }
}

impl fmt::Display for Proved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outputs, keys, assets, debts } = self;
        write!(f, "{outputs} outputs of {keys} keys are worth {assets}, {debts} are owed")?;
        let ratio = self.ratio().map(|ratio| (ratio / 100, ratio % 100));
        ratio.map_or(Ok(()), |(percent, rest)| write!(f, ": {percent}.{rest:02} %"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_never_says_more_than_there_is() {
        let micro = |micro| Amount::from_micro(micro).unwrap();
        let proved = |assets, debts| Proved { outputs: 2, keys: 1, assets, debts };
        for (assets, debts, ratio, enough) in [
            (micro(1), micro(3), Some(3333), false),
            (micro(2), micro(3), Some(6666), false),
            (Amount::MAX, Amount::MAX, Some(10_000), true),
            (micro(i64::MAX - 1), Amount::MAX, Some(9_999), false),
            (Amount::MAX, micro(1), Some(92_233_720_368_547_758_070_000), true),
            (micro(5), Amount::ZERO, None, true),
        ] {
            let proved = proved(assets, debts);
            assert_eq!((proved.ratio(), proved.is_enough()), (ratio, enough), "{proved}");
        }
        let said = proved(micro(2_000_000), micro(3_000_000)).to_string();
        assert_eq!(said, "2 outputs of 1 keys are worth 2 STG, 3 STG are owed: 66.66 %");
    }
}
