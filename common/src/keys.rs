//! Secret and public keys, and how keys are derived from seeds, masters and indices (protocol page §3).

use crate::group::{Encoded, EncodingError, Point, Scalar};
use crate::hash::{Hash, Hashable, Hasher};
use rand_core::CryptoRngCore;
use std::fmt;
use std::iter::Sum;
use std::num::NonZeroU32;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes that are no secret key. It never says which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretKeyError {
    /// Wrong length or not canonical.
    #[error("not a secret key: {0}")]
    Encoding(#[from] EncodingError),
    /// Zero: the reference accepts it, but everybody knows it.
    #[error("the secret key is zero, which everybody knows")]
    Zero,
}

/// A secret key: a scalar other than zero. Wiped on drop; it has no `Debug`, `Display` or serde form.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey(Scalar);

impl SecretKey {
    /// Reads 32 canonical little-endian bytes.
    ///
    /// # Errors
    /// [`SecretKeyError::Encoding`] for another length or a value at or above the group order,
    /// [`SecretKeyError::Zero`] for zero.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretKeyError> {
        let scalar = Scalar::from_bytes(bytes)?;
        if scalar.is_zero() {
            return Err(SecretKeyError::Zero);
        }
        Ok(Self(scalar))
    }

    /// The 32 canonical little-endian bytes, wiped on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// A new random key.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        Self(Scalar::random(rng))
    }

    /// The deterministic key of a seed: SHA3-256 of the seed, reduced modulo the group order.
    #[must_use]
    pub fn from_seed(seed: &[u8]) -> Self {
        let digest = Zeroizing::new(Hash::digest(seed));
        Self(Scalar::from_hash(*digest))
    }

    /// The key of an account of an exchange: the deterministic key of `digest_chain([master, account])`, the
    /// scheme of the network's own vault. One master key thus restores every account.
    #[must_use]
    pub fn account_key(&self, account: &str) -> Self {
        let seed = Zeroizing::new(Hash::chain(&[self, &account]));
        Self::from_seed(seed.as_bytes())
    }

    /// The key of a generation of an account, which is another one after each rotation. The first is
    /// [`SecretKey::account_key`]; a later one is that of the name, a line feed and its decimal number. No account
    /// name holds a line feed, so that it is the key of no other account.
    #[must_use]
    pub fn generation_key(&self, account: &str, generation: NonZeroU32) -> Self {
        if generation == NonZeroU32::MIN {
            return self.account_key(account);
        }
        self.account_key(&format!("{account}\n{generation}"))
    }

    /// The `index`-th sub-key: s + digest(P, index as u32), so that whoever knows P derives the sub-keys'
    /// public halves with [`PublicKey::subkey`]. Knowing one sub-key's secret and P reveals s.
    #[must_use]
    pub fn subkey(&self, public: &PublicKey, index: u32) -> Self {
        Self(self.0 + public.subkey_tweak(index))
    }

    /// The public half, s·G.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_point(Point::mul_g(&self.0))
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        &self.0
    }

    /// A key made of a computed scalar, such as the sum of several keys.
    pub(crate) const fn from_scalar(scalar: Scalar) -> Self {
        Self(scalar)
    }
}

impl ConstantTimeEq for SecretKey {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.0.ct_eq(&other.0.0)
    }
}

impl Hashable for SecretKey {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"SecretKey");
        self.0.feed(state);
    }
}

/// A public key: a point of the group together with its encoding.
#[derive(Clone, Copy)]
pub struct PublicKey {
    encoded: Encoded,
    point: Point,
}

impl PublicKey {
    /// Reads the 32-byte encoding.
    ///
    /// # Errors
    /// [`EncodingError`] where the bytes are no point of the group.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let encoded = Encoded::try_from(bytes)?;
        Ok(Self { encoded, point: encoded.decode()? })
    }

    /// The 32-byte encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.encoded.as_bytes()
    }

    /// The encoding as it travels in outputs.
    #[must_use]
    pub const fn encoded(&self) -> Encoded {
        self.encoded
    }

    /// Whether this is the group's neutral element, whose secret key, zero, everybody knows.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.point.is_identity()
    }

    /// The `index`-th sub-key, see [`SecretKey::subkey`].
    #[must_use]
    pub fn subkey(&self, index: u32) -> Self {
        Self::from_point(self.point + Point::mul_g(&self.subkey_tweak(index)))
    }

    fn subkey_tweak(&self, index: u32) -> Scalar {
        Scalar::from_hash(Hash::chain(&[self, &index]))
    }

    pub(crate) const fn point(&self) -> Point {
        self.point
    }

    pub(crate) fn from_point(point: Point) -> Self {
        Self { encoded: point.encode(), point }
    }
}

impl Sum for PublicKey {
    /// The public half of the sum of the secret keys. A single key is its own sum and is not encoded again.
    fn sum<I: Iterator<Item = Self>>(mut keys: I) -> Self {
        let first = keys.next().unwrap_or_else(|| Self::from_point(Point::identity()));
        let mut rest = keys.map(|key| key.point).peekable();
        if rest.peek().is_none() { first } else { Self::from_point(first.point + rest.sum()) }
    }
}

impl AsRef<Encoded> for PublicKey {
    fn as_ref(&self) -> &Encoded {
        &self.encoded
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::hash::Hash::hash(&self.encoded, state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.as_bytes()))
    }
}

impl Hashable for PublicKey {
    fn feed(&self, state: &mut Hasher) {
        feed_public_key(&self.encoded, state);
    }
}

/// Feeds a public key that is known by its encoding only, as in an output.
pub(crate) fn feed_public_key(encoded: &Encoded, state: &mut Hasher) {
    state.update(b"PublicKey");
    encoded.feed(state);
}
