//! Secrets that come from outside: key files and recovery phrases.

use super::assert_harmless;
use stegos_common::keyfile;
use stegos_common::keys::SecretKey;
use stegos_common::recovery;

/// What the key files of the corpus are encrypted with.
const PASSWORD: &str = "correct horse battery staple";

/// A key file; the bytes are a key to be written into one, too.
pub(super) fn key_file(bytes: &[u8]) {
    if let Some(key) = leading_key(bytes) {
        assert_same(&key, keyfile::decrypt(&keyfile::encrypt(&key, PASSWORD), PASSWORD));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match keyfile::decrypt(text, PASSWORD) {
        Ok(key) => assert_same(&key, keyfile::decrypt(&keyfile::encrypt(&key, PASSWORD), PASSWORD)),
        Err(error) => {
            let error = error.to_string();
            assert_harmless(&error);
            assert!(!error.contains(PASSWORD));
        }
    }
}

/// A recovery phrase; the bytes are a key to be written as one, too.
pub(super) fn phrase(bytes: &[u8]) {
    if let Some(key) = leading_key(bytes) {
        assert_same(&key, recovery::from_phrase(&recovery::to_phrase(&key)));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match recovery::from_phrase(text) {
        Ok(key) => assert!(recovery::to_phrase(&key).split(' ').eq(text.split_whitespace())),
        Err(error) => assert_harmless(&error.to_string()),
    }
}

/// The first 32 bytes, if they are a key.
fn leading_key(bytes: &[u8]) -> Option<SecretKey> {
    SecretKey::from_bytes(bytes.get(..32)?).ok()
}

fn assert_same<E>(key: &SecretKey, read: Result<SecretKey, E>) {
    assert!(read.is_ok_and(|read| read.to_bytes() == key.to_bytes()), "another key comes back");
}
