//! JSON web tokens (RFC 7519) of somebody whom the configuration names. What a token says about itself never decides how
//! it is checked: algorithm and key are those of the issuer.

use super::{Caller, Role};
use crate::settings::{JwtAlgorithm, JwtIssuer};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::{self, PemObject};
use serde::Deserialize;
use std::path::PathBuf;
use stegos_common::api::encoding::Timestamp;
use thiserror::Error;

/// A token ends at most so many seconds from now.
const MOST: u64 = 600;

/// So many seconds the clocks may differ.
const LEEWAY: u64 = 5;

/// The shortest key of RSA, in bits.
const RSA_BITS: usize = 2048;

/// The longest name of a caller, in bytes.
const SUBJECT: usize = 128;

/// Why the tokens of an issuer cannot be checked.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file cannot be read as PEM.
    #[error(
        "cannot read a public key of {issuer:?} from {}: {source}; it has to be PEM (BEGIN PUBLIC KEY)", path.display()
    )]
    Pem {
        /// Whose key.
        issuer: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// It is a key for something else.
    #[error("{} is no public key for {algorithm:?} of {issuer:?}; name the key that the algorithm needs", path.display())]
    OtherKey {
        /// Whose key.
        issuer: String,
        /// The file.
        path: PathBuf,
        /// The algorithm of the configuration.
        algorithm: JwtAlgorithm,
    },
    /// It is too short.
    #[error("the RSA key of {issuer:?} in {} has {bits} bits; {RSA_BITS} are the least: have it replaced", path.display())]
    Short {
        /// Whose key.
        issuer: String,
        /// The file.
        path: PathBuf,
        /// Its length.
        bits: usize,
    },
    /// A name that cannot be told from what follows it.
    #[error("an issuer's name is not empty and has no `|`, unlike {0:?}")]
    Name(String),
}

/// What a token must say.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    role: Role,
    iat: u64,
    exp: u64,
    nbf: Option<u64>,
}

impl Claims {
    /// Whether it is a token of now.
    fn is_of(&self, now: u64) -> bool {
        let latest = now.saturating_add(LEEWAY);
        let has_begun = self.iat <= latest && self.nbf.is_none_or(|begin| begin <= latest);
        has_begun && now < self.exp.saturating_add(LEEWAY) && self.exp <= now.saturating_add(MOST)
    }
}

/// Somebody whose tokens are taken.
pub(super) struct Issuer {
    key: DecodingKey,
    validation: Validation,
}

impl Issuer {
    /// # Errors
    /// [`KeyError`] where the key cannot be used.
    pub(super) fn new(config: &JwtIssuer) -> Result<Self, KeyError> {
        let JwtIssuer { issuer, audience, algorithm, public_key_file: path } = config;
        if issuer.is_empty() || issuer.contains('|') {
            return Err(KeyError::Name(issuer.clone()));
        }
        let der = SubjectPublicKeyInfoDer::from_pem_file(path).map_err(|source| KeyError::Pem {
            issuer: issuer.clone(),
            path: path.clone(),
            source,
        })?;
        let other_key =
            || KeyError::OtherKey { issuer: issuer.clone(), path: path.clone(), algorithm: *algorithm };
        let (key, algorithm) = match algorithm {
            JwtAlgorithm::Es256 => {
                let key = p256::PublicKey::from_public_key_der(&der).map_err(|_| other_key())?;
                (DecodingKey::from_ec_der(&key.to_sec1_bytes()), Algorithm::ES256)
            }
            JwtAlgorithm::Rs256 => {
                let key = rsa::RsaPublicKey::from_public_key_der(&der).map_err(|_| other_key())?;
                let bits = key.n().bits();
                if bits < RSA_BITS {
                    return Err(KeyError::Short { issuer: issuer.clone(), path: path.clone(), bits });
                }
                let der = key.to_pkcs1_der().map_err(|_| other_key())?;
                (DecodingKey::from_rsa_der(der.as_bytes()), Algorithm::RS256)
            }
        };
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // Times are held against the time of the request, by `Claims::is_of`.
        validation.validate_exp = false;
        Ok(Self { key, validation })
    }

    /// Whose token a text is, if it is one of this issuer and of now.
    pub(super) fn caller(&self, text: &str, now: Timestamp) -> Option<Caller> {
        let token = decode::<Claims>(text, &self.key, &self.validation).ok()?;
        // What must be understood, and is not (RFC 7515, 4.1.11).
        if token.header.crit.is_some() {
            return None;
        }
        let claims = token.claims;
        let is_a_name = !claims.sub.is_empty() && claims.sub.len() <= SUBJECT;
        let is_plain = claims.sub.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        (is_a_name && is_plain && claims.is_of(now.unix_nanos() / 1_000_000_000))
            .then(|| Caller { id: format!("{}|{}", claims.iss, claims.sub), role: claims.role })
    }
}
