//! Frames of the websocket API: JSON texts under the API token (protocol page §8, "Frames and framing errors").
//!
//! A frame is base64 (standard alphabet, padded) of IV (16 random bytes) ‖ AES-128-CTR(token, IV, JSON). It
//! hides the text but does not authenticate it: whoever changes a frame changes the JSON.
//!
//! Nor does it prove that the sender knows the token. The sender chooses the IV, and a server that answers good
//! frames and closes on others tells which is which. With one IV, somebody without the token finds the frame of
//! `{}` in about 2^16 attempts, extends it byte by byte in at most 256 each, and can then encrypt any request.
//! So the token is an access check on top of a socket that is private already, no more, and a server that
//! others can reach must bound how many frames may fail to open.

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRngCore;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Length of token and IV in bytes: key and block of AES-128.
const BLOCK: usize = 16;

type Cipher = ctr::Ctr128BE<Aes128>;

/// A text that is no API token. It never says which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not base64 with padding.
    #[error("the API token is not base64; copy it again from the file that the server made")]
    NotBase64,
    /// Base64 of another number of bytes.
    #[error("the API token has {0} bytes instead of 16; copy it again from the file that the server made")]
    Length(usize),
}

/// The shared secret of server and clients, 16 bytes. Wiped on drop; it has no `Debug`, `Display` or serde
/// form.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ApiToken([u8; BLOCK]);

impl ApiToken {
    /// A new random token.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        let mut token = Self([0; BLOCK]);
        rng.fill_bytes(&mut token.0);
        token
    }

    /// Reads the base64 text of a token file. White space around it, such as a final newline, is ignored.
    ///
    /// # Errors
    /// [`TokenError`] where the text is not base64 of exactly 16 bytes.
    pub fn load(text: &str) -> Result<Self, TokenError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| TokenError::NotBase64)?;
        let bytes = Zeroizing::new(bytes);
        let token = bytes.as_slice().try_into().map_err(|_| TokenError::Length(bytes.len()))?;
        Ok(Self(token))
    }

    /// The base64 text of a token file, without a newline.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0))
    }
}

/// A frame that does not hold a JSON object under the token. It never quotes the frame, which may be a
/// request that somebody forgot to encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Not base64 with padding.
    #[error("the frame is not base64; send the JSON encrypted with the API token")]
    NotBase64,
    /// Too short to hold the IV.
    #[error("the frame has {0} bytes, but its IV alone has 16")]
    Short(usize),
    /// The decrypted bytes are not UTF-8 from `{` to `}`.
    #[error("the frame holds no JSON object; check that both sides have the same API token")]
    NotAnObject,
}

/// Encrypts a JSON text with a fresh IV.
#[must_use]
pub fn seal(token: &ApiToken, json: &str, rng: &mut impl CryptoRngCore) -> String {
    let mut iv = [0; BLOCK];
    rng.fill_bytes(&mut iv);
    seal_with_iv(token, json, &iv)
}

fn seal_with_iv(token: &ApiToken, json: &str, iv: &[u8; BLOCK]) -> String {
    let mut text = Zeroizing::new(json.as_bytes().to_vec());
    Cipher::new((&token.0).into(), iv.into()).apply_keystream(&mut text);
    STANDARD.encode([iv.as_slice(), &text].concat())
}

/// Decrypts a frame. The text starts with `{` and ends with `}`; nothing else about it is certain.
///
/// # Errors
/// [`FrameError`], see its variants. A wrong token shows as [`FrameError::NotAnObject`].
pub fn open(token: &ApiToken, frame: &str) -> Result<Zeroizing<String>, FrameError> {
    let mut bytes = Zeroizing::new(STANDARD.decode(frame).map_err(|_| FrameError::NotBase64)?);
    let length = bytes.len();
    let (iv, text) = bytes.split_first_chunk_mut::<BLOCK>().ok_or(FrameError::Short(length))?;
    Cipher::new((&token.0).into(), (&*iv).into()).apply_keystream(text);
    let text = std::str::from_utf8(text).map_err(|_| FrameError::NotAnObject)?;
    if !(text.starts_with('{') && text.ends_with('}')) {
        return Err(FrameError::NotAnObject);
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// The length in bytes of the frame of a JSON text of `json` bytes, at most `usize::MAX`.
#[must_use]
pub const fn frame_length(json: usize) -> usize {
    json.saturating_add(BLOCK).div_ceil(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_core::OsRng;
    use serde_json::Value;

    fn vectors() -> Vec<Value> {
        let api: Value = serde_json::from_str(include_str!("../tests/vectors/api.json")).unwrap();
        api["api_messages"].as_array().unwrap().clone()
    }

    fn traffic(name: &str) -> Value {
        let path = format!("{}/tests/vectors/traffic/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn frames_of_the_deployed_software_open_and_seal() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let token = ApiToken::load(text("token_base64")).unwrap();
            assert_eq!(hex::encode(token.0), text("token_hex"));
            assert_eq!(*token.to_base64(), text("token_base64"));
            let iv: [u8; 16] = hex::decode(text("iv")).unwrap().try_into().unwrap();
            assert_eq!(seal_with_iv(&token, text("plaintext"), &iv), text("frame"));
            assert_eq!(*open(&token, text("frame")).unwrap(), text("plaintext"));
        }
    }

    #[test]
    fn frames_that_the_node_drops_are_errors() {
        let token = ApiToken::random(&mut OsRng);
        let sent = |name: &str, frame: &str| traffic(name)[frame].as_str().unwrap().to_owned();
        for (name, error) in [
            ("raw_empty_frame", FrameError::Short(0)),
            ("raw_short_frame", FrameError::Short(5)),
            ("raw_not_base64", FrameError::NotBase64),
            ("raw_plain_json_unencrypted", FrameError::NotBase64),
        ] {
            assert_eq!(open(&token, &sent(name, "sent_frame")).err(), Some(error), "{name}");
        }
        for name in ["raw_empty_plaintext", "raw_json_array", "raw_json_trailing_space", "raw_malformed_json"]
        {
            let frame = seal(&token, &sent(name, "sent_plaintext"), &mut OsRng);
            assert_eq!(open(&token, &frame).err(), Some(FrameError::NotAnObject), "{name}");
        }
        let foreign = seal(&ApiToken([7; 16]), &sent("raw_wrong_token", "sent_plaintext"), &mut OsRng);
        assert_eq!(open(&token, &foreign).err(), Some(FrameError::NotAnObject));
    }

    #[test]
    fn a_token_is_exactly_sixteen_bytes_of_base64() {
        assert_eq!(ApiToken::load("AAAAAAAAAAAAAAAAAAAA").err(), Some(TokenError::Length(15)));
        assert_eq!(ApiToken::load("AAAAAAAAAAAAAAAAAAAAAAA=").err(), Some(TokenError::Length(17)));
        assert_eq!(ApiToken::load("AAAAAAAAAAAAAAAAAAAAAA").err(), Some(TokenError::NotBase64));
        assert_eq!(ApiToken::load("").err(), Some(TokenError::Length(0)));
        assert_eq!(
            *ApiToken::load("WlpaWlpaWlpaWlpaWlpaWg==\n").unwrap().to_base64(),
            "WlpaWlpaWlpaWlpaWlpaWg=="
        );
    }

    #[test]
    fn an_iv_is_never_used_twice() {
        let token = ApiToken::random(&mut OsRng);
        assert_ne!(seal(&token, "{}", &mut OsRng), seal(&token, "{}", &mut OsRng));
        assert_ne!(*token.to_base64(), *ApiToken::random(&mut OsRng).to_base64());
    }

    proptest! {
        #[test]
        fn any_object_survives_the_frame(body in ".*") {
            let token = ApiToken::random(&mut OsRng);
            let json = format!("{{{body}}}");
            let frame = seal(&token, &json, &mut OsRng);
            prop_assert_eq!(frame.len(), frame_length(json.len()));
            let opened = open(&token, &frame).map(|text| text.to_string());
            prop_assert_eq!(opened, Ok(json));
        }

        #[test]
        fn hostile_frames_are_never_a_panic(text in ".*", bytes: Vec<u8>) {
            let token = ApiToken([1; BLOCK]);
            let _ = (open(&token, &text), ApiToken::load(&text), frame_length(usize::MAX));
            let answer = open(&token, &STANDARD.encode(&bytes));
            prop_assert_eq!(matches!(answer, Err(FrameError::Short(_))), bytes.len() < BLOCK);
        }
    }
}
