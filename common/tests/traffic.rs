//! Every recorded exchange with the deployed node goes through the API types, in both directions. What
//! the blocks among them state is for `blocks.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use stegos_common::api::request::Request;
use stegos_common::api::response::{NOT_UNDERSTOOD, Response};
use stegos_common::api::{Message, MessageError, NodeMessage};
use stegos_common::output::Output;
use stegos_common::transaction::PaymentTransaction;
use support::vectors;

/// What each file holds, by its name.
static FILES: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/traffic");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let content = vectors(&format!("traffic/{name}.json"));
        (name, content)
    });
    files.collect()
});

/// Requests that the node calls not understood, but not for their form: the chain is not that far, or the data
/// is no protobuf.
const REFUSED_LATER: [&str; 4] =
    ["broadcast_empty", "broadcast_not_a_transaction", "broadcast_truncated", "subscribe_chain_future_epoch"];

/// Requests that the node answers and we refuse: it pads short hashes (protocol page §10).
const REFUSED_ONLY_HERE: [&str; 1] = ["outputs_list_short_hash"];

/// Files about frames, which hold no message or one that never gets as far as here.
const ABOUT_FRAMES: [&str; 8] = [
    "raw_binary_frame",
    "raw_empty_frame",
    "raw_json_trailing_space",
    "raw_not_base64",
    "raw_ping",
    "raw_plain_json_unencrypted",
    "raw_short_frame",
    "raw_wrong_token",
];

/// What was found in the files.
#[derive(Default)]
struct Coverage {
    /// Files of which at least one message was checked.
    files: BTreeSet<String>,
    /// Requests by `type`, the signer's own left out.
    requests: BTreeMap<String, usize>,
    /// Answers and notifications by `type`.
    node_messages: BTreeMap<String, usize>,
}

impl Coverage {
    /// Checks everything in a part of a file. A part that nobody thought of is a failure.
    fn check(&mut self, file: &str, part: &Value) {
        for (key, value) in part.as_object().unwrap() {
            match key.as_str() {
                "request" => self.request(file, value, &part["response"]),
                "response" | "status_before" | "status_after" | "status_25s_later" | "popped_block"
                | "same_offset_later" | "version_info" | "status_info" | "message" => {
                    self.node_message(file, value);
                }
                "notification" => match value.as_array() {
                    Some(list) => list.iter().for_each(|message| self.node_message(file, message)),
                    None => self.node_message(file, value),
                },
                "notifications" | "status_subscription" => {
                    value.as_array().unwrap().iter().for_each(|entry| self.check(file, entry));
                }
                "chain_subscription" | "node_afterwards" => self.check(file, value),
                "sent_plaintext" | "sent" => self.plaintext(file, part),
                // The rest is said in prose, in seconds, in frames, or was checked with its request.
                "note"
                | "summary"
                | "t"
                | "pop_at_t"
                | "connection_closed"
                | "result"
                | "sent_frame"
                | "response_plaintext"
                | "responses_plaintext"
                | "followup" => {}
                _ => panic!("{file}: what is {key:?}?"),
            }
        }
    }

    fn request(&mut self, file: &str, request: &Value, response: &Value) {
        let kind = request["type"].as_str().unwrap_or("none");
        if kind == "create_raw_transaction" {
            return;
        }
        self.files.insert(file.to_owned());
        *self.requests.entry(kind.to_owned()).or_default() += 1;
        let parsed = Message::<Request>::parse(&request.to_string());
        let not_understood = response["error"] == NOT_UNDERSTOOD && !REFUSED_LATER.contains(&file);
        if not_understood || REFUSED_ONLY_HERE.contains(&file) {
            assert!(matches!(parsed, Err(MessageError::Unknown { .. })), "{file}: {parsed:?}");
            return;
        }
        let parsed = parsed.expect(file);
        let mut expected = request.clone();
        expected.as_object_mut().unwrap().remove("bogus");
        assert_eq!(serde_json::to_value(&parsed).unwrap(), expected, "{file}");
        check_blobs(file, &parsed.body, response);
    }

    fn node_message(&mut self, file: &str, message: &Value) {
        if message.get("__closed__").is_some() {
            return;
        }
        self.files.insert(file.to_owned());
        let kind = message["type"].as_str().unwrap_or("none");
        *self.node_messages.entry(kind.to_owned()).or_default() += 1;
        let parsed = NodeMessage::parse(&message.to_string()).expect(file);
        assert_eq!(matches!(parsed, NodeMessage::Response(_)), message.get("id").is_some(), "{file}");
        let rendered = serde_json::to_string(&parsed).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&rendered).unwrap(), *message, "{file}");
    }

    /// Texts that were sent as they are, and answers of which every byte is known.
    fn plaintext(&mut self, file: &str, part: &Value) {
        if ABOUT_FRAMES.contains(&file) {
            return;
        }
        self.files.insert(file.to_owned());
        let texts = |one: &str, many: &str| match part[many].as_array() {
            Some(list) => list.clone(),
            None => Vec::from_iter(part.get(one).cloned()),
        };
        let sent = texts("sent_plaintext", "sent");
        let answers = texts("response_plaintext", "responses_plaintext");
        if answers.is_empty() {
            let [sent] = sent.as_slice() else { panic!("{file}: {sent:?}") };
            let parsed = Message::parse(sent.as_str().unwrap());
            assert!(matches!(parsed, Err(MessageError::Malformed(_))), "{file}: {parsed:?}");
        }
        for (sent, answer) in sent.iter().zip(&answers) {
            let answer = answer.as_str().unwrap();
            let (id, understood) = match Message::parse(sent.as_str().unwrap()) {
                Ok(request) => (request.id, true),
                Err(MessageError::Unknown { id, .. }) => (id, false),
                Err(error) => panic!("{file}: {error}"),
            };
            let NodeMessage::Response(parsed) = NodeMessage::parse(answer).unwrap() else {
                panic!("{file}: {answer}");
            };
            assert_eq!(parsed.id, id, "{file}");
            assert_eq!(!matches!(parsed.body, Response::NotUnderstood { .. }), understood, "{file}");
            assert_eq!(serde_json::to_string(&parsed).unwrap(), answer, "{file}");
        }
        if let Some(followup) = part.get("followup").and_then(Value::as_str) {
            let parsed = NodeMessage::parse(followup).unwrap();
            assert_eq!(serde_json::to_string(&parsed).unwrap(), followup, "{file}");
        }
    }
}

/// Checks the protobuf bytes of an exchange against the ids in it.
fn check_blobs(file: &str, request: &Request, response: &Value) {
    let ids: Vec<String> = match request {
        Request::BroadcastTransaction { data } => {
            let payment = PaymentTransaction::from_bytes(&data.0);
            assert_eq!(payment.is_err(), REFUSED_LATER.contains(&file), "{file}");
            let id = response["hash"].as_str().map(str::to_owned);
            assert!(id.is_none() || id == payment.ok().map(|payment| payment.id().to_string()), "{file}");
            return;
        }
        Request::OutputsList { utxos } => utxos.iter().map(ToString::to_string).collect(),
        _ => return,
    };
    if let Some(blobs) = response["utxos"].as_array() {
        let id = |blob: &Value| {
            let blob = hex::decode(blob.as_str().unwrap()).unwrap();
            Output::from_bytes(&blob).unwrap().id().to_string()
        };
        assert_eq!(blobs.iter().map(id).collect::<Vec<_>>(), ids, "{file}");
    }
}

#[test]
fn every_recorded_message_is_read_and_written_back() {
    let mut coverage = Coverage::default();
    for (file, content) in FILES.iter() {
        coverage.check(file, content);
    }

    let skipped: Vec<_> = FILES.keys().filter(|file| !coverage.files.contains(*file)).collect();
    assert_eq!(skipped, ABOUT_FRAMES, "files of which nothing was checked");
    assert_eq!(FILES.len(), 143);
    for name in REFUSED_LATER.iter().chain(&REFUSED_ONLY_HERE) {
        assert!(FILES.contains_key(*name), "{name} is gone");
    }
    // Every kind of message, and how often it was met.
    let requests = json!({
        "broadcast_transaction": 23, "chain_name": 3, "election_info": 1, "escrow_info": 1, "list_accounts": 1,
        "macro_block_info": 6, "micro_block_info": 3, "no_such_request": 1, "none": 1, "outputs_list": 12,
        "pop_micro_block": 2, "status_info": 2, "subscribe_chain": 7, "subscribe_status": 2,
        "validate_certificate": 8, "validators_info": 2, "version_info": 1
    });
    assert_eq!(json!(coverage.requests), requests);
    let node_messages = json!({
        "broadcast_transaction": 17, "certificate_valid": 2, "chain_name": 3, "create_raw_transaction": 17,
        "election_info": 1, "error": 25, "escrow_info": 1, "macro_block_committed": 7, "macro_block_info": 4,
        "micro_block_info": 2, "micro_block_popped": 1, "micro_block_prepared": 63, "micro_block_reverted": 1,
        "none": 32, "outputs_list": 4, "status_changed": 21, "status_info": 12, "subscribed_chain": 4,
        "subscribed_status": 2, "validators_info": 2, "version_info": 6
    });
    assert_eq!(json!(coverage.node_messages), node_messages);
}

/// A value of two bytes takes up to 128 in memory: half a gigabyte of them would end the process.
#[test]
fn a_long_message_of_small_values_is_not_unfolded() {
    let long =
        |before: &str, value: &str, after: &str| format!("{before}{}{after}", vec![value; 100_000].join(","));
    for json in [
        long(r#"{"type":"outputs_list","utxos":["#, "0", "]}"),
        long(r#"{"type":"no_such_message","x":["#, "[[]]", "]}"),
        long(r#"{"error":"","x":["#, "{}", "]}"),
        long(r#"{"type":"micro_block_info","view_change_proof":["#, "0", "]}"),
        long(r#"{"type":"micro_block_info","transactions":[{"x":["#, "0", "]}]}"),
    ] {
        let error = NodeMessage::parse(&json).unwrap_err();
        assert!(matches!(&error, MessageError::Malformed(reason) if reason.contains("too small")), "{error}");
    }
    // The densest of the lists that a node has.
    let recorded = &FILES["validators_info"]["response"];
    let mut many = recorded.clone();
    let validators = recorded["validators"].as_array().unwrap();
    many["validators"] = validators.iter().cycle().take(100_000).cloned().collect();
    assert!(NodeMessage::parse(&many.to_string()).is_ok());
}

/// Every recorded message of moderate size, as text.
static MESSAGES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    fn collect(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(fields) if fields.contains_key("type") => found.push(value.clone()),
            Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
            Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    FILES.values().for_each(|file| collect(file, &mut found));
    found.retain(|message| message.to_string().len() < 8000);
    found
});

/// Replaces the value at a random place inside `value`.
fn replace(value: &mut Value, path: &[usize], new: &Value) {
    let child = match (path.first(), &mut *value) {
        (Some(index), Value::Object(fields)) if !fields.is_empty() => {
            let index = index % fields.len();
            fields.values_mut().nth(index)
        }
        (Some(index), Value::Array(list)) if !list.is_empty() => {
            let index = index % list.len();
            list.get_mut(index)
        }
        _ => None,
    };
    match child {
        Some(child) => replace(child, &path[1..], new),
        None => *value = new.clone(),
    }
}

/// Reads text both ways. What is understood must mean the same after writing and reading it again.
fn read_both_ways(json: &str) {
    if let Ok(request) = Message::parse(json) {
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(Message::parse(&text), Ok(request));
    }
    if let Ok(message) = NodeMessage::parse(json) {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(NodeMessage::parse(&text), Ok(message));
    }
}

/// A value that is at home in no field, or only in some.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!({})),
        Just(json!([])),
        Just(json!(1.5)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        "\\PC{0,40}".prop_map(|text| json!(text)),
        "[0-9a-fA-F]{0,100}".prop_map(|text| json!(text)),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(json in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_both_ways(&String::from_utf8_lossy(&json));
    }

    #[test]
    fn damaged_messages_never_panic(
        index in any::<prop::sample::Index>(),
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut json = index.get(&MESSAGES).to_string().into_bytes();
        for (place, byte) in places {
            *place.get_mut(&mut json) = byte;
        }
        if cut {
            json.truncate(length.index(json.len()));
        }
        read_both_ways(&String::from_utf8_lossy(&json));
    }

    #[test]
    fn messages_with_odd_values_never_panic(
        index in any::<prop::sample::Index>(),
        path in proptest::collection::vec(any::<usize>(), 1..6),
        new in odd_value(),
    ) {
        let mut message = index.get(&MESSAGES).clone();
        replace(&mut message, &path, &new);
        read_both_ways(&message.to_string());
    }
}
