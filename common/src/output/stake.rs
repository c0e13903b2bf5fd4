//! Stake outputs: read and hashed, never spent by this product.

use crate::group::{Encoded, EncodingError};
use crate::hash::{Hashable, Hasher};
use crate::keys::feed_public_key;
use crate::wire::{self, DecodeError};
use stegos_proto as proto;

/// A validator's stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeOutput {
    /// The public key of the validator's account, not known to be a point.
    pub recipient: Encoded,
    /// The validator's BLS public key, 96 bytes, taken as they are.
    pub validator: [u8; 96],
    /// The staked amount in micro-STG as found on the wire.
    pub amount: i64,
    /// A random number that keeps two equal stakes from having the same id.
    pub serno: i64,
    /// The validator's BLS signature, 48 bytes; not part of the id and not checked.
    pub signature: [u8; 48],
}

impl StakeOutput {
    pub(super) fn from_proto(output: proto::StakeOutput) -> wire::Result<Self> {
        let validator = output.validator.and_then(|key| key.point).map(|point| point.data);
        let signature = output.signature.and_then(|signature| signature.point).map(|point| point.data);
        Ok(Self {
            recipient: wire::public_key("recipient", output.recipient)?,
            validator: fixed("validator", validator)?,
            amount: output.amount,
            serno: output.serno,
            signature: fixed("signature", signature)?,
        })
    }

    pub(super) fn to_proto(&self) -> proto::StakeOutput {
        proto::StakeOutput {
            recipient: wire::to_public_key(&self.recipient),
            validator: Some(proto::SecurePublicKey {
                point: Some(proto::G2 { data: self.validator.to_vec() }),
            }),
            amount: self.amount,
            serno: self.serno,
            signature: Some(proto::SecureSignature {
                point: Some(proto::G1 { data: self.signature.to_vec() }),
            }),
        }
    }
}

fn fixed<const N: usize>(field: &'static str, bytes: Option<Vec<u8>>) -> wire::Result<[u8; N]> {
    let bytes = wire::required(field, bytes)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| DecodeError::Field { field, reason: EncodingError::Length(length) })
}

impl Hashable for StakeOutput {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"Stake");
        feed_public_key(&self.recipient, state);
        // A BLS key has the tag of a public key, but none of a point.
        state.update(b"PublicKey");
        state.update(&self.validator);
        self.amount.feed(state);
        self.serno.feed(state);
    }
}
