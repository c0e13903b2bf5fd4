//! The rules of the configuration that a request must keep.

use super::refusal::Refusal;
use serde::{Deserialize, Serialize};
use stegos_common::amount::Amount;
use stegos_common::socket::Limits;
use stegos_common::transaction::MIN_FEE_PER_OUTPUT;

/// Whether a request may bring its own secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum RequestKeys {
    /// Yes, as the network's integration guide describes it.
    #[default]
    Allow,
    /// No: only keys of the store sign.
    Deny,
}

/// What this signer is willing to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The highest fee, as a multiple of the least that a node takes.
    pub max_fee_factor: u32,
    /// The longest request, in bytes of JSON.
    pub max_request_bytes: usize,
    /// Whether requests may bring a secret key.
    pub request_keys: RequestKeys,
    /// How many keys are tried at most to find the owners of one request's private inputs.
    pub search_limit: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_fee_factor: 10,
            max_request_bytes: Limits::default().json,
            request_keys: RequestKeys::Allow,
            search_limit: 100_000,
        }
    }
}

impl Rules {
    pub(super) const fn allow_request_key(&self) -> Result<(), Refusal> {
        match self.request_keys {
            RequestKeys::Allow => Ok(()),
            RequestKeys::Deny => Err(Refusal::RequestKeyDenied),
        }
    }

    /// The fee of a transaction with `outputs` outputs, if it lies between the node's minimum and our cap.
    pub(super) fn fee(&self, micro: i64, outputs: usize) -> Result<Amount, Refusal> {
        let per_output = Amount::from_micro(MIN_FEE_PER_OUTPUT).unwrap_or_default();
        let minimum = per_output.checked_mul(outputs).unwrap_or(Amount::MAX);
        let factor = usize::try_from(self.max_fee_factor).unwrap_or(usize::MAX);
        let maximum = minimum.checked_mul(factor).unwrap_or(Amount::MAX);
        let fee = Amount::from_micro(micro).ok().filter(|fee| *fee >= minimum);
        match fee.ok_or(Refusal::FeeTooLow { fee: micro, minimum, outputs })? {
            fee if fee > maximum => Err(Refusal::FeeTooHigh { fee, maximum, outputs }),
            fee => Ok(fee),
        }
    }
}
