//! Payment certificates: the proof that a private output was paid by one key to another.
//!
//! The sender signs the payload and later discloses the rvalue of its encryption. With it anybody can open
//! this one output, check it against its commitment and its cloaked key, and check the sender's signature.
//!
//! The signature covers amount and blindings, but not the recipient (protocol page §6): a recipient can pass a
//! payment's payload on to somebody else and show a certificate in the first sender's name. So a certificate
//! convinces the two who were there, and those who trust the recipient; and only if the output is on the chain.

use crate::amount::Amount;
use crate::group::{Point, Scalar};
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
/// [`CertificateError`] where the rvalue does not open the output for `recipient`, who could not open it with
/// his key either, the output does not match its payload, or `spender` did not sign it.
pub fn verify(
    output: &PaymentOutput,
    spender: &PublicKey,
    recipient: &PublicKey,
    rvalue: &Scalar,
) -> Result<Amount, CertificateError> {
    // Unsigned payloads bear a signature that is valid under the identity.
    let hint = Point::mul_g(rvalue).encode();
    if spender.is_identity() || hint != output.payload.hint {
        return Err(CertificateError);
    }
    let payload = output.open_with_rvalue(rvalue, recipient).map_err(|_| CertificateError)?;
    if payload.is_signed_by(spender) { Ok(payload.amount) } else { Err(CertificateError) }
}
