//! Range proofs: that a commitment hides an amount between 0 and 2^64 − 1 (protocol page §6).

use crate::amount::Amount;
use crate::group::{Encoded, PEDERSEN, Point, Scalar};
use crate::hash::{Hashable, Hasher};
use bulletproofs::BulletproofGens;
use curve25519_dalek::ristretto::CompressedRistretto;
use merlin::Transcript;
use rand_core::CryptoRngCore;
use std::sync::LazyLock;
use thiserror::Error;

/// The generators of single proofs over 64 bits.
static GENERATORS: LazyLock<BulletproofGens> = LazyLock::new(|| BulletproofGens::new(BITS, 1));

/// The number of bits of an amount.
const BITS: usize = 64;

/// The label of the merlin transcript.
const LABEL: &[u8] = b"BulletProof";

/// A proof that does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the range proof does not fit its commitment")]
pub struct RangeProofError;

/// A Pedersen commitment to an amount, with the proof that the amount is not negative.
#[derive(Clone, PartialEq, Eq)]
pub struct RangeProof {
    /// The commitment amount·A + gamma·G.
    pub commitment: Encoded,
    /// The serialized Bulletproof, 672 bytes in a valid one.
    pub proof: Vec<u8>,
}

impl RangeProof {
    /// Commits to `amount` with `blinding` and proves the range.
    ///
    /// # Errors
    /// [`RangeProofError`] only if the prover itself refuses, which it never does for a 64-bit amount.
    pub fn prove(
        amount: Amount,
        blinding: &Scalar,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, RangeProofError> {
        let (proof, commitment) = bulletproofs::RangeProof::prove_single_with_rng(
            &GENERATORS,
            &PEDERSEN,
            &mut Transcript::new(LABEL),
            amount.unsigned_micro(),
            &blinding.0,
            BITS,
            rng,
        )
        .map_err(|_| RangeProofError)?;
        Ok(Self { commitment: Encoded::from_bytes(commitment.0), proof: proof.to_bytes() })
    }

    /// Checks the proof. The random weights of the check come from `rng`.
    ///
    /// # Errors
    /// [`RangeProofError`] for a proof that is malformed or does not fit the commitment.
    pub fn verify(&self, rng: &mut impl CryptoRngCore) -> Result<(), RangeProofError> {
        bulletproofs::RangeProof::from_bytes(&self.proof)
            .and_then(|proof| {
                proof.verify_single_with_rng(
                    &GENERATORS,
                    &PEDERSEN,
                    &mut Transcript::new(LABEL),
                    &CompressedRistretto(*self.commitment.as_bytes()),
                    BITS,
                    rng,
                )
            })
            .map_err(|_| RangeProofError)
    }

    /// Whether the commitment is the one to `amount` with `blinding`.
    #[must_use]
    pub fn commits_to(&self, amount: Amount, blinding: &Scalar) -> bool {
        Point::commitment(&amount.unsigned_micro().into(), blinding).encode() == self.commitment
    }
}

impl Hashable for RangeProof {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"BulletProof");
        self.commitment.feed(state);
        state.update(&self.proof);
    }
}
