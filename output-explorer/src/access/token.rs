//! Tokens of our own: `oe_`, the id, `_`, the secret. The ledger has their digests only.

use super::Role;
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use stegos_common::api::encoding::Timestamp;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

/// What every token begins with, so that it is known where it should not be: in a log, in a repository.
pub const PREFIX: &str = "oe_";

/// Length of an id, in bytes.
const ID: usize = 8;

/// Length of a secret, in bytes. With 256 bits by chance no slow hash is needed: nobody tries them out.
const SECRET: usize = 32;

/// Text that is no id of a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the id of a token is 16 hex digits, as `token list` shows it")]
pub struct ParseTokenIdError;

/// The id of a token: no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(#[serde(with = "hex")] [u8; ID]);

impl TokenId {
    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ID] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl FromStr for TokenId {
    type Err = ParseTokenIdError;

    fn from_str(text: &str) -> Result<Self, ParseTokenIdError> {
        let mut bytes = [0; ID];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseTokenIdError)?;
        Ok(Self(bytes))
    }
}

/// SHA-256 of a token's whole text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDigest(#[serde(with = "hex")] [u8; 32]);

impl TokenDigest {
    fn new(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

/// What may be known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Token {
    /// Whether it opens anything.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// A token as its holder has it. It is not for showing (no `Debug`), and wiped.
pub struct TokenText {
    id: TokenId,
    text: Zeroizing<String>,
}

impl TokenText {
    /// A new one, by chance.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        let mut id = TokenId([0; ID]);
        rng.fill_bytes(&mut id.0);
        let mut secret = Zeroizing::new([0; SECRET]);
        rng.fill_bytes(secret.as_mut());
        let mut digits = Zeroizing::new([0; 2 * SECRET]);
        // It has room for them; were it not so, no token would be of this digest.
        let _ = hex::encode_to_slice(secret.as_ref(), digits.as_mut());
        // One allocation from the start: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * ID + 1 + 2 * SECRET));
        text.push_str(PREFIX);
        text.push_str(&id.to_string());
        text.push('_');
        text.extend(digits.iter().copied().map(char::from));
        Self { id, text }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> TokenId {
        self.id
    }

    /// Its digest, for the ledger.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::new(&self.text)
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

/// The id in what should be a token's text.
pub(super) fn id_of(text: &str) -> Option<TokenId> {
    text.strip_prefix(PREFIX)?.split_once('_')?.0.parse().ok()
}

/// Whether a text is the token with this digest, in a time that tells nothing of where they differ, nor whether there is
/// a digest at all.
pub(super) fn is_of(text: &str, digest: Option<&TokenDigest>) -> bool {
    let other = TokenDigest([0; 32]);
    let is_it = TokenDigest::new(text).0.ct_eq(&digest.unwrap_or(&other).0);
    bool::from(is_it) & digest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    #[test]
    fn a_token_is_of_its_digest_only() {
        let (token, other) = (TokenText::random(&mut OsRng), TokenText::random(&mut OsRng));
        let text = token.expose();
        assert_eq!(text.len(), 84);
        assert_eq!(id_of(text), Some(token.id()));
        assert!(is_of(text, Some(&token.digest())));
        assert!(!is_of(text, Some(&other.digest())));
        assert!(!is_of(text, None));
        // Other letters would be the same id, but not the same token.
        let loud = text.replacen(&token.id().to_string(), &token.id().to_string().to_uppercase(), 1);
        assert_eq!(id_of(&loud), Some(token.id()));
        assert_eq!(is_of(&loud, Some(&token.digest())), loud == text);
    }

    #[test]
    fn what_is_no_token_has_no_id() {
        for text in
            ["", "oe_", "oe__", "oe_0011223344556677", "oe_00112233445566_ab", "xx_0011223344556677_ab"]
        {
            assert_eq!(id_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_valid_until_it_ends() {
        let at = |seconds: u64| Timestamp::from_unix_nanos(seconds * 1_000_000_000);
        let id = "0011223344556677".parse().unwrap();
        let name = String::new();
        let token = Token { id, name, role: Role::Auditor, created: at(1), expires: None, revoked: None };
        assert!(token.is_valid(at(1_000_000)));
        let ends = Token { expires: Some(at(5)), ..token.clone() };
        assert_eq!([4, 5, 6].map(|now| ends.is_valid(at(now))), [true, false, false]);
        assert!(!Token { revoked: Some(at(2)), ..token }.is_valid(at(1)));
    }
}
