//! Frames of the websocket API, and the file with their token.

use super::assert_harmless;
use rand_core::OsRng;
use stegos_common::frame::{ApiToken, frame_length, open, seal};

/// The token of the recorded frames.
const TOKEN: &str = "WlpaWlpaWlpaWlpaWlpaWg==";

/// A frame; the bytes are a token file and the JSON behind the encryption, too.
pub(super) fn frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let token = ApiToken::load(TOKEN).unwrap_or_else(|error| panic!("{error}"));
    match open(&token, text) {
        Ok(json) => {
            assert!(json.starts_with('{') && json.ends_with('}'));
            assert_eq!(frame_length(json.len()), text.len());
        }
        Err(error) => assert_harmless(&error.to_string()),
    }
    let sealed = seal(&token, text, &mut OsRng);
    assert_eq!(sealed.len(), frame_length(text.len()));
    match open(&token, &sealed) {
        Ok(json) => assert_eq!(*json, text),
        Err(_) => assert!(!(text.starts_with('{') && text.ends_with('}')), "an object does not come through"),
    }
    match ApiToken::load(text) {
        Ok(token) => assert_eq!(*token.to_base64(), text.trim()),
        Err(error) => assert_harmless(&error.to_string()),
    }
}
