//! Frames that are not as they should be: what was recorded, sent again.

use crate::world::World;
use custody_tests::vectors::{traffic, vectors};
use serde_json::Value;

/// What the sender of a text gets: the node's answer without what depends on its chain, or nothing where it closes.
fn expected(recorded: &Value) -> Option<String> {
    recorded["response_plaintext"].as_str().map(str::to_owned)
}

#[test]
fn recorded_texts_are_answered_to_the_byte_or_closed_on() {
    let world = World::new(5);
    let mut sent = 0;
    for file in traffic().iter().filter(|file| file.starts_with("raw_")) {
        let recorded = vectors(&format!("traffic/{file}"));
        // The other files are about frames and pings, which the protocol library tests.
        let Some(text) = recorded["sent_plaintext"].as_str().filter(|_| file != "raw_wrong_token") else {
            continue;
        };
        let mut session = world.session();
        assert_eq!(session.text(text), expected(&recorded), "{file}");
        if let Some(followup) = recorded["followup"].as_str() {
            assert_eq!(session.text(r#"{"type":"chain_name","id":99}"#).as_deref(), Some(followup), "{file}");
        }
        sent += 1;
    }
    assert_eq!(sent, 14);
}

#[test]
fn a_wrong_token_closes_the_connection() {
    let (world, other) = (World::new(5), World::new(5));
    let mut session = world.session_with_token_of(&other);
    assert_eq!(session.text(r#"{"type":"chain_name"}"#), None);
}
