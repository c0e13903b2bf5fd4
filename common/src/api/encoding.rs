//! How single values look in the API's JSON (protocol page §8): the one place that knows.
//!
//! | value | JSON |
//! | --- | --- |
//! | digest | text, lower-case hex |
//! | public key, plain or cloaked | text, bech32 with the network's prefix |
//! | point, scalar, BLS key, BLS signature | text, hex of the bytes in **reversed** order |
//! | bytes | text, lower-case hex |
//! | time | text, RFC 3339 in UTC with nanoseconds |
//! | bit map | text of `0` and `1`, trailing zeros cut |
//! | amount, serial number | number, signed 64 bits |
//!
//! Reading accepts hex of either case; everything else must be exactly as above. In a binary form, which the node does not
//! have but a database may, digests and points are their bytes in plain order.

use crate::address::{Address, EncodedAddress, Network};
use crate::amount::Amount;
use crate::group::{Encoded, Scalar};
use crate::hash::Hash;
use crate::text::excerpt;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// JSON text as the type's `Display` writes and its `FromStr` reads it.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
as_text!(Network, Address, EncodedAddress, Timestamp, BitMap);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.as_bytes().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            Deserialize::deserialize(deserializer).map(Self::from_bytes)
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.micro())
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_micro(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            write_reversed(*self.as_bytes(), serializer)
        } else {
            self.as_bytes().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            read_reversed(deserializer).map(Self::from_bytes)
        } else {
            Deserialize::deserialize(deserializer).map(Self::from_bytes)
        }
    }
}

/// A scalar that a message carries on purpose: a sum of blindings, a signature, a revealed rvalue.
///
/// [`Scalar`] itself has no JSON form, because most scalars are secret. `Debug` does not show the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ScalarJson(pub Scalar);

impl fmt::Debug for ScalarJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScalarJson(…)")
    }
}

impl Serialize for ScalarJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_reversed(self.0.to_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for ScalarJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: [u8; 32] = read_reversed(deserializer)?;
        Scalar::from_bytes(&bytes).map(Self).map_err(D::Error::custom)
    }
}

/// A value of the validators' BLS scheme, carried but never computed with. The bytes are in protobuf order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bls<const N: usize>(pub [u8; N]);

/// A validator's network key, 96 bytes.
pub type BlsPublicKey = Bls<96>;

/// A validator's signature or the proof of a random value, 48 bytes.
pub type BlsSignature = Bls<48>;

impl<const N: usize> fmt::Debug for Bls<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bls({})", hex::encode(self.0))
    }
}

impl<const N: usize> Serialize for Bls<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_reversed(self.0, serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bls<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_reversed(deserializer).map(Self)
    }
}

fn write_reversed<S: Serializer, const N: usize>(
    mut bytes: [u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    bytes.reverse();
    serializer.serialize_str(&hex::encode(bytes))
}

fn read_reversed<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut bytes = [0; N];
    hex::decode_to_slice(&text, &mut bytes)
        .map_err(|reason| D::Error::custom(format_args!("expected {} hex digits: {reason}", 2 * N)))?;
    bytes.reverse();
    Ok(bytes)
}

/// Bytes of any length: payloads, proofs, and the blobs of outputs and transactions.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HexBytes(#[serde(with = "hex::serde")] pub Vec<u8>);

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HexBytes({})", hex::encode(&self.0))
    }
}

/// Text that is not a time or a bit map.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not a time as the node writes it.
    #[error("expected a time like 2019-11-18T17:00:03.014423000Z, got {0:?}")]
    Timestamp(String),
    /// Something else than `0` and `1`.
    #[error("expected a bit map of 0 and 1, got {0:?}")]
    BitMap(String),
}

/// A time in UTC with nanoseconds, from 1970 to 2554: `2019-11-18T17:00:03.014423000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time that many nanoseconds after the start of 1970.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start of 1970.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }
}

impl FromStr for Timestamp {
    type Err = TextError;

    /// Takes the node's form only: other forms of the same time are errors.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let time: Option<jiff::Timestamp> = text.parse().ok();
        time.and_then(|time| u64::try_from(time.as_nanosecond()).ok())
            .map(Self)
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| TextError::Timestamp(excerpt(text)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_nanosecond(self.0.into()).map_err(|_| fmt::Error)?;
        write!(f, "{time:.9}")
    }
}

/// Which of a list of validators took part: one `0` or `1` each, trailing zeros cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitMap(String);

impl BitMap {
    /// The map of these validators.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Self {
        let text: String = bits.into_iter().map(|bit| if bit { '1' } else { '0' }).collect();
        Self(text.trim_end_matches('0').to_owned())
    }

    /// Whether each validator took part, up to the last one that did.
    pub fn bits(&self) -> impl ExactSizeIterator<Item = bool> {
        self.0.bytes().map(|bit| bit == b'1')
    }
}

impl FromStr for BitMap {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.bytes().all(|byte| matches!(byte, b'0' | b'1')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::BitMap(excerpt(text)))
        }
    }
}

impl fmt::Display for BitMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
