//! Key files: a secret key encrypted by a password, as the network's own wallet writes it (protocol page §3).
//!
//! The password is stretched by only 1024 rounds of SHA3-256, without a salt: such a file is for exchange
//! with the network's software. It is not how this product stores keys.
//! The file of a public key (`account.pkey`) is the address as text, see [`crate::address::Address`].

use crate::group::{Encoded, EncodingError, Scalar};
use crate::hash::Hash;
use crate::keys::{SecretKey, SecretKeyError};
use crate::schnorr::Signature;
use crate::sealed::Sealed;
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
    /// Not PEM.
    #[error("not a key file in PEM form: {0}")]
    Pem(String),
    /// A validator's network key, which owns no outputs.
    #[error("this is a validator's network key, not an account's: use account.skey, not network.skey")]
    NetworkKey,
    /// PEM of something else.
    #[error("the PEM label is {0:?}, expected {LABEL:?}")]
    Label(String),
    /// Not the protobuf message of an encrypted key.
    #[error("the key file is damaged: {0}")]
    Protobuf(String),
    /// A part of the message has the wrong form.
    #[error("the key file is damaged: {0}")]
    Encoding(#[from] EncodingError),
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
    to_pem(LABEL, &seal(key.to_bytes().as_slice(), password))
}

/// Reads a key file.
///
/// # Errors
/// [`KeyFileError`]; the password is checked before anything is decrypted.
pub fn decrypt(pem: &str, password: &str) -> Result<SecretKey, KeyFileError> {
    if pem.len() > MAX_LENGTH {
        return Err(KeyFileError::TooLong(pem.len()));
    }
    let pem = pem::parse(pem).map_err(|error| KeyFileError::Pem(shortened(&error.to_string())))?;
    match pem.tag() {
        LABEL => {}
        NETWORK_KEY_LABEL => return Err(KeyFileError::NetworkKey),
        other => return Err(KeyFileError::Label(shortened(other))),
    }
    let message = proto::EncryptedKey::decode(pem.contents())
        .map_err(|error| KeyFileError::Protobuf(error.to_string()))?;
    Ok(SecretKey::from_bytes(&open(message, password)?)?)
}

/// PEM as the network writes it: lines of 64 characters, each ended by a line feed.
fn to_pem(label: &str, message: &proto::EncryptedKey) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF).set_line_wrap(64);
    pem::encode_config(&Pem::new(label, message.encode_to_vec()), config)
}

/// Enough of a text from outside to recognise it.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Encrypts `plaintext` to the password's public key and signs the ciphertext with its secret key.
fn seal(plaintext: &[u8], password: &str) -> proto::EncryptedKey {
    let key = password_key(password);
    let public = key.public_key();
    let (sealed, _) = Sealed::seal(plaintext, &public);
    let signature = Signature::sign(&Hash::digest(&sealed), &key, &public);
    proto::EncryptedKey {
        payload: Some(proto::Payload {
            ag: Some(proto::Pt { data: sealed.hint.as_bytes().to_vec() }),
            ctxt: sealed.ciphertext,
        }),
        sig: Some(proto::SchnorrSig {
            u: Some(proto::Fr { data: signature.u.to_bytes().to_vec() }),
            k: Some(proto::Pt { data: signature.k.as_bytes().to_vec() }),
        }),
    }
}

/// Checks the signature, then decrypts. A missing part reads as one of 0 bytes, which has the wrong length.
fn open(message: proto::EncryptedKey, password: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let payload = message.payload.unwrap_or_default();
    let hint = Encoded::try_from(payload.ag.unwrap_or_default().data.as_slice())?;
    let sealed = Sealed { hint, ciphertext: payload.ctxt };
    let signature = message.sig.unwrap_or_default();
    let signature = Signature {
        u: Scalar::from_bytes(&signature.u.unwrap_or_default().data)?,
        k: Encoded::try_from(signature.k.unwrap_or_default().data.as_slice())?,
    };
    let key = password_key(password);
    if !signature.verify(&Hash::digest(&sealed), &key.public_key()) {
        return Err(KeyFileError::WrongPassword);
    }
    Ok(sealed.open(&key)?)
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
            let hint = payload.ag.unwrap().data;
            assert_eq!(hex::encode(&hint), text("ag"));
            assert_eq!(hex::encode(&payload.ctxt), text("payload"));
            let sealed =
                Sealed { hint: Encoded::try_from(hint.as_slice()).unwrap(), ciphertext: payload.ctxt };
            let signature = message.sig.clone().unwrap();
            let (u, k) = (signature.u.unwrap().data, signature.k.unwrap().data);
            assert_eq!(hex::encode(&u), text("sig_u_le"));
            assert_eq!(hex::encode(&k), text("sig_K"));
            let signature =
                Signature { u: Scalar::from_bytes(&u).unwrap(), k: Encoded::try_from(k.as_slice()).unwrap() };
            assert_eq!(Hash::chain(&[&sealed, &signature]).to_string(), text("hash"));

            assert_eq!(*open(message.clone(), text("password")).unwrap(), plaintext);
            assert_eq!(open(message, "another").err(), Some(KeyFileError::WrongPassword));
        }
    }

    #[test]
    fn a_signature_does_not_make_any_text_a_key() {
        let pem = |text: &[u8]| to_pem(LABEL, &seal(text, "password"));
        let short = decrypt(&pem(b"short"), "password").err();
        assert_eq!(short, Some(KeyFileError::SecretKey(SecretKeyError::Encoding(EncodingError::Length(5)))));
        let zero = decrypt(&pem(&[0; 32]), "password").err();
        assert_eq!(zero, Some(KeyFileError::SecretKey(SecretKeyError::Zero)));
    }

    #[test]
    fn missing_parts_are_errors() {
        let empty = to_pem(LABEL, &proto::EncryptedKey::default());
        assert_eq!(decrypt(&empty, "").err(), Some(KeyFileError::Encoding(EncodingError::Length(0))));
        let mut message = seal(&[1; 32], "password");
        message.sig = None;
        assert_eq!(open(message, "password").err(), Some(KeyFileError::Encoding(EncodingError::Length(0))));
    }
}
