//! Schnorr signatures (protocol page §4). Deterministic: the nonce comes from the key and the message.

use crate::group::{Encoded, Point, Scalar};
use crate::hash::{Hash, Hashable, Hasher};
use crate::keys::{PublicKey, SecretKey, feed_public_key};
use zeroize::Zeroizing;

/// A Schnorr signature (u, K).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The response u = k + e·s.
    pub u: Scalar,
    /// The nonce point K = k·G, in its encoding.
    pub k: Encoded,
}

impl Signature {
    /// What stands where nothing was signed: u = 0 and the identity.
    pub const UNSIGNED: Self = Self { u: Scalar::ZERO, k: Encoded::from_bytes([0; 32]) };

    /// Signs the digest `message` with `key`.
    #[must_use]
    pub fn sign(message: &Hash, key: &SecretKey) -> Self {
        Self::sign_as(message, key, &key.public_key().encoded())
    }

    /// Signs for a caller who has the public half already. It must be the right one, and the signature must be
    /// verified before anybody sees it: the nonce does not depend on `public`, and two signatures of one message
    /// under two public keys reveal the secret one.
    pub(crate) fn sign_as(message: &Hash, key: &SecretKey, public: &Encoded) -> Self {
        let digest = Zeroizing::new(Hash::chain(&[message, key]));
        let nonce = Zeroizing::new(Scalar::from_hash(*digest));
        let k = Point::mul_g(&nonce).encode();
        let challenge = challenge(&k, public, message);
        Self { u: *nonce + challenge * *key.scalar(), k }
    }

    /// Whether this signs the digest `message` under `public`: u·G == K + e·P.
    #[must_use]
    pub fn verify(&self, message: &Hash, public: &PublicKey) -> bool {
        let challenge = challenge(&self.k, &public.encoded(), message);
        // K is compared in its encoding: bytes that are no point equal no encoding.
        let expected = Point::open_sum(&self.u, &(Scalar::ZERO - challenge), &public.point());
        expected.encode() == self.k
    }
}

impl Hashable for Signature {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"SchnorrSig");
        self.u.feed(state);
        self.k.feed(state);
    }
}

fn challenge(k: &Encoded, public: &Encoded, message: &Hash) -> Scalar {
    let mut state = Hasher::new();
    k.feed(&mut state);
    feed_public_key(public, &mut state);
    message.feed(&mut state);
    Scalar::from_hash(state.finish())
}
