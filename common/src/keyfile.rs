//! Key files: a secret key encrypted by a password, as the network's own wallet writes it (protocol page §3).
//!
//! The password is stretched by only 1024 rounds of SHA3-256, without a salt: such a file is for exchange
//! with the network's software. It is not how this product stores keys.
//! The file of a public key (`account.pkey`) is the address as text, see [`crate::address::Address`].

use crate::hash::Hash;
use crate::keys::{SecretKey, SecretKeyError};
use crate::schnorr::Signature;
use crate::sealed::Sealed;
use crate::text::excerpt;
use crate::wire::{self, DecodeError};
use pem::{EncodeConfig, LineEnding, Pem};
use prost::Message;
use stegos_proto as proto;
use thiserror::Error;
use zeroize::Zeroizing;

/// The PEM label of an encrypted secret key.
const LABEL: &str = "STEGOS-CURVE25519 ENCRYPTED SECRET KEY";

/// The PEM label of a validator's network key (`network.skey`).
const NETWORK_KEY_LABEL: &str = "STEGOS-PBC SECRET KEY";

/// Bytes of the longest file that is read; a real one has about 320.
pub const MAX_LENGTH: usize = 4096;

/// SHA3-256 rounds between password and key.
const ROUNDS: usize = 1024;

/// A file that gives no key. It never says anything about password or key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// Longer than any key file.
    #[error("{0} bytes are too many for a key file (at most {MAX_LENGTH}): is it the right file?")]
    TooLong(usize),
    /// Not PEM. What it is instead may be a secret, so nothing of it is repeated.
    #[error("not a key file: it must hold PEM, from -----BEGIN {LABEL}----- to the matching END line")]
    Pem,
    /// A validator's network key, which owns no outputs.
    #[error("this is a validator's network key, not an account's: use account.skey, not network.skey")]
    NetworkKey,
    /// PEM of something else.
    #[error("the PEM label is {0:?}, expected {LABEL:?}")]
    Label(String),
    /// Not the protobuf message of an encrypted key.
    #[error("the key file is damaged: {0}")]
    Decode(#[from] DecodeError),
    /// The signature made with the password's key does not fit.
    #[error("wrong password, or the key file was changed")]
    WrongPassword,
    /// The password fits, but what it protects is no key.
    #[error("the key file holds no key: {0}")]
    SecretKey(#[from] SecretKeyError),
}

/// Writes `key`, encrypted by `password`. The same two always give the same text.
#[must_use]
pub fn encrypt(key: &SecretKey, password: &str) -> String {
    to_pem(&seal(key.to_bytes().as_slice(), password))
}

/// Reads a key file.
///
/// # Errors
/// [`KeyFileError`]; the password is checked before anything is decrypted.
pub fn decrypt(pem: &str, password: &str) -> Result<SecretKey, KeyFileError> {
    if pem.len() > MAX_LENGTH {
        return Err(KeyFileError::TooLong(pem.len()));
    }
    let pem = pem::parse(pem).map_err(|_| KeyFileError::Pem)?;
    match pem.tag() {
        LABEL => {}
        NETWORK_KEY_LABEL => return Err(KeyFileError::NetworkKey),
        other => return Err(KeyFileError::Label(excerpt(other))),
    }
    let message = proto::EncryptedKey::decode(pem.contents()).map_err(DecodeError::from)?;
    Ok(SecretKey::from_bytes(&open(message, password)?)?)
}

/// PEM as the network writes it: lines of 64 characters, each ended by a line feed.
fn to_pem(message: &proto::EncryptedKey) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF).set_line_wrap(64);
    pem::encode_config(&Pem::new(LABEL, message.encode_to_vec()), config)
}

/// Encrypts `plaintext` to the password's public key and signs the ciphertext with its secret key.
fn seal(plaintext: &[u8], password: &str) -> proto::EncryptedKey {
    let key = password_key(password);
    let public = key.public_key();
    let (sealed, _) = Sealed::seal(plaintext, &public);
    let signature = Signature::sign(&Hash::digest(&sealed), &key);
    proto::EncryptedKey {
        payload: Some(proto::Payload { ag: wire::to_point(&sealed.hint), ctxt: sealed.ciphertext }),
        sig: wire::to_signature(&signature),
    }
}

/// Checks the signature, then decrypts.
fn open(message: proto::EncryptedKey, password: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let payload = wire::required("payload", message.payload)?;
    let sealed = Sealed { hint: wire::point("payload.ag", payload.ag)?, ciphertext: payload.ctxt };
    let signature = wire::signature(message.sig)?;
    let key = password_key(password);
    if !signature.verify(&Hash::digest(&sealed), &key.public_key()) {
        return Err(KeyFileError::WrongPassword);
    }
    Ok(sealed.open(&key).map_err(|reason| DecodeError::Field { field: "payload.ag", reason })?)
}

/// The deterministic key of the password, hashed 1024 times.
fn password_key(password: &str) -> SecretKey {
    let mut seed = Zeroizing::new(*Hash::digest(password).as_bytes());
    for _ in 1..ROUNDS {
        *seed = *Hash::digest(seed.as_slice()).as_bytes();
    }
    SecretKey::from_seed(seed.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::EncodingError;
    use serde_json::Value;

    /// The vectors seal texts of other lengths than a key, which the public functions do not.
    #[test]
    fn seals_as_the_deployed_node_does() {
        let vectors: Value = serde_json::from_str(include_str!("../tests/vectors/sealed.json")).unwrap();
        let entries = vectors["encrypted_key"].as_array().unwrap();
        assert_eq!(entries.len(), 3);
        for entry in entries {
            let text = |name: &str| entry[name].as_str().unwrap();
            let plaintext = hex::decode(text("plaintext")).unwrap();
            let message = seal(&plaintext, text("password"));
            assert_eq!(hex::encode(message.encode_to_vec()), text("protobuf"));

            let payload = message.payload.clone().unwrap();
            let hint = wire::point("ag", payload.ag).unwrap();
            assert_eq!(hex::encode(hint.as_bytes()), text("ag"));
            assert_eq!(hex::encode(&payload.ctxt), text("payload"));
            let signature = wire::signature(message.sig.clone()).unwrap();
            assert_eq!(hex::encode(signature.u.to_bytes()), text("sig_u_le"));
            assert_eq!(hex::encode(signature.k.as_bytes()), text("sig_K"));
            let sealed = Sealed { hint, ciphertext: payload.ctxt };
            assert_eq!(Hash::chain(&[&sealed, &signature]).to_string(), text("hash"));

            assert_eq!(*open(message.clone(), text("password")).unwrap(), plaintext);
            assert_eq!(open(message, "another").err(), Some(KeyFileError::WrongPassword));
        }
    }

    #[test]
    fn a_signature_does_not_make_any_text_a_key() {
        let pem = |text: &[u8]| to_pem(&seal(text, "password"));
        let short = decrypt(&pem(b"short"), "password").err();
        assert_eq!(short, Some(KeyFileError::SecretKey(SecretKeyError::Encoding(EncodingError::Length(5)))));
        let zero = decrypt(&pem(&[0; 32]), "password").err();
        assert_eq!(zero, Some(KeyFileError::SecretKey(SecretKeyError::Zero)));
    }

    #[test]
    fn missing_parts_are_errors() {
        let missing = |field| Some(KeyFileError::Decode(DecodeError::Missing(field)));
        let empty = to_pem(&proto::EncryptedKey::default());
        assert_eq!(decrypt(&empty, "").err(), missing("payload"));
        let mut message = seal(&[1; 32], "password");
        message.sig = None;
        assert_eq!(open(message, "password").err(), missing("sig"));
    }
}
