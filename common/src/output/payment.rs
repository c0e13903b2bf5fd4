//! Private payment outputs: made, sealed to a recipient, and opened by their owner.

use crate::amount::Amount;
use crate::group::{Encoded, EncodingError, Point, Scalar};
use crate::hash::{Hashable, Hasher};
use crate::keys::{PublicKey, SecretKey, feed_public_key};
use crate::payload::{PAYLOAD_LEN, Payload, PayloadData, PayloadError};
use crate::range_proof::{RangeProof, RangeProofError};
use crate::sealed::Sealed;
use crate::wire;
use rand_core::CryptoRngCore;
use stegos_proto as proto;
use thiserror::Error;
use zeroize::Zeroizing;

/// An output whose recipient and amount only sender and recipient know.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentOutput {
    /// The recipient's cloaked key: P + gamma·delta·G. Not known to be a point.
    pub recipient: Encoded,
    /// The commitment to the amount, with its range proof.
    pub proof: RangeProof,
    /// The sealed [`Payload`].
    pub payload: Sealed,
}

/// A private output that a key does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The hint is no point: nobody can open this.
    #[error("the key hint is bad: {0}")]
    Hint(EncodingError),
    /// Sealed to another key, or not a payload.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The payload opens, but the commitment hides another amount.
    #[error("the commitment does not match the amount and blinding in the payload")]
    Commitment,
    /// The payload opens, but the output is payable to another key.
    #[error("the cloaked key does not match the recipient and blindings in the payload")]
    Cloak,
}

impl PaymentOutput {
    /// Pays `amount` to `recipient`, signed by `sender` where the payment is to be provable.
    ///
    /// Answers the output, its payload, and the rvalue that proves the payment together with the signature.
    ///
    /// # Errors
    /// [`RangeProofError`] never happens for a 64-bit amount.
    pub fn new(
        recipient: &PublicKey,
        amount: Amount,
        data: PayloadData,
        sender: Option<&SecretKey>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Self, Payload, Zeroizing<Scalar>), RangeProofError> {
        let mut payload = Payload::new(Scalar::random(rng), Scalar::random(rng), amount, data);
        if let Some(key) = sender {
            payload = payload.signed_by(key);
        }
        let proof = RangeProof::prove(amount, &payload.gamma, rng)?;
        let cloaked = recipient.point() + Point::mul_g(&payload.cloak());
        let (sealed, rvalue) = Sealed::seal(&payload.encode(recipient), recipient);
        Ok((Self { recipient: cloaked.encode(), proof, payload: sealed }, payload, rvalue))
    }

    /// Opens the payload with the recipient's key, whose public half is `public`, and checks the output against
    /// it: only then may its amount be trusted.
    ///
    /// # Errors
    /// [`OpenError`]; a wrong key shows as [`PayloadError::OtherRecipient`].
    pub fn open(&self, key: &SecretKey, public: &impl AsRef<Encoded>) -> Result<Payload, OpenError> {
        self.check_length()?;
        let bytes = self.payload.open(key).map_err(OpenError::Hint)?;
        self.read(&bytes, public.as_ref(), |cloak| Point::mul_g(&Zeroizing::new(*key.scalar() + *cloak)))
    }

    /// Opens the payload without a secret key, by the rvalue of a certificate.
    ///
    /// # Errors
    /// As [`PaymentOutput::open`].
    pub fn open_with_rvalue(&self, rvalue: &Scalar, recipient: &PublicKey) -> Result<Payload, OpenError> {
        self.check_length()?;
        let bytes = self.payload.open_with_rvalue(rvalue, recipient);
        self.read(&bytes, recipient.as_ref(), |cloak| recipient.point() + Point::mul_g(cloak))
    }

    /// Whether the payload begins as one for `public`, whose secret half is `key`: a quick test that a search
    /// over many keys can afford. About one in 2³² other keys passes too.
    #[must_use]
    pub fn may_belong_to(&self, key: &SecretKey, public: &impl AsRef<Encoded>) -> bool {
        let canary = public.as_ref().as_bytes().first_chunk();
        self.payload.open_start(key).is_some_and(|start| Some(&start) == canary)
    }

    fn check_length(&self) -> Result<(), PayloadError> {
        let length = self.payload.ciphertext.len();
        if length == PAYLOAD_LEN { Ok(()) } else { Err(PayloadError::Length(length)) }
    }

    /// Reads the payload for `recipient`; `cloaked` computes the recipient's cloaked key from the cloak.
    fn read(
        &self,
        bytes: &[u8],
        recipient: &Encoded,
        cloaked: impl FnOnce(&Scalar) -> Point,
    ) -> Result<Payload, OpenError> {
        let payload = Payload::decode(bytes, recipient)?;
        if !self.proof.commits_to(payload.amount, &payload.gamma) {
            return Err(OpenError::Commitment);
        }
        if cloaked(&Zeroizing::new(payload.cloak())).encode() != self.recipient {
            return Err(OpenError::Cloak);
        }
        Ok(payload)
    }

    pub(super) fn from_proto(output: proto::PaymentOutput) -> wire::Result<Self> {
        let proof = wire::required("proof", output.proof)?;
        Ok(Self {
            recipient: wire::public_key("recipient", output.recipient)?,
            proof: RangeProof { commitment: wire::point("proof.vcmt", proof.vcmt)?, proof: proof.proof },
            payload: Sealed { hint: wire::point("ag", output.ag)?, ciphertext: output.payload },
        })
    }

    pub(super) fn to_proto(&self) -> proto::PaymentOutput {
        proto::PaymentOutput {
            recipient: wire::to_public_key(&self.recipient),
            proof: Some(proto::BulletProof {
                vcmt: wire::to_point(&self.proof.commitment),
                proof: self.proof.proof.clone(),
            }),
            ag: wire::to_point(&self.payload.hint),
            payload: self.payload.ciphertext.clone(),
        }
    }
}

impl Hashable for PaymentOutput {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"Payment");
        feed_public_key(&self.recipient, state);
        self.proof.feed(state);
        self.payload.hint.feed(state);
        state.update(&self.payload.ciphertext);
    }
}
