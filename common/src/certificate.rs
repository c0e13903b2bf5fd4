//! Payment certificates: the proof that a private output was paid by one key to another.
//!
//! The sender signs the payload and later discloses the rvalue of its encryption. With it anybody can open
//! this one output, check it against its commitment and its cloaked key, and check the sender's signature.

use crate::amount::Amount;
use crate::group::Scalar;
use crate::keys::PublicKey;
use crate::output::PaymentOutput;
use thiserror::Error;

/// A certificate that proves nothing. One text for every cause, as the deployed node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Invalid payment certificate")]
pub struct CertificateError;

/// Verifies that `spender` paid `output` to `recipient`, and answers how much.
///
/// # Errors
/// [`CertificateError`] where the rvalue does not open the output for `recipient`, the output does not match
/// its payload, or `spender` did not sign it.
pub fn verify(
    output: &PaymentOutput,
    spender: &PublicKey,
    recipient: &PublicKey,
    rvalue: &Scalar,
) -> Result<Amount, CertificateError> {
    let payload = output.open_with_rvalue(rvalue, recipient).map_err(|_| CertificateError)?;
    if payload.is_signed_by(spender) { Ok(payload.amount) } else { Err(CertificateError) }
}
