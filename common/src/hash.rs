//! SHA3-256 as the protocol uses it (protocol page §2).
//!
//! A composite value is hashed by feeding its parts into one SHA3-256 state, without length prefixes.

use crate::text::excerpt;
use sha3::{Digest, Sha3_256};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use zeroize::Zeroize;

/// A SHA3-256 digest: the id of an output, of a transaction, of a block.
///
/// Shown and parsed as 64 lower-case hex digits, in the order of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// Text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a hash is 64 hex digits, not {0:?}")]
pub struct ParseHashError(String);

impl Hash {
    /// Takes 32 digest bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 digest bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of one value.
    pub fn digest<T: Hashable + ?Sized>(value: &T) -> Self {
        let mut hasher = Hasher::new();
        value.feed(&mut hasher);
        hasher.finish()
    }

    /// The digest of several values fed one after another (`digest_chain` of the protocol page).
    #[must_use]
    pub fn chain(values: &[&dyn Hashable]) -> Self {
        let mut hasher = Hasher::new();
        for value in values {
            value.feed(&mut hasher);
        }
        hasher.finish()
    }

    /// The first 12 hex digits, as the node shows hashes in its error texts.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = hex::encode(self.0);
        text.truncate(12);
        text
    }
}

/// Most digests are public; of those that are keys, whoever computes one wipes it.
impl Zeroize for Hash {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = ParseHashError;

    /// Accepts exactly 64 hex digits of either case. The deployed node pads shorter text with zeros; that
    /// would name another output than the one meant, so it is an error here.
    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseHashError(excerpt(text)))?;
        Ok(Self(bytes))
    }
}

/// A running SHA3-256 state.
#[derive(Clone)]
pub struct Hasher(Sha3_256);

impl Hasher {
    /// An empty state.
    #[must_use]
    pub fn new() -> Self {
        Self(Sha3_256::new())
    }

    /// Feeds raw bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything fed so far.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// A value that knows which bytes of it enter a digest.
pub trait Hashable {
    /// Feeds the value's bytes into `state`.
    fn feed(&self, state: &mut Hasher);
}

impl<T: Hashable + ?Sized> Hashable for &T {
    fn feed(&self, state: &mut Hasher) {
        (**self).feed(state);
    }
}

impl Hashable for str {
    fn feed(&self, state: &mut Hasher) {
        state.update(self.as_bytes());
    }
}

impl Hashable for [u8] {
    fn feed(&self, state: &mut Hasher) {
        state.update(self);
    }
}

impl Hashable for bool {
    fn feed(&self, state: &mut Hasher) {
        state.update(&[u8::from(*self)]);
    }
}

impl Hashable for Hash {
    fn feed(&self, state: &mut Hasher) {
        state.update(&self.0);
    }
}

macro_rules! little_endian {
    ($($integer:ty),*) => {$(
        impl Hashable for $integer {
            fn feed(&self, state: &mut Hasher) {
                state.update(&self.to_le_bytes());
            }
        }
    )*};
}
little_endian!(u8, u16, u32, u64, i64);
