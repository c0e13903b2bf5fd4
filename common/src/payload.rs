//! What a private output tells its recipient (protocol page §6): 1024 bytes in the clear, sealed on the chain.

use crate::amount::{Amount, AmountError};
use crate::group::{Encoded, EncodingError, Scalar};
use crate::hash::{Hash, Hashable, Hasher};
use crate::keys::{PublicKey, SecretKey};
use crate::schnorr::Signature;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The length of every payload, in bytes.
pub const PAYLOAD_LEN: usize = 1024;

/// The longest comment, in bytes of UTF-8.
pub const MAX_COMMENT_LEN: usize = 882;

/// The number of leading bytes that repeat the recipient's key, by which an owner recognises his output.
pub(crate) const CANARY_LEN: usize = 4;

/// Bytes of data that follow the data code.
const DATA_LEN: usize = PAYLOAD_LEN - CANARY_LEN - 32 - 32 - 8 - 64 - 1;

/// Data code of a comment.
const COMMENT: u8 = 0;
/// Data code of a content hash.
const CONTENT_HASH: u8 = 1;

/// What a sender attaches to a private payment.
#[derive(Clone, PartialEq, Eq)]
pub enum PayloadData {
    /// Text for the recipient.
    Comment(Comment),
    /// The hash of something delivered elsewhere.
    ContentHash(Hash),
}

/// A comment that a payload can carry unchanged. Wiped on drop; it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment(Zeroizing<String>);

/// A comment that would not arrive as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CommentError {
    /// Longer than there is room; the deployed node crashes on one.
    #[error("the comment has {0} bytes, at most {MAX_COMMENT_LEN} fit into a payment")]
    TooLong(usize),
    /// Its last bytes are zero: readers take them for padding, and a certificate would not verify. The deployed
    /// node accepts them.
    #[error("the comment ends with a NUL character, which would be lost on the way")]
    TrailingNul,
}

impl Comment {
    /// Takes a text.
    ///
    /// # Errors
    /// [`CommentError`] for a text that would not arrive unchanged.
    pub fn new(text: &str) -> Result<Self, CommentError> {
        if text.len() > MAX_COMMENT_LEN {
            return Err(CommentError::TooLong(text.len()));
        }
        if text.ends_with('\0') {
            return Err(CommentError::TrailingNul);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PayloadData {
    /// A comment, see [`Comment::new`].
    ///
    /// # Errors
    /// [`CommentError`] for a text that would not arrive unchanged.
    pub fn comment(text: &str) -> Result<Self, CommentError> {
        Comment::new(text).map(Self::Comment)
    }

    fn code(&self) -> u8 {
        match self {
            Self::Comment(_) => COMMENT,
            Self::ContentHash(_) => CONTENT_HASH,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Comment(comment) => comment.as_str().as_bytes(),
            Self::ContentHash(hash) => hash.as_bytes(),
        }
    }
}

/// A decrypted payload that is not what a sender writes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// Not [`PAYLOAD_LEN`] bytes.
    #[error("the payload has {0} bytes, expected {PAYLOAD_LEN}")]
    Length(usize),
    /// It does not begin with the recipient's canary: sealed to another key.
    #[error("the payload is sealed to another key")]
    OtherRecipient,
    /// A blinding or signature scalar is not canonical.
    #[error("the payload holds no valid {part}: {reason}")]
    Scalar {
        /// Which one.
        part: &'static str,
        /// Why it is none.
        reason: EncodingError,
    },
    /// The amount is negative.
    #[error("the payload holds a {0}")]
    Amount(#[from] AmountError),
    /// The data code is neither comment nor content hash.
    #[error("the payload holds data of the unknown kind {0}")]
    DataKind(u8),
    /// The comment is not UTF-8.
    #[error("the comment in the payload is not UTF-8")]
    Comment,
    /// Bytes after the data.
    #[error("the payload holds garbage after its data")]
    TrailingGarbage,
}

/// The secret contents of a private output. Wiped on drop; it has no `Debug`.
#[derive(Clone)]
pub struct Payload {
    /// The blinding of the amount's commitment.
    pub gamma: Scalar,
    /// The blinding of the recipient's key.
    pub delta: Scalar,
    /// The amount paid.
    pub amount: Amount,
    /// The sender's signature over the rest, or [`Signature::UNSIGNED`]; it makes a certificate possible.
    pub signature: Signature,
    /// The attached data.
    pub data: PayloadData,
}

impl Payload {
    /// An unsigned payload.
    #[must_use]
    pub const fn new(gamma: Scalar, delta: Scalar, amount: Amount, data: PayloadData) -> Self {
        Self { gamma, delta, amount, signature: Signature::UNSIGNED, data }
    }

    /// Signs as the sender, so that the payment can be proved later.
    #[must_use]
    pub fn signed_by(mut self, key: &SecretKey) -> Self {
        self.signature = Signature::sign(&self.digest(), key);
        self
    }

    /// Whether `sender` signed this payload.
    #[must_use]
    pub fn is_signed_by(&self, sender: &PublicKey) -> bool {
        self.signature.verify(&self.digest(), sender)
    }

    /// The scalar that hides the recipient's key: gamma·delta, or delta alone where gamma is zero.
    #[must_use]
    pub fn cloak(&self) -> Scalar {
        if self.gamma.is_zero() { self.delta } else { self.gamma * self.delta }
    }

    /// What the sender signs.
    fn digest(&self) -> Hash {
        Hash::digest(self)
    }

    /// The [`PAYLOAD_LEN`] bytes for `recipient`, ready to be sealed.
    #[must_use]
    pub fn encode(&self, recipient: &PublicKey) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(PAYLOAD_LEN));
        bytes.extend(recipient.as_bytes().iter().take(CANARY_LEN));
        bytes.extend(self.gamma.to_bytes());
        bytes.extend(self.delta.to_bytes());
        bytes.extend(self.amount.micro().to_le_bytes());
        bytes.extend(self.signature.u.to_bytes());
        bytes.extend(self.signature.k.as_bytes());
        bytes.push(self.data.code());
        bytes.extend(self.data.bytes());
        bytes.resize(PAYLOAD_LEN, 0);
        bytes
    }

    /// Reads what [`Payload::encode`] wrote for `recipient`.
    ///
    /// # Errors
    /// [`PayloadError`] for bytes of another recipient or form.
    pub fn decode(bytes: &[u8], recipient: &Encoded) -> Result<Self, PayloadError> {
        let mut parts = Parts(bytes);
        let (
            Some(canary),
            Some(gamma),
            Some(delta),
            Some(amount),
            Some(u),
            Some(k),
            Some([code]),
            Some(data),
        ) = (
            parts.next::<CANARY_LEN>(),
            parts.next::<32>(),
            parts.next::<32>(),
            parts.next::<8>(),
            parts.next::<32>(),
            parts.next::<32>(),
            parts.next::<1>(),
            parts.next::<DATA_LEN>(),
        )
        else {
            return Err(PayloadError::Length(bytes.len()));
        };
        if !parts.0.is_empty() {
            return Err(PayloadError::Length(bytes.len()));
        }
        if !recipient.as_bytes().starts_with(canary) {
            return Err(PayloadError::OtherRecipient);
        }
        let scalar = |part, bytes: &[u8; 32]| {
            Scalar::from_bytes(bytes).map_err(|reason| PayloadError::Scalar { part, reason })
        };
        Ok(Self {
            gamma: scalar("gamma", gamma)?,
            delta: scalar("delta", delta)?,
            amount: Amount::from_micro(i64::from_le_bytes(*amount))?,
            signature: Signature { u: scalar("sender signature", u)?, k: Encoded::from_bytes(*k) },
            data: decode_data(*code, data)?,
        })
    }
}

fn decode_data(code: u8, data: &[u8]) -> Result<PayloadData, PayloadError> {
    match code {
        COMMENT => {
            let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
            let text = data.get(..end).and_then(|text| std::str::from_utf8(text).ok());
            // One byte more than we write fits in; what is there is read.
            let comment = text.map(|text| Comment(Zeroizing::new(text.to_owned())));
            comment.map(PayloadData::Comment).ok_or(PayloadError::Comment)
        }
        CONTENT_HASH => match data.split_first_chunk::<32>() {
            Some((hash, padding)) if padding.iter().all(|byte| *byte == 0) => {
                Ok(PayloadData::ContentHash(Hash::from_bytes(*hash)))
            }
            _ => Err(PayloadError::TrailingGarbage),
        },
        _ => Err(PayloadError::DataKind(code)),
    }
}

/// The rest of a byte string that is taken apart from the front.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn next<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (part, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(part)
    }
}

impl Hashable for Payload {
    /// Feeds what the sender signs: everything but the signature.
    fn feed(&self, state: &mut Hasher) {
        self.delta.feed(state);
        self.gamma.feed(state);
        self.amount.micro().feed(state);
        self.data.code().feed(state);
        state.update(self.data.bytes());
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.gamma.zeroize();
        self.delta.zeroize();
    }
}

impl ZeroizeOnDrop for Payload {}
