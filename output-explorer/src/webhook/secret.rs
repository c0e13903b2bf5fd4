//! The secret that an endpoint shares with its receiver, and what it signs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand_core::{CryptoRngCore, OsRng};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What every secret begins with, so that it is known for what it is where it should not be.
const PREFIX: &str = "whsec_";

/// The text as it is shown once: `whsec_` and 32 random bytes in base64url. Wiped on drop; it has no `Debug` or `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one.
    pub(super) fn random() -> Self {
        Self::from_rng(&mut OsRng)
    }

    fn from_rng(rng: &mut impl CryptoRngCore) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        // As long as it gets, so that no copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 44));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Self(text)
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `v1=` and the hex HMAC-SHA256 of the delivery's id, `timestamp` and the body, with dots between them. The key is the
    /// whole text.
    pub(super) fn signature(&self, id: &str, timestamp: u64, body: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of every length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        format!("v1={}", hex::encode(mac.finalize().into_bytes()))
    }
}

/// How a secret is stored, which is the only place that it is written to.
pub(crate) mod stored {
    use super::Secret;
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(crate) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&secret.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(|text| Secret(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `hmac.new(secret, b"3-17.1700000000." + body, "sha256").hexdigest()` of Python.
    #[test]
    fn a_signature_is_what_another_implementation_computes() {
        let secret = Secret(Zeroizing::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned()));
        let signature = secret.signature("3-17", 1_700_000_000, r#"{"id":1}"#);
        assert_eq!(signature, "v1=33ae1de0317da5ad22a6cc191ba8a57271ac91892727783abec8a15b07e04087");
        assert_ne!(secret.signature("3-17", 1_700_000_000, r#"{"id":2}"#), signature);
        assert_ne!(secret.signature("3-17", 1_700_000_001, r#"{"id":1}"#), signature);
        assert_ne!(Secret::random().signature("3-17", 1_700_000_000, r#"{"id":1}"#), signature);
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (Secret::random(), Secret::random());
        assert!(one != other);
        assert_eq!((one.reveal().len(), &one.reveal()[..6]), (6 + 43, "whsec_"));
    }
}
