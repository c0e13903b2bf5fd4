//! Encryption to a public key (protocol page §5): a key hint, then AES-128-CTR.
//!
//! The secret exponent (the *rvalue*) is derived from recipient and message. Whoever learns it can read the
//! one message it belongs to; handing it out is how a payment is proved, a payment certificate.

use crate::group::{Encoded, EncodingError, Point, Scalar};
use crate::hash::{Hash, Hashable, Hasher};
use crate::keys::{PublicKey, SecretKey};
use crate::payload::CANARY_LEN;
use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

/// A message encrypted to a public key. There is no authentication: other layers recognise a wrong key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The hint alpha·G, from which the recipient computes the key.
    pub hint: Encoded,
    /// The ciphertext, as long as the message.
    pub ciphertext: Vec<u8>,
}

impl Sealed {
    /// Encrypts `message` to `recipient`; also answers the rvalue alpha that opens it again.
    #[must_use]
    pub fn seal(message: &[u8], recipient: &PublicKey) -> (Self, Zeroizing<Scalar>) {
        let digest = Hash::digest(message);
        let alpha = Zeroizing::new(Scalar::from_hash(Hash::chain(&[&"encr_alpha", recipient, &digest])));
        let mut ciphertext = message.to_vec();
        apply_key(&Zeroizing::new(recipient.point() * *alpha), &mut ciphertext);
        (Self { hint: Point::mul_g(&alpha).encode(), ciphertext }, alpha)
    }

    /// Decrypts with the recipient's secret key. A wrong key gives wrong bytes, not an error.
    ///
    /// # Errors
    /// [`EncodingError::Point`] where the hint is no point.
    pub fn open(&self, key: &SecretKey) -> Result<Zeroizing<Vec<u8>>, EncodingError> {
        Ok(self.open_with_shared(&Zeroizing::new(self.hint.decode()? * *key.scalar())))
    }

    /// Decrypts with the rvalue and the recipient's public key, without any secret key.
    #[must_use]
    pub fn open_with_rvalue(&self, rvalue: &Scalar, recipient: &PublicKey) -> Zeroizing<Vec<u8>> {
        self.open_with_shared(&Zeroizing::new(recipient.point() * *rvalue))
    }

    /// Decrypts only as many bytes as a payload's canary has; `None` where the hint is no point or the message is shorter.
    pub(crate) fn open_start(&self, key: &SecretKey) -> Option<[u8; CANARY_LEN]> {
        let shared = Zeroizing::new(self.hint.decode().ok()? * *key.scalar());
        let mut start = *self.ciphertext.first_chunk()?;
        apply_key(&shared, &mut start);
        Some(start)
    }

    fn open_with_shared(&self, shared: &Point) -> Zeroizing<Vec<u8>> {
        let mut message = Zeroizing::new(self.ciphertext.clone());
        apply_key(shared, &mut message);
        message
    }
}

impl Hashable for Sealed {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"Encr");
        self.hint.feed(state);
        state.update(&self.ciphertext);
    }
}

/// Encrypts or decrypts in place: the key is the first half of the shared point's digest, the initial
/// counter block the second.
fn apply_key(shared: &Point, bytes: &mut [u8]) {
    let digest = Zeroizing::new(Hash::digest(shared));
    let (key, counter) = digest.as_bytes().split_at(16);
    // Both halves are 16 bytes long, as AES-128 asks.
    let mut cipher = ctr::Ctr128BE::<Aes128>::new(key.into(), counter.into());
    cipher.apply_keystream(bytes);
}
