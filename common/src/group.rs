//! The Ristretto group, its two generators and the encodings of scalars and points (protocol page §3).
//!
//! `G` is the blinding generator of the `bulletproofs` crate: it carries blindings and all keys.
//! `A` is the Ristretto base point: it carries amounts.

use crate::hash::{Hash, Hashable, Hasher};
use bulletproofs::PedersenGens;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{
    CompressedRistretto, RistrettoBasepointTable, RistrettoPoint, VartimeRistrettoPrecomputation,
};
use curve25519_dalek::traits::{Identity, VartimePrecomputedMultiscalarMul};
use rand_core::CryptoRngCore;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};
use std::sync::LazyLock;
use thiserror::Error;
use zeroize::Zeroize;

/// Both Pedersen generators, as the range proofs use them.
pub(crate) static PEDERSEN: LazyLock<PedersenGens> = LazyLock::new(PedersenGens::default);

/// Multiples of G, computed once: every key, signature and blinding goes through it.
static G_TABLE: LazyLock<RistrettoBasepointTable> =
    LazyLock::new(|| RistrettoBasepointTable::create(&PEDERSEN.B_blinding));

/// Multiples of G for values that everybody may know.
static G_OPEN: LazyLock<VartimeRistrettoPrecomputation> =
    LazyLock::new(|| VartimeRistrettoPrecomputation::new([PEDERSEN.B_blinding]));

/// Bytes that are not the encoding they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodingError {
    /// A scalar at or above the group order, or with its high bit set.
    #[error("not a canonical scalar (32 little-endian bytes below the group order)")]
    Scalar,
    /// 32 bytes that encode no point of the group.
    #[error("not the encoding of a Ristretto point")]
    Point,
    /// Not 32 bytes.
    #[error("expected 32 bytes, got {0}")]
    Length(usize),
}

/// A scalar modulo the group order (`Fr` in the protocol).
///
/// Compared in constant time. It has no `Debug`: scalars blind amounts and sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scalar(pub(crate) curve25519_dalek::Scalar);

impl Scalar {
    /// Zero.
    pub const ZERO: Self = Self(curve25519_dalek::Scalar::ZERO);

    /// Reads 32 canonical little-endian bytes.
    ///
    /// # Errors
    /// [`EncodingError::Length`] and [`EncodingError::Scalar`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let bytes = bytes.try_into().map_err(|_| EncodingError::Length(bytes.len()))?;
        Option::from(curve25519_dalek::Scalar::from_canonical_bytes(bytes))
            .map(Self)
            .ok_or(EncodingError::Scalar)
    }

    /// The 32 canonical little-endian bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// A digest read as a little-endian integer and reduced modulo the group order.
    #[must_use]
    pub fn from_hash(hash: Hash) -> Self {
        Self(curve25519_dalek::Scalar::from_bytes_mod_order(*hash.as_bytes()))
    }

    /// A uniformly random scalar.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        Self(curve25519_dalek::Scalar::random(rng))
    }

    /// Whether this is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl From<u64> for Scalar {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl Add for Scalar {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Scalar {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Scalar {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Sum for Scalar {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Zeroize for Scalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Hashable for Scalar {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"Fr");
        state.update(self.0.as_bytes());
    }
}

/// A point of the group in its 32-byte encoding, as it travels: not yet known to be a point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encoded([u8; 32]);

impl Encoded {
    /// Takes 32 bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The point that these bytes encode.
    ///
    /// # Errors
    /// [`EncodingError::Point`] where they encode none.
    pub fn decode(&self) -> Result<Point, EncodingError> {
        CompressedRistretto(self.0).decompress().map(Point).ok_or(EncodingError::Point)
    }
}

impl AsRef<Self> for Encoded {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl TryFrom<&[u8]> for Encoded {
    type Error = EncodingError;
    fn try_from(bytes: &[u8]) -> Result<Self, EncodingError> {
        bytes.try_into().map(Self).map_err(|_| EncodingError::Length(bytes.len()))
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({})", hex::encode(self.0))
    }
}

impl Hashable for Encoded {
    fn feed(&self, state: &mut Hasher) {
        state.update(b"PtPoint");
        state.update(&self.0);
    }
}

/// A point of the group (`Pt` in the protocol).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Point(pub(crate) RistrettoPoint);

impl Point {
    /// The neutral element.
    #[must_use]
    pub fn identity() -> Self {
        Self(RistrettoPoint::identity())
    }

    /// Whether this is the neutral element.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        *self == Self::identity()
    }

    /// `scalar`·G, in constant time.
    #[must_use]
    pub fn mul_g(scalar: &Scalar) -> Self {
        Self(&*G_TABLE * &scalar.0)
    }

    /// `scalar`·A, in constant time.
    #[must_use]
    pub fn mul_a(scalar: &Scalar) -> Self {
        Self(RISTRETTO_BASEPOINT_TABLE * &scalar.0)
    }

    /// The Pedersen commitment `amount`·A + `blinding`·G.
    #[must_use]
    pub fn commitment(amount: &Scalar, blinding: &Scalar) -> Self {
        Self::mul_a(amount) + Self::mul_g(blinding)
    }

    /// `scalar`·G + `factor`·`point` in variable time: only for values that everybody may know.
    pub(crate) fn open_sum(scalar: &Scalar, factor: &Scalar, point: &Self) -> Self {
        Self(G_OPEN.vartime_mixed_multiscalar_mul([scalar.0], [factor.0], [point.0]))
    }

    /// The 32-byte encoding.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        Encoded(self.0.compress().0)
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul<Scalar> for Point {
    type Output = Self;
    fn mul(self, scalar: Scalar) -> Self {
        Self(self.0 * scalar.0)
    }
}

impl Sum for Point {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::identity(), Add::add)
    }
}

impl Zeroize for Point {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Point({})", hex::encode(self.encode().as_bytes()))
    }
}

impl Hashable for Point {
    fn feed(&self, state: &mut Hasher) {
        self.encode().feed(state);
    }
}
