//! Public payment outputs: the kind an exchange uses for deposits.

use crate::amount::Amount;
use crate::group::Encoded;
use crate::hash::{Hashable, Hasher};
use crate::keys::{PublicKey, feed_public_key};
use crate::wire;
use rand_core::CryptoRngCore;
use stegos_proto as proto;

/// An output whose recipient and amount everybody can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPaymentOutput {
    /// The recipient's plain public key, not known to be a point.
    pub recipient: Encoded,
    /// A random number that keeps two equal payments from having the same id.
    pub serno: i64,
    /// The amount in micro-STG as found on the wire; valid only above zero.
    pub amount: i64,
}

impl PublicPaymentOutput {
    /// A payment of `amount` to `recipient`, with a random serial number.
    #[must_use]
    pub fn new(recipient: &PublicKey, amount: Amount, rng: &mut impl CryptoRngCore) -> Self {
        let mut serno = [0; 8];
        rng.fill_bytes(&mut serno);
        Self { recipient: recipient.encoded(), serno: i64::from_le_bytes(serno), amount: amount.micro() }
    }

    pub(super) fn from_proto(output: proto::PublicPaymentOutput) -> wire::Result<Self> {
        Ok(Self {
            recipient: wire::public_key("recipient", output.recipient)?,
            serno: output.serno,
            amount: output.amount,
        })
    }

    pub(super) fn to_proto(&self) -> proto::PublicPaymentOutput {
        proto::PublicPaymentOutput {
            recipient: wire::to_public_key(&self.recipient),
            serno: self.serno,
            amount: self.amount,
        }
    }
}

impl Hashable for PublicPaymentOutput {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"PublicPayment");
        feed_public_key(&self.recipient, state);
        self.serno.feed(state);
        self.amount.feed(state);
    }
}
