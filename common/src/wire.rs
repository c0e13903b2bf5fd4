//! Protobuf bytes to protocol values: the pieces that several messages share (protocol page §9).

use crate::group::{Encoded, EncodingError, Scalar};
use crate::hash::Hash;
use crate::schnorr::Signature;
use stegos_proto as proto;
use thiserror::Error;

/// Bytes that are not the protobuf message they should be, or hold a value that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not protobuf, or cut short.
    #[error("not a protobuf message: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// Longer than any valid message, so that nobody has to hold what hostile bytes would unfold to.
    #[error("{length} bytes, at most {most} are read")]
    TooLong {
        /// The number of bytes.
        length: usize,
        /// The most that is read.
        most: usize,
    },
    /// A field that must be there is not.
    #[error("the field {0} is missing")]
    Missing(&'static str),
    /// A field that is no scalar, point or digest.
    #[error("the field {field} is bad: {reason}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        reason: EncodingError,
    },
    /// A kind of transaction that moves no user's money.
    #[error("a {0} is not a payment transaction")]
    NotAPayment(&'static str),
}

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

pub(crate) fn at_most(most: usize, bytes: &[u8]) -> Result<()> {
    let length = bytes.len();
    if length > most { Err(DecodeError::TooLong { length, most }) } else { Ok(()) }
}

pub(crate) fn required<T>(field: &'static str, value: Option<T>) -> Result<T> {
    value.ok_or(DecodeError::Missing(field))
}

pub(crate) fn point(field: &'static str, value: Option<proto::Pt>) -> Result<Encoded> {
    let bytes = required(field, value)?.data;
    Encoded::try_from(bytes.as_slice()).map_err(|reason| DecodeError::Field { field, reason })
}

pub(crate) fn public_key(field: &'static str, value: Option<proto::PublicKey>) -> Result<Encoded> {
    point(field, required(field, value)?.point)
}

pub(crate) fn scalar(field: &'static str, value: Option<proto::Fr>) -> Result<Scalar> {
    let bytes = required(field, value)?.data;
    Scalar::from_bytes(&bytes).map_err(|reason| DecodeError::Field { field, reason })
}

pub(crate) fn hash(field: &'static str, value: &proto::Hash) -> Result<Hash> {
    let length = value.data.len();
    let bytes = value.data.as_slice().try_into();
    bytes
        .map(Hash::from_bytes)
        .map_err(|_| DecodeError::Field { field, reason: EncodingError::Length(length) })
}

pub(crate) fn signature(value: Option<proto::SchnorrSig>) -> Result<Signature> {
    let value = required("sig", value)?;
    Ok(Signature { u: scalar("sig.u", value.u)?, k: point("sig.K", value.k)? })
}

pub(crate) fn to_signature(value: &Signature) -> Option<proto::SchnorrSig> {
    Some(proto::SchnorrSig { u: to_scalar(&value.u), k: to_point(&value.k) })
}

pub(crate) fn to_point(value: &Encoded) -> Option<proto::Pt> {
    Some(proto::Pt { data: value.as_bytes().to_vec() })
}

pub(crate) fn to_public_key(value: &Encoded) -> Option<proto::PublicKey> {
    Some(proto::PublicKey { point: to_point(value) })
}

pub(crate) fn to_scalar(value: &Scalar) -> Option<proto::Fr> {
    Some(proto::Fr { data: value.to_bytes().to_vec() })
}
