//! What a plan does not use, and why.

use serde::{Deserialize, Serialize};
use std::fmt;
use stegos_common::amount::Amount;

/// Outputs that are left where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// Below the least amount.
    pub dust: Left,
    /// Reserved for another handoff.
    pub reserved: Left,
    /// Not final.
    pub prepared: Left,
    /// Given up by an earlier handoff, for which the signer may have signed them away.
    pub released: Left,
    /// Without their blob in the ledger, or more than one sweep takes.
    pub other: Left,
}

/// How many outputs, and what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Left {
    /// The number of outputs.
    pub outputs: u64,
    /// Their amount in micro-STG, or the most that can be counted.
    pub amount: Amount,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.dust, "too small"),
            (self.reserved, "reserved for another handoff"),
            (self.prepared, "not final yet"),
            (self.released, "given up by an earlier handoff"),
            (self.other, "without their blob here, or for the next time"),
        ];
        let mut any = false;
        for (left, why) in parts.into_iter().filter(|(left, _)| left.outputs > 0) {
            write!(f, "{}{} in {} outputs, {why}", if any { "; " } else { "" }, left.amount, left.outputs)?;
            any = true;
        }
        if any { Ok(()) } else { f.write_str("nothing") }
    }
}

impl Left {
    pub(super) fn add(&mut self, amount: Amount) {
        self.outputs += 1;
        self.amount = self.amount.checked_add(amount).unwrap_or(Amount::MAX);
    }
}
