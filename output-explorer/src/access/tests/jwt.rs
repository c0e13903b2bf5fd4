//! JSON web tokens: one that is right, and one for each thing that can be wrong with it.

use super::config;
use crate::access::jwt::{Issuer, KeyError};
use crate::access::{Access, Caller, Role};
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::{Ledger, Settings};
use crate::settings::{JwtAlgorithm, JwtIssuer};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rand_core::OsRng;
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;
use tempfile::NamedTempFile;

const NOW: u64 = 1_800_000_000;
const TIME: Timestamp = Timestamp::from_unix_nanos(NOW * 1_000_000_000);

/// A key pair: what signs, and the file of the public key.
struct Keys {
    algorithm: JwtAlgorithm,
    private: EncodingKey,
    public: NamedTempFile,
}

impl Keys {
    fn es256() -> Self {
        let secret = p256::SecretKey::random(&mut OsRng);
        let der = secret.public_key().to_public_key_der().unwrap();
        let private = EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes());
        Self { algorithm: JwtAlgorithm::Es256, private, public: pem_file("PUBLIC KEY", der.as_bytes()) }
    }

    fn rs256(bits: usize) -> Self {
        let secret = rsa::RsaPrivateKey::new(&mut OsRng, bits).unwrap();
        let der = secret.to_public_key().to_public_key_der().unwrap();
        let private = EncodingKey::from_rsa_der(secret.to_pkcs1_der().unwrap().as_bytes());
        Self { algorithm: JwtAlgorithm::Rs256, private, public: pem_file("PUBLIC KEY", der.as_bytes()) }
    }

    fn settings(&self) -> JwtIssuer {
        JwtIssuer {
            issuer: "https://login.example.org".to_owned(),
            audience: "explorer".to_owned(),
            algorithm: self.algorithm,
            public_key_file: self.public.path().to_owned(),
        }
    }

    fn issuer(&self) -> Issuer {
        Issuer::new(&self.settings()).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let algorithm = match self.algorithm {
            JwtAlgorithm::Es256 => Algorithm::ES256,
            JwtAlgorithm::Rs256 => Algorithm::RS256,
        };
        encode(&Header::new(algorithm), claims, &self.private).unwrap()
    }
}

fn pem_file(label: &str, der: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    let text = pem::encode(&pem::Pem::new(label, der));
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example.org", "aud": "explorer", "sub": "shop", "role": "service",
        "iat": NOW, "exp": NOW + 600,
    })
}

/// The claims with another value of one, or without it.
fn with(name: &str, value: Option<Value>) -> Value {
    let mut claims = claims();
    let all = claims.as_object_mut().unwrap();
    all.remove(name);
    all.extend(value.map(|value| (name.to_owned(), value)));
    claims
}

#[test]
fn a_token_of_a_known_issuer_says_who_asks() {
    for keys in [Keys::es256(), Keys::rs256(2048)] {
        let caller = Caller { id: "https://login.example.org|shop".to_owned(), role: Role::Service };
        assert_eq!(keys.issuer().caller(&keys.sign(&claims()), TIME), Some(caller));
    }
}

#[test]
fn the_server_asks_every_issuer() {
    let (old, new, stranger) = (Keys::es256(), Keys::es256(), Keys::es256());
    let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1000 };
    let ledger = Arc::new(Ledger::new(Box::new(MemoryStore::default()), settings).unwrap());
    let access = Access::new(&config(None, vec![old.settings(), new.settings()]), ledger).unwrap();
    let is_known =
        |keys: &Keys| access.caller(Some(&format!("Bearer {}", keys.sign(&claims()))), TIME).is_ok();
    assert!(is_known(&old) && is_known(&new) && !is_known(&stranger));
}

#[test]
fn every_claim_is_needed_and_has_to_be_right() {
    let keys = Keys::es256();
    let issuer = keys.issuer();
    let is_taken = |claims: &Value| issuer.caller(&keys.sign(claims), TIME).is_some();
    for name in ["iss", "aud", "sub", "role", "iat", "exp"] {
        assert!(!is_taken(&with(name, None)), "without {name}");
        assert!(!is_taken(&with(name, Some(Value::Null))), "without {name}");
    }
    let long = "a".repeat(129);
    let wrong = [
        ("iss", json!("https://login.example.com")),
        ("iss", json!(["https://login.example.org"])),
        ("aud", json!("another explorer")),
        ("aud", json!([])),
        ("role", json!("root")),
        ("sub", json!("")),
        ("sub", json!("shop\n")),
        ("sub", json!(long)),
        ("exp", json!(NOW + 601)),
        ("exp", json!(NOW - 5)),
        ("exp", json!(u64::MAX)),
        ("exp", json!("1800000600")),
        ("iat", json!(NOW + 6)),
        ("iat", json!(-1)),
        ("nbf", json!(NOW + 6)),
    ];
    for (name, value) in wrong {
        assert!(!is_taken(&with(name, Some(value.clone()))), "{name}: {value}");
    }
    let right = [
        ("aud", json!(["another explorer", "explorer"])),
        ("exp", json!(NOW - 4)),
        ("iat", json!(NOW + 5)),
        ("iat", json!(0)),
        ("nbf", json!(NOW + 5)),
        ("more", json!({ "of": "it" })),
    ];
    for (name, value) in right {
        assert!(is_taken(&with(name, Some(value.clone()))), "{name}: {value}");
    }
}

#[test]
fn a_token_does_not_choose_how_it_is_checked() {
    let keys = Keys::es256();
    let issuer = keys.issuer();
    let public = std::fs::read(keys.public.path()).unwrap();
    let der = pem::parse(&public).unwrap().into_contents();
    let point = &der[der.len() - 65..];
    // The public key as the secret of a symmetric algorithm.
    for secret in [public.as_slice(), &der, point] {
        let key = EncodingKey::from_secret(secret);
        let token = encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap();
        assert_eq!(issuer.caller(&token, TIME), None);
    }
    // No signature at all.
    let signed = keys.sign(&claims());
    let [header, body, signature] = signed.split('.').collect::<Vec<_>>().try_into().unwrap();
    assert_ne!(issuer.caller(&signed, TIME), None);
    // {"alg":"none"} and {"typ":"JWT","alg":"none"}
    for none in ["eyJhbGciOiJub25lIn0", "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0"] {
        for signature in ["", signature] {
            assert_eq!(issuer.caller(&format!("{none}.{body}.{signature}"), TIME), None);
        }
    }
    for text in [format!("{header}.{body}."), format!("{header}.{body}"), format!(".{body}.{signature}")] {
        assert_eq!(issuer.caller(&text, TIME), None, "{text}");
    }
    // A key that the token brings itself, or another issuer's algorithm.
    let stranger = Keys::es256();
    assert_eq!(issuer.caller(&stranger.sign(&claims()), TIME), None);
    assert_eq!(issuer.caller(&Keys::rs256(2048).sign(&claims()), TIME), None);
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let keys = Keys::es256();
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::ES256) };
    let token = encode(&header, &claims(), &keys.private).unwrap();
    assert_eq!(keys.issuer().caller(&token, TIME), None);
}

#[test]
fn only_a_key_that_fits_is_begun_with() {
    let (es, rs, short) = (Keys::es256(), Keys::rs256(2048), Keys::rs256(1024));
    let try_key = |keys: &Keys, algorithm| Issuer::new(&JwtIssuer { algorithm, ..keys.settings() }).err();
    let other = |error: Option<KeyError>| matches!(error, Some(KeyError::OtherKey { .. }));
    assert!(other(try_key(&es, JwtAlgorithm::Rs256)) && other(try_key(&rs, JwtAlgorithm::Es256)));
    assert!(matches!(try_key(&short, JwtAlgorithm::Rs256), Some(KeyError::Short { bits: 1024, .. })));
    let empty = Keys { public: NamedTempFile::new().unwrap(), ..Keys::es256() };
    assert!(matches!(try_key(&empty, JwtAlgorithm::Es256), Some(KeyError::Pem { .. })));
    let certificate = Keys { public: pem_file("CERTIFICATE", b"0"), ..Keys::es256() };
    assert!(matches!(try_key(&certificate, JwtAlgorithm::Es256), Some(KeyError::Pem { .. })));
    for issuer in ["", "a|b"] {
        let settings = JwtIssuer { issuer: issuer.to_owned(), ..es.settings() };
        assert!(matches!(Issuer::new(&settings), Err(KeyError::Name(_))), "{issuer}");
    }
}
