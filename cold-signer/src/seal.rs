//! Sealing: XChaCha20-Poly1305 with a random nonce per record.
//!
//! A nonce of 24 random bytes needs no counter that a restored backup could set back. The associated data
//! says what is sealed and where it belongs: a record moved elsewhere does not open.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

/// A key that seals. The cipher wipes it on drop.
pub(crate) struct SealingKey(XChaCha20Poly1305);

impl SealingKey {
    /// The key of these 32 bytes; the caller wipes its own copy.
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(bytes.into()))
    }

    /// The sealed form: a random nonce of 24 bytes, the ciphertext, a tag of 16 bytes. It opens only with
    /// the same `associated_data`.
    pub(crate) fn seal(&self, plaintext: &[u8], associated_data: &[u8]) -> Vec<u8> {
        let mut nonce = [0; 24];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload { msg: plaintext, aad: associated_data };
        let ciphertext = self
            .0
            .encrypt(XNonce::from_slice(&nonce), payload)
            .expect("only a message of more than 256 GiB cannot be sealed");
        [nonce.as_slice(), &ciphertext].concat()
    }

    /// The plaintext, wiped on drop; nothing where key, associated data or a single bit differ.
    pub(crate) fn open(&self, sealed: &[u8], associated_data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<24>()?;
        let payload = Payload { msg: ciphertext, aad: associated_data };
        self.0.decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_was_sealed_where_it_was_sealed() {
        let key = SealingKey::new(&[7; 32]);
        let sealed = key.seal(b"secret", b"place");
        assert_eq!(key.open(&sealed, b"place").unwrap().as_slice(), b"secret");
        assert!(key.open(&sealed, b"other").is_none());
        assert!(SealingKey::new(&[8; 32]).open(&sealed, b"place").is_none());
        assert!(key.open(&[], b"place").is_none());
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&changed, b"place").is_none(), "bit {bit}");
        }
        assert_ne!(key.seal(b"secret", b"place"), sealed, "every seal has its own nonce");
    }
}
