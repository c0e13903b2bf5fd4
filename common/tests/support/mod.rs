//! Access to the recorded data of the deployed node.

#![allow(dead_code, unreachable_pub)] // each test file uses its part

use serde_json::Value;
use std::path::PathBuf;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};

/// One file below `tests/vectors`.
pub fn vectors(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The list `name` of a file, which must have `count` entries, so that none is skipped silently.
pub fn entries<'a>(vectors: &'a Value, name: &str, count: usize) -> &'a [Value] {
    let entries = vectors.list(name);
    assert_eq!(entries.len(), count, "{name}");
    entries
}

/// A secret key as the vectors write it.
pub fn hex_of(key: &SecretKey) -> String {
    hex::encode(key.to_bytes())
}

/// Short forms to read a vector by.
pub trait Read {
    fn text(&self, key: &str) -> &str;
    fn bytes(&self, key: &str) -> Vec<u8>;
    fn hash(&self, key: &str) -> Hash;
    fn list(&self, key: &str) -> &[Value];
    fn number(&self, key: &str) -> i64;
    fn public_key(&self, key: &str) -> PublicKey;
    fn secret_key(&self, key: &str) -> SecretKey;
}

impl Read for Value {
    fn text(&self, key: &str) -> &str {
        self[key].as_str().unwrap_or_else(|| panic!("no text {key} in {self}"))
    }
    fn bytes(&self, key: &str) -> Vec<u8> {
        hex::decode(self.text(key)).unwrap()
    }
    fn hash(&self, key: &str) -> Hash {
        self.text(key).parse().unwrap()
    }
    fn list(&self, key: &str) -> &[Value] {
        self[key].as_array().unwrap_or_else(|| panic!("no list {key} in {self}"))
    }
    fn number(&self, key: &str) -> i64 {
        self[key].as_i64().unwrap_or_else(|| panic!("no number {key} in {self}"))
    }
    fn public_key(&self, key: &str) -> PublicKey {
        PublicKey::from_bytes(&self.bytes(key)).unwrap()
    }
    fn secret_key(&self, key: &str) -> SecretKey {
        SecretKey::from_bytes(&self.bytes(key)).unwrap()
    }
}
